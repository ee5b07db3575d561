"""Edited copies of real videos, matched: `python -m benchmarks robustness`."""
