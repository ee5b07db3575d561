"""A day with an incident, replayed over gRPC in compressed time.

Uploads come by the hour as people are awake, with a burst at ten times the mean while the incident runs. In a day so
compressed that they come faster than they are answered, time stands still whenever so many wait for an answer as a
platform would let. One in a hundred is a copy, drawn Zipf-like from edited variants of a few originals; the rest are other real
footage, each a little different from all others. Originals are confirmed one after another while it runs; what came
before its original was confirmed cannot be found, and is counted apart. Copies are judged by their quick reading alone.
"""

import argparse
import dataclasses
import random
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, overload

import numpy as np

from benchmarks import banks, corpus, load, taken, uploads
from benchmarks.load import Load, Pace, Sent
from benchmarks.match_load import row
from benchmarks.report import Report
from benchmarks.uploads import Footage, Upload
from benchmarks.watch import Look, growth, watched
from hashsvc.bank.model import Verdict
from hashsvc.client import Client
from hashsvc.demo import process
from hashsvc.service import DEFAULT_BANK, Service

_DAY = 86400.0
_COPIES = 0.01
_ZIPF = 1.1
"""The n-th most frequent variant is n to the minus this as frequent as the first."""
_KNOWN = 6
_MOST_MISSED = 0.02
_MOST_GROWTH = 1.1
"""Memory of the last tenth of the run, times that soon after its half, without what is mapped."""
_BURST_AT, _BURST_HOURS, _BURST = 10.0, 1.0, 10.0
"""Hours since the beginning; standard deviation of the burst, hours; its height in means."""
_FIRST_CONFIRM, _BETWEEN = 4.0, 1.5
"""Hours until the first original is confirmed, and between two of them."""
_SEED = 3
_UNANSWERED = 32
"""Uploads under way at once."""
_LOOK_SECONDS = 0.1
"""How often it is looked whether a confirm is due, since time may stand still meanwhile."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """What is uploaded when, in real seconds from the beginning."""

    times: list[float]
    uploads: list[Upload]
    confirms: dict[str, float]
    """When each original is confirmed, by name."""


class _Requests(Sequence[bytes]):
    """The requests of a day, each made when it is sent: all at once they would take a gigabyte."""

    def __init__(self, uploads: Sequence[Upload]) -> None:
        self._uploads = uploads

    def __len__(self) -> int:
        return len(self._uploads)

    @overload
    def __getitem__(self, place: int) -> bytes: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[bytes]: ...
    def __getitem__(self, place: int | slice) -> bytes | Sequence[bytes]:
        if isinstance(place, slice):
            return _Requests(self._uploads[place])
        return load.request(uploads.varied(self._uploads[place].fingerprint, place))


def arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the workload."""
    parser.add_argument("--uploads", type=int, default=150_000, help="in the day (default: %(default)s)")
    parser.add_argument(
        "--compress", type=float, default=480.0, help="times as fast as the clock, at most (default: %(default)s)"
    )
    parser.add_argument("--hashes", type=int, default=0, help="hashes in the bank before (default: %(default)s)")
    parser.add_argument("--data", type=Path, help="use a copy-to-be-changed of a bank that is there; it is changed")
    parser.add_argument("--work", type=Path, help="keep copies and fingerprints here, and use what is there")
    parser.add_argument("--corpus", type=Path, default=corpus.DEFAULT, metavar="DIR", help="folder of real videos")


def run(options: argparse.Namespace) -> Report:
    """Plan the day, serve it, judge it."""
    with tempfile.TemporaryDirectory() as scratch:
        data = options.data or Path(scratch) / "data"
        footage = uploads.prepare(options.work or Path(scratch) / "work", options.corpus, _KNOWN)
        banks.fill(data, options.hashes)
        day = planned(footage, options.uploads, options.compress)
        with process.started(data, Path(scratch) / "server.log") as server, watched(server.pid) as looks:
            before = taken.processor_seconds(server.pid)
            pace = load.Pace()
            seen, confirmed = _replayed(server.target, day, footage, pace)
            spent = taken.processor_seconds(server.pid) - before
        with Service.open(data) as service:
            faults = service.verify()
    return _report(options, day, seen, confirmed, pace, looks, spent, faults)


def planned(footage: Footage, count: int, compress: float) -> Day:
    """`count` uploads over a day that takes 86,400 / `compress` seconds."""
    dice = random.Random(_SEED)
    variants = dice.sample(footage.hits, len(footage.hits))
    weights = [1 / place**_ZIPF for place in range(1, len(variants) + 1)]
    chosen = [
        dice.choices(variants, weights)[0] if dice.random() < _COPIES else dice.choice(footage.misses)
        for _ in range(count)
    ]
    names = list(footage.references)
    confirms = {name: (_FIRST_CONFIRM + _BETWEEN * place) * 3600 / compress for place, name in enumerate(names)}
    return Day(times=_times(count, compress), uploads=chosen, confirms=confirms)


