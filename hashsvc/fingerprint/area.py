"""What is left of the picture when still borders are taken off: flat ones, or whatever does not move."""

import numpy as np
import numpy.typing as npt
import scipy.ndimage

from hashsvc.fingerprint import pdq

_BLOCK = 8
"""Pixels averaged along a line before it is judged, so that film grain and coding noise on a bar do not count."""
_FLAT = 1.6
"""Mean absolute gradient plus temporal change of such blocks, luma levels, below which a line is border. Coding noise on a
black bar stays under 1; the dimmest corner of a night shot is above 2."""
_STILL = 0.8
"""Mean absolute temporal change below which a line does not move."""
_SHARE = 0.28
"""A line is border, too, below this share of the median line's energy: a bar under heavy grain, a dim bezel; around a
dark picture a bezel has about a quarter of the median line's."""
_LEAST = 0.12
"""A smaller share of the width or height is no picture but a clock in the corner; borders then stay."""
_MARGIN = 1.5 / 256
"""Taken off inside each found edge: the blurred border line would weigh on every hash."""
_UNEQUAL = 0.015
"""Share of the side by which two bars may differ."""
_FRAMES = 24
_CELL = 4
"""Side of the blocks that are busy or not, pixels."""
_FILLED = 0.65
"""Share of a busy rectangle that is busy at least,"""
_QUIET = 0.05
"""and share of the rest that is at most."""
_MOST_BUSY = 0.6
"""A larger share of the frame is no window in it."""

Energy = npt.NDArray[np.float32]


def bordered_area(lumas: npt.NDArray[np.uint8]) -> pdq.Rect | None:
    """The rectangle inside flat, still borders of lumas uint8 (n, side, side), or None when there are none.

    A border may have any grey; its pixels neither differ from their neighbours nor change in time.
    """
    along_rows, along_columns = _blocks(_some(lumas))
    return _rect(*(_lively(_flatness(lines) + _change(lines), _FLAT) for lines in (along_columns, along_rows)))


def is_letterbox(rect: pdq.Rect) -> bool:
    """Whether a rectangle leaves two equal bars and no more, as a player or an encoder makes them; a camera does not."""
    left, top, right, bottom = rect[0], rect[1], 1 - rect[2], 1 - rect[3]
    aside, above = max(left, right), max(top, bottom)
    return min(aside, above) == 0 and abs(left - right) <= _UNEQUAL and abs(top - bottom) <= _UNEQUAL


def moving_area(lumas: npt.NDArray[np.uint8]) -> pdq.Rect | None:
    """The rectangle outside which nothing moves in lumas uint8 (n, side, side), or None when that is all or nothing.

    An inset on a still picture, a video in a window.
    """
    along_rows, along_columns = _blocks(_some(lumas))
    return _rect(*(_lively(_change(lines), _STILL) for lines in (along_columns, along_rows)))


def busy_area(lumas: npt.NDArray[np.uint8]) -> pdq.Rect | None:
    """The rectangle of what moves most of the time in lumas uint8 (n, side, side), or None when there is none.

    It is well filled with what moves, and beside it next to nothing does.

    A film in a window of a screen on which now and then something else happens.
    """
    some = _some(lumas)
    if len(some) < 4:
        return None
    cells = some.shape[1] // _CELL
    blocks = _means(_means(some, 1, _CELL), 2, _CELL)
    often = _median(np.abs(np.diff(blocks, axis=0))) > _STILL
    # Gaps are closed; what lies beyond the border counts as busy, or closing would wear the border off.
    closed = scipy.ndimage.binary_erosion(
        scipy.ndimage.binary_dilation(often, iterations=2), iterations=2, border_value=1
    )
    parts, found = scipy.ndimage.label(closed)
    if not found:
        return None
    sizes = np.bincount(parts.ravel())[1:]
    rows, columns = scipy.ndimage.find_objects(parts)[int(sizes.argmax())]
    size = (rows.stop - rows.start) * (columns.stop - columns.start)
    beside = (often.sum() - often[rows, columns].sum()) / max(cells * cells - size, 1)
    if sizes.max() < _FILLED * size or size > _MOST_BUSY * cells * cells or beside > _QUIET:
        return None
    return _rect((columns.start / cells, columns.stop / cells), (rows.start / cells, rows.stop / cells))


def _some(lumas: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    places = np.linspace(0, len(lumas) - 1, min(len(lumas), _FRAMES)).astype(int)
    some: npt.NDArray[np.uint8] = lumas[places]
    return some


def _means(pictures: npt.NDArray[np.uint8] | pdq.Floats, axis: int, size: int) -> pdq.Floats:
    """Means of `size` neighbours along an axis; NumPy's own of so few at a time take several times as long."""
    shape = pictures.shape
    split = pictures.reshape(*shape[:axis], shape[axis] // size, size, *shape[axis + 1 :])
    first, *others = np.moveaxis(split, axis + 1, 0)
    # Whole numbers, as long as they are pixels: added up fastest as such.
    sums = first.astype(np.uint16 if pictures.dtype == np.uint8 else np.float32)
    for one in others:
        sums += one
    means: pdq.Floats = sums.astype(np.float32, copy=False) / np.float32(size)
    return means


def _blocks(pictures: npt.NDArray[np.uint8]) -> tuple[pdq.Floats, pdq.Floats]:
    """Means of _BLOCK pixels along the rows and along the columns: (n, lines, blocks) each."""
    return _means(pictures, 2, _BLOCK), _means(pictures, 1, _BLOCK).transpose(0, 2, 1)


def _median(values: pdq.Floats) -> pdq.Floats:
    """Along axis 0; NumPy's own takes several times as long."""
    low, high = (len(values) - 1) // 2, len(values) // 2
    ordered = np.partition(values, (low, high), axis=0)
    middle: pdq.Floats = (ordered[low] + ordered[high]) / np.float32(2)
    return middle


def _flatness(lines: npt.NDArray[np.float32]) -> Energy:
    energy: Energy = np.abs(np.diff(lines, axis=2)).mean(axis=(0, 2))
    return energy


def _change(lines: npt.NDArray[np.float32]) -> Energy:
    if len(lines) < 2:
        return np.zeros(lines.shape[1], np.float32)
    energy: Energy = np.abs(np.diff(lines, axis=0)).mean(axis=(0, 2))
    return energy


def _lively(energy: Energy, least: float) -> tuple[float, float]:
    """From the first to the last lively line, as shares of the side; (0, 1) when all are lively or none is."""
    lively = np.flatnonzero(energy > max(least, _SHARE * float(np.median(energy))))
    side = len(energy)
    if not len(lively):
        return (0.0, 1.0)
    low, high = lively[0] / side, (lively[-1] + 1) / side
    return (
        float(low + _MARGIN) if low > 0.015 else 0.0,
        float(high - _MARGIN) if high < 0.985 else 1.0,
    )


def _rect(columns: tuple[float, float], rows: tuple[float, float]) -> pdq.Rect | None:
    rect = (columns[0], rows[0], columns[1], rows[1])
    if rect == pdq.FULL or columns[1] - columns[0] < _LEAST or rows[1] - rows[0] < _LEAST:
        return None
    return rect
