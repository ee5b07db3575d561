"""The decision log: what is written of verdicts, how it is read, and how a verdict is judged once more."""
