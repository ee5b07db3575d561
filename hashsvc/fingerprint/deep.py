"""What a deep reading of an upload has that a quick one has not.

No part of a profile: nothing that is stored depends on it, so it may grow.
"""

import numpy as np
import numpy.typing as npt

from hashsvc.fingerprint import temporal
from hashsvc.fingerprint.pdq import Rect
from hashsvc.fingerprint.views import Turn, View, centre

RECTANGLES = 10
"""Pictures inside the picture that are read at most."""

WINDOWS = (
    View("left-half", (0.0, 0.0, 0.5, 1.0)),
    View("right-half", (0.5, 0.0, 1.0, 1.0)),
    View("top-half", (0.0, 0.0, 1.0, 0.5)),
    View("bottom-half", (0.0, 0.5, 1.0, 1.0)),
    View("top-left-quarter", (0.0, 0.0, 0.5, 0.5)),
    View("top-right-quarter", (0.5, 0.0, 1.0, 0.5)),
    View("bottom-left-quarter", (0.0, 0.5, 0.5, 1.0)),
    View("bottom-right-quarter", (0.5, 0.5, 1.0, 1.0)),
    View("centre-80", centre(0.8)),
    View("centre-60", centre(0.6)),
    View("left-72", (0.0, 0.0, 0.72, 1.0)),
    View("right-72", (0.28, 0.0, 1.0, 1.0)),
)
"""Where split screens and windows put their pictures, whether or not an edge gives them away."""

TURNED = (
    View("mirror", turn=Turn.MIRROR),
    View("half-turn", turn=Turn.HALF),
    View("left-turn", turn=Turn.LEFT),
    View("right-turn", turn=Turn.RIGHT),
    View("inverted", inverted=True),
)
"""The full frame turned: a copy that was both cropped and turned meets the reference's crops this way."""


def _leaning(inset: float, lean: float) -> tuple[View, ...]:
    """A screen filmed from each of four sides: `inset` lies around it, the far side is shorter by twice `lean`."""
    a, b = inset, 1 - inset
    near, far = inset + lean, 1 - inset - lean
    name = f"{lean * 100:.0f}"
    return (
        View(f"leaning-left-{name}", quad=((a, near), (b, a), (a, far), (b, b))),
        View(f"leaning-right-{name}", quad=((a, a), (b, near), (a, b), (b, far))),
        View(f"leaning-top-{name}", quad=((near, a), (far, a), (a, b), (b, b))),
        View(f"leaning-bottom-{name}", quad=((a, a), (b, a), (near, b), (far, b))),
    )


LEANING = (
    View("centre-90", centre(0.9)),
    View("centre-82", centre(0.82)),
    *_leaning(0.05, 0.05),
    *_leaning(0.09, 0.1),
)
"""What a camera before a screen sees of it, put straight."""
EXTRA = (*TURNED, *LEANING)
"""Read last: a view of the full frame has no activity of its own."""


def activities(
    times: npt.NDArray[np.float64], thumbs: npt.NDArray[np.float16], duration: float, rects: list[Rect]
) -> npt.NDArray[np.float32]:
    """Activity curves float32 (rects, floor(duration x 8)) of what is inside each rectangle; see `temporal.activity`."""
    return np.stack([temporal.activity(times, _inside(thumbs, rect), duration) for rect in rects])


def _inside(thumbs: npt.NDArray[np.float16], rect: Rect) -> npt.NDArray[np.float32]:
    """Thumbnails (n, 32, 32) cut down to at least two pixels each way."""
    side = thumbs.shape[1]
    x0, y0 = (min(round(low * side), side - 2) for low in rect[:2])
    x1, y1 = max(round(rect[2] * side), x0 + 2), max(round(rect[3] * side), y0 + 2)
    return thumbs[:, y0:y1, x0:x1].astype(np.float32)
