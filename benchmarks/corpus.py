"""A folder of real videos that benchmarks run on, and which of them share footage."""

import collections
import csv
import dataclasses
import sys
from pathlib import Path

import av

DEFAULT = Path(__file__).resolve().parents[2] / "shared" / "corpus"

_SUFFIXES = frozenset(
    [".3gp", ".avi", ".flv", ".gif", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".ogv", ".ts", ".webm", ".wmv"]
)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Video:
    """One file of the corpus."""

    path: Path
    name: str
    """The file's name without its suffix, or with it where another differs in the suffix only."""
    duration: float
    group: str
    """Files of one group show the same recording; its own name where there is none."""
    scene: str = ""
    """Files of one scene look alike and are different recordings, unless they are of one group; empty for none."""

    @property
    def alone(self) -> bool:
        """Whether no other file is said to show the same recording."""
        return self.group == self.path.name


def read(folder: Path = DEFAULT) -> list[Video]:
    """All videos, by name: those of `manifest.csv`, or without one every video file, each a group of its own.

    They are in `videos/` or in the folder itself. Raises FileNotFoundError where there is no folder.
    """
    place = folder / "videos" if (folder / "videos").is_dir() else folder
    manifest = folder / "manifest.csv"
    rows = _listed(manifest) if manifest.exists() else _found(place)
    stems = collections.Counter(Path(row["file"]).stem for row in rows)
    return [
        Video(
            path=place / row["file"],
            name=Path(row["file"]).stem if stems[Path(row["file"]).stem] == 1 else row["file"],
            duration=float(row["duration_s"]),
            group=row.get("near_duplicate_group") or row["file"],
            scene=row.get("scene_group") or "",
        )
        for row in sorted(rows, key=lambda row: row["file"])
    ]


def _listed(manifest: Path) -> list[dict[str, str]]:
    with manifest.open(newline="") as file:
        return list(csv.DictReader(file))


def _found(place: Path) -> list[dict[str, str]]:
    """Rows such as a manifest has; what has a video's suffix and is none is left out, with a line on stderr."""
    rows: list[dict[str, str]] = []
    for path in sorted(path for path in place.iterdir() if path.suffix.lower() in _SUFFIXES):
        try:
            rows.append({"file": path.name, "duration_s": str(_duration(path))})
        except av.FFmpegError as error:
            print(f"left out {path.name}: {error}", file=sys.stderr)
    return rows


def _duration(path: Path) -> float:
    """Seconds, as the container says."""
    with av.open(str(path)) as container:
        return float(container.duration or 0) / av.time_base


def references(videos: list[Video]) -> list[Video]:
    """The longest video of each group."""
    longest: dict[str, Video] = {}
    for video in videos:
        if video.group not in longest or video.duration > longest[video.group].duration:
            longest[video.group] = video
    return list(longest.values())
