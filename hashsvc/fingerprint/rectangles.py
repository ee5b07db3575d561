"""Pictures inside the picture, found by edges that persist.

Where two pictures meet (an inset, a border, the halves of a split screen) there is a straight line that stays in place
while everything else moves on. The mean absolute gradient over all sampled frames keeps such lines and washes out the
rest; a line is as long as it stands out from its neighbourhood, and a rectangle as good as its sides are covered.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from hashsvc.fingerprint import pdq

_LINES = 8
"""Lines kept in each direction."""
_STANDS_OUT = 2.2
"""Times the median of its neighbourhood that a persistent gradient has at least."""
_FAINT = 1.5
"""Mean luma levels a pixel below which nothing is an edge."""
_LEAST_RUN = 0.16
"""Shortest line, share of the side."""
_LEAST_SIDE = 0.2
_COVERED = 0.72
"""Share of a side that must be edge."""
_REACH = 7
"""Pixels on each side that are the neighbourhood."""
_MARGIN = 1.0 / 256
_MOST = 8
_FRAMES = 32

Lines = list[tuple[float, float]]
Mask = npt.NDArray[np.bool_]


def rectangles(lumas: npt.NDArray[np.uint8], most: int = _MOST) -> list[pdq.Rect]:
    """Rectangles in lumas uint8 (n, side, side) whose sides are persistent edges, best first, the full frame left out.

    Needs motion: in a still picture every edge persists, and nothing is told apart; at most `most` come back anyway.
    """
    if len(lumas) < 4:
        return []
    chosen = lumas[np.linspace(0, len(lumas) - 1, min(len(lumas), _FRAMES)).astype(int)].astype(np.float32)
    upright = _edges(np.abs(np.diff(chosen, axis=2)).mean(axis=0))
    level = _edges(np.abs(np.diff(chosen, axis=1)).mean(axis=0).T)
    columns, rows = _strongest(upright), _strongest(level)
    side = lumas.shape[1]
    scored: list[tuple[float, pdq.Rect]] = []
    for x0, x1 in _pairs(columns, side):
        for y0, y1 in _pairs(rows, side):
            if (x0, y0, x1, y1) == (0, 0, side, side):
                continue
            score = _score(upright, level, x0, y0, x1, y1)
            if score > 0:
                scored.append((score, (x0, y0, x1, y1)))
    return _distinct(scored, side, most)


def _edges(gradient: npt.NDArray[np.float32]) -> Mask:
    """Which gradients (lines across axis 1) stand out from those beside them, bool like `gradient`, thickened by one."""
    width = gradient.shape[1]
    padded = np.pad(gradient, ((0, 0), (_REACH, _REACH)), mode="reflect")
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * _REACH + 1, axis=1)
    usual = np.median(windows, axis=2)
    out = (gradient > _STANDS_OUT * (usual + 0.35)) & (gradient > _FAINT)
    thick = out.copy()
    thick[:, 1:] |= out[:, :-1]
    thick[:, :-1] |= out[:, 1:]
    assert thick.shape[1] == width
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


def _pairs(lines: list[int], side: int) -> list[tuple[int, int]]:
    """Two lines, or a line and a border of the frame, far enough apart."""
    all_lines = sorted({0, side, *lines})
    return [
        (low, high)
        for place, low in enumerate(all_lines)
        for high in all_lines[place + 1 :]
        if high - low >= _LEAST_SIDE * side
    ]


def _score(upright: Mask, level: Mask, x0: int, y0: int, x1: int, y1: int) -> float:
    """How well the sides inside the frame are covered by edges, times how much there is of them; 0 when one is not."""
    side: int = upright.shape[0]
    total = 0.0
    for position, edges, low, high in (
        (x0, upright, y0, y1),
        (x1, upright, y0, y1),
        (y0, level, x0, x1),
        (y1, level, x0, x1),
    ):
        if position in (0, side):
            continue
        covered = float(edges[low:high, position - 1].mean())
        if covered < _COVERED:
            return 0.0
        total += covered * (high - low)
    return float(total / side)


def _distinct(scored: Sequence[tuple[float, pdq.Rect]], side: int, most: int) -> list[pdq.Rect]:
    kept: list[pdq.Rect] = []
    for _, (x0, y0, x1, y1) in sorted(scored, key=lambda one: -one[0]):
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
