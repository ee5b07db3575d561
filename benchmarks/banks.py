"""Banks of many hashes, made quickly, and what a process that serves one takes."""

import dataclasses
import os
import time
from pathlib import Path

from benchmarks import synthetic
from hashsvc.config import IndexSettings, Settings
from hashsvc.fingerprint.model import Digests
from hashsvc.match.layers import layers_from
from hashsvc.service import DEFAULT_BANK, Service
from hashsvc_index import Index, Store, tiers
from hashsvc_index import IndexSettings as Tiers

PER_ENTRY = 14_160
"""Hashes of a minute of reference: four frames a second in 59 views."""
FIRST_SEED = 5 * 10**6
_NOTHING = Digests(sha256=bytes(32))
_SETTLING_SECONDS = 3600.0
_KIB = 1024


def fill(data: Path, hashes: int) -> None:
    """Confirm footage made of nothing until there are about so many hashes, and move it to where it belongs.

    Entry n has `external_id` n and is `synthetic.footage(FIRST_SEED + n, PER_ENTRY)`.
    """
    # Exact search while it fills: then the cold tier is made once, not again and again.
    with Service.open(data, exact()) as service:
        number = service.entries
        while service.hashes + PER_ENTRY // 2 < hashes:
            entry = service.confirm(
                DEFAULT_BANK, synthetic.footage(FIRST_SEED + number, PER_ENTRY), external_id=str(number)
            )
            number += 1
            service.match(_NOTHING, min_revision=entry.revision)  # wait for it
    settle(data)


def exact() -> Settings:
    """Settings with which everything is searched exactly."""
    return dataclasses.replace(Settings(), index=IndexSettings(hot_hashes=1 << 40))


def settle(data: Path) -> None:
    """Wait until no hash has to move to the cold tier any more. Raises TimeoutError."""
    settings = Tiers()
    with Store.open(data) as store:
        index = Index(store, data, settings, layers_from(store))
        index.start()
        deadline = time.monotonic() + _SETTLING_SECONDS
        while not index.wait_ready(1.0) or tiers.plan(index.snapshot, settings) is not None:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{data} does not settle")
            time.sleep(0.1)
        index.close()


def resident(pid: int | None = None) -> int:
    """Bytes of a process, of this one without `pid`, that are in memory, mapped files among them."""
    return _status(pid, "VmRSS")


def private(pid: int) -> int:
    """Bytes of a process that are in memory, mapped files not among them: those the system may take back."""
    return _status(pid, "RssAnon")


def descriptors(pid: int) -> int:
    """Open files, sockets and the like of a process."""
    return len(list(Path("/proc", str(pid), "fd").iterdir()))


def _status(pid: int | None, name: str) -> int:
    status = Path("/proc", str(pid or "self"), "status")
    for line in status.read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * _KIB
    raise OSError(f"{status} does not say {name}")


def processor_seconds(pid: int) -> float:
    """Processor time that a process has taken, all its threads together; what the machine also does hardly changes it."""
    # After the name, which may hold anything but ends in the last parenthesis; utime and stime are fields 14 and 15.
    fields = Path("/proc", str(pid), "stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
