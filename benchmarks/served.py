"""One process that opens a bank and matches against it, so that what it takes is what such a process takes."""

import dataclasses
import multiprocessing
import time
from collections.abc import Sequence
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks import banks, synthetic, taken
from hashsvc.config import Settings
from hashsvc.fingerprint.model import Fingerprint
from hashsvc.service import Service
from hashsvc_index import compilation

_FRAMES, _VIEWS = 40, 6
"""Of an upload of ten seconds: 16 frames of it seed, which makes about as many hashes as real uploads have."""
_STRANGER_SEED = 9 * 10**6
_WARM = 20


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """What the process saw."""

    open_seconds: float
    """From opening to the first right match."""
    hashes: int
    base_bytes: int
    """Resident before the bank was opened."""
    opened_bytes: int
    """Resident after the first match."""
    bytes: int
    """Resident after all matches."""
    hit_seconds: Sequence[float]
    """Of each match of a copy of what is in the bank."""
    miss_seconds: Sequence[float]
    """Of each match of something else."""
    hit_processor_seconds: Sequence[float]
    """The same in processor time of all threads, which does not depend on what else the machine does."""
    miss_processor_seconds: Sequence[float]
    faults: Sequence[str]
    """Wrong answers, a sentence each."""


def serve(data: Path, matches: int, settings: Settings = Settings()) -> Served:
    """Open `data`, a bank that `banks.fill` made, in a process of its own; match a copy and a stranger in turns."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    child = context.Process(target=_serve, args=(theirs, data, matches, settings), daemon=True)
    child.start()
    theirs.close()
    try:
        found: Served = ours.recv()
    finally:
        child.join()
    return found


def _serve(connection: Connection, data: Path, matches: int, settings: Settings) -> None:
    copies = [_copy(number) for number in range(4)]
    strangers = [_upload(_STRANGER_SEED + number) for number in range(4)]
    base = taken.memory().resident
    opening = time.perf_counter()
    faults: list[str] = []
    with Service.open(data, settings) as service:
        _ask(service, 0, copies, faults)
        opened = time.perf_counter() - opening
        opened_bytes = taken.memory().resident
        compilation.load_all()
        for turn in range(_WARM):
            _ask(service, turn % len(copies), copies, faults)
        hits, misses = [], []
        for turn in range(matches):
            place = turn % len(copies)
            began = _clocks()
            _ask(service, place, copies, faults)
            between = _clocks()
            if service.match(strangers[place]).matches:
                faults.append("A stranger matched.")
            hits.append(between - began)
            misses.append(_clocks() - between)
        connection.send(
            Served(
                open_seconds=opened,
                hashes=service.hashes,
                base_bytes=base,
                opened_bytes=opened_bytes,
                bytes=taken.memory().resident,
                hit_seconds=[float(one[0]) for one in hits],
                miss_seconds=[float(one[0]) for one in misses],
                hit_processor_seconds=[float(one[1]) for one in hits],
                miss_processor_seconds=[float(one[1]) for one in misses],
                faults=faults[:10],
            )
        )


def _clocks() -> npt.NDArray[np.float64]:
    """The wall's, and the processor's for this process."""
    return np.array((time.perf_counter(), time.process_time()))


def _ask(service: Service, place: int, copies: Sequence[Fingerprint], faults: list[str]) -> None:
    found = [one.external_id for one in service.match(copies[place]).matches]
    if found != [str(place)]:
        faults.append(f"A copy of entry {place} matched {found}.")


def _copy(number: int) -> Fingerprint:
    return _upload(banks.FIRST_SEED + number)


def _upload(seed: int) -> Fingerprint:
    """Ten seconds as an upload would hash to."""
    return synthetic.upload(synthetic.beginning(synthetic.footage(seed, banks.PER_ENTRY), _FRAMES), _VIEWS)
