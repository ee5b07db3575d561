"""`match_hit` and `match_miss`: a server under the load of an incident, asked with what the client library sends.

The bank is footage made of nothing, `--hashes` of it, and some real videos; uploads are 20 s of real footage, read quickly in
all views, no two of them equal. They come at random times at each `--rate`, and are timed from when they were due: what
waits behind a slow one is slow too.
"""

import argparse
import functools
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import banks, corpus, load, search_peers, taken, uploads
from benchmarks.load import Load
from benchmarks.report import Report
from benchmarks.uploads import Footage, Upload
from hashsvc.demo import process
from hashsvc.service import DEFAULT_BANK, Service

BURST, MEAN = 174.0, 17.4
"""Uploads a second: ten times the mean of 1.5 million a day, and that mean."""
_MOST_MS = {BURST: 50.0, MEAN: 15.0}
"""What p99 may be at these rates, up to ten million hashes."""
_LEAST_FLAT_OUT, _FLAT_OUT_AT = 400.0, 10**6
"""Answers a second that a bank of so many hashes gives at least."""
_FOUND = 0.9
"""Share of the copies that are found at least; how many should be is a matter of `robustness`."""
_KNOWN = 6
_REQUESTS = 1000
_WARM_SECONDS = 2.0


def arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the workload."""
    parser.add_argument("--hashes", type=int, default=1_000_000, help="hashes in the bank (default: %(default)s)")
    parser.add_argument(
        "--rate",
        default="17.4,174,0",
        help="uploads a second, 0 for as fast as they are answered (default: %(default)s)",
    )
    parser.add_argument("--seconds", type=float, default=20.0, help="at each rate (default: %(default)s)")
    parser.add_argument("--data", type=Path, help="keep the data directory here, and use what is there")
    parser.add_argument("--work", type=Path, help="keep copies and fingerprints here, and use what is there")
    parser.add_argument("--corpus", type=Path, default=corpus.DEFAULT, metavar="DIR", help="folder of real videos")
    search_peers.arguments(parser)


def run_hit(options: argparse.Namespace) -> Report:
    """Copies of what is in the bank."""
    return _run("match_hit", options, lambda footage: footage.hits)


def run_miss(options: argparse.Namespace) -> Report:
    """Footage that nobody confirmed."""
    return _run("match_miss", options, lambda footage: footage.misses)


def _run(name: str, options: argparse.Namespace, sort: Callable[[Footage], list[Upload]]) -> Report:
    with tempfile.TemporaryDirectory() as scratch:
        data = options.data or Path(scratch) / "data"
        footage = uploads.prepare(options.work or Path(scratch) / "work", options.corpus, _KNOWN)
        hashes = fill(data, footage, options.hashes)
        asked = sort(footage)
        several = [asked[turn % len(asked)] for turn in range(_REQUESTS)]
        requests = [load.request(uploads.varied(one.fingerprint, turn)) for turn, one in enumerate(several)]
        rows, faults = [], []
        with process.started(data, Path(scratch) / "server.log") as server:
            load.flat_out(server.target, requests, _WARM_SECONDS)
            for rate in map(float, options.rate.split(",")):
                print(f"{rate or 'flat out'} for {options.seconds:.0f} s")
                send = (
                    functools.partial(load.at_times, times=load.arrivals(rate, options.seconds))
                    if rate
                    else (functools.partial(load.flat_out, seconds=options.seconds))
                )
                before = taken.processor_seconds(server.pid)
                seen = send(server.target, requests)
                spent = taken.processor_seconds(server.pid) - before
                right, wrong = judged(seen, several, footage)
                faults += wrong
                resident = taken.memory(server.pid).resident
                rows.append(
                    row(rate, seen)
                    | {"processor ms": 1000 * spent / len(seen.sent), "right": right}
                    | {"resident MB": resident / 1e6, "bytes a hash": resident / hashes}
                )
        peers = search_peers.compared(data, asked, options)
    figures = {
        "hashes": hashes, "requests that differ": len(requests), "bytes of a request": int(np.mean([*map(len, requests)])),
        "hashes of an upload": float(np.mean([one.fingerprint.hashes[..., 0].size for one in asked])),
        "wrong answers and errors": len(faults),
    }  # fmt: skip
    tables = {"Load": rows} | ({"Search alone, 30 hashes an upload": peers} if peers else {})
    shortfalls = [*faults[:10], *_shortfalls(hashes, rows), *search_peers.shortfalls(peers)]
    return Report(name=name, figures=figures, tables=tables, shortfalls=shortfalls)


def fill(data: Path, footage: Footage, hashes: int) -> int:
    """Confirm the references, among about so many hashes in all; returns how many there are."""
    banks.fill(data, hashes)
    with Service.open(data) as service:
        for name, fingerprint in footage.references.items():
            service.confirm(DEFAULT_BANK, fingerprint, external_id=name)
    banks.settle(data)
    with Service.open(data) as service:
        return service.hashes


def judged(seen: Load, asked: Sequence[Upload], footage: Footage) -> tuple[float, list[str]]:
    """Share of the answers that name the source and nothing else, or nothing for a stranger; and what is wrong.

    A copy that is not found is no fault of its own, only too many of them are.
    """
    right, faults = 0, [one.fault for one in seen.sent if one.fault]
    for one in seen.sent:
        if one.fault:
            continue
        source = asked[one.request].source
        wanted = [source] if source in footage.references else []
        found = [match.external_id for match in one.result().matches]
        right += found == wanted
        if set(found) - set(wanted):
            faults.append(f"An upload of {source} matched {found}.")
    share = right / max(1, len(seen.sent))
    return share, [*faults, *([f"Only {share:.2f} of the answers were right."] if share < _FOUND else [])]


def row(rate: float, seen: Load) -> dict[str, Any]:
    """Times of a load."""
    times = 1000 * np.array([one.seconds for one in seen.sent])
    return {
        "uploads a second": rate or "flat out",
        "requests": len(times),
        "answers a second": seen.rate,
        "median ms": float(np.median(times)),
        "p99 ms": float(np.percentile(times, 99)),
        "p99.9 ms": float(np.percentile(times, 99.9)),
        "longest ms": float(times.max()),
    }


def _shortfalls(hashes: int, rows: Sequence[dict[str, Any]]) -> Iterator[str]:
    for one in rows:
        rate, most = one["uploads a second"], _MOST_MS.get(one["uploads a second"])
        if most and one["p99 ms"] > most:
            yield f"At {rate:g} uploads a second p99 is {one['p99 ms']:.0f} ms, over {most:.0f} ms."
        if rate == "flat out" and hashes <= 1.5 * _FLAT_OUT_AT and one["answers a second"] < _LEAST_FLAT_OUT:
            yield f"{one['answers a second']:.0f} answers a second, under {_LEAST_FLAT_OUT:.0f}."
