"""Bytes to frames; the only importer of av."""
