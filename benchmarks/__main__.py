"""`python -m benchmarks NAME`: run a named workload; without a name, list them."""

import argparse
import contextlib
import dataclasses
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks import (
    confirm_to_match,
    corpus,
    corpus_pairs,
    hard_cases,
    hash_reference,
    hash_upload,
    match_bank_growth,
    match_load,
    reopen,
    replay_incident,
    results,
    retro_hunt,
    search_tiers,
    soak,
    verdict_log,
)
from benchmarks.calibration import workload as calibration
from benchmarks.report import Report
from benchmarks.robustness import workload as robustness


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """What `python -m benchmarks` knows of a workload."""

    about: str
    """One line."""
    run: Callable[[argparse.Namespace], Report]
    arguments: Callable[[argparse.ArgumentParser], None]
    short: tuple[str, ...]
    """Options that make it a matter of a minute or two."""
    corpus: bool
    """Whether it needs the real videos, which are not part of the project."""


WORKLOADS = {
    "corpus_pairs": Workload(
        about="real videos against each other: themselves, their copies, and nothing else",
        run=corpus_pairs.run,
        arguments=corpus_pairs.arguments,
        short=("--longest", "20"),
        corpus=True,
    ),
    "confirm_to_match": Workload(
        about="seconds from a confirm to the first match that finds it, on a busy server and beside it",
        run=confirm_to_match.run,
        arguments=confirm_to_match.arguments,
        short=("--confirms", "20"),
        corpus=False,
    ),
    "verdict_log": Workload(
        about="milliseconds that a verdict waits for its record, at the rates of an incident and beyond",
        run=verdict_log.run,
        arguments=verdict_log.arguments,
        short=("--rates", "100", "--seconds", "3"),
        corpus=False,
    ),
    "match_hit": Workload(
        about="a server asked for copies of what is in its bank, at the rates of an incident: times, answers, memory",
        run=match_load.run_hit,
        arguments=match_load.arguments,
        short=("--hashes", "100000", "--rate", "17.4,0", "--seconds", "4"),
        corpus=True,
    ),
    "match_miss": Workload(
        about="the same for uploads that nobody has confirmed",
        run=match_load.run_miss,
        arguments=match_load.arguments,
        short=("--hashes", "100000", "--rate", "17.4,0", "--seconds", "4"),
        corpus=True,
    ),
    "retro_hunt": Workload(
        about="seconds until a video that was confirmed is found in recent uploads, and how many of its copies are",
        run=retro_hunt.run,
        arguments=retro_hunt.arguments,
        short=("--uploads", "10000", "--entries", "2"),
        corpus=True,
    ),
    "match_bank_growth": Workload(
        about="what a match costs, and what a hash takes in memory, against banks of 0.1, 1 and 10 million hashes",
        run=match_bank_growth.run,
        arguments=match_bank_growth.arguments,
        short=("--hashes", "30000,300000", "--matches", "50"),
        corpus=False,
    ),
    "reopen": Workload(
        about="from opening a bank of 10 million hashes to the first right match, with and without its checkpoint",
        run=reopen.run,
        arguments=reopen.arguments,
        short=("--hashes", "300000"),
        corpus=False,
    ),
    "replay_incident": Workload(
        about="a day with an incident over gRPC: what is missed, blocked wrongly, and how long answers take",
        run=replay_incident.run,
        arguments=replay_incident.arguments,
        short=("--uploads", "600", "--compress", "4320"),
        corpus=True,
    ),
    "soak": Workload(
        about="matches, confirms and withdrawals for half an hour: memory, descriptors, and whether all is whole",
        run=soak.run,
        arguments=soak.arguments,
        short=("--seconds", "15"),
        corpus=True,
    ),
    "search_tiers": Workload(
        about="exact search, the cold tier and others on hashes of real videos: time a query, recall, bytes a hash",
        run=search_tiers.run,
        arguments=search_tiers.arguments,
        short=("--hashes", "200000", "--recipes", "plain", "--limit", "4"),
        corpus=True,
    ),
    "robustness": Workload(
        about="edited copies of real videos: how many are found, how exactly, and what is found wrongly",
        run=robustness.run,
        arguments=robustness.arguments,
        short=("--recipes", "plain", "--length", "10", "--lengths", "none", "--limit", "4", "--peers", "phash"),
        corpus=True,
    ),
    "hash_upload": Workload(
        about="what a quick and a deep reading of an upload cost, beside decoding every frame once",
        run=hash_upload.run,
        arguments=hash_upload.arguments,
        short=("--longest", "12"),
        corpus=True,
    ),
    "hash_reference": Workload(
        about="what a minute of video costs to confirm: processor time, hashes and bytes, for each profile",
        run=hash_reference.run,
        arguments=hash_reference.arguments,
        short=("--longest", "8"),
        corpus=True,
    ),
    "hard_cases": Workload(
        about="an excerpt in a long programme, shared intros and end cards, harmless parts, black pictures",
        run=hard_cases.run,
        arguments=hard_cases.arguments,
        short=("--excerpts", "1"),
        corpus=True,
    ),
    "calibration": Workload(
        about="unrelated real videos: how far their frames are apart, and how often they match by chance",
        run=calibration.run,
        arguments=calibration.arguments,
        short=("--longest", "12", "--variants", "plain,flip,inverted,transposed"),
        corpus=True,
    ),
}
ALL = "all"


