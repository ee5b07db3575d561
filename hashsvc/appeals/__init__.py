"""Appeals against verdicts: opened, decided by somebody else, and what follows."""
