"""What a server takes, in memory and otherwise: it and the processes that match for it."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from hashsvc.match import process

_KIB = 1024


class Memory(NamedTuple):
    """Bytes in memory."""

    resident: int
    """All of them. Of a part of a file that several processes map, what most of it one has in memory counts, once."""
    private: int
    """Those of no file, which the system cannot take back; those that processes share since one forked the other, once."""


def memory(pid: int | None = None) -> Memory:
    """Of a process, of this one without `pid`, and of those that match for it."""
    private, mapped = 0, dict[str, int]()
    for one in _together(pid or os.getpid()):
        private += _anonymous(one)
        for place, size in _mapped(one):
            mapped[place] = max(mapped.get(place, 0), size)
    return Memory(private + sum(mapped.values()), private)


def descriptors(pid: int) -> int:
    """Open files, sockets and the like of a process, and of those that match for it."""
    return sum(len(list(Path("/proc", str(one), "fd").iterdir())) for one in _together(pid))


def _together(pid: int) -> list[int]:
    """A process, and those that match for it, which may have others do so."""
    found = [pid]
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # of one that has just ended
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            if parent == pid and process.__name__.encode() in (folder / "cmdline").read_bytes().split(b"\0"):
                found += _together(int(folder.name))
    return found


def _anonymous(pid: int) -> int:
    """Bytes of no file, those that processes share divided among them."""
    for line in Path("/proc", str(pid), "smaps_rollup").read_text().splitlines():
        if line.startswith("Pss_Anon:"):
            return int(line.split()[1]) * _KIB
    raise OSError(f"the system does not say what process {pid} has in memory")


def _mapped(pid: int) -> Iterator[tuple[str, int]]:
    """Of each piece of a file that a process maps: which, and the bytes of it in memory, without those that were written to."""
    place, resident = "", 0
    for line in Path("/proc", str(pid), "smaps").read_text().splitlines():
        name, *values = line.split()
        if not name.endswith(":"):
            place = " ".join([values[1], *values[4:]])
        elif name == "Rss:":
            resident = int(values[0]) * _KIB
        elif name == "Anonymous:":
            yield place, resident - int(values[0]) * _KIB


def processor_seconds(pid: int) -> float:
    """Processor time that a process and those that match for it have taken; what the machine also does hardly changes it."""
    return sum(map(_processor_seconds, _together(pid)))


def _processor_seconds(pid: int) -> float:
    # After the name, which may hold anything but ends in the last parenthesis; utime and stime are fields 14 and 15.
    fields = Path("/proc", str(pid), "stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
