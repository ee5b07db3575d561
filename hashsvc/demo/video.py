"""Make stand-in videos: textured places, moving figures, a hand-held camera and cuts, from nothing but a seed.

Real attack footage cannot be shipped, and a test pattern proves little: its frames are flat, alike and periodic. What
is made here has the properties that matter to a frame hash: detail at every scale, motion of camera and of things in
front of it, and shots of a few seconds. Two seeds share no picture.
"""

import dataclasses
from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path

import av
import av.video
import numpy as np
import numpy.typing as npt
from PIL import Image

from hashsvc.demo.place import Picture, place, value_noise

WIDTH, HEIGHT = 640, 360
RATE = Fraction(25)
SHOT_SECONDS = (1.8, 3.8)
"""Shortest and longest shot."""
MARGIN = 2
"""A place is this many times as wide and high as the frame, so that the camera has somewhere to go."""

Track = npt.NDArray[np.float64]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Clip:
    """Moving pictures on their way from a source through edits to a file; `frames` can be read once."""

    frames: Iterable[Picture]
    """uint8 (height, width, 3), RGB, at a constant rate."""
    rate: Fraction
    """Frames a second."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Encoding:
    """How libx264 writes a clip."""

    crf: int = 23
    preset: str = "superfast"
    keyframes: int = 50
    """Frames from one keyframe to the next, at most; scene cuts bring them earlier unless `cut_keyframes` is false."""
    cut_keyframes: bool = True


def make(seed: int, *, seconds: float = 20.0, size: tuple[int, int] = (WIDTH, HEIGHT), rate: Fraction = RATE) -> Clip:
    """A video of `seconds`, `size` (width, height; both even); the same seed gives the same pictures."""
    return Clip(frames=_shots(np.random.default_rng(seed), round(seconds * rate), size, rate), rate=rate)


def _shots(rng: np.random.Generator, frames: int, size: tuple[int, int], rate: Fraction) -> Iterator[Picture]:
    """Shot after shot until `frames` pictures are out."""
    while frames > 0:
        length = min(frames, round(float(rng.uniform(*SHOT_SECONDS)) * rate))
        yield from _shot(rng, length, size, rate)
        frames -= length


def _shot(rng: np.random.Generator, length: int, size: tuple[int, int], rate: Fraction) -> Iterator[Picture]:
    """One place, seen by one camera move, with a few figures crossing it; `length` pictures."""
    width, height = size
    scene = Image.fromarray(place(rng, width * MARGIN, height * MARGIN))
    seconds = np.arange(length)[:, None] / float(rate)
    camera = _camera(rng, seconds)
    figures = [_figure(rng, size) for _ in range(int(rng.integers(1, 4)))]
    paths = [_path(rng, seconds) for _ in figures]
    for index, (x, y, zoom) in enumerate(camera):
        left, top = (x * MARGIN - zoom / 2) * width, (y * MARGIN - zoom / 2) * height
        box = (left, top, left + zoom * width, top + zoom * height)
        view = scene.resize(size, Image.Resampling.BILINEAR, box=box)
        for (figure, mask), path in zip(figures, paths, strict=True):
            at = (
                round(path[index, 0] * width) - figure.width // 2,
                round(path[index, 1] * height) - figure.height // 2,
            )
            view.paste(figure, at, mask)
        yield np.asarray(view)


def _camera(rng: np.random.Generator, seconds: Track) -> Track:
    """Centre x and y (shares of the place) and zoom (above 1 the frame shows more) at `seconds` (n, 1): float64 (n, 3).

    An eased move between two random poses, with a hand's shake on it.
    """
    start, end = rng.uniform((0.36, 0.36, 0.62), (0.64, 0.64, 1.15), (2, 3))
    share = seconds / max(float(seconds[-1, 0]), 1e-6)
    eased = share * share * (3 - 2 * share)
    phase = rng.uniform(0, 2 * np.pi, (3, 1, 3))
    speed = np.array([5.0, 11.0, 23.0])[:, None, None] * rng.uniform(0.7, 1.3, (3, 1, 3))
    shake = np.sin(phase + speed * seconds).sum(axis=0) * (0.0018, 0.0024, 0.002)
    pose: Track = start + (end - start) * eased + shake
    return pose


def _figure(rng: np.random.Generator, size: tuple[int, int]) -> tuple[Image.Image, Image.Image]:
    """A textured blob, RGB, and its mask: something that moves in front of the place."""
    width, height = (int(side * rng.uniform(0.07, 0.24)) for side in (size[1], size[1] * 2))
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    outline = x * x + y * y + 0.5 * (value_noise(rng, width, height, 3, 2) - 0.5)
    shade = 0.35 + 0.65 * value_noise(rng, width, height, 4, 3)[..., None]
    colours = np.where(y[..., None] < rng.uniform(-0.4, 0.4), rng.uniform(30, 255, 3), rng.uniform(30, 255, 3))
    return (
        Image.fromarray((colours * shade).astype(np.uint8)),
        Image.fromarray((np.clip((0.9 - outline) * 12, 0, 1) * 255).astype(np.uint8)),
    )


def _path(rng: np.random.Generator, seconds: Track) -> Track:
    """Where a figure is at `seconds` (n, 1), shares of the frame: float64 (n, 2)."""
    start, end = rng.uniform((-0.05, 0.35), (1.05, 0.95), (2, 2))
    share = seconds / max(float(seconds[-1, 0]), 1e-6)
    bob = 0.03 * np.sin(seconds * rng.uniform(4, 9) + rng.uniform(0, 6))
    path: Track = start + (end - start) * share + bob * (0.3, 1.0)
    return path


def write(path: Path, clip: Clip, encoding: Encoding = Encoding()) -> None:
    """Encode `clip` into an MP4 at `path`; a file half written is never left under that name."""
    unfinished = path.with_suffix(".part.mp4")
    with av.open(str(unfinished), "w", options={"movflags": "faststart"}) as container:
        stream: av.video.VideoStream | None = None
        for index, picture in enumerate(clip.frames):
            if stream is None:
                stream = _stream(container, picture, clip.rate, encoding)
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = index, 1 / clip.rate
            container.mux(stream.encode(frame))
        if stream is None:
            raise ValueError(f"{path}: a clip of no frames cannot be written")
        container.mux(stream.encode(None))
    unfinished.replace(path)


def _stream(
    container: av.container.OutputContainer, picture: Picture, rate: Fraction, encoding: Encoding
) -> av.video.VideoStream:
    stream = container.add_stream(
        "libx264",
        rate=rate,
        options={
            "crf": str(encoding.crf),
            "preset": encoding.preset,
            "g": str(encoding.keyframes),
            "sc_threshold": "40" if encoding.cut_keyframes else "0",
        },
    )
    stream.height, stream.width = picture.shape[:2]
    stream.pix_fmt = "yuv420p"
    return stream


def read(path: Path) -> Clip:
    """The pictures of a file that `write` made."""
    with av.open(str(path)) as container:
        rate = container.streams.video[0].average_rate
    if rate is None:
        raise ValueError(f"{path}: the stream states no frame rate")
    return Clip(frames=_decode(path), rate=rate)


def _decode(path: Path) -> Iterator[Picture]:
    with av.open(str(path)) as container:
        container.streams.video[0].thread_type = "AUTO"
        for frame in container.decode(video=0):
            yield frame.to_ndarray(format="rgb24").astype(np.uint8, copy=False)
