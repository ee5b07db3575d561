"""Giving memory back to the system."""

import ctypes


def give_back_freed() -> None:
    """What was freed within the allocator's heaps, which it would keep otherwise; nothing where it cannot (not glibc)."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
