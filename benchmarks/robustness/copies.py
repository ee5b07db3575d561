"""Makes edited copies of clips with the FFmpeg program that PyPI's imageio-ffmpeg carries. Resumable: what is there stays."""

import dataclasses
import os
import subprocess
import threading
from pathlib import Path

import av
import imageio_ffmpeg

from benchmarks.robustness import pictures
from benchmarks.robustness.recipes import Clip, Edit, Recipe
from benchmarks.robustness.stretch import Stretch

_ENCODE = ("-c:v", "libx264", "-preset", "superfast", "-crf", "26", "-pix_fmt", "yuv420p", "-g", "60")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A video to copy from."""

    path: Path
    name: str
    clip: Clip


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A copy to be made."""

    source: Source
    other: Source
    """Where other footage comes from, if the recipe needs any."""
    recipe: Recipe
    start: float
    """Where the cut begins in the source, seconds."""
    length: float
    """Seconds of the cut."""
    asked: float
    """Seconds that it was to have."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """An edited copy, and where it is from."""

    path: Path
    source: str
    other: str
    """Name of the other footage in it, or empty."""
    recipe: str
    strength: str
    asked: float
    """Seconds of the source that the cut was to have."""
    length: float
    """Seconds that it has: less where the source is shorter."""
    stretches: tuple[Stretch, ...]
    """What of the source is where in the copy."""

    @property
    def name(self) -> str:
        return self.path.name


def source(path: Path, name: str) -> Source:
    """Read what a recipe must know of a video."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        duration = float(container.duration or 0) / av.time_base
        rate = min(float(stream.average_rate or 25), 60.0)
        shrink = min(1.0, 640 / stream.width)
        clip = Clip(
            width=int(stream.width * shrink) // 2 * 2,
            height=int(stream.height * shrink) // 2 * 2,
            duration=duration,
            rate=rate,
        )
    return Source(path=path, name=name, clip=clip)


def make(folder: Path, order: Order) -> Copy:
    """Cut and edit, unless that file is there; threads may share the folder.

    Raises CalledProcessError when FFmpeg fails, TimeoutExpired when it takes ten minutes.
    """
    one, length = order.source, order.length
    edit = order.recipe.edit(dataclasses.replace(one.clip, duration=length))
    path = folder / f"{one.name}--{order.recipe.key}--{order.start:.1f}-{length:.0f}{edit.suffix}"
    if not path.exists():
        _edit(folder, _cut(folder, order), order, edit, path)
    whole = Stretch(0.0, length / edit.speed, 0.0, length)
    return Copy(
        path=path,
        source=one.name,
        other=order.other.name if edit.other else "",
        recipe=order.recipe.name,
        strength=order.recipe.strength,
        asked=order.asked,
        length=length,
        stretches=tuple(stretch.later(order.start) for stretch in edit.stretches or (whole,)),
    )


def _cut(folder: Path, order: Order) -> Path:
    """The stretch that all recipes work on, nearly lossless and at most 640 wide, made once."""
    one = order.source
    path = folder / "cuts" / f"{one.name}--{order.start:.1f}-{order.length:.0f}.mp4"
    with _only(path):
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            ffmpeg(
                ["-ss", f"{order.start:.3f}", "-t", f"{order.length:.3f}", "-i", str(one.path)],
                f"[0:v]scale={one.clip.width}:{one.clip.height},setsar=1[out]",
                ["-an", "-c:v", "libx264", "-preset", "ultrafast", "-crf", "14", "-pix_fmt", "yuv420p"],
                path,
            )
    return path


def _edit(folder: Path, cut: Path, order: Order, edit: Edit, path: Path) -> None:
    inputs = ["-i", str(cut)]
    if edit.other:
        inputs += ["-stream_loop", "-1", "-t", f"{edit.other:.3f}", "-i", str(order.other.path)]
    for name in edit.pictures:
        with _only(folder / "pictures" / name):
            picture = pictures.make(folder / "pictures", name)
        inputs += ["-loop", "1", "-t", f"{order.length / edit.speed:.3f}", "-i", str(picture)]
    encode = [] if edit.suffix == ".gif" else list(_ENCODE)
    sound = [] if edit.sound else ["-an"]
    ffmpeg(inputs, edit.graph, [*sound, *encode, *edit.options], path)


def _only(path: Path) -> threading.Lock:
    """The lock under which what several copies share is made: the second thread finds it there."""
    with _guard:
        return _locks.setdefault(path, threading.Lock())


_guard = threading.Lock()
_locks: dict[Path, threading.Lock] = {}


def ffmpeg(inputs: list[str], graph: str, output: list[str], path: Path) -> None:
    """A file appears under its name when it is whole; under another's number while another process makes it too."""
    part = path.with_name(f"part-{os.getpid()}--{path.name}")
    program = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-y", "-nostdin"]
    ends = ["-filter_complex", graph, "-map", "[out]", *output, str(part)]
    try:
        subprocess.run([*program, *inputs, *ends], check=True, capture_output=True, timeout=600)
        part.rename(path)
    finally:
        part.unlink(missing_ok=True)
