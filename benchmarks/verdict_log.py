"""What an answer waits for its record: verdicts with their fingerprints, logged at the rates of an incident and beyond.

A verdict is given once its record is on the disk. All that have come while the disk was busy are written at once, so the
wait should hardly grow with their number. Nothing is searched here: this is what the log adds to a match.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import Future, wait
from pathlib import Path

from benchmarks import synthetic
from benchmarks.confirm_to_match import percentile
from benchmarks.report import Report, Row
from hashsvc.bank.model import Verdict
from hashsvc.decisions.grounds import record_of
from hashsvc.decisions.model import VerdictRecord
from hashsvc.fingerprint.model import Fingerprint
from hashsvc.match.known import Known
from hashsvc.match.model import MatchResult
from hashsvc.service import DEFAULT_BANK, Service

REQUIRED = 0.1
"""Seconds that 99 of 100 verdicts may wait at most at 100 a second."""
REQUIRED_RATE = 100.0
_FLAT_OUT = 2000
_UPLOADS = 50
_FRAMES = 40
"""Of an upload, each in one view, as a quick reading of 20 s has about."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the workload."""
    parser.add_argument("--rates", default="20,100,400", help="verdicts a second (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=10.0, help="of each rate (default: %(default)s)")


def run(options: argparse.Namespace) -> Report:
    """Log at each rate, then as fast as possible, and verify the log."""
    rows: list[Row] = []
    shortfalls: list[str] = []
    with tempfile.TemporaryDirectory() as scratch, Service.open(Path(scratch) / "data") as service:
        uploads, record = _prepared(service)
        for rate in map(float, options.rates.split(",")):
            waits, seconds = _at_rate(service, record, uploads, rate, options.seconds)
            rows.append(_row(f"{rate:g} a second", waits, seconds))
            if rate == REQUIRED_RATE and percentile(waits, 99) > REQUIRED:
                shortfalls.append(f"At {rate:g} verdicts a second the 99th percentile is over {REQUIRED} s.")
        rows.append(_row("as fast as possible", *_at_rate(service, record, uploads, float("inf"), 0.0)))
        shortfalls += [f"verify: {one}" for one in service.verify()]
        logged = service.verify_decisions().decisions
    figures = {"decisions in the log": logged}
    return Report(name="verdict_log", figures=figures, tables={"Waits, milliseconds": rows}, shortfalls=shortfalls)


def _prepared(service: Service) -> tuple[list[Fingerprint], VerdictRecord]:
    """Uploads of several videos, and what would be logged of the first."""
    videos = [synthetic.reference(seed, _FRAMES * 59) for seed in range(_UPLOADS)]
    entry = service.confirm(DEFAULT_BANK, videos[0])
    uploads = [synthetic.upload(video) for video in videos]
    result = service.match(uploads[0], min_revision=entry.revision)
    if result.verdict is not Verdict.BLOCK:
        raise AssertionError(f"a copy got {result.verdict}")
    return uploads, _record(service, result, uploads[0])


def _record(service: Service, result: MatchResult, upload: Fingerprint) -> VerdictRecord:
    return record_of(Known(service._store), result, [upload], asked=(), content_id="upload-12345")


def _at_rate(
    service: Service, record: VerdictRecord, uploads: Sequence[Fingerprint], rate: float, seconds: float
) -> tuple[list[float], float]:
    """Seconds that each verdict waited for the disk, and that all took; at an infinite rate a fixed number, all at once."""
    count = round(rate * seconds) if seconds else _FLAT_OUT
    began = time.perf_counter()
    waits: list[float] = []
    futures: list[Future[int]] = []
    for number in range(count):
        due = began + number / rate
        time.sleep(max(0.0, due - time.perf_counter()))
        asked = time.perf_counter()
        future = service._decisions.append(record, "benchmark", [uploads[number % len(uploads)]])
        future.add_done_callback(lambda _, asked=asked: waits.append(time.perf_counter() - asked))  # type: ignore[misc]
        futures.append(future)
    wait(futures)
    took = time.perf_counter() - began
    for future in futures:
        future.result()
    return waits, took


def _row(name: str, waits: Sequence[float], seconds: float) -> Row:
    in_milliseconds = [1000 * one for one in waits]
    return {
        "rate": name,
        "verdicts": len(waits),
        "reached, a second": len(waits) / seconds,
        "median": statistics.median(in_milliseconds),
        "p99": percentile(in_milliseconds, 99),
        "max": max(in_milliseconds),
    }
