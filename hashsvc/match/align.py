"""Where two videos agree: straight lines reference time = speed x query time + offset, and the part of each that pays.

Seeds only name an entry. Here all of its frames are compared with all of the query's, in the few view pairs that the seeds
named, and lines are read off that matrix. Several lines make several segments.
"""

import dataclasses
import math
from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np

from hashsvc.match.comparison import Alignment, Comparison, Floats, Line
from hashsvc.match.lines import COST, STRONG, refined
from hashsvc.match.pieces import PRICE, sequence

LEAST_TOTAL = 2 * (STRONG - COST)
"""What a segment must gain in all."""
LEAST_ALONE = 7.0
"""What the first segment must gain where its frames are all that speaks for it: less comes to no evidence that is worth a word
once the lines that could have been tried are paid for, and most strangers that seeds point at gain less."""
_MOST_SEGMENTS = 24
"""Of one sequence of lines; where so many are found no more is looked for."""

Bonus = Callable[[Alignment], float]
"""What speaks for an alignment besides its frames, in the units of `Alignment.total`: at most MOST_BONUS."""
MOST_BONUS = 6.5
"""A line that is so far behind another need not be given its bonus, which is dear to find."""


def alignments(
    comparison: Comparison, lines: Sequence[Line] = (), bonus: Bonus | None = None, least: float = LEAST_TOTAL
) -> Iterator[Alignment]:
    """The best line or sequence of lines, then the best on what that leaves of the query, and so on; each found when asked for.

    `lines` are tried besides those that the comparison proposes; `bonus` speaks for an alignment besides its frames. The
    first alignment gains `least` or more, further ones LEAST_TOTAL.
    """
    gains, tops, found = comparison.gains, comparison.gains.max(axis=1), 0
    covered = np.zeros(len(tops), bool)
    # No line gains more than all frames do at their best, which often settles that there is none.
    while found < _MOST_SEGMENTS and (at_best := _at_best(tops)) >= least:
        if found:
            gains = np.where(covered[:, None], np.float32(0), gains)
        rest = Comparison(gains, comparison.frames, comparison.times)
        best = _best(rest, lines, bonus, least)
        if best is None or best[0].total < least:
            break
        for one in _in_pieces(rest, *best, at_best):
            yield one
            covered[one.first : one.last + 1] = True
            tops[covered] = 0
            found, least = found + 1, LEAST_TOTAL


def _at_best(tops: Floats) -> float:
    """What all frames gain over their cost, each the most that it gains anywhere, float32 (n,)."""
    return float(np.maximum(tops - COST, 0).sum())


def _best(
    comparison: Comparison, lines: Sequence[Line], bonus: Bonus | None, least: float
) -> tuple[Alignment, float] | None:
    """The line over which the most is gained, refined by least squares on the frames that follow it, and what speaks for it.

    None where no line comes near gaining `least`.
    """
    walks = refined(comparison, lines, least)
    if not len(walks.totals):
        return None
    if bonus is None:
        one = walks.alignment(int(walks.totals.argmax()))
        return one, one.total
    order = np.argsort(-walks.totals, kind="stable")
    return _strongest(map(walks.alignment, order.tolist()), bonus)


def _in_pieces(comparison: Comparison, one: Alignment, most: float, at_best: float) -> list[Alignment]:
    """The best alignment, for which `most` speaks, or those in its place that together gain more, each its price: strongest first.

    All frames at their best gain `at_best`.

    A cut may begin before the best line or end after it. What lies wholly beside it is left for later, when lines of all speeds
    are tried.
    """
    # No sequence gains more than all frames do at their best, to which a plain copy comes near.
    if at_best - PRICE <= most:
        return [one]
    lines, gains, pieces = sequence(comparison, one.line)
    walked = [piece for piece in pieces if piece[2] >= one.first and piece[1] <= one.last]
    gained = {piece: float(gains[piece[1] : piece[2] + 1, piece[0]].sum()) for piece in walked}
    if len(walked) < 2 or sum(gained.values()) - PRICE * (len(walked) - 1) <= most:
        return [one]
    walked.sort(key=lambda piece: -gained[piece])
    found = [
        _within(comparison, Line(*lines[line].tolist()), first, last) for line, first, last in walked[:_MOST_SEGMENTS]
    ]
    kept = sorted((piece for piece in found if piece), key=lambda piece: -piece.total)
    total = sum(piece.total for piece in kept) - PRICE * (len(kept) - 1)
    return kept if kept and total > most else [one]


def _within(comparison: Comparison, line: Line, first: int, last: int) -> Alignment | None:
    """The best alignment between two rows, near a line."""
    rows = slice(first, last + 1)
    part = Comparison(comparison.gains[rows], comparison.frames, comparison.times[rows])
    found = _best(part, [line], None, LEAST_TOTAL)
    if found is None or found[0].total < LEAST_TOTAL:
        return None
    return dataclasses.replace(found[0], first=found[0].first + first, last=found[0].last + first)


def _strongest(descending: Iterable[Alignment], bonus: Bonus) -> tuple[Alignment, float] | None:
    """The alignment for which the most speaks, of those in descending order of what their frames gain, and how much that is."""
    best, most = None, -math.inf
    tried: set[tuple[Line, int, int]] = set()
    for one in descending:
        if one.total + MOST_BONUS <= most:
            break
        # Several lines are often refined to one and the same.
        key = one.line, one.first, one.last
        if key in tried:
            continue
        tried.add(key)
        total = one.total + bonus(one)
        if total > most:
            best, most = one, total
    return None if best is None else (best, most)
