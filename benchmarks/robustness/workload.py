"""The workload's options, and its steps: copies, hashsvc, peers, report."""

import argparse
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks import corpus
from benchmarks.corpus import Video
from benchmarks.report import Report
from benchmarks.robustness import measure, picture, plan, requirements, tables
from benchmarks.robustness.journal import Outcome
from benchmarks.robustness.judge import System, Truth
from benchmarks.robustness.peers import PEERS
from benchmarks.robustness.peers.compare import compare
from benchmarks.robustness.recipes import PLAIN, Recipe
from benchmarks.robustness.tables import Results
from hashsvc.bank.model import Policy

LENGTHS = "2,5,10,20,60"
LENGTH_RECIPES = (
    "reencode-mild",
    "gamma-contrast-mild",
    "letterbox-mild",
    "crop-centre-mild",
    "mirror-mild",
    "banner-mild",
)
"""What clips of several lengths are tried with."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the workload."""
    add = parser.add_argument
    add("--videos", dest="corpus", type=Path, default=corpus.DEFAULT, metavar="DIR", help="any folder of videos")
    add("--recipes", type=_recipes, default="all", help="all, plain, or names with commas (default: %(default)s)")
    add("--length", type=float, default=20.0, help="seconds of each cut (default: %(default)s)")
    add(
        "--lengths",
        type=_lengths,
        default=LENGTHS,
        help="further lengths, tried with a few mild edits, or none (default: %(default)s)",
    )
    add("--cuts", type=int, default=1, help="cuts of each video (default: %(default)s)")
    add("--limit", type=int, default=0, help="use about so many references only; 0 is all")
    add("--seed", type=int, default=1, help="where the cuts begin (default: %(default)s)")
    add("--jobs", type=int, default=2, help="threads that make and hash copies (default: %(default)s)")
    add(
        "--peers",
        type=_peer_names,
        default="all",
        help=f"all that are installed, none, or of {','.join(PEERS)} (default: %(default)s)",
    )
    add("--peer-python", type=Path, default=Path(sys.executable), help="an interpreter that has the package vpdq")
    add("--picture", type=Path, help="draw recall by recipe and system into this PNG")
    add("--work", type=Path, help="keep copies, data directory, hashes and outcomes here, and use what is there")


def run(options: argparse.Namespace) -> Report:
    """Copy, confirm, match, compare, count."""
    with tempfile.TemporaryDirectory() as scratch:
        results, failures = _results(options, options.work or Path(scratch))
    if options.picture and picture.available():
        picture.draw(options.picture, results)
    elif options.picture:
        print("no picture: matplotlib is not installed (`pip install --group bench`)")
    return report(results, failures)


def _results(options: argparse.Namespace, work: Path) -> tuple[Results, list[str]]:
    """All steps; each takes from `work` what is there. The strings say what went wrong with single files."""
    videos = corpus.read(options.corpus)
    scheme = plan.plan(videos, cuts=options.cuts, seed=options.seed, limit=options.limit)
    if not scheme.references:
        raise SystemExit(f"no video in {options.corpus} is a group of its own and has {plan.LEAST:g} s")
    orders = list(scheme.orders(options.recipes, options.length))
    for length in options.lengths:
        orders += scheme.orders(plan.chosen(LENGTH_RECIPES), length, whole=True)
    copies, failures = plan.make(work, orders, options.jobs)
    truth = Truth(references=scheme.references, clips=videos, copies=copies)
    queries = [video.path for video in videos] + [copy.path for copy in copies]
    outcomes, unjudged = measure.measure(work, scheme.references, queries, "copies")
    scenes, scene_outcomes, more = _scenes(work, videos)
    peers, unhashed = _peers(options, work, truth, queries)
    return Results(
        length=options.length,
        lengths=options.lengths,
        length_recipes=LENGTH_RECIPES,
        truth=truth,
        ours=_ours(outcomes, truth),
        peers=peers,
        outcomes=outcomes,
        scenes=scenes,
        scene_outcomes=scene_outcomes,
    ), [*failures, *unjudged, *more, *unhashed]


