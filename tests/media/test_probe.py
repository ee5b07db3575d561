"""What is not a video, is damaged, or is too large is refused with its reason before anything is decoded."""

import os
import struct
from pathlib import Path

import av
import numpy as np
import pytest

from hashsvc.config import Limits
from hashsvc.errors import HashsvcError, LimitExceededError, MediaError
from hashsvc.media.probe import probe
from tests.media.footage import LIMITS, VP9, clock, coded, ffmpeg, taken

COUNT = 75


def refused(path: Path, limits: Limits = LIMITS) -> str:
    """The reason for which `path` gives no samples."""
    with pytest.raises(HashsvcError) as caught:
        taken(path, limits=limits)
    assert isinstance(caught.value, LimitExceededError if "LIMIT" in caught.value.reason else MediaError)
    assert caught.value.message
    return caught.value.reason


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """3 s of 25 frames a second, 96 x 64, index at the end."""
    return coded(tmp_path_factory.mktemp("probe") / "whole.mp4", clock(COUNT), bf=3, g=25, sc_threshold=0)


def test_what_is_said_of_a_video(whole: Path) -> None:
    """Size, frames, duration, rate and keyframes are the file's."""
    info = probe(whole, LIMITS)
    assert (info.width, info.height, info.codec, info.packets, info.timed) == (96, 64, "h264", COUNT, True)
    assert info.duration == pytest.approx(3.0, abs=0.01)
    assert info.rate == pytest.approx(25.0, abs=0.01)
    assert info.keyframes.tolist() == pytest.approx([0.0, 1.0, 2.0])


def test_the_same_bytes_within_every_limit(whole: Path) -> None:
    """A limit is the largest value that is allowed."""
    size = whole.stat().st_size
    just = Limits(max_bytes=size, max_duration=3.01, max_pixels=96 * 64, max_frames=COUNT, max_hashed_frames=24)
    assert len(taken(whole, limits=just)) == 24


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        (Limits(max_bytes=1000), "LIMIT_BYTES"),
        (Limits(max_duration=2.9), "LIMIT_DURATION"),
        (Limits(max_pixels=96 * 64 - 1), "LIMIT_PIXELS"),
        (Limits(max_frames=COUNT - 1), "LIMIT_FRAMES"),
        (Limits(max_hashed_frames=20), "LIMIT_FRAMES"),
    ],
    ids=["bytes", "duration", "pixels", "frames", "hashed frames"],
)
def test_every_limit(whole: Path, limits: Limits, reason: str) -> None:
    """Each limit has its reason, and says what the limit is."""
    with pytest.raises(LimitExceededError) as caught:
        taken(whole, limits=limits)
    assert caught.value.reason == reason
    assert float(caught.value.metadata["limit"]) > 0


@pytest.mark.parametrize(
    ("width", "height", "reasons"),
    [
        (12000, 9000, {"LIMIT_PIXELS"}),
        # FFmpeg leaves a size out that is beyond any of its decoders.
        (16384, 16384, {"LIMIT_PIXELS", "MEDIA_UNREADABLE"}),
    ],
)
def test_a_header_of_a_size_beyond_reason(width: int, height: int, reasons: set[str], tmp_path: Path) -> None:
    """A stream that claims an enormous size, and has a true one of 96 x 64 behind it, is refused by its header."""
    path = coded(tmp_path / "v.ivf", clock(3), **VP9)
    data = bytearray(path.read_bytes())
    assert struct.unpack_from("<HH", data, 12) == (96, 64)
    assert _vp9_size(data, 44) == (96, 64)
    struct.pack_into("<HH", data, 12, width, height)
    bits = int.from_bytes(data[44:56], "big")
    mask = 0xFFFFFFFF << (96 - 36 - 32)
    bits = bits & ~mask | ((width - 1) << 16 | height - 1) << (96 - 36 - 32)
    data[44:56] = bits.to_bytes(12, "big")
    assert _vp9_size(data, 44) == (width, height)
    path.write_bytes(data)
    assert refused(path) in reasons


