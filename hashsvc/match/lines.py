"""Lines read off a comparison: proposed by its strong cells, walked, and refined by least squares."""

import dataclasses
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from hashsvc.match.comparison import REACH, SLOT, Alignment, Comparison, Floats, Line
from hashsvc_index.compilation import Compiled

COMPILED_LINES = Compiled("hashsvc.match.compiled_lines")
"""How lines are read off a comparison, once that is compiled."""

SLOWEST, FASTEST = 0.45, 2.2
"""Of speeds forwards; backwards, the same with a minus."""
STRONG = 3.3
"""A cell that proposes lines has at least this gain."""
OTHER_SPEED = 2.0
"""What a speed other than 1 must gain on top: about log10 of the number of speeds that could have been tried."""
COST = 1.3
"""What a query frame must gain to keep a segment going; unrelated frames gain 0.43 on average."""
_MOST_CELLS = 240
_MOST_LINES = 24
_FEW_BACKWARDS = 6
_MOST_REFINED, _REFITS = 4, 3
_ROUGHLY = 0.75
"""Where no line gains this share of what one must, none is refined: that seldom adds a third."""
_NEAR = np.arange(-4, 5)
"""Slots beside a line among which a query frame may find a better one."""

Lines = npt.NDArray[np.float64]
"""Speed and offset of lines, (n, 2)."""


def refined(comparison: Comparison, lines: Sequence[Line], least: float) -> "Walks":
    """The lines among which the best is; none where none comes near gaining `least`."""
    if COMPILED_LINES.module is not None:
        found = COMPILED_LINES.module.refined(
            comparison.gains, comparison.frames, comparison.times, table(lines), least
        )
        return Walks(*found)
    tried = walk(comparison, _proposals(comparison))
    if not lines and tried.totals.max(initial=0) < _ROUGHLY * least:
        return tried.at(np.arange(0))
    paying = tried.at(np.argsort(-tried.totals, kind="stable")[:_MOST_REFINED]).worthwhile()
    if lines:
        paying = Walks.joined([paying, walk(comparison, table(lines)).worthwhile()])
    parts = [paying]
    if len(paying.totals):
        parts.append(walk(comparison, _levelled(comparison, paying)).worthwhile())
    for _ in range(_REFITS):
        if not len(paying.totals):
            break
        better = walk(comparison, _refitted(comparison, paying))
        improved = better.totals > paying.totals
        parts.append(paying.at(np.flatnonzero(~improved)))
        paying = better.at(np.flatnonzero(improved))
    return Walks.joined([*parts, paying])


def _proposals(comparison: Comparison) -> Lines:
    """Lines through pairs of strong cells, the most often proposed first, and the straight ones at speed 1."""
    rows, columns, weights = strong_cells(comparison)
    if not len(rows):
        return table(())
    levelled = straight(comparison, rows, columns, weights)
    when, where = comparison.times[rows], (columns + 0.5) * SLOT
    early, late = np.triu_indices(len(rows), 1)
    gap = when[late] - when[early]
    early, late, gap = early[np.abs(gap) > 0.7], late[np.abs(gap) > 0.7], gap[np.abs(gap) > 0.7]
    if not len(early):
        return levelled
    speed = (where[late] - where[early]) / gap
    keep = (np.abs(speed) >= SLOWEST) & (np.abs(speed) <= FASTEST)
    early, late, speed = early[keep], late[keep], speed[keep]
    weight = np.minimum(weights[early], weights[late])
    return np.concatenate([levelled, _votes(speed, where[early] - speed * when[early], weight, when)])


def straight(
    comparison: Comparison, rows: npt.NDArray[np.intp], columns: npt.NDArray[np.intp], weights: Floats
) -> Lines:
    """Lines of speed 1 and -1 through strong cells, the most often proposed first."""
    when, where = comparison.times[rows], (columns + 0.5) * SLOT
    ones = np.ones(len(rows))
    forwards = _votes(ones, where - when, weights, when)
    return np.concatenate([forwards, _votes(-ones, where + when, weights, when)[:_FEW_BACKWARDS]])


def strong_cells(
    comparison: Comparison,
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp], Floats]:
    """Rows, columns and gains of the cells that may propose lines: a run of equal slots counts once, at its middle."""
    gains = comparison.gains
    strong = gains >= STRONG
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
) -> Lines:
    """The fullest bins of (direction and log speed, reference time at the middle of the query)."""
    if not len(speed):
        return table(())
    middle = float(when.mean())
    across = np.round(np.sign(speed) * (np.log(np.abs(speed)) + 1) / 0.02).astype(np.int64)
    along = np.round((offset + speed * middle) / 0.4).astype(np.int64)
    keys, bins = np.unique(across * (1 << 32) + along, return_inverse=True)
    votes = np.bincount(bins, weight, len(keys))
    chosen = np.argsort(-votes, kind="stable")[:_MOST_LINES]
    sums = np.stack([np.bincount(bins, weight * one, len(keys))[chosen] for one in (speed, offset)], axis=1)
    return np.asarray(sums / votes[chosen, None])


