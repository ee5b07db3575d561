"""Stops known attack videos from being uploaded again."""

__version__ = "0.1.0"
