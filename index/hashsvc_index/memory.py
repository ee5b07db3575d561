"""Giving memory back to the system."""

import contextlib
import ctypes
import mmap
from collections.abc import Iterator
from pathlib import Path

_MAPS = Path("/proc/self/smaps")


def give_back_freed() -> None:
    """What was freed within the allocator's heaps, which it would keep otherwise; nothing where it cannot (not glibc)."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def give_back_code(library: str) -> None:
    """The pages of a library's code and constants, by the beginning of its file's name, that were used but will hardly be again.

    They are clean, and come back from the file when they are. Nothing where the system does not tell what is mapped.
    """
    advise, dont_need = getattr(ctypes.CDLL(None), "madvise", None), getattr(mmap, "MADV_DONTNEED", None)
    if advise is None or dont_need is None:
        return
    with contextlib.suppress(OSError):
        for begin, end, access, path, written in _mapped(_MAPS.read_text()):
            # Only what nobody has written to, also before it was made read-only: of other pages what was written would be lost.
            if access in ("r-xp", "r--p") and not written and Path(path).name.startswith(library):
                advise(ctypes.c_void_p(begin), ctypes.c_size_t(end - begin), dont_need)


def _mapped(maps: str) -> Iterator[tuple[int, int, str, str, bool]]:
    """First and past-last address, access and file of each piece of files in memory, and whether any of it was written to."""
    mapping: tuple[int, int, str, str] | None = None
    for line in maps.splitlines():
        first, *rest = line.split(maxsplit=5)
        if not first.endswith(":"):
            begin, end = (int(one, 16) for one in first.split("-"))
            mapping = (begin, end, rest[0], rest[4]) if len(rest) > 4 else None
        elif first == "Anonymous:" and mapping is not None:
            yield *mapping, int(rest[0]) > 0
