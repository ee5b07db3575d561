"""Decode by presentation time into small luma pictures.

The decoder's luma plane is scaled straight to SIDE x SIDE by area averaging; chroma is never touched. The square
forgets the aspect ratio on purpose: PDQ does the same, and sample aspect ratio then needs no care. Rotation metadata is
honoured, as a player would.
"""

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import av
import av.error
import av.packet
import av.video.frame
import av.video.stream
import numpy as np
import numpy.typing as npt
from av.video.reformatter import Interpolation, VideoReformatter

from hashsvc.config import Limits
from hashsvc.errors import MediaError
from hashsvc.media.probe import MediaInfo, check_pixels, demuxed, opened
from hashsvc.media.sample import Effort, Plan, next_due

SIDE = 256
"""Side of a sampled luma picture, pixels. Part of every profile, do not change."""

Luma = npt.NDArray[np.uint8]

_SKIP: dict[Effort, Literal["NONKEY", "NONREF", "DEFAULT"]] = {
    Effort.KEYFRAMES: "NONKEY",
    Effort.REFERENCES: "NONREF",
    Effort.ALL: "DEFAULT",
}


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """One decoded picture."""

    time: float
    """Presentation time from the first shown frame, seconds."""
    luma: Luma
    """uint8 (SIDE, SIDE), full range, upright."""
    turned: bool
    """Whether rotation metadata swapped width and height."""


def samples(path: Path, info: MediaInfo, plan: Plan, limits: Limits) -> Iterator[Sample]:
    """Yield the planned frames of `path` in order of presentation.

    Raises MediaError MEDIA_TOO_FEW_FRAMES when nothing could be decoded, LimitExceededError LIMIT_PIXELS when the
    picture grows in mid-stream.
    """
    reformatter = VideoReformatter()
    for time, frame, turns in frames(path, info, plan, limits):
        yield Sample(time, _luma(frame, reformatter, turns), turns % 2 == 1)


def frames(
    path: Path, info: MediaInfo, plan: Plan, limits: Limits
) -> Iterator[tuple[float, av.video.frame.VideoFrame, int]]:
    """The planned frames as decoded: (seconds, frame, quarter turns counter-clockwise that make it upright).

    Raises as `samples` does.
    """
    taken, due = 0, 0.0
    for time, frame in _frames(path, info, plan, limits):
        if time + 1e-4 < due and plan.effort is not Effort.KEYFRAMES:
            continue
        yield time, frame, round(frame.rotation / 90) % 4
        taken += 1
        due = next_due(time, plan.step)
        if due >= info.duration and plan.effort is not Effort.KEYFRAMES:
            return  # every packet has been timed: what is left need not be decoded
    if not taken:
        raise MediaError("MEDIA_TOO_FEW_FRAMES", "no frame could be decoded", frames=0)


def _frames(
    path: Path, info: MediaInfo, plan: Plan, limits: Limits
) -> Iterator[tuple[float, av.video.frame.VideoFrame]]:
    """(seconds from the first shown frame, frame) in order, timestamps mended where they are missing or jump back."""
    counted, last = 0, 0.0
    with opened(path) as (container, stream):
        context = stream.codec_context
        context.thread_type = "AUTO"
        context.thread_count = plan.threads
        context.skip_frame = _SKIP[plan.effort]
        for frame in _decoded(container, stream, info, plan):
            check_pixels(frame.width, frame.height, limits)
            if not info.timed:
                time = counted / info.rate
            elif frame.pts is None:
                time = last + 1 / info.rate if counted else 0.0
            else:
                time = frame.pts * float(stream.time_base or 0) - info.origin
            counted += 1
            if time < -1e-3:
                continue  # before the edit list's start
            last = max(time, last)
            yield last, frame


def _decoded(
    container: av.container.InputContainer, stream: av.video.stream.VideoStream, info: MediaInfo, plan: Plan
) -> Iterator[av.video.frame.VideoFrame]:
    """Decoded frames; a packet that is damaged is passed over, as players do, and the rest still counts."""
    wanted = set(plan.keyframes.tolist())
    for packet in demuxed(container, stream):
        if plan.effort is Effort.KEYFRAMES and not _is_wanted(packet, stream, info, wanted):
            continue
        yield from decode_packet(stream, packet)
    yield from decode_packet(stream, None)


def _is_wanted(
    packet: "av.packet.Packet[av.video.stream.VideoStream]",
    stream: av.video.stream.VideoStream,
    info: MediaInfo,
    wanted: set[float],
) -> bool:
    stamp = packet.pts if packet.pts is not None else packet.dts
    if not packet.is_keyframe or stamp is None:
        return False
    return stamp * float(stream.time_base or 0) - info.origin in wanted  # as `probe` reckons, bit for bit


def decode_packet(
    stream: av.video.stream.VideoStream, packet: "av.packet.Packet[av.video.stream.VideoStream] | None"
) -> list[av.video.frame.VideoFrame]:
    """The frames that a packet (None: the end) completes; none for a damaged one. Raises MediaError MEDIA_UNREADABLE."""
    try:
        return stream.codec_context.decode(packet)
    except (av.error.InvalidDataError, av.error.EOFError):
        return []
    except MemoryError:  # FFmpeg's is an FFmpegError too
        raise
    except av.error.FFmpegError as error:
        raise MediaError("MEDIA_UNREADABLE", f"cannot be decoded: {error.strerror}") from error


def _luma(frame: av.video.frame.VideoFrame, reformatter: VideoReformatter, turns: int) -> Luma:
    small = reformatter.reformat(frame, SIDE, SIDE, "gray", interpolation=Interpolation.AREA)
    luma: Luma = small.to_ndarray().astype(np.uint8, copy=False)
    return np.ascontiguousarray(np.rot90(luma, turns)) if turns else luma
