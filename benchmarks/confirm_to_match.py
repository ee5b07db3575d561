"""From the acknowledgement of a confirm to the first match that finds it, on a busy server and in a second process.

Three clients at once, in a process each: this one confirms and then asks the server until the entry is found; another
asks a `Service` on the same data directory; the third sends uploads to the server at the rate of a burst, for some seconds
before the first confirm, so that what the confirms cost it can be told, and then all the while.
"""

import argparse
import contextlib
import dataclasses
import multiprocessing
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from benchmarks import banks, load, synthetic
from benchmarks.load import Load, Sent
from benchmarks.report import Report
from hashsvc.client import Client
from hashsvc.demo import process
from hashsvc.fingerprint.model import Fingerprint
from hashsvc.match.model import MatchResult
from hashsvc.service import DEFAULT_BANK, Service
from hashsvc_index import compilation

REQUIRED = 1.0
"""Seconds; what the 99th percentile may be."""
GIVE_UP = 10.0
"""Seconds after which a confirm counts as not found."""
PAUSE = 0.1
"""Seconds between two questions of one who waits: a tenth of what may pass, so that asking is not itself much of the load."""
_REQUESTS, _STRANGER_SEED = 200, 10**6
_COPY_EVERY = 100
"""One in so many uploads is a copy of what is known."""
_HASHES, _VIEWS = 59 * 40, 6
"""Of an upload of ten seconds: forty frames of six views."""
_ALONE_SECONDS, _PIECE_SECONDS = 10.0, 5.0
"""How long uploads come before the first confirm, and for how long they are planned."""
_MOST_WAIT = 0.1
"""Seconds that confirms may add to the longest wait."""
_BULK = 100_000
_BULK_SEED = 2 * 10**6

Match = Callable[[Fingerprint], MatchResult]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """What the client saw that kept matching."""

    alone: list[float]
    """Seconds of each match that was due before the first confirm."""
    beside: list[float]
    """Of each that came later."""
    faults: list[str]
    """Wrong answers and errors, a sentence each."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the workload."""
    parser.add_argument("--confirms", type=int, default=100, help="entries confirmed (default: %(default)s)")
    parser.add_argument("--hashes", type=int, default=1200, help="hashes of each (default: %(default)s)")
    parser.add_argument("--rate", type=float, default=174.0, help="uploads a second beside (default: %(default)s)")
    parser.add_argument(
        "--every", type=float, default=0.0, help="seconds from one confirm to the next, at least (default: %(default)s)"
    )
    parser.add_argument("--before", type=int, default=0, help="hashes in the bank before (default: %(default)s)")


