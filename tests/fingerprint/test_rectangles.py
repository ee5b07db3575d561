"""Rectangles found by edges that persist."""

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from hashsvc.demo import video
from hashsvc.fingerprint.rectangles import overlap, rectangles

SIDE = 256
Lumas = npt.NDArray[np.uint8]


def footage(seed: int) -> Lumas:
    """Sixteen pictures of a video, uint8 (16, 256, 256)."""
    frames = list(video.make(seed, seconds=8.0, size=(160, 90)).frames)[::12][:16]
    return np.stack([np.asarray(Image.fromarray(frame).convert("L").resize((SIDE, SIDE))) for frame in frames])


@pytest.fixture(scope="module")
def ground() -> Lumas:
    """What the inset lies over."""
    return footage(61)


@pytest.fixture(scope="module")
def inset() -> Lumas:
    """What is laid over it."""
    return footage(62)


@pytest.mark.parametrize(
    "box",
    [(20, 30, 148, 158), (120, 110, 240, 230), (0, 0, 128, 256), (0, 128, 256, 256), (90, 16, 180, 106)],
    ids=["top left", "bottom right", "left half", "lower half", "small"],
)
def test_a_picture_inside_moving_footage(box: tuple[int, int, int, int], ground: Lumas, inset: Lumas) -> None:
    """An inset over footage, and half of a split screen, are among the rectangles."""
    x0, y0, x1, y1 = box
    mixed = ground.copy()
    for picture, small in zip(mixed, inset, strict=True):
        picture[y0:y1, x0:x1] = np.asarray(Image.fromarray(small).resize((x1 - x0, y1 - y0)))
    wanted = (x0 / SIDE, y0 / SIDE, x1 / SIDE, y1 / SIDE)
    assert max((overlap(wanted, found) for found in rectangles(mixed)), default=0.0) > 0.9


def test_plain_footage_has_hardly_any(ground: Lumas) -> None:
    """Without anything laid over, nothing persists; an upload is then hashed in no more views."""
    assert len(rectangles(ground)) <= 1


def test_at_most_as_many_as_asked(ground: Lumas) -> None:
    """A grid drawn over footage is all edges, and still only so many come back, none nearly the same as another."""
    grid = ground.copy()
    grid[:, ::32] = 255
    grid[:, :, ::32] = 0
    found = rectangles(grid, most=4)
    assert len(found) == 4
    assert all(overlap(one, other) < 0.9 for place, one in enumerate(found) for other in found[:place])


@pytest.mark.parametrize("count", [0, 1, 3])
def test_too_few_frames_say_nothing(count: int, ground: Lumas) -> None:
    """In a handful of pictures every edge persists."""
    assert rectangles(ground[:count]) == []
