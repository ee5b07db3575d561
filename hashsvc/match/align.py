"""Where two videos agree: straight lines reference time = speed x query time + offset, and the part of each that pays.

Seeds only name an entry. Here all of its frames are compared with all of the query's, in the few view pairs that the seeds
named, and lines are read off that matrix. Several lines make several segments.
"""

import dataclasses
import math
from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np
import numpy.typing as npt

from hashsvc.match.pieces import PRICE, sequence
from hashsvc.match.score import COMPILED, SURPRISE
from hashsvc_index.compilation import Compiled

COMPILED_LINES = Compiled("hashsvc.match.compiled_lines")
"""How lines are read off a comparison, once that is compiled."""

_CLOSENESS = np.where(np.arange(258) < 40, (40 - np.arange(258)) * 0.08, 0).astype(np.float32)
"""Added to SURPRISE for steering only: a line must keep to the nearest frames, more sharply than evidence asks."""

_STEERING = np.append(SURPRISE, np.float32(0)) + _CLOSENESS
"""Steering gain of each distance, float32 (258,)."""

SLOT = 0.125
"""Seconds of reference time a column of the score matrix."""
SLOWEST, FASTEST = 0.45, 2.2
"""Of speeds forwards; backwards, the same with a minus."""
_STRONG = 3.3
"""A cell that proposes lines has at least this gain."""
OTHER_SPEED = 2.0
"""What a speed other than 1 must gain on top: about log10 of the number of speeds that could have been tried."""
COST = 1.3
"""What a query frame must gain to keep a segment going; unrelated frames gain 0.43 on average."""
LEAST_TOTAL = 2 * (_STRONG - COST)
"""What a segment must gain in all."""
LEAST_ALONE = 7.0
"""What the first segment must gain where its frames are all that speaks for it: less comes to no evidence that is worth a word
once the lines that could have been tried are paid for, and most strangers that seeds point at gain less."""
REACH = 1
"""Slots on each side among which a query frame may find its neighbour: the dense reference has 4 frames a second."""
_MOST_CELLS = 240
_MOST_LINES = 24
_MOST_SEGMENTS = 24
"""Of one sequence of lines; where so many are found no more is looked for."""
_FEW_BACKWARDS = 6
_MOST_REFINED, _REFITS = 4, 3
_ROUGHLY = 0.75
"""Where no line gains this share of what one must, none is refined: that seldom adds a third."""
_NEAR = np.arange(-4, 5)
"""Slots beside a line among which a query frame may find a better one."""

Floats = npt.NDArray[np.float32]
Lines = npt.NDArray[np.float64]
"""Speed and offset of lines, (n, 2)."""


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


def distinct(ordered: Iterable[Line], most: int) -> list[Line]:
    """The first lines that differ from those before them by more than 0.2 s or 2 %, at most `most`."""
    kept: list[Line] = []
    for line in ordered:
        if all(abs(line.offset - one.offset) > 0.2 or abs(line.speed - one.speed) > 0.02 for one in kept):
            kept.append(line)
        if len(kept) == most:
            break
    return kept


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
    if COMPILED.module is not None:
        gained, shown = COMPILED.module.spread(distances, starts, slots)
        return Comparison(gained, shown, times)
    # A frame was hashed at the start of its span; half a sampling step before that it is already the nearest one.
    instants = (np.arange(slots) + 0.5) * SLOT + SLOT
    frames = np.clip(np.searchsorted(starts, instants, side="right") - 1, 0, len(starts) - 1)
    gains = _STEERING[distances][:, frames]
    best = gains.copy()
    for shift in range(1, REACH + 1):
        # A neighbour's gain is worth a little less, so that the line keeps to the middle.
        best[:, shift:] = np.maximum(best[:, shift:], gains[:, :-shift] - 0.2 * shift)
        best[:, :-shift] = np.maximum(best[:, :-shift], gains[:, shift:] - 0.2 * shift)
    return Comparison(best, frames, times)


Bonus = Callable[["Alignment"], float]
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
    gains, found = comparison.gains, 0
    # No line gains more than all frames do at their best, which often settles that there is none.
    while found < _MOST_SEGMENTS and np.maximum(gains.max(axis=1) - COST, 0).sum() >= least:
        rest = Comparison(gains, comparison.frames, comparison.times)
        best = _best(rest, lines, bonus, least)
        if best is None or best[0].total < least:
            break
        for one in _in_pieces(rest, *best):
            yield one
            # The comparison's own gains stay as they are; a copy is only taken by who asks for a second alignment.
            gains = gains if found else gains.copy()
            gains[one.first : one.last + 1] = 0
            found, least = found + 1, LEAST_TOTAL


