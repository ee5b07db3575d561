"""Files that are no videos to be hashed, each in its own way, made here."""

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from hashsvc.demo import video
from hashsvc.errors import LimitExceededError, MediaError

MEDIA = {
    "empty.mp4": (MediaError, "MEDIA_EMPTY"),
    "text.mp4": (MediaError, "MEDIA_UNREADABLE"),
    "truncated.mp4": (MediaError, "MEDIA_TRUNCATED"),
    "truncated-before-its-index.mp4": (MediaError, "MEDIA_UNREADABLE"),
    "audio-only.mp4": (MediaError, "MEDIA_NO_VIDEO"),
    "no-frames.avi": (MediaError, "MEDIA_TOO_FEW_FRAMES"),
    "one-frame.mp4": (MediaError, "MEDIA_TOO_FEW_FRAMES"),
    "15360-square.mov": (LimitExceededError, "LIMIT_PIXELS"),
    "16384-square.mov": (MediaError, "MEDIA_UNREADABLE"),
}
"""FFmpeg itself refuses 16384 x 16384, and gives no size; what is a little smaller is for the limits to refuse."""


def make_good(folder: Path) -> Path:
    """Write good.mp4, 3 s of a video like any other."""
    good = folder / "good.mp4"
    video.write(good, video.make(3, seconds=3.0, size=(320, 180), rate=Fraction(20)))
    return good


def make(folder: Path) -> None:
    """Write each of MEDIA, and good.mp4, into a folder."""
    good = make_good(folder)
    video.write(folder / "one-frame.mp4", video.make(3, seconds=0.05, size=(320, 180), rate=Fraction(20)))
    (folder / "empty.mp4").touch()
    (folder / "text.mp4").write_text("this is no video\n" * 100)
    (folder / "truncated.mp4").write_bytes(good.read_bytes()[: good.stat().st_size * 6 // 10])
    last = folder / "index-last.mp4"
    remux(good, last)
    (folder / "truncated-before-its-index.mp4").write_bytes(last.read_bytes()[: last.stat().st_size * 6 // 10])
    last.unlink()
    write_audio(folder / "audio-only.mp4")
    write_frames(folder / "no-frames.avi", "libx264", "yuv420p", 0)
    for side in (15360, 16384):
        write_frames(folder / f"{side}-square.mov", "mjpeg", "yuvj420p", 5)
        claim(folder / f"{side}-square.mov", side)
    assert sorted(path.name for path in folder.iterdir()) == sorted([*MEDIA, "good.mp4"])


def remux(source: Path, target: Path) -> None:
    """Copy the packets into a file with its index at the end."""
    with av.open(str(source)) as old, av.open(str(target), "w") as new:
        stream = new.add_stream_from_template(old.streams.video[0])
        for packet in old.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                new.mux(packet)


def write_audio(path: Path) -> None:
    """A second of noise."""
    noise = np.random.default_rng(1).random((1, 44_100), np.float32) - 0.5
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=44_100)
        frame = av.AudioFrame.from_ndarray(noise, format="fltp", layout="mono")
        frame.rate = 44_100
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def write_frames(path: Path, codec: str, pixels: str, count: int) -> None:
    """So many frames of noise, 64 x 48; with none the header alone."""
    noise = np.random.default_rng(1).integers(0, 255, (count, 48, 64, 3), np.uint8)
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream(codec, rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, pixels
        container.start_encoding()
        for picture in noise:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        if count:
            container.mux(stream.encode(None))


def claim(path: Path, side: int) -> None:
    """Make the container and every picture of a Motion JPEG claim another size."""
    start = b"\xff\xc0\x00\x11\x08"
    content = path.read_bytes()
    assert content.count(start + b"\x00\x30\x00\x40") == 5
    content = content.replace(start + b"\x00\x30\x00\x40", start + side.to_bytes(2, "big") * 2)
    path.write_bytes(content.replace(b"\x00\x40\x00\x30", side.to_bytes(2, "big") * 2))
