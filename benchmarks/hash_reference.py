"""What confirming costs: processor time, hashes and bytes of a minute of video, for each profile."""

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import track

from benchmarks import corpus
from benchmarks.corpus import Video
from benchmarks.hash_upload import timed
from benchmarks.report import Report, Row
from hashsvc.bank import records
from hashsvc.config import Limits
from hashsvc.fingerprint import hasher
from hashsvc.fingerprint.model import HASH_BYTES
from hashsvc.fingerprint.profiles import PROFILES, Profile

_LIMITS = Limits()


def arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the workload."""
    parser.add_argument("--videos", type=Path, default=corpus.DEFAULT, metavar="DIR", help="any folder of videos")
    parser.add_argument("--longest", type=float, default=0.0, help="leave out longer videos, seconds; 0 is none")


def run(options: argparse.Namespace) -> Report:
    """Hash every video as a reference of every profile."""
    videos = [one for one in corpus.read(options.videos) if not options.longest or one.duration <= options.longest]
    minutes = sum(video.duration for video in videos) / 60
    rows = [summed(profile, list(measured(videos, profile)), minutes) for profile in PROFILES.values()]
    figures = {"videos": len(videos), "minutes of video": round(minutes, 1)}
    return Report(name="hash_reference", figures=figures, tables={"A minute of video": rows}, shortfalls=[])


def measured(videos: Sequence[Video], profile: Profile) -> Iterator[Row]:
    """Processor seconds, hashes and bytes of each video."""
    for video in track(videos, profile.name, console=Console(file=sys.stderr)):
        seconds, made = timed(hasher.fingerprint_reference, video.path, profile, _LIMITS)
        vectors, blob = records.split(made)
        yield {"seconds": seconds, "hashes": len(vectors), "blob": len(blob)}


def summed(profile: Profile, rows: Sequence[Row], minutes: float) -> Row:
    """A minute's worth, the signals for partners included."""
    hashes = sum(row["hashes"] for row in rows) / minutes
    return {
        "profile": profile.name,
        "processor seconds": round(sum(row["seconds"] for row in rows) / minutes, 2),
        "views": len(profile.reference_views),
        "hashes": round(hashes),
        "index bytes": round(hashes * HASH_BYTES),
        "store bytes": round(hashes * HASH_BYTES + sum(row["blob"] for row in rows) / minutes),
    }
