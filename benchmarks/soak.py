"""A server that matches, confirms and withdraws for a long time: what it takes in memory and descriptors, and whether its data
is whole at the end."""

import argparse
import contextlib
import tempfile
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks import corpus, load, synthetic, uploads
from benchmarks.match_load import row
from benchmarks.report import Report
from benchmarks.watch import Look, growth, watched
from hashsvc.client import Client
from hashsvc.demo import process
from hashsvc.errors import HashsvcError
from hashsvc.service import DEFAULT_BANK, Service

_KNOWN = 3
_LIVE = 20
"""Entries that are live beside the real ones; the oldest is withdrawn for each new one."""
_HASHES = 3000
_SEED = 7 * 10**6
_REQUESTS = 500
_MOST_GROWTH = 1.05
"""Memory of the last fifth of the run, times that of the second, without what is mapped."""
_MORE_DESCRIPTORS = 4


def arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the workload."""
    parser.add_argument("--seconds", type=float, default=1800.0, help="how long (default: %(default)s)")
    parser.add_argument("--rate", type=float, default=20.0, help="matches a second (default: %(default)s)")
    parser.add_argument("--pause", type=float, default=0.5, help="seconds between two confirms (default: %(default)s)")
    parser.add_argument("--work", type=Path, help="keep copies and fingerprints here, and use what is there")
    parser.add_argument("--corpus", type=Path, default=corpus.DEFAULT, metavar="DIR", help="folder of real videos")


def run(options: argparse.Namespace) -> Report:
    """Match at a rate, and change the bank all the while."""
    with tempfile.TemporaryDirectory() as scratch:
        data = Path(scratch) / "data"
        footage = uploads.prepare(options.work or Path(scratch) / "work", options.corpus, _KNOWN)
        with Service.open(data) as service:
            for name, fingerprint in footage.references.items():
                service.confirm(DEFAULT_BANK, fingerprint, external_id=name)
        asked = [*footage.hits, *footage.misses]
        requests = [
            load.request(uploads.varied(asked[turn % len(asked)].fingerprint, turn)) for turn in range(_REQUESTS)
        ]
        faults: list[str] = []
        with (
            process.started(data, Path(scratch) / "server.log") as server,
            watched(server.pid) as looks,
            _changing(server.target, options.pause, faults) as changes,
        ):
            seen = load.at_times(server.target, requests, load.arrivals(options.rate, options.seconds))
        with Service.open(data) as service:
            faults += [f"verify: {one}" for one in service.verify()]
    faults += [one.fault for one in seen.sent if one.fault]
    known = set(footage.references)
    for one in seen.sent:
        if not one.fault and {match.external_id for match in one.result().matches} - known:
            faults.append("An upload matched what it has nothing to do with.")
    warm, last = growth([one.private for one in looks])
    figures = {
        "seconds": seen.seconds, "matches": len(seen.sent), "entries confirmed": changes[0], "entries withdrawn": changes[1],
        "private MB after warm-up": warm / 1e6, "private MB at the end": last / 1e6,
        "resident MB at the end": looks[-1].resident / 1e6, "errors and faults": len(faults),
        "descriptors after warm-up": growth([one.descriptors for one in looks])[0],
        "descriptors at the end": growth([one.descriptors for one in looks])[1],
    }  # fmt: skip
    return Report(
        name="soak",
        figures=figures,
        tables={"Matches": [row(options.rate, seen)]},
        shortfalls=[*faults[:10], *_leaks(looks)],
    )


@contextlib.contextmanager
def _changing(target: str, pause: float, faults: list[str]) -> Iterator[list[int]]:
    """Entries confirmed and withdrawn so far, while a thread goes on with it until the block ends."""
    changes = [0, 0]
    over = threading.Event()

    def keep_changing() -> None:
        live: deque[str] = deque()
        with Client(target) as client:
            while not over.wait(pause):
                try:
                    live.append(client.confirm(DEFAULT_BANK, synthetic.footage(_SEED + changes[0], _HASHES)).entry)
                    changes[0] += 1
                    if len(live) > _LIVE:
                        client.withdraw(DEFAULT_BANK, live.popleft(), reason="soak")
                        changes[1] += 1
                except HashsvcError as error:
                    faults.append(f"A change failed: {error}")

    changer = threading.Thread(target=keep_changing, daemon=True)
    changer.start()
    try:
        yield changes
    finally:
        over.set()
        changer.join()


def _leaks(looks: Sequence[Look]) -> list[str]:
    found = []
    warm, last = growth([one.private for one in looks])
    if last > _MOST_GROWTH * warm:
        found.append(f"Memory grew {last / warm:.2f}-fold after warm-up.")
    opened = growth([one.descriptors for one in looks])
    if opened[1] > opened[0] + _MORE_DESCRIPTORS:
        found.append(f"Descriptors went from {opened[0]:.0f} to {opened[1]:.0f}.")
    return found
