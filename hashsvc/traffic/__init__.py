"""What the matches of the last minutes say of an entry: its first match, a burst, a flood."""
