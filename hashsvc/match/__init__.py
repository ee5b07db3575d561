"""Fingerprint to verdict."""
