"""Pictures inside the picture, found by edges that persist.

Where two pictures meet (an inset, a border, the halves of a split screen) there is a straight line that stays in place
while everything else moves on. The mean absolute gradient over all sampled frames keeps such lines and washes out the
rest; a line is as long as it stands out from its neighbourhood, and a rectangle as good as its sides are covered.
"""

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from hashsvc.fingerprint import pdq

_LINES = 18
"""Lines kept in each direction."""
_STANDS_OUT = 2.2
"""Times the median of its neighbourhood that a persistent gradient has at least."""
_FAINT = 1.5
"""Mean luma levels a pixel below which nothing is an edge."""
_LEAST_RUN = 0.14
"""Shortest line, share of the side."""
_LEAST_SIDE = 0.15
_COVERED = 0.7
"""Share of a side that must be edge."""
_CHANCE = 0.55
"""What a side's cover exceeds this by is its score: four good sides are worth more than one long one."""
_REACH = 7
"""Pixels on each side that are the neighbourhood."""
_MARGIN = 1.0 / 256
_MOST = 8
_FRAMES = 32

Mask = npt.NDArray[np.bool_]
Places = npt.NDArray[np.intp]
Scores = npt.NDArray[np.float64]


def rectangles(lumas: npt.NDArray[np.uint8], most: int = _MOST) -> list[pdq.Rect]:
    """Rectangles in lumas uint8 (n, side, side) whose sides are persistent edges, best first, the full frame left out.

    Needs motion: in a still picture every edge persists, and nothing is told apart; at most `most` come back anyway.
    """
    if len(lumas) < 4:
        return []
    chosen = lumas[np.linspace(0, len(lumas) - 1, min(len(lumas), _FRAMES)).astype(int)]
    upright = _edges(_gradient(chosen[:, :, :-1], chosen[:, :, 1:]))
    level = _edges(_gradient(chosen[:, :-1], chosen[:, 1:]).T)
    columns, rows = _strongest(upright), _strongest(level)
    side = lumas.shape[1]
    x, y = _pairs(columns, side), _pairs(rows, side)
    scores = _scores(upright, x, y) + _scores(level, y, x).T
    inside = (x[:, None, 0] > 0) | (x[:, None, 1] < side) | (y[None, :, 0] > 0) | (y[None, :, 1] < side)
    places = np.argwhere(np.isfinite(scores) & inside)
    best = places[np.argsort(-scores[tuple(places.T)], kind="stable")]
    return _distinct(((int(x[i, 0]), int(y[j, 0]), int(x[i, 1]), int(y[j, 1])) for i, j in best.tolist()), side, most)


def _gradient(pixels: npt.NDArray[np.uint8], neighbours: npt.NDArray[np.uint8]) -> pdq.Floats:
    """Mean absolute difference of pixels uint8 (n, rows, columns) from their neighbours, n below 257: (rows, columns)."""
    total = np.zeros(pixels.shape[1:], np.uint16)
    for one, other in zip(pixels, neighbours, strict=True):
        total += np.maximum(one, other) - np.minimum(one, other)
    mean: pdq.Floats = total.astype(np.float32) / np.float32(len(pixels))
    return mean


def _edges(gradient: npt.NDArray[np.float32]) -> Mask:
    """Which gradients (lines across axis 1) stand out from those beside them, bool like `gradient`, thickened by one."""
    width = gradient.shape[1]
    bars = _STANDS_OUT * (np.pad(gradient, ((0, 0), (_REACH, _REACH)), mode="reflect") + 0.35)
    # It stands out from the median where it does from more than half of the neighbourhood; to count those takes a
    # seventh of the time that finding the median does.
    lower = np.zeros(gradient.shape, np.uint8)
    for first in range(2 * _REACH + 1):
        lower += gradient > bars[:, first : first + width]
    out = (lower > _REACH) & (gradient > _FAINT)
    thick = out.copy()
    thick[:, 1:] |= out[:, :-1]
    thick[:, :-1] |= out[:, 1:]
    return thick


def _strongest(edges: Mask) -> list[int]:
    """Positions of the lines with the most edge on them, at least two pixels apart."""
    counts = edges.sum(axis=0)
    found: list[int] = []
    for place in np.argsort(-counts, kind="stable").tolist():
        if counts[place] < _LEAST_RUN * edges.shape[0] or len(found) >= _LINES:
            break
        if all(abs(place - other) > 2 for other in found):
            found.append(place)
    return [place + 1 for place in found]


def _pairs(lines: list[int], side: int) -> Places:
    """Two lines, or a line and a border of the frame, far enough apart: (pairs, 2)."""
    all_lines = np.array(sorted({0, side, *lines}))
    low, high = np.triu_indices(len(all_lines), 1)
    pairs: Places = np.stack([all_lines[low], all_lines[high]], axis=1)
    return pairs[pairs[:, 1] - pairs[:, 0] >= _LEAST_SIDE * side]


def _scores(edges: Mask, across: Places, along: Places) -> Scores:
    """How well the sides at `across` (m, 2), between each of `along` (k, 2), are covered: (m, k).

    The frame's own borders score nothing; -inf where a side inside the frame is not covered.
    """
    side = edges.shape[0]
    sums = np.concatenate([np.zeros((1, edges.shape[1]), np.int64), np.cumsum(edges, axis=0)])
    total = np.zeros((len(across), len(along)))
    for position in across.T:
        inner = (position > 0) & (position < side)
        column = sums[:, np.clip(position - 1, 0, edges.shape[1] - 1)]
        covered = ((column[along[:, 1]] - column[along[:, 0]]) / (along[:, 1] - along[:, 0])[:, None]).T
        total += np.where(inner[:, None], np.where(covered >= _COVERED, covered - _CHANCE, -np.inf), 0.0)
    return total


def _distinct(found: Iterable[tuple[int, int, int, int]], side: int, most: int) -> list[pdq.Rect]:
    """The first `most` of the rectangles, in pixels, that do not nearly coincide; as shares, a margin taken off."""
    kept: list[pdq.Rect] = []
    for x0, y0, x1, y1 in found:
        rect = (
            x0 / side + _MARGIN * (x0 > 0),
            y0 / side + _MARGIN * (y0 > 0),
            x1 / side - _MARGIN * (x1 < side),
            y1 / side - _MARGIN * (y1 < side),
        )
        if all(overlap(rect, other) < 0.9 for other in kept):
            kept.append(rect)
        if len(kept) == most:
            break
    return kept


def overlap(one: pdq.Rect, other: pdq.Rect) -> float:
    """Intersection over union."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    if width <= 0 or height <= 0:
        return 0.0
    shared: float = width * height
    return shared / (_size(one) + _size(other) - shared)


def _size(rect: pdq.Rect) -> float:
    return (rect[2] - rect[0]) * (rect[3] - rect[1])
