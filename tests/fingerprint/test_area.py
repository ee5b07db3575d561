"""The area inside flat borders, and the area outside which nothing moves."""

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from hashsvc.demo import video
from hashsvc.fingerprint.area import bordered_area, busy_area, is_letterbox, moving_area

SIDE = 256
Lumas = npt.NDArray[np.uint8]


@pytest.fixture(scope="module")
def footage() -> Lumas:
    """Twelve pictures of a video, uint8 (12, 256, 256)."""
    frames = list(video.make(41, seconds=6.0, size=(160, 90)).frames)[::12]
    return np.stack([np.asarray(Image.fromarray(frame).convert("L").resize((SIDE, SIDE))) for frame in frames])


def framed(pictures: Lumas, box: tuple[int, int, int, int], grey: int, noise: int = 0) -> Lumas:
    """The pictures squeezed into `box` (x0, y0, x1, y1) on a ground of one grey, give or take `noise`."""
    x0, y0, x1, y1 = box
    random = np.random.default_rng(5)
    made = random.integers(grey, grey + noise + 1, pictures.shape, dtype=np.uint8)
    for ground, picture in zip(made, pictures, strict=True):
        ground[y0:y1, x0:x1] = np.asarray(Image.fromarray(picture).resize((x1 - x0, y1 - y0)))
    return made


BOXES = {
    "letterbox": (0, 32, 256, 224),
    "pillarbox": (60, 0, 196, 256),
    "window": (40, 30, 216, 226),
    "bar below": (0, 0, 256, 200),
    "bar at the left": (50, 0, 256, 256),
    "narrow bars": (0, 12, 256, 244),
}


@pytest.mark.parametrize("grey", [0, 16, 128, 250])
@pytest.mark.parametrize("kind", BOXES)
def test_borders_are_found(kind: str, grey: int, footage: Lumas) -> None:
    """The area is what the picture was squeezed into, to within three pixels, whatever the grey of the border."""
    found = bordered_area(framed(footage, BOXES[kind], grey))
    assert found is not None
    assert np.array(found) * SIDE == pytest.approx(BOXES[kind], abs=3.0)


def test_noise_on_a_border(footage: Lumas) -> None:
    """A black bar that was compressed is not quite black, and is a border still."""
    found = bordered_area(framed(footage, BOXES["letterbox"], 15, noise=1))
    assert found is not None
    assert np.array(found) * SIDE == pytest.approx(BOXES["letterbox"], abs=3.0)


def test_no_border(footage: Lumas) -> None:
    """A full picture has none."""
    assert bordered_area(footage) is None


@pytest.mark.parametrize("level", [0, 200])
def test_nothing_but_border(level: int) -> None:
    """A flat video has no area inside."""
    assert bordered_area(np.full((12, SIDE, SIDE), level, np.uint8)) is None


def test_a_bug_in_the_corner_is_no_area(footage: Lumas) -> None:
    """What moves in a tenth of the picture, on a flat ground, is not taken for the picture."""
    assert bordered_area(framed(footage, (200, 200, 226, 226), 20)) is None


def test_one_frame(footage: Lumas) -> None:
    """A single picture shows its flat borders too, and one without borders has none."""
    found = bordered_area(framed(footage[:1], BOXES["letterbox"], 0))
    assert found is not None
    assert np.array(found) * SIDE == pytest.approx(BOXES["letterbox"], abs=3.0)
    assert bordered_area(footage[:1]) is None


@pytest.mark.parametrize("noise", [1, 12])
def test_grain_on_a_border(noise: int, footage: Lumas) -> None:
    """Film grain over a black bar does not hide it."""
    random = np.random.default_rng(8)
    pictures = framed(footage, BOXES["letterbox"], 15).astype(int)
    found = bordered_area(
        np.clip(pictures + random.integers(-noise, noise + 1, pictures.shape), 0, 255).astype(np.uint8)
    )
    assert found is not None
    assert np.array(found) * SIDE == pytest.approx(BOXES["letterbox"], abs=3.0)


def test_an_inset_on_a_still_picture_moves(footage: Lumas) -> None:
    """Around an inset the backdrop is lively but still: it has no flat border, and the moving area is the inset."""
    still = np.repeat(footage[3][None, ::-1], len(footage), axis=0)
    x0, y0, x1, y1 = BOXES["window"]
    still[:, y0:y1, x0:x1] = framed(footage, BOXES["window"], 0)[:, y0:y1, x0:x1]
    assert bordered_area(still) is None
    found = moving_area(still)
    assert found is not None
    assert np.array(found) * SIDE == pytest.approx(BOXES["window"], abs=4.0)


def test_everything_moves(footage: Lumas) -> None:
    """Footage from a hand-held camera has no still border."""
    assert moving_area(footage) is None


def a_window(x: int, y: int, width: int, height: int, *, still: bool) -> npt.NDArray[np.uint8]:
    """Noise that changes from frame to frame in one part, on a picture that stays, or that changes, too."""
    random = np.random.default_rng(3)
    lumas = np.repeat(random.integers(0, 256, (1, 256, 256), np.uint8), 12, axis=0)
    if not still:
        lumas = random.integers(0, 256, lumas.shape, np.uint8)
    lumas[:, y : y + height, x : x + width] = (
        random.integers(0, 256, (12, height // 4, width // 4), np.uint8).repeat(4, 1).repeat(4, 2)
    )
    return lumas


@pytest.mark.parametrize("place", [(0, 0, 80, 64), (176, 192, 80, 64), (40, 60, 100, 80)])
def test_a_window_that_moves_is_busy(place: tuple[int, int, int, int]) -> None:
    """In a corner or in the middle of a still picture it is found to within a block; the whole frame is no window in it."""
    x, y, width, height = place
    rect = busy_area(a_window(*place, still=True))
    assert rect == pytest.approx((x / 256, y / 256, (x + width) / 256, (y + height) / 256), abs=0.02)
    assert busy_area(a_window(*place, still=False)) is None
    assert busy_area(a_window(0, 0, 256, 256, still=True)) is None


def test_a_still_picture_is_not_busy() -> None:
    """Nor is a clip of three frames, which does not tell."""
    still = np.repeat(a_window(0, 0, 80, 64, still=True)[:1], 12, axis=0)
    assert busy_area(still) is None
    assert busy_area(a_window(0, 0, 80, 64, still=True)[:3]) is None


@pytest.mark.parametrize(
    ("rect", "letterbox"),
    [
        ((0.0, 0.1, 1.0, 0.9), True),
        ((0.1, 0.0, 0.9, 1.0), True),
        ((0.0, 0.1, 1.0, 1.0), False),
        ((0.03, 0.04, 1.0, 1.0), False),
        ((0.1, 0.1, 0.9, 0.9), False),
    ],
)
def test_two_equal_bars_are_a_letterbox(rect: tuple[float, float, float, float], letterbox: bool) -> None:
    """One bar, unequal ones, and borders on all sides are something else."""
    assert is_letterbox(rect) is letterbox