def _scenes(work: Path, videos: Sequence[Video]) -> tuple[Truth, Mapping[str, Outcome], list[str]]:
    """Clips of scenes that have several recordings against each other, in a data directory of their own."""
    groups = {scene: {video.group for video in videos if video.scene == scene} for scene in {v.scene for v in videos}}
    clips = [video for video in videos if video.scene and len(groups[video.scene]) > 1]
    truth = Truth(references=clips, clips=clips, copies=())
    if not clips:
        return truth, {}, []
    outcomes, failures = measure.measure(work, clips, [video.path for video in clips], "scenes")
    return truth, outcomes, failures


def _ours(outcomes: Mapping[str, Outcome], truth: Truth) -> System:
    """Any match that is reported counts: at the default policy that is REVIEW or BLOCK."""
    return System(
        name="hashsvc",
        about="Service.match_media, score minus the evidence, default policy",
        default=-Policy().review_evidence,
        scores={(one.query, match.reference): -match.evidence for one in outcomes.values() for match in one.matches},
        truth=truth,
    )


def _peers(
    options: argparse.Namespace, work: Path, truth: Truth, queries: Sequence[Path]
) -> tuple[list[System], list[str]]:
    """Those asked for that can run; a line on stderr for each that cannot."""
    systems: list[System] = []
    failures: list[str] = []
    for name in options.peers:
        peer = PEERS[name](options.peer_python)
        if why := peer.missing():
            print(f"left out {name}: {why}")
            continue
        scores, unhashed = compare(work, peer, truth.references, queries, options.jobs)
        failures += unhashed
        systems.append(System(name=name, about=peer.about, default=peer.default, scores=scores, truth=truth))
    return systems, failures


def report(results: Results, failures: Sequence[str]) -> Report:
    """Figures, tables and what falls short."""
    main = results.main
    exactness = results.exactness(main)
    pairs = results.scenes.wrong | results.truth.alike
    false = tables.false_rows(results.truth, results.outcomes)
    scenes = tables.false_rows(results.scenes, results.scene_outcomes)
    figures = {
        "references": len(results.truth.references),
        f"copies of {results.length:g} s": len(main),
        "copies in all": len(results.truth.copies),
        "clips tried besides": len(results.truth.clips),
        "recall at zero false positives": results.ours.recall(main),
        "micro-average precision": results.ours.micro_average_precision(main),
        "segment precision": exactness.precision,
        "segment recall": exactness.recall,
        "segment F": exactness.f,
        "wrong matches": len(false),
        "pairs of different recordings of one scene": len(pairs),
        "matches between them": len(scenes) + sum(bool(row["same scene"]) for row in false),
        "files that failed": len(failures),
    }
    return Report(
        name="robustness",
        figures=figures,
        tables={
            "Systems, on the same copies": tables.system_rows(results),
            "Recipes": tables.recipe_rows(results),
            "Recall by length of the clip": tables.length_rows(results),
            "Not found at zero false positives": tables.missed_rows(results),
            "Wrong matches": false,
            "Matches between different recordings of one scene": scenes,
        },
        shortfalls=[*requirements.shortfalls(results), *failures],
    )


def _recipes(words: str) -> list[Recipe]:
    try:
        return plan.chosen({"all": (), "plain": PLAIN}.get(words, tuple(words.split(","))))
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _lengths(words: str) -> list[float]:
    try:
        return [] if words == "none" else [float(word) for word in words.split(",")]
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"seconds with commas or none, not {words}") from error


def _peer_names(words: str) -> tuple[str, ...]:
    names = {"all": tuple(PEERS), "none": ()}.get(words, tuple(words.split(",")))
    if unknown := [name for name in names if name not in PEERS]:
        raise argparse.ArgumentTypeError(f"no peer is called {', '.join(unknown)}")
    return names
