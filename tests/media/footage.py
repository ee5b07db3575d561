"""Small videos for tests, written the way each test needs: any codec, container, timestamps and damage.

A *clock* is footage whose pictures say which frame they are, so that a test can tell the time at which each was shown.
"""

import subprocess
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt
import pytest

from hashsvc.config import Limits
from hashsvc.demo.place import Picture
from hashsvc.fingerprint.profiles import DEFAULT
from hashsvc.media.decode import Sample, samples
from hashsvc.media.probe import probe
from hashsvc.media.sample import DenseRule, SparseRule, plan

_LEVELS = 8
LIMITS = Limits()
VP9: dict[str, Any] = {"codec": "libvpx-vp9", "deadline": "realtime", "cpu-used": 8, "auto-alt-ref": 1}


def clock(count: int, size: tuple[int, int] = (96, 64)) -> list[Picture]:
    """`count` (at most 512) pictures in three flat bands, whose levels are the digits of their number in base 8."""
    width, height = size
    made = []
    for number in range(count):
        digits = (number // _LEVELS**2, number // _LEVELS % _LEVELS, number % _LEVELS)
        row = np.repeat([24 + 28 * digit for digit in digits], -(-width // 3))[:width]
        made.append(np.broadcast_to(row[None, :, None], (height, width, 3)).astype(np.uint8))
    return made


def told(luma: npt.NDArray[np.uint8]) -> int:
    """The number of a clock's picture, of its luma uint8 (side, side), upright."""
    side = luma.shape[1]
    middles = [luma[:, round(side * share) - 8 : round(side * share) + 8].mean() for share in (1 / 6, 1 / 2, 5 / 6)]
    high, mid, low = (round((float(level) - 24) / 28) for level in middles)
    return high * _LEVELS**2 + mid * _LEVELS + low


def coded(
    path: Path,
    pictures: Sequence[Picture],
    *,
    codec: str = "libx264",
    rate: int = 25,
    stamps: Sequence[int] | None = None,
    time_base: Fraction | None = None,
    aspect: Fraction | None = None,
    pixels: str = "yuv420p",
    **options: Any,
) -> Path:
    """Write `pictures` to `path`, whose suffix names the container; `stamps` are counted in `time_base`."""
    base = time_base or Fraction(1, rate)
    with av.open(str(path), "w", options=options.pop("container", {})) as container:
        stream: Any = container.add_stream(codec, rate=rate, options={key: str(one) for key, one in options.items()})
        stream.height, stream.width = pictures[0].shape[:2]
        stream.pix_fmt = pixels
        stream.codec_context.time_base = base
        if aspect is not None:
            stream.codec_context.sample_aspect_ratio = aspect
        for number, picture in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = number if stamps is None else stamps[number], base
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def ffmpeg(*arguments: object) -> None:
    """Run the packaged ffmpeg program; skips the test where it is not installed."""
    program = pytest.importorskip("imageio_ffmpeg").get_ffmpeg_exe()
    command = [program, "-hide_banner", "-loglevel", "error", "-nostdin", "-y", *map(str, arguments)]
    subprocess.run(command, check=True)


def taken(path: Path, rule: DenseRule | SparseRule = DEFAULT.dense, limits: Limits = LIMITS) -> list[Sample]:
    """What `rule` samples of a file."""
    info = probe(path, limits)
    return list(samples(path, info, plan(info, rule, limits), limits))
