"""The moving area: what is left of the picture when flat, still borders are taken off."""

import numpy as np
import numpy.typing as npt

from hashsvc.fingerprint import pdq

_FLAT = 2.5
"""Mean absolute gradient plus temporal change, luma levels, below which a row or column is border. Compression noise on
a black bar stays near 1; the dimmest corner of a night shot is above 3."""
_LEAST = 0.25
"""A smaller share of the width or height is no picture but a bug in the corner; borders then stay."""
_MARGIN = 1.5 / 256
"""Taken off inside each found edge: the blurred border line would weigh on every hash."""


def moving_area(lumas: npt.NDArray[np.uint8]) -> pdq.Rect | None:
    """The rectangle inside flat, still borders of lumas uint8 (n, side, side), or None when there are none.

    A border may have any grey; it is one on each side, found by rows and columns whose pixels neither differ from
    their neighbours nor change in time.
    """
    step = max(1, len(lumas) // 24)
    some = lumas[::step].astype(np.float32)
    still = np.abs(np.diff(some, axis=0)).mean(axis=0) if len(some) > 1 else np.zeros(some.shape[1:], np.float32)
    along_rows = np.abs(np.diff(some, axis=2)).mean(axis=(0, 2)) + still.mean(axis=1)
    along_columns = np.abs(np.diff(some, axis=1)).mean(axis=(0, 1)) + still.mean(axis=0)
    y0, y1 = _span(along_rows)
    x0, x1 = _span(along_columns)
    if (x0, y0, x1, y1) == pdq.FULL or x1 - x0 < _LEAST or y1 - y0 < _LEAST:
        return None
    return (x0, y0, x1, y1)


def _span(energy: npt.NDArray[np.float32]) -> tuple[float, float]:
    """First and last lively line as shares of the side; (0, 1) when all are lively or none is."""
    lively = np.flatnonzero(energy > _FLAT)
    side = len(energy)
    if not len(lively):
        return (0.0, 1.0)
    low, high = lively[0] / side, (lively[-1] + 1) / side
    return (
        float(low + _MARGIN) if low > 0.015 else 0.0,
        float(high - _MARGIN) if high < 0.985 else 1.0,
    )