def _times(count: int, compress: float) -> list[float]:
    """Random times by the day's shape, real seconds, ascending."""
    hours = np.linspace(0, 24, 24 * 60)
    shape = 1 + 0.6 * np.sin((hours - 9) / 24 * 2 * np.pi)
    mean = shape.mean()
    shape = shape + (_BURST - 1) * mean * np.exp(-0.5 * ((hours - _BURST_AT) / _BURST_HOURS * 4) ** 2)
    sums = np.cumsum(shape) / shape.sum()
    drawn = np.sort(np.random.default_rng(_SEED).random(count))
    times: list[float] = (np.interp(drawn, sums, hours) * 3600 / compress).tolist()
    return times


def _replayed(target: str, day: Day, footage: Footage, pace: Pace) -> tuple[Load, dict[str, float]]:
    """What came of the uploads, and when each original's confirm was acknowledged, by the clock of time.perf_counter."""
    confirmed: dict[str, float] = {}

    def confirm_all() -> None:
        with Client(target) as client:
            for name, due in day.confirms.items():
                while (left := pace.left(due)) > 0:
                    time.sleep(min(left, _LOOK_SECONDS))
                client.confirm(DEFAULT_BANK, footage.references[name], external_id=name)
                confirmed[name] = time.perf_counter()

    confirmer = threading.Thread(target=confirm_all, daemon=True)
    confirmer.start()
    seen = load.at_times(target, _Requests(day.uploads), day.times, most=_UNANSWERED, pace=pace)
    confirmer.join()
    return seen, confirmed


@dataclasses.dataclass(slots=True)
class _Tally:
    """Answers by what they should have been."""

    before: int = 0
    """Copies that came before their original was confirmed."""
    after: int = 0
    missed: int = 0
    false_matches: int = 0
    false_blocks: int = 0
    deepened: int = 0
    errors: list[str] = dataclasses.field(default_factory=list)


def _tallied(day: Day, seen: Load, confirmed: dict[str, float]) -> _Tally:
    tally = _Tally()
    for one in seen.sent:
        _count(tally, one, day.uploads[one.request].source, seen.began, confirmed)
    return tally


def _count(tally: _Tally, one: Sent, source: str, began: float, confirmed: dict[str, float]) -> None:
    if one.fault:
        tally.errors.append(one.fault)
        return
    result = one.result()
    tally.deepened += result.deepen
    found = {match.external_id for match in result.matches}
    wrong = found - {source}
    tally.false_matches += bool(wrong)
    tally.false_blocks += bool(wrong) and result.verdict is Verdict.BLOCK
    if source not in confirmed:
        return
    if began + one.due < confirmed[source]:
        tally.before += 1
        return
    tally.after += 1
    tally.missed += source not in found


def _report(
    options: argparse.Namespace, day: Day, seen: Load, confirmed: dict[str, float], pace: Pace,
    looks: Sequence[Look], spent: float, faults: Sequence[str],
) -> Report:  # fmt: skip
    tally = _tallied(day, seen, confirmed)
    # The bank grows until the last original is confirmed, at the day's half; what it takes should not, from then on.
    warm, last = growth([one.private for one in looks[len(looks) // 2 :]])
    share = tally.missed / max(1, tally.after)
    figures: dict[str, Any] = {
        "uploads": len(day.uploads), "hashes in the bank before": options.hashes, "times as fast as the clock": options.compress,
        "minutes": seen.seconds / 60, "minutes in which time stood still": pace.held / 60, "originals": len(day.confirms), "copies before their original was confirmed": tally.before,
        "copies after": tally.after, "of them missed at upload": tally.missed, "share missed": share,
        "false blocks": tally.false_blocks, "false matches": tally.false_matches, "errors": len(tally.errors),
        "share asked to be read deeply": tally.deepened / len(seen.sent),
        "private MB when all were confirmed": warm / 1e6, "private MB at the end": last / 1e6,
        "resident MB at the end": looks[-1].resident / 1e6,
    }  # fmt: skip
    rate = len(day.times) / (max(day.times) + pace.held)
    rows = [row(rate, seen) | {"processor ms": 1000 * spent / len(seen.sent)}]
    shortfalls = [*tally.errors[:5], *(f"verify: {one}" for one in faults), *_shortfalls(tally, share, last / warm)]
    return Report(name="replay_incident", figures=figures, tables={"Matches": rows}, shortfalls=shortfalls)


def _shortfalls(tally: _Tally, share: float, grown: float) -> Iterator[str]:
    if tally.errors:
        yield f"{len(tally.errors)} uploads were answered with an error."
    if tally.false_blocks:
        yield f"{tally.false_blocks} uploads were blocked and should not have been."
    if share > _MOST_MISSED:
        yield f"{100 * share:.1f} % of the copies of what was confirmed were missed."
    if grown > _MOST_GROWTH:
        yield f"Memory grew {grown:.2f}-fold after the last original was confirmed."
