"""The hasher attacks its own entries, strengthens them where they would be missed, and says what it found."""

from hashsvc.vaccination.vaccinator import Vaccinator

__all__ = ["Vaccinator"]
