"""Demux a file once: what it is, how long, where its keyframes are, and whether it is within the limits.

Demuxing costs about a tenth of decoding keyframes, and it tells the sampling rule all that it needs.
"""

import contextlib
import dataclasses
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import av.container
import av.error
import av.packet
import av.video.stream
import numpy as np
import numpy.typing as npt

from hashsvc.config import Limits
from hashsvc.errors import LimitExceededError, MediaError

FORMATS = "mov,matroska,avi,flv,mpeg,mpegts,mpegvideo,gif,ogg,asf,rm,mxf,ivf,h264,hevc,m4v,nut,apng,dv,3g2,3gp,mp4,webm"
"""Containers that may be opened. Playlists (HLS, DASH, concat) are left out: they would make the decoder open other
files or addresses that an upload names."""

FALLBACK_RATE = Fraction(25)
"""Frames a second of a stream that says nothing of its timing."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class MediaInfo:
    """One demuxed video stream."""

    width: int
    """Coded width, pixels."""
    height: int
    aspect: float
    """Width over height as displayed, sample aspect ratio honoured, before any quarter turn of rotation metadata."""
    codec: str
    packets: int
    """Packets that are shown (edit lists and hidden frames left out)."""
    origin: float
    """Presentation time of the first shown frame, seconds; sample times count from it."""
    duration: float
    """From the first shown frame to the end of the last, seconds."""
    times: npt.NDArray[np.float64]
    """When each packet of the stream is shown, seconds from `origin`, float64 (p,), in the order in which packets come, which
    is that of decoding; NaN where the packet does not say."""
    keys: npt.NDArray[np.bool_]
    """Which packets stand alone, bool (p,)."""
    shown: npt.NDArray[np.bool_]
    """Which packets are shown, bool (p,): not what comes before the beginning that an edit list sets."""
    rate: float
    """Average frames a second."""
    timed: bool
    """False when packets carry no usable timestamps; frames are then counted at `rate`."""

    @property
    def keyframes(self) -> npt.NDArray[np.float64]:
        """Times of keyframes that are shown, float64 (k,), ascending, seconds."""
        return np.sort(self.times[self.keys & self.shown & np.isfinite(self.times)])


@contextlib.contextmanager
def opened(path: Path) -> Iterator[tuple[av.container.InputContainer, av.video.stream.VideoStream]]:
    """Open `path` and pick its video stream, raising MediaError for whatever FFmpeg cannot make sense of."""
    try:
        container = av.open(
            str(path), options={"protocol_whitelist": "file", "format_whitelist": FORMATS}, metadata_errors="replace"
        )
    except av.error.FFmpegError as error:
        raise MediaError("MEDIA_UNREADABLE", f"not a readable video: {error.strerror}") from error
    with container:
        covers = av.stream.Disposition.attached_pic
        streams = [stream for stream in container.streams.video if not stream.disposition & covers]
        if not streams:
            raise MediaError("MEDIA_NO_VIDEO", "the file has no video stream")
        # A stream of a codec that FFmpeg does not know has no context at all.
        known = [one for one in streams if one.codec_context is not None and one.codec_context.codec.is_decoder]
        if not known:
            raise MediaError("MEDIA_UNREADABLE", "no decoder for this video codec")
        yield container, max(known, key=lambda one: (one.codec_context.width or 0) * (one.codec_context.height or 0))


def demuxed(
    container: av.container.InputContainer, stream: av.video.stream.VideoStream
) -> Iterator["av.packet.Packet[av.video.stream.VideoStream]"]:
    """The stream's packets without the final flush packet; a file cut short raises MediaError MEDIA_TRUNCATED."""
    try:
        for packet in container.demux(stream):
            if packet.size:
                yield packet
    except av.error.EOFError:
        return
    except av.error.FFmpegError as error:
        raise MediaError("MEDIA_TRUNCATED", f"the file ends early or is damaged: {error.strerror}") from error