def _best(
    comparison: Comparison, lines: Sequence[Line], bonus: Bonus | None, least: float
) -> tuple[Alignment, float] | None:
    """The line over which the most is gained, refined by least squares on the frames that follow it, and what speaks for it.

    None where no line comes near gaining `least`.
    """
    refined = _refined(comparison, lines, least)
    order = np.argsort(-refined.totals, kind="stable")
    return _strongest(map(refined.alignment, order.tolist()), bonus)


def _in_pieces(comparison: Comparison, one: Alignment, most: float) -> list[Alignment]:
    """The best alignment, for which `most` speaks, or those in its place that together gain more, each its price: strongest first.

    A cut may begin before the best line or end after it. What lies wholly beside it is left for later, when lines of all speeds
    are tried.
    """
    # No sequence gains more than all frames do at their best, to which a plain copy comes near.
    if np.maximum(comparison.gains.max(axis=1) - COST, 0).sum() - PRICE <= most:
        return [one]
    lines = np.concatenate([_straight(comparison, *_strong_cells(comparison)), _table([one.line])])
    slots = _walk(comparison, lines).slots
    gains = np.where(slots >= 0, comparison.gains[np.arange(slots.shape[1]), slots], 0).T - COST
    walked = [piece for piece in sequence(gains.astype(np.float64)) if piece[2] >= one.first and piece[1] <= one.last]
    gained = {piece: float(gains[piece[1] : piece[2] + 1, piece[0]].sum()) for piece in walked}
    if len(walked) < 2 or sum(gained.values()) - PRICE * (len(walked) - 1) <= most:
        return [one]
    walked.sort(key=lambda piece: -gained[piece])
    found = [
        _within(comparison, Line(*lines[line].tolist()), first, last) for line, first, last in walked[:_MOST_SEGMENTS]
    ]
    pieces = sorted((piece for piece in found if piece), key=lambda piece: -piece.total)
    total = sum(piece.total for piece in pieces) - PRICE * (len(pieces) - 1)
    return pieces if pieces and total > most else [one]


def _within(comparison: Comparison, line: Line, first: int, last: int) -> Alignment | None:
    """The best alignment between two rows, near a line."""
    rows = slice(first, last + 1)
    part = Comparison(comparison.gains[rows], comparison.frames, comparison.times[rows])
    found = _best(part, [line], None, LEAST_TOTAL)
    if found is None or found[0].total < LEAST_TOTAL:
        return None
    return dataclasses.replace(found[0], first=found[0].first + first, last=found[0].last + first)


def _refined(comparison: Comparison, lines: Sequence[Line], least: float) -> "_Walks":
    """The lines among which the best is; none where none comes near gaining `least`."""
    if COMPILED_LINES.module is not None:
        found = COMPILED_LINES.module.refined(
            comparison.gains, comparison.frames, comparison.times, _table(lines), least
        )
        return _Walks(*found)
    tried = _walk(comparison, _proposals(comparison))
    if not lines and tried.totals.max(initial=0) < _ROUGHLY * least:
        return tried.at(np.arange(0))
    paying = tried.at(np.argsort(-tried.totals, kind="stable")[:_MOST_REFINED]).worthwhile()
    if lines:
        paying = _Walks.joined([paying, _walk(comparison, _table(lines)).worthwhile()])
    parts = [paying]
    if len(paying.totals):
        parts.append(_walk(comparison, _levelled(comparison, paying)).worthwhile())
    for _ in range(_REFITS):
        if not len(paying.totals):
            break
        better = _walk(comparison, _refitted(comparison, paying))
        improved = better.totals > paying.totals
        parts.append(paying.at(np.flatnonzero(~improved)))
        paying = better.at(np.flatnonzero(improved))
    return _Walks.joined([*parts, paying])


def _strongest(descending: Iterable[Alignment], bonus: Bonus | None) -> tuple[Alignment, float] | None:
    """The alignment for which the most speaks, of those in descending order of what their frames gain, and how much that is."""
    best, most = None, -math.inf
    tried: set[tuple[Line, int, int]] = set()
    for one in descending:
        if one.total + (MOST_BONUS if bonus else 0.0) <= most:
            break
        # Several lines are often refined to one and the same.
        key = one.line, one.first, one.last
        if key in tried:
            continue
        tried.add(key)
        total = one.total + (bonus(one) if bonus else 0.0)
        if total > most:
            best, most = one, total
    return None if best is None else (best, most)


