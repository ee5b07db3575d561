"""Whether evidence is what it says: distances between unrelated frames, and chance matches between unrelated videos."""
