"""Real videos against each other: each finds itself and its copies where they are, and nothing else.

Two data directories hold the corpus between them: one clip of each group that shares footage and every clip of no
group in the first, the other members of the groups in the second. All clips are matched against both, with their
digests and without, so that the hashes alone must find what the digests would.
"""

import argparse
import concurrent.futures
import dataclasses
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from rich.console import Console
from rich.progress import track

from benchmarks import corpus
from benchmarks.corpus import Video
from benchmarks.report import Report, Row
from hashsvc.bank.model import Verdict
from hashsvc.config import Settings
from hashsvc.fingerprint.model import Digests, Fingerprint
from hashsvc.fingerprint.reading import Reading
from hashsvc.fingerprint.sandbox import Sandbox
from hashsvc.match.model import Match, MatchResult
from hashsvc.service import DEFAULT_BANK, Service

TOLERANCE = 1.0
"""Seconds that an end of an interval may be off."""

Span = tuple[float, float]
Item = TypeVar("Item")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two clips, by the number their names begin with, and the interval of each that shows the same footage, seconds."""

    first: str
    second: str
    spans: tuple[Span, Span]
    edited: bool = False
    fade: float = 0.0
    """So many seconds at the beginning fade in from black: a match may leave them out."""

    def turned(self) -> "Pair":
        """The second clip as the upload."""
        return dataclasses.replace(self, first=self.second, second=self.first, spans=self.spans[::-1])


PAIRS = (
    Pair(first="v010", second="v011", spans=((0.00, 29.96), (0.08, 30.04)), fade=2.0),
    Pair(first="v012", second="v011", spans=((0.00, 5.28), (47.70, 52.98))),
    Pair(first="v029", second="v030", spans=((0.00, 16.62), (0.00, 16.67))),
    Pair(first="v150", second="v151", spans=((0.00, 11.97), (0.00, 11.97))),
    Pair(first="v152", second="v153", spans=((0.00, 7.80), (0.00, 7.80))),
    Pair(first="v222", second="v223", spans=((0.00, 5.00), (0.00, 5.06))),
    Pair(first="v156", second="v158", spans=((0.00, 18.80), (3.70, 22.43))),
    Pair(first="v224", second="v225", spans=((0.00, 73.33), (0.00, 73.33))),
    Pair(first="v009", second="v011", spans=((0.00, 5.00), (47.70, 52.70)), edited=True),
    Pair(first="v009", second="v012", spans=((0.00, 5.00), (0.00, 5.00)), edited=True),
    Pair(first="v157", second="v158", spans=((0.00, 22.43), (0.00, 22.43)), edited=True),
    Pair(first="v160", second="v159", spans=((0.00, 6.87), (0.00, 6.87)), edited=True),
)
"""The pairs of the corpus' README. Offsets were found by correlating the gradients of 64 x 64 luma frames, which are
constant over each pair to a frame (v160 in v159 by eye), and the ends by the durations."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One clip matched against one of the two directories."""

    query: Video
    entries: frozenset[str]
    """Names of the clips confirmed there."""
    digests: bool
    result: MatchResult
    seconds: float

    def match(self, name: str) -> Match | None:
        """The match with the clip whose name begins so."""
        return next((one for one in self.result.matches if one.external_id.startswith(name)), None)


def arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the workload."""
    parser.add_argument("--corpus", type=Path, default=corpus.DEFAULT, help="folder with manifest.csv and videos/")
    parser.add_argument("--longest", type=float, default=0.0, help="leave out videos longer than this, seconds")
    parser.add_argument("--work", type=Path, help="keep the data directories here; what they hold is not hashed again")


def run(options: argparse.Namespace) -> Report:
    """Confirm, match, count."""
    videos = [one for one in corpus.read(options.corpus) if not options.longest or one.duration <= options.longest]
    with tempfile.TemporaryDirectory() as scratch:
        work: Path = options.work or Path(scratch)
        work.mkdir(parents=True, exist_ok=True)
        began = time.monotonic()
        queries = fingerprints(videos)
        hashed = time.monotonic()
        answers = list(matched(work, videos, queries))
    shown = {video.name[:4] for video in videos}
    pairs = [one for pair in PAIRS for one in (pair, pair.turned()) if {pair.first, pair.second} <= shown]
    return summary(videos, answers, pair_rows(answers, pairs), hashed - began)


def fingerprints(videos: Sequence[Video]) -> dict[str, Fingerprint]:
    """Each video as an upload."""
    settings = Settings()
    with Sandbox(settings) as sandbox, concurrent.futures.ThreadPoolExecutor(settings.workers.workers) as pool:
        found = pool.map(lambda video: sandbox.fingerprint(video.path, Reading.QUICK), videos)
        return dict(zip([video.name for video in videos], _told(found, "hash uploads", len(videos)), strict=True))


def matched(work: Path, videos: list[Video], queries: dict[str, Fingerprint]) -> Iterator[Answer]:
    """Every video against both directories, with digests and without."""
    first = corpus.references(videos)
    for name, entries in (("first", first), ("second", [video for video in videos if video not in first])):
        with Service.open(work / name) as service:
            confirm(service, entries)
            held = frozenset(video.name for video in entries)
            for video in _told(iter(videos), f"match against the {name}", len(videos)):
                for digests in (True, False):
                    query = queries[video.name]
                    query = query if digests else dataclasses.replace(query, digests=Digests())
                    began = time.perf_counter()
                    result = service.match(query)
                    seconds = time.perf_counter() - began
                    yield Answer(query=video, entries=held, digests=digests, result=result, seconds=seconds)


def confirm(service: Service, videos: Sequence[Video]) -> None:
    """Those that are not there yet."""
    there = {entry.external_id for entry in service.list_entries(DEFAULT_BANK, page_size=1000).items}
    wanted = [video for video in videos if video.name not in there]
    with concurrent.futures.ThreadPoolExecutor(Settings().workers.workers) as pool:
        done = pool.map(lambda video: service.confirm_media(DEFAULT_BANK, video.path, external_id=video.name), wanted)
        list(_told(done, "confirm", len(wanted)))


def pair_rows(answers: Sequence[Answer], pairs: Sequence[Pair]) -> list[Row]:
    """One row a pair and role, from the directory in which the second clip is confirmed, without digests."""
    rows: list[Row] = []
    for pair in pairs:
        answer = next(
            one for one in answers
            if not one.digests and one.query.name.startswith(pair.first)
            and any(name.startswith(pair.second) for name in one.entries)
        )  # fmt: skip
        match = answer.match(pair.second)
        error = border(match, pair) if match else None
        rows.append(
            {
                "upload": pair.first,
                "reference": pair.second,
                "kind": "edited" if pair.edited else "plain",
                "found": match is not None,
                "verdict": str(match.verdict) if match else str(Verdict.ALLOW),
                "evidence": round(match.evidence, 1) if match else None,
                "upload interval": _span(match, "query"),
                "expected": f"{pair.spans[0][0]:.2f}-{pair.spans[0][1]:.2f}",
                "reference interval": _span(match, "reference"),
                "expected there": f"{pair.spans[1][0]:.2f}-{pair.spans[1][1]:.2f}",
                "border error": None if error is None else round(error, 2),
                "right": error is not None and error <= TOLERANCE,
            }
        )
    return rows


def border(match: Match, pair: Pair) -> float:
    """Largest error of the four ends of all segments together, seconds."""
    errors: list[float] = []
    for side, (start, end) in zip(("query", "reference"), pair.spans, strict=True):
        begins = min(getattr(one, f"{side}_start") for one in match.segments)
        ends = max(getattr(one, f"{side}_end") for one in match.segments)
        errors += [max(start - begins, begins - start - pair.fade, 0.0), abs(ends - end)]
    return max(errors)


def summary(videos: Sequence[Video], answers: Sequence[Answer], pairs: list[Row], hashing: float) -> Report:
    """Counts, and what falls short."""
    own = [one for one in answers if one.query.name in one.entries]
    missed = [one for one in own if one.match(one.query.name) is None]
    wrong = list(wrong_rows(videos, answers))
    plain, edited = ([one for one in pairs if one["kind"] == kind] for kind in ("plain", "edited"))
    seconds = sorted(one.seconds for one in answers if not one.digests)
    figures = {
        "clips": len(videos),
        "matches asked for": len(answers),
        "matches found": sum(len(one.result.matches) for one in answers),
        "clips that find themselves by digest": sum(one.digests for one in own) - sum(one.digests for one in missed),
        "clips that find themselves by hashes": sum(not one.digests for one in own)
        - sum(not one.digests for one in missed),
        "plain pairs and roles right": f"{sum(one['right'] for one in plain)} of {len(plain)}",
        "edited pairs and roles right": f"{sum(one['right'] for one in edited)} of {len(edited)}",
        "wrong matches": len(wrong),
        "hash all uploads, s": round(hashing, 1),
        "match by hashes, median ms": round(statistics.median(seconds) * 1000, 1),
        "match by hashes, longest ms": round(seconds[-1] * 1000, 1),
    }
    shortfalls = [
        f"{one.query.name} does not find itself by {'digest' if one.digests else 'hashes'}." for one in missed
    ]
    shortfalls += [f"{one['upload']} in {one['reference']} is not right." for one in plain if not one["right"]]
    shortfalls += [f"{one['upload']} is said to match {one['entry']}." for one in wrong]
    return Report(name="corpus_pairs", figures=figures, tables={"Pairs": pairs, "Wrong": wrong}, shortfalls=shortfalls)


def wrong_rows(videos: Sequence[Video], answers: Sequence[Answer]) -> Iterator[Row]:
    """Matches between clips of different groups."""
    groups = {video.name: video.group for video in videos}
    for answer in answers:
        for match in answer.result.matches:
            if groups[match.external_id] != answer.query.group:
                yield {
                    "upload": answer.query.name,
                    "entry": match.external_id,
                    "by": "digest" if answer.digests else "hashes",
                    "evidence": round(match.evidence, 1),
                    "verdict": str(match.verdict),
                    "upload interval": _span(match, "query"),
                    "reference interval": _span(match, "reference"),
                }


def _span(match: Match | None, side: str) -> str:
    if match is None:
        return ""
    begins = min(getattr(one, f"{side}_start") for one in match.segments)
    ends = max(getattr(one, f"{side}_end") for one in match.segments)
    return f"{begins:.2f}-{ends:.2f}"


def _told(items: Iterator[Item], what: str, total: int) -> Iterator[Item]:
    yield from track(items, what, total=total, console=Console(file=sys.stderr), disable=not sys.stderr.isatty())
