"""Keeps reports in one Markdown file, each with the command that made it and the machine it ran on."""

import os
import platform
import re
import shlex
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.report import Report

_HEAD = """# Results

What the workloads printed, with the command of each.
"""
_PLACES = frozenset(
    ("--corpus", "--data", "--output", "--peer-python", "--picture", "--results", "--ring", "--videos", "--work")
)
"""Options that name a place on the machine, which is nobody else's business."""
_SECTION = re.compile(r"^## ", re.MULTILINE)


def load() -> float:
    """Processes that want a processor, over the last minute."""
    return os.getloadavg()[0]


def put(path: Path, name: str, words: Sequence[str], report: Report, before: float) -> None:
    """Write a report into the file at `path`, in the place of an earlier one of the same command; `before` is the load then."""
    command = shlex.join(["python", "-m", "benchmarks", name, *_public(words)])
    _, _, body = report.markdown().removeprefix("## ").partition("\n")
    heading = f"## `{command}`\n"
    section = f"{heading}\n{_machine(before)}\n{body.rstrip()}\n"
    text = path.read_text(encoding="utf-8") if path.exists() else _HEAD
    parts = [part if not place else f"## {part}" for place, part in enumerate(_SECTION.split(text))]
    places = [place for place, part in enumerate(parts) if part.startswith(heading)]
    if places:
        parts[places[0]] = f"{section}\n"
    else:
        parts.append(f"{section}\n")
    joined = "\n".join(part.rstrip("\n") + "\n" for part in parts)
    path.write_text(joined, encoding="utf-8")


def _public(words: Sequence[str]) -> list[str]:
    """The words without options that name places."""
    kept: list[str] = []
    skipped = False
    for word in words:
        if not skipped and word.partition("=")[0] not in _PLACES:
            kept.append(word)
        skipped = word in _PLACES
    return kept


def _machine(before: float) -> str:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    when = datetime.now(UTC).date().isoformat()
    return f"{when}; {_processor()}, {os.cpu_count()} cores, {memory:.0f} GiB; Python {platform.python_version()}; load {before:.1f}.\n"


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
