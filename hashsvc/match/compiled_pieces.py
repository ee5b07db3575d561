"""The best sequence of lines, compiled; the plain statement is in `pieces`, and this gives the same, to the bit."""

import numpy as np
import numpy.typing as npt
from numba import types

from hashsvc.match import lines as plain
from hashsvc.match.comparison import Floats
from hashsvc.match.compiled_lines import Times, placed, straight, strong_cells, walk
from hashsvc.match.lines import Lines
from hashsvc.match.pieces import PRICE
from hashsvc_index.arrays import Numbers
from hashsvc_index.kernels import compiled, part, readable

_COST, _MOST = np.float32(plain.COST), plain._MOST_LINES + plain._FEW_BACKWARDS + 1
_GAINS, _PLACES, _TIMES = readable(types.float32, 2), readable(types.int64, 1), readable(types.float64, 1)


@part
def _walked_back(begins: npt.NDArray[np.bool_], before: Numbers) -> Numbers:
    """As `pieces._walked_back`, int64 (pieces, 3)."""
    found, row, place = np.empty((len(begins), 3), np.int64), len(begins), len(begins)
    while row > 0:
        line = before[row]
        if line < 0:
            row -= 1
            continue
        place -= 1
        found[place, 0], found[place, 2] = line, row - 1
        while not begins[row - 1, line]:
            row -= 1
        row -= 1
        found[place, 1] = row
    return found[place:]


@part
def _best_sequence(gains: Floats) -> Numbers:
    """As `pieces.best_sequence`, of gains float32 (lines, rows)."""
    lines, rows = gains.shape
    begins, before = np.zeros((rows, lines), np.bool_), np.full(rows + 1, -1)
    walked, idle = np.full(lines, -np.inf), 0.0
    for row in range(rows):
        best = 0
        for line in range(lines):
            begins[row, line] = idle - PRICE > walked[line]
            walked[line] = max(walked[line], idle - PRICE) + np.float64(gains[line, row])
            if walked[line] > walked[best]:
                best = line
        if walked[best] > idle:
            idle, before[row + 1] = walked[best], best
    return _walked_back(begins, before)


@compiled(_GAINS, _PLACES, _TIMES, types.float64, types.float64)
def sequence(
    gains: Floats, frames: Numbers, times: Times, speed: float, offset: float
) -> tuple[Lines, Floats, Numbers]:
    """As `pieces.sequence`, with gains (lines, rows) and pieces int64 (pieces, 3)."""
    rows, columns, weights, count = strong_cells(gains, frames)
    lines, several = np.empty((_MOST, 2)), 0
    if count:
        when, where, middle = placed(times, rows, columns, count)
        several = straight(when, where, weights, middle, lines)
    lines[several, 0], lines[several, 1] = speed, offset
    several += 1
    slots = walk(gains, times, lines, several)[1]
    gained = np.empty((several, len(times)), np.float32)
    for line in range(several):
        for row in range(len(times)):
            slot = slots[line, row]
            gained[line, row] = (gains[row, slot] if slot >= 0 else np.float32(0)) - _COST
    return lines[:several], gained, _best_sequence(gained)
