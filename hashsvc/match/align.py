"""Where two videos agree: straight lines reference time = speed x query time + offset, and the part of each that pays.

Seeds only name an entry. Here all of its frames are compared with all of the query's, in the few view pairs that the seeds
named, and lines are read off that matrix. Several lines make several segments.
"""

import dataclasses
import math
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from hashsvc.match.score import SURPRISE

_CLOSENESS = np.where(np.arange(258) < 40, (40 - np.arange(258)) * 0.08, 0).astype(np.float32)
"""Added to SURPRISE for steering only: a line must keep to the nearest frames, more sharply than evidence asks."""

SLOT = 0.125
"""Seconds of reference time a column of the score matrix."""
SLOWEST, FASTEST = 0.45, 2.2
"""Of speeds forwards; backwards, the same with a minus."""
_STRONG = 3.3
"""A cell that proposes lines has at least this gain."""
_OTHER_SPEED = 2.0
"""What a speed other than 1 must gain on top: about log10 of the number of speeds that could have been tried."""
_COST = 1.3
"""What a query frame must gain to keep a segment going; unrelated frames gain 0.43 on average."""
REACH = 1
"""Slots on each side among which a query frame may find its neighbour: the dense reference has 4 frames a second."""
_MOST_CELLS = 240
_MOST_LINES = 24
_MOST_SEGMENTS = 24
_FEW_BACKWARDS = 6

Floats = npt.NDArray[np.float32]


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """Every query frame against every slot of reference time."""

    gains: Floats
    """Steering gains, float32 (query frames, slots): -log10 P and closeness, the best of neighbouring slots."""
    frames: npt.NDArray[np.intp]
    """The reference frame shown in each slot, (slots,)."""
    times: npt.NDArray[np.float64]
    """Query times, seconds, (query frames,)."""


@dataclasses.dataclass(frozen=True, slots=True)
class Line:
    """reference = speed x query + offset."""

    speed: float
    offset: float


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Alignment:
    """A line, and the query frames `first` to `last` (inclusive) over which it pays."""

    line: Line
    first: int
    last: int
    slots: npt.NDArray[np.intp]
    """The slot each of those frames found, -1 where it found none."""
    total: float


def compare(
    distances: npt.NDArray[np.int32],
    starts: npt.NDArray[np.float64],
    duration: float,
    times: npt.NDArray[np.float64],
) -> Comparison:
    """Spread distances (query frames, reference frames) over slots of reference time.

    257 in `distances` marks a pair without evidence. `starts` (reference frames,) ascending, seconds.
    """
    slots = max(1, int(duration / SLOT))
    # A frame was hashed at the start of its span; half a sampling step before that it is already the nearest one.
    instants = (np.arange(slots) + 0.5) * SLOT + SLOT
    frames = np.clip(np.searchsorted(starts, instants, side="right") - 1, 0, len(starts) - 1)
    table = np.append(SURPRISE, np.float32(0)) + _CLOSENESS
    gains = table[distances][:, frames]
    best = gains.copy()
    for shift in range(1, REACH + 1):
        # A neighbour's gain is worth a little less, so that the line keeps to the middle.
        best[:, shift:] = np.maximum(best[:, shift:], gains[:, :-shift] - 0.2 * shift)
        best[:, :-shift] = np.maximum(best[:, :-shift], gains[:, shift:] - 0.2 * shift)
    return Comparison(best, frames, times)


Bonus = Callable[["Alignment"], float]
"""What speaks for an alignment besides its frames, in the units of `Alignment.total`."""


def alignments(comparison: Comparison, lines: Sequence[Line] = (), bonus: Bonus | None = None) -> list[Alignment]:
    """The best line, then the best on what it leaves of the query, and so on; strongest first.

    `lines` are tried besides those that the comparison proposes; `bonus` speaks for an alignment besides its frames.
    """
    gains = comparison.gains.copy()
    found: list[Alignment] = []
    while len(found) < _MOST_SEGMENTS:
        rest = Comparison(gains, comparison.frames, comparison.times)
        best = _best(rest, lines, bonus)
        if best is None or best.total < 2 * (_STRONG - _COST):
            break
        found.append(best)
        gains[best.first : best.last + 1] = 0
    return found


def _best(comparison: Comparison, lines: Sequence[Line], bonus: Bonus | None) -> Alignment | None:
    """The line over which the most is gained, refined by least squares on the frames that follow it."""
    tried = [_follow(comparison, line) for line in _proposals(comparison)]
    paying = sorted((one for one in tried if one is not None), key=lambda one: -one.total)[:4]
    paying += [one for one in (_follow(comparison, line) for line in lines) if one is not None]
    refined = list(paying)
    for one in paying:
        even = _follow(comparison, _level(comparison, one))
        if even is not None:
            refined.append(even)
        for _ in range(3):
            better = _follow(comparison, _refit(comparison, one))
            if better is None or better.total <= one.total:
                break
            one = better
        refined.append(one)
    return max(refined, key=lambda one: one.total + (bonus(one) if bonus else 0.0), default=None)


