"""The pictures of the PDQ conformance vectors: some drawn from a seed, some decoded from the corpus of real clips."""

import dataclasses
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt

SIZES = ((320, 240), (640, 360), (426, 240), (1280, 720), (854, 480), (240, 432))
"""Width and height of the drawn pictures, pixels; the seed picks one in turn."""

Rgb = npt.NDArray[np.uint8]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class RealFrame:
    """A decoded frame of a corpus clip and where it was found."""

    pts: int
    """Presentation timestamp, units of the stream's time base."""
    seconds: float
    frame: av.VideoFrame


def drawn(seed: int) -> Rgb:
    """A textured picture with shapes, uint8 (height, width, 3), the same for a seed everywhere.

    Value noise of several octaves gives texture at every scale, and rectangles and discs give the edges that
    pictures of the world have.
    """
    rng = np.random.default_rng(seed)
    width, height = SIZES[seed % len(SIZES)]
    picture = np.zeros((height, width, 3), np.float64)
    for octave, cells in enumerate((3, 6, 12, 24, 48)):
        lattice = rng.integers(0, 256, (cells + 1, cells + 1, 3)).astype(np.float64)
        picture += _stretched(lattice, height, width) * 0.5 ** (octave * rng.choice((0.5, 0.8, 1.0)))
    picture *= 255.0 / picture.max()
    rows, columns = np.mgrid[0:height, 0:width]
    for _ in range(int(rng.integers(3, 9))):
        colour = rng.integers(0, 256, 3)
        y, x = int(rng.integers(0, height)), int(rng.integers(0, width))
        h, w = (int(rng.integers(8, side // 3)) for side in (height, width))
        if rng.integers(0, 2):
            inside = ((rows - y) / h) ** 2 + ((columns - x) / w) ** 2 < 1.0
        else:
            inside = (np.abs(rows - y) < h) & (np.abs(columns - x) < w)
        picture[inside] = 0.3 * picture[inside] + 0.7 * colour
    return picture.round().clip(0, 255).astype(np.uint8)


def _stretched(lattice: npt.NDArray[np.float64], height: int, width: int) -> npt.NDArray[np.float64]:
    """The lattice interpolated linearly to (height, width, channels)."""
    for axis, size in ((0, height), (1, width)):
        position = np.linspace(0.0, lattice.shape[axis] - 1.0, size)
        low = np.minimum(position.astype(np.int64), lattice.shape[axis] - 2)
        weight = (position - low).reshape((-1, 1, 1) if axis == 0 else (1, -1, 1))
        lattice = np.take(lattice, low, axis) * (1.0 - weight) + np.take(lattice, low + 1, axis) * weight
    return lattice


def pick(video: Path, count: int) -> Iterator[RealFrame]:
    """Up to `count` frames spread evenly over the clip: the keyframe before each wanted time, or the frame itself
    where that keyframe was taken already."""
    with av.open(str(video)) as container:
        stream = container.streams.video[0]
        base = stream.time_base or Fraction(1, 1000)
        first = stream.start_time or 0
        duration = stream.duration or int((container.duration or 0) / 1_000_000 / base)
        taken: set[int] = set()
        for step in range(count):
            wanted = first + int(duration * (step + 0.5) / count)
            container.seek(wanted, stream=stream)
            for frame in container.decode(stream):
                if frame.pts is not None and frame.pts not in taken and (frame.pts >= wanted or frame.key_frame):
                    taken.add(frame.pts)
                    yield RealFrame(pts=frame.pts, seconds=float((frame.pts - first) * base), frame=frame)
                    break


def find(video: Path, wanted: Sequence[int]) -> Iterator[RealFrame]:
    """The frames with these timestamps; one that the decoder no longer gives is left out."""
    with av.open(str(video)) as container:
        stream = container.streams.video[0]
        base = stream.time_base or Fraction(1, 1000)
        first = stream.start_time or 0
        for pts in wanted:
            frame = _decoded(container, stream, pts, step=int(2 / base))
            if frame is not None:
                yield RealFrame(pts=pts, seconds=float((pts - first) * base), frame=frame)


def _decoded(
    container: av.container.InputContainer, stream: av.video.stream.VideoStream, pts: int, *, step: int
) -> av.VideoFrame | None:
    """The frame at `pts`, sought from ever earlier: without an index, a seek may land after what was asked for."""
    for lead in range(4):
        container.seek(max(0, pts - lead * step), stream=stream)
        for frame in container.decode(stream):
            if frame.pts == pts:
                return frame
            if frame.pts is not None and frame.pts > pts:
                break
    return None