def _proposals(comparison: Comparison) -> Lines:
    """Lines through pairs of strong cells, the most often proposed first, and the straight ones at speed 1."""
    rows, columns, weights = _strong_cells(comparison)
    if not len(rows):
        return _table(())
    straight = _straight(comparison, rows, columns, weights)
    when, where = comparison.times[rows], (columns + 0.5) * SLOT
    early, late = np.triu_indices(len(rows), 1)
    gap = when[late] - when[early]
    early, late, gap = early[np.abs(gap) > 0.7], late[np.abs(gap) > 0.7], gap[np.abs(gap) > 0.7]
    if not len(early):
        return straight
    speed = (where[late] - where[early]) / gap
    keep = (np.abs(speed) >= SLOWEST) & (np.abs(speed) <= FASTEST)
    early, late, speed = early[keep], late[keep], speed[keep]
    weight = np.minimum(weights[early], weights[late])
    return np.concatenate([straight, _votes(speed, where[early] - speed * when[early], weight, when)])


def _straight(
    comparison: Comparison, rows: npt.NDArray[np.intp], columns: npt.NDArray[np.intp], weights: Floats
) -> Lines:
    """Lines of speed 1 and -1 through strong cells, the most often proposed first."""
    when, where = comparison.times[rows], (columns + 0.5) * SLOT
    ones = np.ones(len(rows))
    forwards = _votes(ones, where - when, weights, when)
    return np.concatenate([forwards, _votes(-ones, where + when, weights, when)[:_FEW_BACKWARDS]])


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
) -> Lines:
    """The fullest bins of (direction and log speed, reference time at the middle of the query)."""
    if not len(speed):
        return _table(())
    middle = float(when.mean())
    across = np.round(np.sign(speed) * (np.log(np.abs(speed)) + 1) / 0.02).astype(np.int64)
    along = np.round((offset + speed * middle) / 0.4).astype(np.int64)
    keys, bins = np.unique(across * (1 << 32) + along, return_inverse=True)
    votes = np.bincount(bins, weight, len(keys))
    chosen = np.argsort(-votes, kind="stable")[:_MOST_LINES]
    sums = np.stack([np.bincount(bins, weight * one, len(keys))[chosen] for one in (speed, offset)], axis=1)
    return np.asarray(sums / votes[chosen, None])


def _table(lines: Sequence[Line]) -> Lines:
    return np.array([(line.speed, line.offset) for line in lines], np.float64).reshape(-1, 2)


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class _Walks:
    """Lines, and of each the stretch over which it pays; all arrays have a row a line."""

    lines: Lines
    slots: npt.NDArray[np.intp]
    """The slot that each query frame finds, -1 where it finds none, (n, query frames)."""
    firsts: npt.NDArray[np.intp]
    lasts: npt.NDArray[np.intp]
    """Inclusive."""
    totals: npt.NDArray[np.float64]
    """What the stretch gains; a line is no use unless that is above 0."""

    def at(self, places: npt.NDArray[np.intp]) -> "_Walks":
        return _Walks(
            self.lines[places], self.slots[places], self.firsts[places], self.lasts[places], self.totals[places]
        )

    def worthwhile(self) -> "_Walks":
        return self.at(np.flatnonzero(self.totals > 0))

    @classmethod
    def joined(cls, parts: "Sequence[_Walks]") -> "_Walks":
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


def _walk(comparison: Comparison, lines: Lines) -> _Walks:
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
    return _Walks(lines, slots, firsts, lasts, totals)


def _levelled(comparison: Comparison, walks: _Walks) -> Lines:
    """The lines of speed 1 or -1 through the middle of each stretch."""
    sums = np.append(0.0, np.cumsum(comparison.times))
    middles = (sums[walks.lasts + 1] - sums[walks.firsts]) / (walks.lasts + 1 - walks.firsts)
    even = np.copysign(1.0, walks.lines[:, 0])
    return np.stack([even, (walks.lines[:, 0] - even) * middles + walks.lines[:, 1]], axis=1)


def _refitted(comparison: Comparison, walks: _Walks) -> Lines:
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