def _vp9_size(data: bytearray, at: int) -> tuple[int, int]:
    """Width and height in the header of the VP9 key frame at `at`: 16 bits each, less one, after 36 others."""
    both = int.from_bytes(data[at : at + 12], "big") >> (96 - 36 - 32) & 0xFFFFFFFF
    return (both >> 16) + 1, (both & 0xFFFF) + 1


def gif(width: int, height: int) -> bytes:
    """Four pictures, each of one pixel, on a screen of width x height."""
    screen = b"GIF89a" + struct.pack("<HH", width, height) + b"\x80\0\0\0\0\0\xff\xff\xff"
    pixel = b"\x21\xf9\x04\x04\x0a\0\0\0\x2c" + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x02\x02\x44\x01\0"
    return screen + pixel * 4 + b";"


def test_a_gif_of_16k_by_16k(tmp_path: Path) -> None:
    """A picture of a gigabyte in 200 bytes is refused, and a small one of the same bytes is not."""
    small, large = tmp_path / "small.gif", tmp_path / "large.gif"
    small.write_bytes(gif(64, 64))
    large.write_bytes(gif(16384, 16384))
    assert taken(small)
    assert refused(large) in ("LIMIT_PIXELS", "MEDIA_UNREADABLE")


def test_a_picture_that_grows(tmp_path: Path) -> None:
    """A stream whose later pictures are larger than its header said is refused when it gets there."""
    small = coded(tmp_path / "small.h264", clock(20), bf=0)
    large = coded(tmp_path / "large.h264", clock(20, (192, 128)), bf=0)
    both = tmp_path / "both.h264"
    both.write_bytes(small.read_bytes() + large.read_bytes())
    assert refused(both, Limits(max_pixels=96 * 64)) == "LIMIT_PIXELS"
    assert len(taken(both)) >= 12


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"", "MEDIA_EMPTY"), (b"this is no video\n" * 200, "MEDIA_UNREADABLE"), (bytes(5000), "MEDIA_UNREADABLE")],
    ids=["empty", "text", "zeros"],
)
def test_what_is_no_video(content: bytes, reason: str, tmp_path: Path) -> None:
    """A name that ends in .mp4 makes no video."""
    path = tmp_path / "v.mp4"
    path.write_bytes(content)
    assert refused(path) == reason


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    """A missing file and a folder are unreadable, not a crash."""
    assert refused(tmp_path / "absent.mp4") == "MEDIA_UNREADABLE"
    assert refused(tmp_path) == "MEDIA_UNREADABLE"


@pytest.mark.parametrize("share", [0.3, 0.5, 0.7, 0.85])
@pytest.mark.parametrize("first", [True, False], ids=["index first", "index last"])
def test_a_truncated_mp4(first: bool, share: float, tmp_path: Path) -> None:
    """An MP4 cut short is refused, wherever its index is: a part of a video must not pass for the whole."""
    flags = {"movflags": "faststart"} if first else {}
    path = coded(tmp_path / "v.mp4", clock(200), bf=3, g=25, container=flags)
    data = path.read_bytes()
    assert (data.find(b"moov") < data.find(b"mdat")) is first
    path.write_bytes(data[: int(len(data) * share)])
    assert refused(path) in ("MEDIA_TRUNCATED", "MEDIA_UNREADABLE", "MEDIA_TOO_FEW_FRAMES")


def test_most_of_a_video_with_its_index_is_called_truncated(tmp_path: Path) -> None:
    """Where the index is there and the pictures run out, the reason says so."""
    path = coded(tmp_path / "v.mp4", clock(200), bf=3, g=25, container={"movflags": "faststart"})
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * 0.8)])
    assert refused(path) == "MEDIA_TRUNCATED"