def table(lines: Sequence[Line]) -> Lines:
    return np.array([(line.speed, line.offset) for line in lines], np.float64).reshape(-1, 2)


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Walks:
    """Lines, and of each the stretch over which it pays; all arrays have a row a line."""

    lines: Lines
    slots: npt.NDArray[np.intp]
    """The slot that each query frame finds, -1 where it finds none, (n, query frames)."""
    firsts: npt.NDArray[np.intp]
    lasts: npt.NDArray[np.intp]
    """Inclusive."""
    totals: npt.NDArray[np.float64]
    """What the stretch gains; a line is no use unless that is above 0."""

    def at(self, places: npt.NDArray[np.intp]) -> "Walks":
        return Walks(
            self.lines[places], self.slots[places], self.firsts[places], self.lasts[places], self.totals[places]
        )

    def worthwhile(self) -> "Walks":
        return self.at(np.flatnonzero(self.totals > 0))

    @classmethod
    def joined(cls, parts: "Sequence[Walks]") -> "Walks":
        """All of them, in order."""
        return cls(
            np.concatenate([one.lines for one in parts]),
            np.concatenate([one.slots for one in parts]),
            np.concatenate([one.firsts for one in parts]),
            np.concatenate([one.lasts for one in parts]),
            np.concatenate([one.totals for one in parts]),
        )

    def alignment(self, place: int) -> Alignment:
        first, last = int(self.firsts[place]), int(self.lasts[place])
        line = Line(float(self.lines[place, 0]), float(self.lines[place, 1]))
        return Alignment(line, first, last, self.slots[place, first : last + 1], float(self.totals[place]))


def walk(comparison: Comparison, lines: Lines) -> Walks:
    """Walk lines, and keep of each the stretch whose gains exceed their cost by the most (Kadane's maximum subarray)."""
    speeds, offsets = lines[:, :1], lines[:, 1:]
    slots = np.floor((speeds * comparison.times + offsets) / SLOT).astype(np.intp)
    # A line that is off by less than a slot may not lose the reference's first or last frame for it.
    count = comparison.gains.shape[1]
    slots = np.where((slots >= -REACH) & (slots < count + REACH), np.clip(slots, 0, count - 1), -1)
    gains = np.where(slots >= 0, comparison.gains[np.arange(slots.shape[1]), slots], 0)
    sums = np.zeros((len(lines), slots.shape[1] + 1))
    sums[:, 1:] = np.cumsum(gains - COST, axis=1)
    lowest = np.minimum.accumulate(sums, axis=1)
    every = np.arange(len(lines))
    lasts = np.argmax(sums[:, 1:] - lowest[:, :-1], axis=1)
    least = lowest[every, lasts]
    firsts = np.argmax(sums == least[:, None], axis=1)
    totals = sums[every, lasts + 1] - least - OTHER_SPEED * (np.abs(lines[:, 0] - 1) > 0.015)
    return Walks(lines, slots, firsts, lasts, totals)


def _levelled(comparison: Comparison, walks: Walks) -> Lines:
    """The lines of speed 1 or -1 through the middle of each stretch."""
    sums = np.append(0.0, np.cumsum(comparison.times))
    middles = (sums[walks.lasts + 1] - sums[walks.firsts]) / (walks.lasts + 1 - walks.firsts)
    even = np.copysign(1.0, walks.lines[:, 0])
    return np.stack([even, (walks.lines[:, 0] - even) * middles + walks.lines[:, 1]], axis=1)


def _refitted(comparison: Comparison, walks: Walks) -> Lines:
    """Least squares through the best cell near the line in each row of each stretch; where that leads nowhere, the line."""
    frames = np.arange(len(comparison.times))
    slots = np.clip(walks.slots[:, :, None] + _NEAR, 0, comparison.gains.shape[1] - 1)
    gains = comparison.gains[frames[:, None], slots]
    top = gains.max(axis=2)
    # The middle of a plateau: a reference frame that is shown for long fits anywhere in its span.
    plateau = gains >= top[:, :, None] - 1e-4
    where = ((slots + 0.5) * SLOT * plateau).sum(axis=2) / plateau.sum(axis=2)
    inside = (frames >= walks.firsts[:, None]) & (frames <= walks.lasts[:, None])
    good = (top > 2.0) & (walks.slots >= 0) & inside
    when = np.broadcast_to(comparison.times, good.shape)
    span = np.where(good, when, -np.inf).max(axis=1, initial=-np.inf) - np.where(good, when, np.inf).min(
        axis=1, initial=np.inf
    )
    weights = np.where(good, top, 0).astype(np.float64)
    whole = np.maximum(weights.sum(axis=1), 1e-9)[:, None]
    apart = when - (weights * when).sum(axis=1, keepdims=True) / whole
    middle = (weights * where).sum(axis=1, keepdims=True) / whole
    spread = np.maximum((weights * apart**2).sum(axis=1), 1e-9)
    speeds = (weights * apart * (where - middle)).sum(axis=1) / spread
    offsets = middle[:, 0] - speeds * ((weights * when).sum(axis=1) / whole[:, 0])
    usable = (good.sum(axis=1) >= 3) & (span >= 1.0) & (speeds * walks.lines[:, 0] >= 0)
    usable &= (np.abs(speeds) >= SLOWEST) & (np.abs(speeds) <= FASTEST)
    return np.where(usable[:, None], np.stack([speeds, offsets], axis=1), walks.lines)
