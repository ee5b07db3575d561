"""Lines that change on the way: what was cut up, shuffled or repeated follows one line after another.

A line that happens to pass through some of the cuts gains in all of them, and may gain more than any of the lines that each cut
follows. Here the best sequence of lines is found by dynamic programming (Viterbi's algorithm): each line walks on or ends, and
another one begins at a price.
"""

import numpy as np
import numpy.typing as npt

from hashsvc.match.comparison import Comparison, Floats, Line
from hashsvc.match.lines import COST, Lines, straight, strong_cells, table, walk
from hashsvc_index.compilation import Compiled

COMPILED_PIECES = Compiled("hashsvc.match.compiled_pieces")
"""How a sequence is found, once that is compiled."""

PRICE = 8.0
"""What a line must gain to be one more: about what a further segment pays, in decades, for where it could have been."""

Piece = tuple[int, int, int]
"""Line, first row, last row."""


def sequence(comparison: Comparison, line: Line) -> tuple[Lines, Floats, list[Piece]]:
    """Lines of speed 1 and -1, and `line`; what each row gains on each, its cost taken off; and the best sequence of them.

    Gains are float32 (rows, lines).
    """
    gains: Floats
    if COMPILED_PIECES.module is not None:
        lines, gains, pieces = COMPILED_PIECES.module.sequence(
            comparison.gains, comparison.frames, comparison.times, line.speed, line.offset
        )
        return lines, gains.T, [(one, first, last) for one, first, last in pieces.tolist()]
    lines = np.concatenate([straight(comparison, *strong_cells(comparison)), table([line])])
    slots = walk(comparison, lines).slots
    gains = np.where(slots >= 0, comparison.gains[np.arange(slots.shape[1]), slots], np.float32(0)).T - np.float32(COST)
    return lines, gains, best_sequence(gains.astype(np.float64))


def best_sequence(gains: npt.NDArray[np.float64]) -> list[Piece]:
    """The lines that together gain the most, each its price, one after another, of gains float64 (rows, lines)."""
    rows, lines = gains.shape
    begins = np.zeros((rows, lines), bool)
    # Which line had best ended just before a row; -1 where what came before that is still the best.
    before = np.full(rows + 1, -1)
    walked, idle = np.full(lines, -np.inf), 0.0
    for row in range(rows):
        begins[row] = idle - PRICE > walked
        walked = np.maximum(walked, idle - PRICE) + gains[row]
        best = int(walked.argmax())
        if walked[best] > idle:
            idle, before[row + 1] = float(walked[best]), best
    return _walked_back(begins, before)


def _walked_back(begins: npt.NDArray[np.bool_], before: npt.NDArray[np.intp]) -> list[Piece]:
    """The sequence, from where lines begin, (rows, lines), and which had best ended before each row, (rows + 1,)."""
    found: list[Piece] = []
    row = len(begins)
    while row > 0:
        line = int(before[row])
        if line < 0:
            row -= 1
            continue
        last = row - 1
        while not begins[row - 1, line]:
            row -= 1
        row -= 1
        found.append((line, row, last))
    return found[::-1]
