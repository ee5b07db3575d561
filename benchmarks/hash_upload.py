"""What hashing an upload costs: a quick and a deep reading, beside decoding every frame once and no more, and beside vPDQ.

Processor time, since the machine's other work changes it least; of one process whose matrix products take one thread, as
in the workers that hash uploads.
"""

import argparse
import concurrent.futures
import multiprocessing
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

from rich.console import Console
from rich.progress import track

from benchmarks import corpus
from benchmarks.corpus import Video
from benchmarks.report import Report, Row
from benchmarks.robustness.copies import ffmpeg
from hashsvc.config import Limits
from hashsvc.fingerprint.hasher import fingerprint_query
from hashsvc.fingerprint.profiles import DEFAULT
from hashsvc.fingerprint.sandbox import ONE_THREAD
from hashsvc.match.hint import is_hint
from hashsvc.media.decode import samples
from hashsvc.media.probe import probe
from hashsvc.media.sample import Plan

_LIMITS = Limits()
_TIMES_VPDQ, _REAL_TIME, _TIMES_DECODING = 4.0, 200.0, 1.0
"""How many times vPDQ's speed a quick reading has at least; that of the film, with a keyframe every two seconds at 480p; and
how many times the processor time of decoding everything once it takes at most."""
_SHORT_SIDE, _GAP = 480, 2
_LONG = 30.0
"""Seconds from which on a video is long enough to be read by such keyframes alone."""
_VPDQ = """
import os, sys, vpdq
began = sum(os.times()[:4])
vpdq.computeHash(sys.argv[1], seconds_per_hash=1, thread_count=1)
print(sum(os.times()[:4]) - began)
"""
_VPDQ_SECONDS = 600.0
Result = TypeVar("Result")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the workload."""
    parser.add_argument("--videos", type=Path, default=corpus.DEFAULT, metavar="DIR", help="any folder of videos")
    parser.add_argument("--longest", type=float, default=0.0, help="leave out longer videos, seconds; 0 is none")
    parser.add_argument(
        "--peer-python", type=Path, default=Path(sys.executable), help="an interpreter that has the package vpdq"
    )


def run(options: argparse.Namespace) -> Report:
    """Read every video in each way."""
    videos = [one for one in corpus.read(options.videos) if not options.longest or one.duration <= options.longest]
    rows = list(measured(videos, options.peer_python))
    spent = {way: sum(row[way] for row in rows) for way in ("decode", "quick", "deep")}
    beside = [row for row in rows if row["vpdq"]]
    long = [row for row in rows if row["quick, keyframes"]]
    by_keyframes = sum(row["duration"] for row in long) / sum(row["quick, keyframes"] for row in long) if long else None
    seconds = sum(video.duration for video in videos)
    figures = {
        "videos": len(videos),
        "seconds of video": round(seconds),
        "every frame decoded, two a second scaled: x real time": round(seconds / spent["decode"], 1),
        "quick reading: x real time": round(seconds / spent["quick"], 1),
        f"quick reading of {len(long)} copies at {_SHORT_SIDE}p with a keyframe every {_GAP} s: x real time": by_keyframes,
        "deep reading: x real time": round(seconds / spent["deep"], 1),
        "quick reading, of the time that decoding takes": round(spent["quick"] / spent["decode"], 2),
        "videos of which a quick reading takes longer than decoding": sum(row["quick"] > row["decode"] for row in rows),
        "deep reading, of the time that decoding takes": round(spent["deep"] / spent["decode"], 2),
        "vPDQ's time, of the quick reading's": _times_vpdq(beside),
        "videos that vPDQ hashed": len(beside),
        "videos that look put together, and are read deeply": f"{sum(row['hint'] for row in rows)} of {len(rows)}",
    }
    shortfalls = list(_shortfalls(_times_vpdq(beside), by_keyframes, spent["quick"] / spent["decode"]))
    return Report(
        name="hash_upload", figures=figures, tables={"Videos, seconds of processor time": rows}, shortfalls=shortfalls
    )


def measured(videos: Sequence[Video], peer: Path) -> Iterator[Row]:
    """A row a video."""
    # NumPy's threads are settled when it is imported, so the readings are made in a process that begins with one.
    before = {name: os.environ.get(name) for name in ONE_THREAD}
    os.environ.update(ONE_THREAD)
    try:
        with concurrent.futures.ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
            for video in track(videos, "hash", console=Console(file=sys.stderr)):
                yield {
                    "video": video.name[:40],
                    "duration": round(video.duration, 1),
                    **pool.submit(readings, video.path, video.duration).result(),
                    "vpdq": vpdq(video.path, peer),
                }
    finally:
        for name, value in before.items():
            os.environ.pop(name)
            os.environ.update({name: value} if value is not None else {})


def readings(path: Path, duration: float) -> Row:
    """Seconds of processor time of each way to read a video."""
    decode, _ = timed(decoded, path)
    quick, reading = timed(fingerprint_query, path, DEFAULT, _LIMITS)
    deep, _ = timed(fingerprint_query, path, DEFAULT, _LIMITS, deep=True)
    return {
        "decode": round(decode, 3),
        "quick": round(quick, 3),
        "deep": round(deep, 3),
        "quick, keyframes": round(by_keyframes(path), 3) if duration >= _LONG else None,
        "hint": is_hint(reading, ()),
    }


def by_keyframes(path: Path) -> float:
    """Seconds of processor time of a quick reading of a copy as a platform would keep it."""
    with tempfile.TemporaryDirectory() as scratch:
        copy = Path(scratch) / "copy.mp4"
        scale = f"[0:v]scale='if(gt(iw,ih),-2,{_SHORT_SIDE})':'if(gt(iw,ih),{_SHORT_SIDE},-2)'[out]"
        keys = ["-an", "-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p"]
        ffmpeg(["-i", str(path)], scale, [*keys, "-force_key_frames", f"expr:gte(t,n_forced*{_GAP})"], copy)
        return timed(fingerprint_query, copy, DEFAULT, _LIMITS)[0]


def decoded(path: Path) -> int:
    """Frames taken while every frame is decoded: what any sampling of a video costs at most."""
    info = probe(path, _LIMITS)
    return sum(1 for _ in samples(path, info, Plan(step=0.5), _LIMITS))


def vpdq(path: Path, python: Path) -> float | None:
    """Seconds of processor time that vPDQ takes at a frame a second; None, and a line on stderr, where it cannot run."""
    command = [str(python), "-P", "-c", _VPDQ, str(path)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_VPDQ_SECONDS, check=True)
        return round(float(done.stdout.split()[-1]), 3)
    except (OSError, subprocess.SubprocessError, ValueError, IndexError) as error:
        said = (getattr(error, "stderr", "") or str(error)).strip().splitlines() or [str(error)]
        print(f"vpdq is left out for {path.name}: {said[-1]}; see --peer-python", file=sys.stderr)
        return None


def timed(work: Callable[..., Result], *given: Any, **named: Any) -> tuple[float, Result]:
    """Seconds of processor time, of all threads of this process and of the programs it ran, and what came of it."""
    began = sum(os.times()[:4])
    result = work(*given, **named)
    return sum(os.times()[:4]) - began, result


def _times_vpdq(rows: Sequence[Row]) -> float | None:
    return round(sum(row["vpdq"] for row in rows) / sum(row["quick"] for row in rows), 2) if rows else None


def _shortfalls(times_vpdq: float | None, real_time: float | None, times_decoding: float) -> Iterator[str]:
    if times_vpdq is not None and times_vpdq < _TIMES_VPDQ:
        yield f"A quick reading is {times_vpdq:.1f} times as fast as vPDQ, under {_TIMES_VPDQ:.0f}."
    if real_time is not None and real_time < _REAL_TIME:
        yield f"With a keyframe every {_GAP} s it is {real_time:.0f} times as fast as the film, under {_REAL_TIME:.0f}."
    if times_decoding > _TIMES_DECODING:
        yield f"It takes {times_decoding:.2f} times the processor time of decoding everything once."
