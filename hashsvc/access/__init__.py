"""Who calls, and what they may do: roles, callers, tokens."""
