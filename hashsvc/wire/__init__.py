"""Translates between hashsvc.v1 messages and the domain, both ways; one file a noun. Used by server and client."""
