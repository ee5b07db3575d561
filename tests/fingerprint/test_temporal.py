"""The activity curve: how much the picture changes, eight times a second."""

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from hashsvc.demo import video
from hashsvc.fingerprint import temporal

Lumas = npt.NDArray[np.uint8]
Curve = npt.NDArray[np.float32]
SECONDS = 6.0


def lumas(seed: int) -> Lumas:
    """A video of 6 s, 24 pictures a second, uint8 (144, 256, 256)."""
    frames = video.make(seed, seconds=SECONDS, size=(128, 72)).frames
    return np.stack([np.asarray(Image.fromarray(frame).convert("L").resize((256, 256))) for frame in frames])


@pytest.fixture(scope="module")
def footage() -> Lumas:
    """Of seed 31."""
    return lumas(31)


def curve(pictures: Lumas, rate: float = 25.0) -> Curve:
    """Activity of pictures shown at a constant rate."""
    times = np.arange(len(pictures)) / rate
    return temporal.activity(times, temporal.thumbnails(pictures), len(pictures) / rate)


def likeness(one: Curve, other: Curve) -> float:
    """Correlation of two curves' logarithms, so that one cut does not decide."""
    return float(np.corrcoef(np.log1p(one), np.log1p(other))[0, 1])


def test_length_and_kind(footage: Lumas) -> None:
    """Eight numbers a second, finite, none below 0."""
    found = curve(footage)
    assert found.shape == (int(SECONDS * 8),) and found.dtype == np.dtype(np.float32)
    assert np.isfinite(found).all() and (found >= 0).all()


@pytest.mark.parametrize(
    "change",
    [
        lambda pictures: pictures[:, :, ::-1],
        lambda pictures: pictures[:, ::-1],
        lambda pictures: pictures.transpose(0, 2, 1),
        lambda pictures: 255 - pictures,
    ],
    ids=["mirror", "upside down", "turned", "inverted"],
)
def test_geometry_does_not_matter(change: object, footage: Lumas) -> None:
    """Mirrored, turned or inverted, a video changes as much as before, at every instant."""
    assert callable(change)
    assert np.abs(curve(np.ascontiguousarray(change(footage))) - curve(footage)).max() < 0.01


def test_a_brighter_copy_is_alike_and_another_video_is_not(footage: Lumas) -> None:
    """A copy's curve follows the original's, an unrelated video's does not."""
    copy = np.clip(footage * 0.8 + 30, 0, 255).astype(np.uint8)
    assert likeness(curve(copy), curve(footage)) > 0.95
    assert likeness(curve(lumas(32)), curve(footage)) < 0.8


def test_timing_is_seen(footage: Lumas) -> None:
    """The same pictures later are the same curve later."""
    held = np.concatenate([np.repeat(footage[:1], 25, axis=0), footage])
    later = curve(held)
    assert later[:7].max() == 0
    assert np.abs(later[8:] - curve(footage)).max() < 0.01


def test_a_low_frame_rate_stands_still_in_between() -> None:
    """At two pictures a second three of four samples are 0, and the fourth is the change."""
    pictures = np.stack([np.full((256, 256), level, np.uint8) for level in (10, 30, 60, 100)])
    found = curve(pictures, rate=2.0)
    assert found.tolist() == [0, 0, 0, 20, 0, 0, 0, 30, 0, 0, 0, 40, 0, 0, 0, 0]


def test_a_still_video_has_no_activity() -> None:
    """Nothing changes, at any instant."""
    assert not curve(np.full((50, 256, 256), 77, np.uint8)).any()


@pytest.mark.parametrize("duration", [0.0, 0.1, 0.124])
def test_too_short(duration: float) -> None:
    """A video of less than an eighth of a second has an empty curve."""
    thumbs = np.zeros((2, 32, 32), np.float32)
    assert temporal.activity(np.array([0.0, 0.05]), thumbs, duration).shape == (0,)


def test_long_videos_in_blocks() -> None:
    """A curve does not depend on how many samples are reckoned at once."""
    random = np.random.default_rng(1)
    thumbs = random.random((2000, 32, 32), np.float32) * 255
    found = temporal.activity(np.arange(2000) / 8, thumbs, 250.0)
    expected = np.abs(np.diff(thumbs, axis=0)).mean(axis=(1, 2))
    assert found[:1999] == pytest.approx(expected, rel=1e-5)
    assert found[1999:].tolist() == [0]


def test_thumbnails_are_block_means() -> None:
    """Each of 32 x 32 numbers is the mean of 8 x 8 pixels."""
    luma = np.random.default_rng(2).integers(0, 256, (1, 256, 256), dtype=np.uint8)
    thumb = temporal.thumbnails(luma)
    assert thumb.shape == (1, 32, 32)
    assert thumb[0, 3, 5] == pytest.approx(luma[0, 24:32, 40:48].mean())
