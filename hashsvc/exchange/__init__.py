"""One file for each partner format."""
