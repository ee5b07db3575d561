"""The folder of real videos that benchmarks run on, and which of them share footage."""

import contextlib
import csv
import dataclasses
from collections.abc import Iterator
from pathlib import Path

from hashsvc.config import Limits
from hashsvc.errors import MediaError
from hashsvc.media.probe import probe

DEFAULT = Path(__file__).resolve().parents[2] / "shared" / "corpus"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Video:
    """One file of the corpus."""

    path: Path
    duration: float
    group: str
    """Files of one group show the same recording; its own name where there is none."""
    scene: str = ""
    """Files of one scene show the same place or layout in different recordings; empty where there is none."""

    @property
    def name(self) -> str:
        return self.path.stem


def read(folder: Path = DEFAULT) -> list[Video]:
    """All videos, by name; in a folder without a manifest, no two are taken to be related.

    Raises FileNotFoundError where there is no corpus.
    """
    if folder.is_dir() and not (folder / "manifest.csv").exists():
        return list(_unlisted(folder))
    with (folder / "manifest.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    return [
        Video(
            path=folder / "videos" / row["file"],
            duration=float(row["duration_s"]),
            group=row["near_duplicate_group"] or row["file"],
            scene=row.get("scene_group", ""),
        )
        for row in sorted(rows, key=lambda row: row["file"])
    ]


def _unlisted(folder: Path) -> Iterator[Video]:
    """Each file that is a video."""
    for path in sorted(one for one in folder.iterdir() if one.is_file()):
        with contextlib.suppress(MediaError):
            yield Video(path=path, duration=probe(path, Limits()).duration, group=path.name)


def references(videos: list[Video]) -> list[Video]:
    """The longest video of each group."""
    longest: dict[str, Video] = {}
    for video in videos:
        if video.group not in longest or video.duration > longest[video.group].duration:
            longest[video.group] = video
    return list(longest.values())
