"""Frames to fingerprint."""
