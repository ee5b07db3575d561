"""A stretch of a video as small upright pictures at a constant rate: the footage that edits are made from."""

import contextlib
import itertools
import math
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av.error
import av.video.frame
import numpy as np
from av.video.reformatter import Interpolation, VideoReformatter

from hashsvc.config import Limits
from hashsvc.errors import MediaError
from hashsvc.media.decode import decode_packet
from hashsvc.media.probe import MediaInfo, check_pixels, demuxed, opened

RATE = Fraction(16)
"""Frames a second of a window."""
LONG_SIDE, SHORT_SIDE = 640, 360
"""Pixels that a window's pictures have at most."""

_EARLY = 3.0

Frame = av.video.frame.VideoFrame


class Shrinker:
    """Makes decoded frames upright yuv420p of one even size, at most LONG_SIDE x SHORT_SIDE, square pixels."""

    def __init__(self, aspect: float, height: int) -> None:
        """`aspect` is width over height as displayed, before any quarter turn; `height` is coded pixels."""
        wide, high = aspect * height, float(height)
        share = min(LONG_SIDE / max(wide, high), SHORT_SIDE / min(wide, high), 1.0)
        self._size = (max(int(wide * share / 2) * 2, 16), max(int(high * share / 2) * 2, 16))
        self._reformatter = VideoReformatter()

    def __call__(self, frame: Frame, turns: int) -> Frame:
        """`turns` quarter turns counter-clockwise make the frame upright."""
        small = self._reformatter.reformat(frame, *self._size, "yuv420p", interpolation=Interpolation.AREA)
        if not turns:
            return small
        upright = np.rot90(small.to_ndarray(format="rgb24").astype(np.uint8, copy=False), turns)
        return Frame.from_ndarray(np.ascontiguousarray(upright), format="rgb24").reformat(format="yuv420p")


def window(path: Path, info: MediaInfo, start: float, seconds: float, limits: Limits) -> list[Frame]:
    """Pictures of `path` from `start` on for `seconds`, RATE a second, each shown as a player would show it.

    Where seeking lands late, or the video ends early, there are fewer. Raises MediaError MEDIA_TOO_FEW_FRAMES where
    there are none.
    """
    shrink = Shrinker(info.aspect, info.height)
    most = int(seconds * RATE)
    pictures: list[Frame] = []
    shown: Frame | None = None
    small: Frame | None = None
    due = 0
    for time, frame in _timed(path, info, start, limits):
        # A frame stays on the screen until the next one comes; the first may come late.
        until = min(math.ceil(max(time - start, 0.0) * RATE - 1e-3), most)
        if shown is None:
            due = until
        while shown is not None and due < until:
            small = small or shrink(shown, round(shown.rotation / 90) % 4)
            pictures.append(small)
            due += 1
        if due == most:
            break
        shown, small = frame, None
    if shown is not None and due < most and start + due / RATE < info.duration:
        pictures.append(shrink(shown, round(shown.rotation / 90) % 4))
    if not pictures:
        raise MediaError("MEDIA_TOO_FEW_FRAMES", f"no frame could be decoded at {start:.1f} s", frames=0)
    return pictures


def _timed(path: Path, info: MediaInfo, start: float, limits: Limits) -> Iterator[tuple[float, Frame]]:
    """(seconds, frame) from the last keyframe before `start`, or from the beginning where seeking is not possible."""
    counted = 0
    with opened(path) as (container, stream):
        stream.codec_context.thread_count = 1
        base = float(stream.time_base or 0)
        if start > 0 and info.timed and base:
            # A stream that cannot seek is read from where it stands.
            with contextlib.suppress(av.error.FFmpegError):
                # Where a container has no index, seeking is by guess, and a little early does no harm.
                container.seek(int((info.origin + max(start - _EARLY, 0.0)) / base), stream=stream)
        for packet in itertools.chain(demuxed(container, stream), (None,)):
            for frame in decode_packet(stream, packet):
                check_pixels(frame.width, frame.height, limits)
                if not info.timed:
                    yield counted / info.rate, frame
                elif frame.pts is not None:
                    yield frame.pts * base - info.origin, frame
                counted += 1
