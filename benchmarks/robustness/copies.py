"""Makes edited copies of clips with the FFmpeg program that PyPI's imageio-ffmpeg carries. Resumable: what is there stays."""

import dataclasses
import subprocess
from pathlib import Path

import av
import imageio_ffmpeg

from benchmarks.robustness import pictures
from benchmarks.robustness.recipes import Clip, Edit, Recipe

_ENCODE = ("-c:v", "libx264", "-preset", "superfast", "-crf", "26", "-pix_fmt", "yuv420p", "-g", "60")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A video to copy from."""

    path: Path
    name: str
    clip: Clip


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """An edited copy, and where it is from."""

    path: Path
    source: str
    other: str
    """Name of the other footage in it, or empty."""
    recipe: str
    strength: str
    start: float
    """Where the cut begins in the source, seconds."""
    length: float
    """Seconds of the source in it."""
    speed: float
    starts: float
    located: bool


def source(path: Path) -> Source:
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
    return Source(path=path, name=path.stem, clip=clip)


def make(folder: Path, one: Source, other: Source, recipe: Recipe, start: float, length: float) -> Copy:
    """Cut `length` seconds from `start` and edit them; raises CalledProcessError when FFmpeg fails."""
    clip = dataclasses.replace(one.clip, duration=length)
    edit = recipe.edit(clip)
    path = folder / f"{one.name}--{recipe.key}--{start:.1f}-{length:.0f}{edit.suffix}"
    if not path.exists():
        _edit(folder, _cut(folder, one, start, length), other, edit, length, path)
    return Copy(
        path=path,
        source=one.name,
        other=other.name if edit.other else "",
        recipe=recipe.name,
        strength=recipe.strength,
        start=start,
        length=edit.footage or length,
        speed=edit.speed,
        starts=edit.starts,
        located=edit.located,
    )


def _cut(folder: Path, one: Source, start: float, length: float) -> Path:
    """The stretch that all recipes work on, nearly lossless and at most 640 wide, made once."""
    path = folder / "cuts" / f"{one.name}--{start:.1f}-{length:.0f}.mp4"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        _ffmpeg(
            ["-ss", f"{start:.3f}", "-t", f"{length:.3f}", "-i", str(one.path)],
            f"[0:v]scale={one.clip.width}:{one.clip.height},setsar=1[out]",
            ["-an", "-c:v", "libx264", "-preset", "ultrafast", "-crf", "14", "-pix_fmt", "yuv420p"],
            path,
        )
    return path


def _edit(folder: Path, cut: Path, other: Source, edit: Edit, length: float, path: Path) -> None:
    inputs = ["-i", str(cut)]
    if edit.other:
        inputs += ["-stream_loop", "-1", "-t", f"{edit.other:.3f}", "-i", str(other.path)]
    for name in edit.pictures:
        inputs += [
            "-loop",
            "1",
            "-t",
            f"{length / edit.speed:.3f}",
            "-i",
            str(pictures.make(folder / "pictures", name)),
        ]
    encode = [] if edit.suffix == ".gif" else list(_ENCODE)
    sound = [] if edit.sound else ["-an"]
    _ffmpeg(inputs, edit.graph, [*sound, *encode, *edit.options], path)


def _ffmpeg(inputs: list[str], graph: str, output: list[str], path: Path) -> None:
    part = path.with_name("part--" + path.name)
    program = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-y", "-nostdin"]
    ends = ["-filter_complex", graph, "-map", "[out]", *output, str(part)]
    subprocess.run([*program, *inputs, *ends], check=True, capture_output=True, timeout=600)
    part.rename(path)
