"""Giving memory back to the system."""

import contextlib
import ctypes
import mmap
from pathlib import Path

_MAPS = Path("/proc/self/maps")


def give_back_freed() -> None:
    """What was freed within the allocator's heaps, which it would keep otherwise; nothing where it cannot (not glibc)."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def give_back_code(library: str) -> None:
    """The pages of a library's code, by the beginning of its file's name, that were used but will hardly be again.

    They are clean, and come back from the file when they are. Nothing where the system does not tell what is mapped.
    """
    advise, dont_need = getattr(ctypes.CDLL(None), "madvise", None), getattr(mmap, "MADV_DONTNEED", None)
    if advise is None or dont_need is None:
        return
    with contextlib.suppress(OSError):
        for line in _MAPS.read_text().splitlines():
            place, access, _, _, _, *path = line.split(maxsplit=5)
            # Only what nobody can have written to: of other pages what was written would be lost.
            if access == "r-xp" and path and Path(path[0]).name.startswith(library):
                begin, end = (int(one, 16) for one in place.split("-"))
                advise(ctypes.c_void_p(begin), ctypes.c_size_t(end - begin), dont_need)