def audio(path: Path) -> Path:
    """A second of silence."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=44100)
        for number in range(43):
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
            frame.sample_rate, frame.pts = 44100, number * 1024
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def test_sound_alone(tmp_path: Path) -> None:
    """A file without pictures, or with no more than the cover of an album, has no video."""
    plain = audio(tmp_path / "a.m4a")
    assert refused(plain) == "MEDIA_NO_VIDEO"
    covered = tmp_path / "covered.m4a"
    ffmpeg("-i", plain, "-f", "lavfi", "-i", "color=red:s=64x64", "-frames:v", 1, "-map", 0, "-map", 1, "-c:a", "copy",
           "-c:v", "png", "-disposition:v", "attached_pic", covered)  # fmt: skip
    assert refused(covered) == "MEDIA_NO_VIDEO"


@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
def test_no_frames(suffix: str, tmp_path: Path) -> None:
    """A header that announces pictures, and none behind it."""
    path = tmp_path / f"v.{suffix}"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        container.start_encoding()
    assert refused(path) in ("MEDIA_NO_VIDEO", "MEDIA_TOO_FEW_FRAMES", "MEDIA_UNREADABLE")


def test_one_frame(tmp_path: Path) -> None:
    """A picture is not a video; two are."""
    assert refused(coded(tmp_path / "one.mp4", clock(1))) == "MEDIA_TOO_FEW_FRAMES"
    assert taken(coded(tmp_path / "two.mp4", clock(2)))


def test_pictures_that_cannot_be_decoded(whole: Path, tmp_path: Path) -> None:
    """An intact index over pictures of noise gives no frame, and an error."""
    data = bytearray(whole.read_bytes())
    begin, end = data.find(b"mdat") + 4, data.find(b"moov") - 4
    data[begin:end] = np.random.default_rng(1).bytes(end - begin)
    path = tmp_path / "noise.mp4"
    path.write_bytes(data)
    assert refused(path) in ("MEDIA_TOO_FEW_FRAMES", "MEDIA_UNREADABLE")


def test_a_codec_that_nobody_knows(whole: Path, tmp_path: Path) -> None:
    """A video track of an unknown codec is unreadable, not a crash."""
    path = tmp_path / "unknown.mp4"
    path.write_bytes(whole.read_bytes().replace(b"avc1\0", b"zzz9\0"))
    assert path.read_bytes() != whole.read_bytes()
    assert refused(path) == "MEDIA_UNREADABLE"


PLAYLISTS = {
    "hls": "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:3,\nsecret.ts\n#EXT-X-ENDLIST\n",
    "concat": "ffconcat version 1.0\nfile secret.ts\n",
    "sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\na=rtpmap:96 H264/90000\n",
    "dash": '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" mediaPresentationDuration="PT3S">'
    '<Period><AdaptationSet mimeType="video/mp4"><Representation id="0" bandwidth="1"><BaseURL>secret.ts</BaseURL>'
    "</Representation></AdaptationSet></Period></MPD>",
}


@pytest.mark.parametrize("kind", PLAYLISTS)
@pytest.mark.parametrize("suffix", ["mp4", "m3u8"])
def test_a_playlist_opens_no_other_file(kind: str, suffix: str, tmp_path: Path) -> None:
    """An upload that names a file beside it does not get that file read, whatever the upload is called."""
    secret = coded(tmp_path / "secret.ts", clock(COUNT))
    assert taken(secret)
    read_before = secret.stat().st_atime_ns
    path = tmp_path / f"upload.{suffix}"
    path.write_text(PLAYLISTS[kind])
    assert refused(path) == "MEDIA_UNREADABLE"
    assert secret.stat().st_atime_ns == read_before


@pytest.mark.parametrize("name", [b"\xff\xfe.mp4", b"%d %03d.mp4", b"file:concat:a|b.mp4", b"-i.mp4"])
def test_any_name_will_do(name: bytes, whole: Path, tmp_path: Path) -> None:
    """A name that is no text, or that means something to FFmpeg, is only a name."""
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name))
    path.write_bytes(whole.read_bytes())
    assert probe(path, LIMITS).packets == COUNT
