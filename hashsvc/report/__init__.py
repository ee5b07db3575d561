"""The transparency report: what was decided in a period, counted from the decision log, and which law asks for it."""