def main(words: Sequence[str]) -> int:
    """0 when every requirement was met, 1 when one was not, 2 for bad usage."""
    if not words:
        print(_listing())
        return 0
    name, *rest = words
    if name in ("-h", "--help"):
        print(_listing())
        return 0
    if name != ALL and name not in WORKLOADS:
        print(f"no workload {name!r}\n\n{_listing()}", file=sys.stderr)
        return 2
    names = list(WORKLOADS) if name == ALL else [name]
    return max(_one(each, rest, several=name == ALL) for each in names)


def _one(name: str, words: Sequence[str], *, several: bool) -> int:
    workload = WORKLOADS[name]
    options = _options(name, workload, words, several=several)
    videos: Path = getattr(options, "corpus", corpus.DEFAULT)
    if workload.corpus and not videos.is_dir():
        print(f"{name}: left out, for there is no folder of real videos at {videos}", file=sys.stderr)
        return 0 if several else 2
    before = results.load()
    with contextlib.redirect_stdout(sys.stderr):  # progress; the report alone is on stdout
        report = workload.run(options)
    text = report.json() + "\n" if options.format == "json" else report.markdown()
    print(text, end="", flush=True)
    if options.output:
        with options.output.open("a" if several else "w", encoding="utf-8") as file:
            file.write(text)
    if options.results:
        results.put(options.results, name, words, report, before)
    return 1 if report.shortfalls else 0


def _options(name: str, workload: Workload, words: Sequence[str], *, several: bool) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog=f"python -m benchmarks {name}", description=workload.about)
    parser.add_argument("--format", choices=("table", "json"), default="table", help="Markdown, or one JSON object")
    parser.add_argument("--output", type=Path, help="write the report here too; `all` appends")
    parser.add_argument("--results", type=Path, help="put the report in its place in this Markdown file")
    parser.add_argument("--short", action="store_true", help=f"the same as {' '.join(workload.short)}")
    if several:
        parser.parse_args(words)  # nothing but what every workload has
    workload.arguments(parser)
    known, _ = parser.parse_known_args(words)
    return parser.parse_args([*(workload.short if known.short else ()), *words])


def _listing() -> str:
    width = max(map(len, WORKLOADS))
    lines = [f"  {name.ljust(width)}  {workload.about}" for name, workload in WORKLOADS.items()]
    usage = "python -m benchmarks NAME [--short] [--format json] [--output FILE] [--help]"
    return "\n".join([f"usage: {usage}", "", *lines, f"  {ALL.ljust(width)}  each of them in turn"])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
