"""The workload's options and report."""

import argparse
import concurrent.futures
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TypeVar

from rich.console import Console
from rich.progress import Progress, track

from benchmarks import corpus
from benchmarks.calibration import chance, null
from benchmarks.calibration.chance import Trial
from benchmarks.calibration.footage import Clip, hashed
from benchmarks.calibration.null import Null
from benchmarks.report import Report, Row
from hashsvc.config import Settings
from hashsvc.match.score import KNOTS, SURPRISE

Item = TypeVar("Item")
_STRONGEST = 12


def arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the workload."""
    parser.add_argument(
        "--corpus",
        type=Path,
        default=corpus.DEFAULT,
        help="folder with manifest.csv and videos/, or of unrelated videos",
    )
    parser.add_argument("--longest", type=float, default=0.0, help="leave out videos longer than this, seconds")
    parser.add_argument("--rows", type=int, default=600, help="hashes of an upload clip for the distances, twice that of a reference (default: %(default)s)")  # fmt: skip
    parser.add_argument("--variants", default="", help="of the uploads, names with commas; none is all")
    parser.add_argument("--fit", action="store_true", help="add knots for hashsvc/match/score.py, ready to paste")
    parser.add_argument("--seed", type=int, default=1, help="which hashes are drawn (default: %(default)s)")
    parser.add_argument("--work", type=Path, help="keep the fingerprints here, and use what is there")


def run(options: argparse.Namespace) -> Report:
    """Hash, measure, count."""
    # One of each group: copies would count the same footage twice.
    videos = corpus.references(corpus.read(options.corpus))
    videos = [one for one in videos if not options.longest or one.duration <= options.longest]
    with tempfile.TemporaryDirectory() as scratch:
        clips = list(_told(hashed(videos, options.work or Path(scratch)), "hash", len(videos)))
    unrelated, akin = distances(clips, options.rows, options.seed)
    done = list(compared([_only(clip, options.variants) for clip in clips]))
    return summary(clips, unrelated, akin, done, fit=options.fit)


def distances(clips: Sequence[Clip], rows: int, seed: int) -> tuple[Null, Null]:
    """The null distribution, and the same of videos of one scene."""
    with Progress(console=Console(file=sys.stderr), disable=not sys.stderr.isatty()) as progress:
        task = progress.add_task("distances", total=2 * len(clips))
        measure = partial(null.measure, clips, rows=rows, seed=seed, told=lambda: progress.advance(task))
        return (
            measure(lambda one, other: not one.related(other) and not one.akin(other)),
            measure(lambda one, other: not one.related(other) and one.akin(other)),
        )


def compared(clips: Sequence[Clip]) -> Iterator[Trial]:
    """All uploads against all references that share nothing with them."""
    with concurrent.futures.ProcessPoolExecutor(Settings().workers.workers) as pool:
        parts = pool.map(partial(chance.trials, clips), range(len(clips)))
        for part in _told(parts, "compare", len(clips)):
            yield from part


def _only(clip: Clip, names: str) -> Clip:
    """The clip with the uploads of some variants; none named: of all."""
    wanted = names.split(",") if names else []
    uploads = tuple(one for one in clip.uploads if not wanted or one.variant in wanted)
    return Clip(name=clip.name, group=clip.group, scene=clip.scene, reference=clip.reference, uploads=uploads)


def summary(clips: Sequence[Clip], unrelated: Null, akin: Null, done: Sequence[Trial], *, fit: bool) -> Report:
    """Tables, and the levels at which chance exceeds its promise."""
    plain, scenes = ([one for one in done if one.akin is which] for which in (False, True))
    alone, among = chance.alone_rows(plain), chance.among_rows(plain)
    figures = {
        "clips, one of each group": len(clips),
        "uploads": sum(len(clip.uploads) for clip in clips),
        "uploads with rectangles or an area": sum(
            len(one.fingerprint.views) > 3 for clip in clips for one in clip.uploads
        ),
        "pairs of hashes measured": f"{unrelated.seen[-1]:.2e}",
        "least distance measured": unrelated.edge,
        "pairs compared": len(plain),
        "pairs that seeds would have brought together": sum(one.nominated for one in plain),
        "pairs of one scene compared": len(scenes),
    }
    tables: dict[str, Sequence[Row]] = {
        "Distances of unrelated frames": distance_rows(unrelated, akin),
        "Chance matches, each reference in a bank of its own": alone,
        "Chance matches, all references in one bank": among,
        "How the counts fall around 0, each reference in a bank of its own": chance.above_rows(plain),
        "Videos of one scene, each reference in a bank of its own": chance.alone_rows(scenes) if scenes else [],
        "Nearest to a match": chance.strongest(plain, _STRONGEST),
    }
    if fit:
        tables["Knots"] = [{"KNOTS": ", ".join(f"({d}, {value:g})" for d, value in null.fit(unrelated, _DISTANCES))}]
    shortfalls = [
        f"{row['observed']} chance matches with evidence of {row['evidence at most']} or less {where}, "
        f"where {row['promised']} are promised and {row['allowed']} allowed."
        for where, rows in (("in banks of one", alone), ("in one bank", among))
        for row in rows
        if not row["right"]
    ]
    return Report(name="calibration", figures=figures, tables=tables, shortfalls=shortfalls)


_DISTANCES = [knot[0] for knot in KNOTS]


def distance_rows(unrelated: Null, akin: Null) -> list[Row]:
    """A row a knot: -log10 P as the code has it, as fitted, and as measured: see `Null`."""
    fitted = dict(null.fit(unrelated, _DISTANCES))
    return [
        {
            "distance": distance,
            "in the code": round(float(SURPRISE[distance]), 2),
            "fitted": fitted[distance],
            "one frame": _rounded(null.surprise(unrelated.share)[distance]),
            "two of a pair": _rounded(null.surprise(unrelated.joint)[distance]),
            "pairs of hashes": int(unrelated.seen[distance]),
            "pairs of videos": int(unrelated.videos[distance]),
            "two of a scene": _rounded(null.surprise(akin.joint)[distance]),
        }
        for distance in _DISTANCES
    ]


def _rounded(value: float) -> float | None:
    return round(float(value), 2) if value < float("inf") else None


def _told(items: Iterable[Item], what: str, total: int) -> Iterator[Item]:
    yield from track(items, what, total=total, console=Console(file=sys.stderr), disable=not sys.stderr.isatty())
