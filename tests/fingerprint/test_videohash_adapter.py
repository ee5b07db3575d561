"""videohash really runs, on real files, whatever the file is called, and ends in time."""

import os
import re
import time
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
import pytest
import structlog
from PIL import Image

from hashsvc.fingerprint import videohash_adapter
from hashsvc.fingerprint.videohash_adapter import available, videohash_of

pytestmark = pytest.mark.skipif(not available(), reason="the extra hashsvc[videohash] is not installed")

SECONDS = 8
FPS = 10


def picture(rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    """A textured scene larger than the frame, uint8 (360, 480, 3), tinted in one colour."""
    cells = Image.fromarray(rng.integers(0, 256, (12, 16, 3), dtype=np.uint8))
    scene = np.asarray(cells.resize((480, 360), Image.Resampling.BICUBIC)).astype(np.float64)
    tint = rng.uniform(0.3, 1.0, 3)
    return (scene * tint).astype(np.uint8)


def make_video(path: Path, seed: int, *, size: tuple[int, int] = (320, 240), crf: int = 20) -> Path:
    """A video of a few scenes with camera motion; the same seed gives the same scenes at every size and quality."""
    rng = np.random.default_rng(seed)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=FPS, options={"crf": str(crf), "preset": "veryfast"})
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        for _ in range(SECONDS // 2):
            scene, drift = picture(rng), rng.integers(0, 5, 2)
            for tick in range(2 * FPS):
                y, x = (int(step) * tick for step in drift)
                shown = Image.fromarray(scene[y : y + 240, x : x + 320]).resize(size)
                container.mux(stream.encode(av.VideoFrame.from_ndarray(np.asarray(shown), format="rgb24")))
        container.mux(stream.encode(None))
    return path


def distance(left: str, right: str) -> int:
    """Hamming distance of two hex hashes."""
    return (int(left, 16) ^ int(right, 16)).bit_count()


def test_a_copy_is_near_and_another_video_is_far(tmp_path: Path) -> None:
    """videohash really runs with this Pillow and the packaged ffmpeg, and its hash means something."""
    original = videohash_of(make_video(tmp_path / "original.mp4", 1))
    copy = videohash_of(make_video(tmp_path / "copy.mkv", 1, size=(256, 192), crf=32))
    other = videohash_of(make_video(tmp_path / "other.mp4", 2))
    assert all(re.fullmatch("0x[0-9a-f]{16}", text) for text in (original, copy, other)), (original, copy, other)
    assert distance(original, copy) <= 10
    assert distance(original, other) > 16


def test_the_name_of_the_file_reaches_no_shell(tmp_path: Path) -> None:
    """videohash builds shell commands from paths; a hostile name neither runs nor spoils the hash."""
    plain = make_video(tmp_path / "plain.mp4", 3)
    hostile = tmp_path / "a b'; touch \"$HOME.mp4`touch INJECTED`"
    hostile.hardlink_to(plain)
    assert videohash_of(hostile) == videohash_of(plain) != ""
    assert {found.name for found in tmp_path.iterdir()} == {plain.name, hostile.name}


def test_the_calling_process_is_left_alone(tmp_path: Path) -> None:
    """PATH, Pillow's attributes and the temporary directory are as they were."""
    path_before, had_attribute = os.environ["PATH"], hasattr(Image, "ANTIALIAS")
    assert videohash_of(make_video(tmp_path / "video.mp4", 4))
    assert os.environ["PATH"] == path_before
    assert hasattr(Image, "ANTIALIAS") == had_attribute


def test_scratch_files_are_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither success nor failure leaves a file behind."""
    video = make_video(tmp_path / "video.mp4", 5)
    junk = tmp_path / "junk.mp4"
    junk.write_bytes(b"not a video" * 100)
    scratch = tmp_path / "scratch with a space"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    assert videohash_of(video) != ""
    assert videohash_of(junk) == ""
    assert list(scratch.iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"plain text\n" * 50], ids=["empty", "text"])
def test_what_is_no_video_gives_no_hash_and_a_reason(tmp_path: Path, content: bytes) -> None:
    """A file that videohash cannot read has no signal, and the log says why."""
    path = tmp_path / "upload.mp4"
    path.write_bytes(content)
    with structlog.testing.capture_logs() as logs:
        assert videohash_of(path) == ""
    assert [entry["event"] for entry in logs] == ["videohash not taken"]
    assert "Invalid data" in logs[0]["why"]


def test_a_missing_file(tmp_path: Path) -> None:
    """A path that does not exist gives no signal, and the log says why."""
    with structlog.testing.capture_logs() as logs:
        assert videohash_of(tmp_path / "absent.mp4") == ""
    assert "FileNotFoundError" in logs[0]["why"]


DASH = """<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" profiles="urn:mpeg:dash:profile:isoff-main:2011"
type="static" mediaPresentationDuration="PT8S"><Period><AdaptationSet mimeType="video/mp4"><Representation id="0"
bandwidth="1"><BaseURL>secret.mp4</BaseURL></Representation></AdaptationSet></Period></MPD>"""


@pytest.mark.parametrize("content", ["ffconcat version 1.0\nfile secret.mp4\n", DASH], ids=["concat", "dash"])
def test_a_list_of_other_files_is_not_opened(tmp_path: Path, content: str) -> None:
    """An upload that names other files to read is refused before it is followed."""
    make_video(tmp_path / "secret.mp4", 6)
    upload = tmp_path / "upload.mp4"
    upload.write_text(content)
    with structlog.testing.capture_logs() as logs:
        assert videohash_of(upload) == ""
    assert "Format not on whitelist" in logs[0]["why"]


def test_time_is_bounded(tmp_path: Path) -> None:
    """A video that takes too long gives no signal, soon, and the log says why."""
    video = make_video(tmp_path / "video.mp4", 7)
    started = time.monotonic()
    with structlog.testing.capture_logs() as logs:
        assert videohash_of(video, seconds=0.05) == ""
    assert time.monotonic() - started < 10.0
    assert "longer than 0.05 s" in logs[0]["why"]


def test_without_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the extra is not installed there is no signal, and no warning for every video."""
    monkeypatch.setattr(videohash_adapter, "available", lambda: False)
    with structlog.testing.capture_logs() as logs:
        assert videohash_of(tmp_path / "any.mp4") == ""
    assert [entry["log_level"] for entry in logs] == ["debug"]
