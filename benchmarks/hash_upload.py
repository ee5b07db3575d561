"""What hashing an upload costs: a quick and a deep reading, beside decoding every frame once and no more.

Processor time of one process, since the machine's other work does not change it.
"""

import argparse
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

from rich.console import Console
from rich.progress import track

from benchmarks import corpus
from benchmarks.corpus import Video
from benchmarks.report import Report, Row
from hashsvc.config import Limits
from hashsvc.fingerprint.hasher import fingerprint_query
from hashsvc.fingerprint.profiles import DEFAULT
from hashsvc.match.hint import is_hint
from hashsvc.media.decode import samples
from hashsvc.media.probe import probe
from hashsvc.media.sample import Effort, Plan

_LIMITS = Limits()
Result = TypeVar("Result")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the workload."""
    parser.add_argument("--videos", type=Path, default=corpus.DEFAULT, metavar="DIR", help="any folder of videos")
    parser.add_argument("--longest", type=float, default=0.0, help="leave out longer videos, seconds; 0 is none")


def run(options: argparse.Namespace) -> Report:
    """Read every video three ways."""
    videos = [one for one in corpus.read(options.videos) if not options.longest or one.duration <= options.longest]
    rows = list(measured(videos))
    seconds = sum(video.duration for video in videos)
    spent = {way: sum(row[way] for row in rows) for way in ("decode", "quick", "deep")}
    figures = {
        "videos": len(videos),
        "seconds of video": round(seconds),
        "every frame decoded, two a second scaled: x real time": round(seconds / spent["decode"], 1),
        "quick reading: x real time": round(seconds / spent["quick"], 1),
        "deep reading: x real time": round(seconds / spent["deep"], 1),
        "quick reading, of the time that decoding takes": round(spent["quick"] / spent["decode"], 2),
        "deep reading, of the time that decoding takes": round(spent["deep"] / spent["decode"], 2),
        "videos that look put together, and are read deeply": f"{sum(row['hint'] for row in rows)} of {len(rows)}",
    }
    return Report(
        name="hash_upload", figures=figures, tables={"Videos, seconds of processor time": rows}, shortfalls=[]
    )


def measured(videos: Sequence[Video]) -> Iterator[Row]:
    """A row a video."""
    for video in track(videos, "hash", console=Console(file=sys.stderr)):
        decode, _ = timed(decoded, video.path)
        quick, reading = timed(fingerprint_query, video.path, DEFAULT, _LIMITS)
        deep, _ = timed(fingerprint_query, video.path, DEFAULT, _LIMITS, deep=True)
        yield {
            "video": video.name[:40],
            "duration": round(video.duration, 1),
            "decode": round(decode, 3),
            "quick": round(quick, 3),
            "deep": round(deep, 3),
            "hint": is_hint(reading, ()),
        }


def decoded(path: Path) -> int:
    """Frames taken while every frame is decoded: what any sampling of a video costs at most."""
    info = probe(path, _LIMITS)
    return sum(1 for _ in samples(path, info, Plan(effort=Effort.ALL, step=0.5), _LIMITS))


def timed(work: Callable[..., Result], *given: Any, **named: Any) -> tuple[float, Result]:
    """Seconds of processor time, of all threads of this process and of the programs it ran, and what came of it."""
    began = sum(os.times()[:4])
    result = work(*given, **named)
    return sum(os.times()[:4]) - began, result
