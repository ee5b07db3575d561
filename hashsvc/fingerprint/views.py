"""Geometric readings of a frame: a rectangle, turned, perhaps inverted.

Turning and inverting cost nothing: on DCT coefficients a mirror is a change of signs, a quarter turn a transposition, an
inversion a negation, so all readings of one rectangle share its matrix products.
"""

import dataclasses
import enum
from collections.abc import Iterator, Sequence

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
    quad: pdq.Quad | None = dataclasses.field(default=None, repr=False)
    """Four corners instead of a rectangle: what is between them is read as if it were seen from the front. No profile has such
    a view, and their digests are made of what is shown of views, so it is not shown."""


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
    for readings, (coefs, grade) in _read(lumas.astype(np.float32), views, aspect):
        for place in readings:
            hashes[:, place] = pdq.bits(turned(coefs, views[place]))
            quality[:, place] = grade
    return hashes, quality


def _read(
    pictures: pdq.Floats, views: Sequence[View], aspect: float
) -> Iterator[tuple[list[int], tuple[pdq.Floats, npt.NDArray[np.uint8]]]]:
    """Places of the views that read one rectangle or tilt, and what is read; work that they share is done once."""
    places: dict[tuple[float, float, pdq.Rect, float], list[int]] = {}
    for place, view in enumerate(views):
        if view.quad:
            yield [place], pdq.quadrilateral(pictures, view.quad)
        else:
            places.setdefault((view.rect[0], view.rect[2], view.rect, view.tilt), []).append(place)
    columns, reduced = None, pictures
    upright = pdq.coefficients(pictures)[1] if any(view.tilt for view in views) else None
    for (low, high, rect, tilt), readings in sorted(places.items()):
        if tilt:
            coefs, grade = pdq.tilted(pictures, tilt, aspect)
            # The black corners have edges whatever is shown; they must not carry a flat picture over the gate.
            yield readings, (coefs, grade if upright is None else np.minimum(grade, upright))
            continue
        if columns != (low, high):
            columns, reduced = (low, high), pdq.across(pictures, rect)
        yield readings, pdq.downwards(reduced, rect)


def centre(share: float) -> pdq.Rect:
    """The middle `share` of width and height."""
    edge = (1 - share) / 2
    return (edge, edge, 1 - edge, 1 - edge)
