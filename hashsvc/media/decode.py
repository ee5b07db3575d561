"""Decode by presentation time into small luma pictures.

The decoder's luma plane is scaled straight to SIDE x SIDE by area averaging; chroma is never touched. The square
forgets the aspect ratio on purpose: PDQ does the same, and sample aspect ratio then needs no care. Rotation metadata is
honoured, as a player would.
"""

import dataclasses
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, TypeAlias

import av
import av.error
import av.packet
import av.video.frame
import av.video.stream
import numpy as np
import numpy.typing as npt
from av.video.frame import PictureType
from av.video.reformatter import Interpolation, VideoReformatter

from hashsvc.config import Limits
from hashsvc.errors import MediaError
from hashsvc.media.probe import MediaInfo, check_pixels, demuxed, opened
from hashsvc.media.sample import EARLY, Plan, Work, next_due

SIDE = 256
"""Side of a sampled luma picture, pixels. Part of every profile, do not change."""

Luma = npt.NDArray[np.uint8]
Stream = av.video.stream.VideoStream
Packet: TypeAlias = "av.packet.Packet[av.video.stream.VideoStream]"

_SKIP: dict[int, Literal["DEFAULT", "NONREF"]] = {Work.SUPPORT: "NONREF", Work.TAKE: "DEFAULT"}


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
    while True:
        try:
            for time, frame in _frames(path, info, plan, limits):
                if time + EARLY < due:
                    continue
                yield time, frame, round(frame.rotation / 90) % 4
                taken += 1
                due = next_due(time, plan.step)
                if due >= info.duration:
                    return  # every packet has been timed: what is left need not be decoded
            break
        except _NoKeyframeError:
            # What is called a keyframe does not stand alone: what is left is found by decoding everything.
            plan = Plan(step=plan.step)
    if not taken:
        raise MediaError("MEDIA_TOO_FEW_FRAMES", "no frame could be decoded", frames=0)


class _NoKeyframeError(Exception):
    """Where decoding began again there was no keyframe."""


def _frames(
    path: Path, info: MediaInfo, plan: Plan, limits: Limits
) -> Iterator[tuple[float, av.video.frame.VideoFrame]]:
    """(seconds from the first shown frame, frame) in order, timestamps mended where they are missing or jump back.

    Raises _NoKeyframeError.
    """
    counted, last = 0, 0.0
    with opened(path) as (container, stream):
        context = stream.codec_context
        context.thread_type = "AUTO"
        context.thread_count = plan.threads
        base = float(stream.time_base or 0)
        packets = demuxed(container, stream)
        found = _decoded(packets, stream) if plan.work is None else _planned(packets, stream, plan.work)
        for frame in found:
            check_pixels(frame.width, frame.height, limits)
            if not info.timed:
                time = counted / info.rate
            elif frame.pts is None:
                time = last + 1 / info.rate if counted else 0.0
            else:
                time = frame.pts * base - info.origin
            counted += 1
            if time < -1e-3:
                continue  # before the edit list's start
            last = max(time, last)
            yield last, frame


def _decoded(packets: Iterator[Packet], stream: Stream) -> Iterator[av.video.frame.VideoFrame]:
    """Decoded frames; a packet that is damaged is passed over, as players do, and the rest still counts."""
    for packet in packets:
        yield from decode_packet(stream, packet)
    yield from decode_packet(stream, None)


def _planned(
    packets: Iterator[Packet], stream: Stream, work: npt.NDArray[np.uint8]
) -> Iterator[av.video.frame.VideoFrame]:
    """Decoded frames of the packets that have work, and perhaps of others that these need.

    A run of such packets begins at a keyframe, for which the decoder is to forget what came before, as after a seek.
    Raises _NoKeyframeError where a later run does not begin with one after all.
    """
    context = stream.codec_context
    todo = work.tolist()
    last = int(np.flatnonzero(work)[-1])
    begins, awaited, doing = 0, False, Work.NONE
    for place, packet in enumerate(itertools.islice(packets, last + 1)):
        if todo[place] == Work.NONE:
            continue
        if place and todo[place - 1] == Work.NONE:
            context.flush_buffers()
            begins, awaited = place, True
        if todo[place] != doing:
            doing = todo[place]
            context.skip_frame = _SKIP[doing]
        frames = decode_packet(stream, packet)
        ends = place == last or todo[place + 1] == Work.NONE
        if ends:
            frames += decode_packet(stream, None)
        if awaited and (frames or ends):
            awaited = False
            if not (frames and _stands_alone(frames[0], alone=ends and place == begins)):
                raise _NoKeyframeError
        yield from frames


def _stands_alone(frame: av.video.frame.VideoFrame, *, alone: bool) -> bool:
    """Whether a run may begin with that frame. Some containers call what is merely coded within itself a keyframe: it can be
    shown, but what comes after it may need what was before."""
    return frame.key_frame or (alone and frame.pict_type == PictureType.I)


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
