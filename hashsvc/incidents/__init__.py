"""Incidents: entries that are watched together while they spread, what is counted of them, and the report."""

from hashsvc.incidents.current import Current
from hashsvc.incidents.register import Register

__all__ = ["Current", "Register"]