def run(options: argparse.Namespace) -> Report:
    """Serve, confirm, wait."""
    with tempfile.TemporaryDirectory() as scratch:
        data = Path(scratch) / "data"
        with Service.open(data) as service:
            for seed in range(options.before // _BULK):
                service.confirm(DEFAULT_BANK, synthetic.footage(_BULK_SEED + seed, _BULK))
            known = synthetic.footage(_BULK_SEED - 1, options.hashes)
            service.confirm(DEFAULT_BANK, known, external_id="known")
        banks.settle(data)  # what was there before has been there for long
        with (
            process.running(data, Path(scratch) / "server.log") as target,
            beside(watch, data) as watcher,
            beside(keep_matching, target, known, options.rate) as traffic,
        ):
            time.sleep(_ALONE_SECONDS)
            first = time.perf_counter()
            here, there = confirms(target, watcher, options.confirms, options.hashes, options.every)
            traffic.send(first)
            seen: Traffic = traffic.recv()
        with Service.open(data) as service:
            faults = service.verify()
    return summary(options, here, there, seen, faults)


@contextlib.contextmanager
def beside(work: Callable[..., None], *arguments: Any) -> Iterator[Connection]:
    """A process that does `work(connection, *arguments)` and is ready; it is ended with the block."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    child = context.Process(target=work, args=(theirs, *arguments), daemon=True)
    child.start()
    theirs.close()
    try:
        ours.recv()
        yield ours
    finally:
        ours.close()
        child.join(GIVE_UP)
        child.kill()


def confirms(
    target: str, watcher: Connection, count: int, hashes: int, every: float
) -> tuple[list[float], list[float]]:
    """Seconds to the first match of each confirm, on the server and in the second process; GIVE_UP when not found."""
    here, there = [], []
    with Client(target) as client:
        for seed in range(count):
            video = synthetic.footage(seed, hashes)
            query = synthetic.upload(video)
            watcher.send(query)
            began = time.monotonic()
            entry = client.confirm(DEFAULT_BANK, video, external_id=str(seed))
            acknowledged = time.monotonic()
            here.append(found_at(client.match, query, entry.entry, acknowledged + GIVE_UP) - acknowledged)
            # A process that looks at the right moment sees an entry before its confirm has answered.
            watcher.send((entry.entry, acknowledged + GIVE_UP))
            there.append(max(0.0, watcher.recv() - acknowledged))
            time.sleep(max(0.0, began + every - time.monotonic()))
    return here, there


def found_at(match: Match, query: Fingerprint, entry: str, deadline: float) -> float:
    """When `match` first found the entry, on the clock that all processes share; `deadline` if it did not."""
    while time.monotonic() < deadline:
        if any(one.entry == entry for one in match(query).matches):
            return time.monotonic()
        time.sleep(PAUSE)
    return deadline


def watch(connection: Connection, data: Path) -> None:
    """Match each fingerprint that comes until it is found; then say when, once told which entry it was to be.

    As a second server would: what is compiled is.
    """
    compilation.load_all()
    with Service.open(data) as service, contextlib.suppress(EOFError):
        connection.send(None)
        while True:
            query: Fingerprint = connection.recv()
            moment, found = time.monotonic(), frozenset[str]()
            while not found and not connection.poll():
                found = frozenset(one.entry for one in service.match(query).matches)
                moment = time.monotonic()
                time.sleep(PAUSE)
            entry, deadline = connection.recv()
            connection.send(moment if entry in found else found_at(service.match, query, entry, deadline))


def keep_matching(connection: Connection, target: str, known: Fingerprint, rate: float) -> None:
    """Match strangers, and a copy of what is known now and then, until told when the first confirm was; send the Traffic."""
    strangers = [synthetic.upload(synthetic.footage(_STRANGER_SEED + n, _HASHES), _VIEWS) for n in range(_REQUESTS - 1)]
    requests = [load.request(query) for query in (synthetic.upload(known, _VIEWS), *strangers)]
    order = [0 if n % _COPY_EVERY == 0 else 1 + n % (_REQUESTS - 1) for n in range(_REQUESTS * _COPY_EVERY)]
    asked = [requests[place] for place in order]
    seen: list[Load] = []
    connection.send(None)
    while not connection.poll():
        seen.append(load.at_times(target, asked, load.arrivals(rate, _PIECE_SECONDS, len(seen))))
    first: float = connection.recv()
    sent = [(one.began + each.due < first, each) for one in seen for each in one.sent]
    connection.send(
        Traffic(
            alone=[each.seconds for before, each in sent if before],
            beside=[each.seconds for before, each in sent if not before],
            faults=[fault for _, each in sent if (fault := _fault(each, order))],
        )
    )


def _fault(one: Sent, order: Sequence[int]) -> str:
    """What is wrong with an answer, or nothing."""
    if one.fault:
        return f"A match failed: {one.fault}"
    wanted = [] if order[one.request] else ["known"]
    found = [match.external_id for match in one.result().matches]
    return "" if found == wanted else f"A match found {found}, not {wanted}."


def summary(
    options: argparse.Namespace,
    here: Sequence[float],
    there: Sequence[float],
    seen: Traffic,
    faults: Sequence[str],
) -> Report:
    """Percentiles, and what falls short."""
    places = {"the server": here, "a second process": there}
    shortfalls = [f"verify: {one}" for one in faults] + seen.faults[:10]
    for place, seconds in places.items():
        if lost := sum(one >= GIVE_UP for one in seconds):
            shortfalls.append(f"{lost} confirms were not found on {place} within {GIVE_UP:.0f} s.")
        if percentile(seconds, 99) > REQUIRED:
            shortfalls.append(f"The 99th percentile on {place} is over {REQUIRED:.0f} s.")
    rows = [
        {
            "seconds": name,
            "count": len(seconds),
            "median": statistics.median(seconds),
            "p99": percentile(seconds, 99),
            "max": max(seconds),
        }
        for name, seconds in (
            *((f"confirm acknowledged to found on {place}", seconds) for place, seconds in places.items()),
            ("a match before the first confirm", seen.alone),
            ("a match beside confirms", seen.beside),
        )
    ]
    if max(seen.beside) > max(seen.alone) + _MOST_WAIT:
        added = max(seen.beside) - max(seen.alone)
        shortfalls.append(f"The longest match took {added:.2f} s longer beside confirms, over {_MOST_WAIT} s.")
    figures = {
        "confirms": options.confirms,
        "hashes of each": options.hashes,
        "seconds from one to the next, at least": options.every,
        "hashes before": options.before // _BULK * _BULK,
        "matches a second": options.rate,
        "wrong answers and errors": len(seen.faults),
    }
    return Report(name="confirm_to_match", figures=figures, tables={"Times": rows}, shortfalls=shortfalls)


def percentile(seconds: Sequence[float], share: int) -> float:
    """The smallest value that `share` percent do not exceed."""
    ordered = sorted(seconds)
    return ordered[max(0, -(-len(ordered) * share // 100) - 1)]