def _proposals(comparison: Comparison) -> list[Line]:
    """Lines through pairs of strong cells, the most often proposed first, and the straight ones at speed 1."""
    rows, columns, weights = _strong_cells(comparison)
    if not len(rows):
        return []
    when, where = comparison.times[rows], (columns + 0.5) * SLOT
    ones = np.ones(len(rows))
    straight = _votes(ones, where - when, weights, when) + _votes(-ones, where + when, weights, when)[:_FEW_BACKWARDS]
    early, late = np.triu_indices(len(rows), 1)
    gap = when[late] - when[early]
    early, late, gap = early[np.abs(gap) > 0.7], late[np.abs(gap) > 0.7], gap[np.abs(gap) > 0.7]
    if not len(early):
        return straight
    speed = (where[late] - where[early]) / gap
    keep = (np.abs(speed) >= SLOWEST) & (np.abs(speed) <= FASTEST)
    early, late, speed = early[keep], late[keep], speed[keep]
    weight = np.minimum(weights[early], weights[late])
    return straight + _votes(speed, where[early] - speed * when[early], weight, when)


def _strong_cells(
    comparison: Comparison,
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp], Floats]:
    """Rows, columns and gains of the cells that may propose lines: a run of equal slots counts once, at its middle."""
    gains = comparison.gains
    strong = gains >= _STRONG
    # A static reference frame fills many slots with one gain; only where the gain or the frame changes is there news.
    edge = np.ones_like(strong)
    edge[:, 1:] = (comparison.frames[1:] != comparison.frames[:-1])[None, :]
    rows, columns = np.nonzero(strong & edge)
    weights = gains[rows, columns]
    if len(rows) > _MOST_CELLS:
        # The strongest few of each query frame, so that one busy frame cannot crowd the others out.
        each = max(2, _MOST_CELLS // len(np.unique(rows)))
        order = np.lexsort((-weights, rows))
        rank = np.arange(len(order)) - np.searchsorted(rows[order], rows[order])
        keep = np.sort(order[rank < each])[:_MOST_CELLS]
        rows, columns, weights = rows[keep], columns[keep], weights[keep]
    return rows, columns, weights


def _votes(
    speed: npt.NDArray[np.float64], offset: npt.NDArray[np.float64], weight: Floats, when: npt.NDArray[np.float64]
) -> list[Line]:
    """The fullest bins of (direction and log speed, reference time at the middle of the query)."""
    if not len(speed):
        return []
    middle = float(when.mean())
    across = np.round(np.sign(speed) * (np.log(np.abs(speed)) + 1) / 0.02).astype(np.int64)
    along = np.round((offset + speed * middle) / 0.4).astype(np.int64)
    keys, bins = np.unique(across * (1 << 32) + along, return_inverse=True)
    votes = np.bincount(bins, weight, len(keys))
    chosen = np.argsort(-votes)[:_MOST_LINES]
    sums = np.bincount(bins, weight * speed, len(keys)), np.bincount(bins, weight * offset, len(keys))
    return [Line(float(sums[0][one] / votes[one]), float(sums[1][one] / votes[one])) for one in chosen]


def _follow(comparison: Comparison, line: Line) -> Alignment | None:
    """Walk the line, and keep the stretch whose gains exceed their cost by the most (Kadane's maximum subarray)."""
    slots = np.floor((line.speed * comparison.times + line.offset) / SLOT).astype(np.intp)
    # A line that is off by less than a slot may not lose the reference's first or last frame for it.
    count = comparison.gains.shape[1]
    inside = (slots >= -REACH) & (slots < count + REACH)
    slots = np.clip(slots, 0, count - 1)
    if not inside.any():
        return None
    gains = np.where(inside, comparison.gains[np.arange(len(slots)), slots], 0)
    pay = gains - _COST
    sums = np.concatenate([[0.0], np.cumsum(pay)])
    lowest = np.minimum.accumulate(sums)
    last = int(np.argmax(sums[1:] - lowest[:-1]))
    first = int(np.argmin(sums[: last + 1]))
    total = float(sums[last + 1] - sums[first]) - _OTHER_SPEED * (abs(line.speed - 1) > 0.015)
    if total <= 0:
        return None
    part = slice(first, last + 1)
    return Alignment(line, first, last, np.where(inside, slots, -1)[part], total)


def _level(comparison: Comparison, one: Alignment) -> Line:
    """The line of speed 1 or -1 through the middle of a stretch."""
    middle = float(comparison.times[one.first : one.last + 1].mean())
    even = math.copysign(1.0, one.line.speed)
    return Line(even, (one.line.speed - even) * middle + one.line.offset)


def _refit(comparison: Comparison, one: Alignment) -> Line:
    """Least squares through the best cell near the line in each row of the stretch."""
    rows = np.arange(one.first, one.last + 1)
    near = np.arange(-4, 5)
    slots = np.clip(one.slots[:, None] + near, 0, comparison.gains.shape[1] - 1)
    gains = comparison.gains[rows[:, None], slots]
    top = gains.max(axis=1)
    # The middle of a plateau: a reference frame that is shown for long fits anywhere in its span.
    plateau = gains >= top[:, None] - 1e-4
    where = ((slots + 0.5) * SLOT * plateau).sum(axis=1) / plateau.sum(axis=1)
    good = (top > 2.0) & (one.slots >= 0)
    when = comparison.times[rows]
    if good.sum() < 3 or np.ptp(when[good]) < 1.0:
        return one.line
    speed, offset = np.polyfit(when[good], where[good], 1, w=np.sqrt(top[good]))
    if not SLOWEST <= abs(speed) <= FASTEST or speed * one.line.speed < 0:
        return one.line
    return Line(float(speed), float(offset))
