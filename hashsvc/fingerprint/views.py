"""Geometric readings of a frame: a rectangle, turned, perhaps inverted.

Turning and inverting cost nothing: on DCT coefficients a mirror is a change of signs, a quarter turn a transposition, an
inversion a negation, so all readings of one rectangle share its matrix products.
"""

import dataclasses
import enum
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from hashsvc.fingerprint import pdq


class Turn(enum.Enum):
    """How the copy is turned against what is hashed: (transposed first, then rows reversed, then columns reversed)."""

    NONE = (False, False, False)
    MIRROR = (False, False, True)
    FLIP = (False, True, False)
    HALF = (False, True, True)
    LEFT = (True, True, False)
    RIGHT = (True, False, True)


@dataclasses.dataclass(frozen=True, slots=True)
class View:
    """One named reading."""

    name: str
    rect: pdq.Rect = pdq.FULL
    turn: Turn = Turn.NONE
    inverted: bool = False
    tilt: float = 0.0
    """Degrees clockwise; a tilted view reads the whole frame."""


_SIGNS = np.where(np.arange(1, pdq.BANDS + 1) % 2 == 0, 1, -1).astype(np.float32)
"""A reversed axis keeps even frequencies and negates odd ones."""


def turned(coefs: pdq.Floats, view: View) -> pdq.Floats:
    """Coefficients (n, 16, 16) of the same rectangle, turned and inverted as `view` says."""
    transposed, rows, columns = view.turn.value
    if transposed:
        coefs = coefs.transpose(0, 2, 1)
    if rows:
        coefs = coefs * _SIGNS[:, None]
    if columns:
        coefs = coefs * _SIGNS[None, :]
    return -coefs if view.inverted else coefs


def hash_views(
    lumas: npt.NDArray[np.uint8], views: Sequence[View], aspect: float = 1.0
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
    """Hashes uint8 (n, views, 32) and qualities uint8 (n, views) of lumas (n, side, side).

    `aspect`, width over height as displayed, matters to tilted views only.
    """
    hashes = np.zeros((len(lumas), len(views), 32), np.uint8)
    quality = np.zeros((len(lumas), len(views)), np.uint8)
    pictures = lumas.astype(np.float32)
    for rect, tilt in dict.fromkeys((view.rect, view.tilt) for view in views):
        coefs, grade = pdq.tilted(pictures, tilt, aspect) if tilt else pdq.coefficients(pictures, rect)
        for place, view in enumerate(views):
            if (view.rect, view.tilt) == (rect, tilt):
                hashes[:, place] = pdq.bits(turned(coefs, view))
                quality[:, place] = grade
    return hashes, quality


def centre(share: float) -> pdq.Rect:
    """The middle `share` of width and height."""
    edge = (1 - share) / 2
    return (edge, edge, 1 - edge, 1 - edge)