def probe(path: Path, limits: Limits) -> MediaInfo:
    """Read every packet header of `path`.

    Raises MediaError (MEDIA_EMPTY, MEDIA_UNREADABLE, MEDIA_TRUNCATED, MEDIA_NO_VIDEO, MEDIA_TOO_FEW_FRAMES) and
    LimitExceededError (LIMIT_BYTES, LIMIT_PIXELS, LIMIT_FRAMES, LIMIT_DURATION).
    """
    try:
        size = path.stat().st_size
    except OSError as error:
        raise MediaError("MEDIA_UNREADABLE", f"cannot be read: {error.strerror}") from error
    if size == 0:
        raise MediaError("MEDIA_EMPTY", "the file is empty")
    if size > limits.max_bytes:
        raise LimitExceededError("LIMIT_BYTES", f"{size} bytes, over {limits.max_bytes}", limit=limits.max_bytes)
    with opened(path) as (container, stream):
        check_pixels(stream.codec_context.width, stream.codec_context.height, limits)
        times: list[float] = []
        ends: list[float] = []
        keys: list[bool] = []
        shown: list[bool] = []
        base = float(stream.time_base or 0)
        for packet in demuxed(container, stream):
            if len(times) >= limits.max_frames:
                raise LimitExceededError(
                    "LIMIT_FRAMES", f"more than {limits.max_frames} frames", limit=limits.max_frames
                )
            stamp = packet.pts if packet.pts is not None else packet.dts
            times.append(np.nan if stamp is None else stamp * base)
            ends.append(times[-1] + (packet.duration or 0) * base)
            keys.append(packet.is_keyframe)
            shown.append(not packet.is_discard)
        info = _summary(stream, np.array(times), np.array(ends), np.array(keys, bool), np.array(shown, bool))
        _check_whole(container, stream, size, info)
    if info.duration > limits.max_duration:
        raise LimitExceededError(
            "LIMIT_DURATION", f"{info.duration:.0f} s, over {limits.max_duration:.0f} s", limit=limits.max_duration
        )
    return info


def check_pixels(width: int, height: int, limits: Limits) -> None:
    """Raise before a frame of that size is allocated: LimitExceededError LIMIT_PIXELS, MediaError MEDIA_UNREADABLE."""
    if not width or not height:
        # FFmpeg leaves both out where their product is beyond any of its decoders, 16384 x 16384 for one.
        raise MediaError("MEDIA_UNREADABLE", "the header gives no picture size, or one larger than any decoder takes")
    if width * height > limits.max_pixels:
        raise LimitExceededError(
            "LIMIT_PIXELS", f"{width}x{height} is over {limits.max_pixels} pixels", limit=limits.max_pixels
        )


def _summary(
    stream: av.video.stream.VideoStream,
    times: npt.NDArray[np.float64],
    ends: npt.NDArray[np.float64],
    keys: npt.NDArray[np.bool_],
    shown: npt.NDArray[np.bool_],
) -> MediaInfo:
    frames = int(shown.sum())
    if frames < 2:
        raise MediaError("MEDIA_TOO_FEW_FRAMES", f"{frames} frames; a video has at least 2", frames=frames)
    known = shown & np.isfinite(times)
    timed = bool(known.sum() > 0.9 * frames and len(np.unique(times[known])) > frames // 2)
    if timed:  # What the header states is often wrong, and for a variable rate cannot be right.
        rate = float((known.sum() - 1) / np.ptp(times[known]))
    else:  # An elementary stream: the codec's own rate, which its demuxer replaces by a default.
        stated = stream.guessed_rate or stream.average_rate or FALLBACK_RATE
        rate = float(stated) if 0 < stated < 1000 else float(FALLBACK_RATE)
        times = np.cumsum(shown) / rate - 1 / rate
        ends, known = times + 1 / rate, shown
    origin = float(times[known].min())
    last = max(float(times[known].max()), float(ends[known].max()))
    if last == times[known].max():
        last += 1 / rate
    return MediaInfo(
        width=stream.codec_context.width,
        height=stream.codec_context.height,
        aspect=_aspect(stream),
        codec=stream.codec_context.name,
        packets=frames,
        origin=origin,
        duration=last - origin,
        times=times - origin,
        keys=keys,
        shown=shown,
        rate=rate,
        timed=timed,
    )


def _aspect(stream: av.video.stream.VideoStream) -> float:
    """Rotation is not known before a frame is decoded; `decode` turns pictures, and `hasher` swaps this with them."""
    context = stream.codec_context
    shape = float(stream.sample_aspect_ratio or context.sample_aspect_ratio or 1)
    aspect = context.width * (shape if 0.1 < shape < 10 else 1.0) / max(context.height, 1)
    return min(max(aspect, 0.1), 10.0)


def _check_whole(
    container: av.container.InputContainer, stream: av.video.stream.VideoStream, size: int, info: MediaInfo
) -> None:
    """MP4 and MOV say up front how many samples there are, and FFmpeg takes a short file without a word."""
    if "mov" in container.format.name and stream.frames and info.packets < 0.98 * stream.frames - 2:
        stated = (stream.duration or 0) * float(stream.time_base or 0)
        # An edit list that shows only a part has fewer shown packets than samples, and a shorter stated duration.
        if info.duration < 0.98 * stated - 0.5:
            raise MediaError(
                "MEDIA_TRUNCATED", f"the file ends early: {info.packets} of {stream.frames} frames are there", size=size
            )
