"""Stretches of a video at a constant rate."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from hashsvc.errors import MediaError
from hashsvc.media.probe import probe
from hashsvc.media.window import RATE, Frame, Shrinker, window
from tests.media.footage import LIMITS, clock, coded, told


def numbers(frames: list[Frame]) -> list[int]:
    """What a clock's pictures say."""
    return [told(frame.reformat(256, 256, "gray").to_ndarray().astype(np.uint8)) for frame in frames]


def cut(path: Path, start: float, seconds: float) -> list[Frame]:
    return window(path, probe(path, LIMITS), start, seconds, LIMITS)


@pytest.mark.parametrize("start", [0.0, 3.0, 7.5])
@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".ts"])
def test_shows_what_a_player_shows(tmp_path: Path, start: float, suffix: str) -> None:
    """From any place, also in the middle of a group of pictures, each picture is the one on the screen then."""
    path = coded(tmp_path / f"v{suffix}", clock(250), g=60)
    frames = cut(path, start, 2.0)
    assert len(frames) == 2 * RATE
    shown = [(start + place / float(RATE)) * 25 for place in range(len(frames))]
    assert np.abs(np.array(numbers(frames)) - shown).max() <= 1.01


def test_slow_video_is_held(tmp_path: Path) -> None:
    """A picture of a video at four frames a second stays for four pictures of the window."""
    path = coded(tmp_path / "v.mp4", clock(20), rate=4)
    assert numbers(cut(path, 0.0, 2.0)) == [number for number in range(8) for _ in range(4)]


def test_ends_with_the_video(tmp_path: Path) -> None:
    """Where the video ends inside the window, so does the window; past its end there is nothing to show."""
    path = coded(tmp_path / "v.mp4", clock(50))
    assert 14 <= len(cut(path, 1.0, 5.0)) <= 17
    with pytest.raises(MediaError) as caught:
        cut(path, 30.0, 5.0)
    assert caught.value.reason == "MEDIA_TOO_FEW_FRAMES"


def test_without_timestamps(tmp_path: Path) -> None:
    """An elementary stream cannot be seeked in, and is counted from its beginning."""
    path = coded(tmp_path / "v.h264", clock(100))
    frames = cut(path, 1.0, 1.0)
    assert len(frames) == RATE
    assert abs(numbers(frames)[0] - 25) <= 1


@pytest.mark.parametrize(
    ("aspect", "height", "turns", "size"),
    [
        (16 / 9, 1080, 0, (640, 360)),
        (9 / 16, 1920, 0, (360, 640)),
        (16 / 9, 1080, 1, (360, 640)),
        (16 / 9, 1080, 2, (640, 360)),
        (4 / 3, 120, 0, (160, 120)),
        (10.0, 1000, 0, (640, 64)),
        (2.0, 3, 0, (16, 16)),
    ],
)
def test_size(aspect: float, height: int, turns: int, size: tuple[int, int]) -> None:
    """Pictures become upright and small, keep their shape, have even sides, and are never enlarged but to 16 pixels."""
    frame = Frame(max(round(aspect * height), 2), height, "yuv420p")
    small = Shrinker(aspect, height)(frame, turns)
    assert (small.width, small.height, small.format.name) == (*size, "yuv420p")


def test_turned_as_metadata_says() -> None:
    """One turn counter-clockwise moves what is at the right to the top."""
    picture = np.zeros((120, 160, 3), np.uint8)
    picture[:, 120:] = 255
    frame = Frame.from_ndarray(picture, format="rgb24")
    luma = Shrinker(4 / 3, 120)(frame, 1).reformat(format="gray").to_ndarray()
    assert luma.shape == (160, 120)
    assert luma[:30].mean() > 240 and luma[60:].mean() < 15


def test_rate_is_part_of_it() -> None:
    """At 16 pictures a second an upload's sampling may still leave frames out, as it does for ordinary uploads."""
    assert Fraction(16) == RATE
