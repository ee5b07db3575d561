"""How sure: an alignment's frames and its timing, to evidence and a segment."""

import dataclasses
import math
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from hashsvc.fingerprint.model import Fingerprint
from hashsvc.match import curves
from hashsvc.match.align import LEAST_ALONE, LEAST_TOTAL, Bonus, alignments
from hashsvc.match.borders import borders, part, trimmed
from hashsvc.match.comparison import REACH, Alignment, Comparison, Line
from hashsvc.match.model import Segment
from hashsvc.match.pairs import Pair, log10_kinds
from hashsvc.match.score import (
    COMPILED,
    NEAR,
    excess,
    excused,
    fading,
    log10_chance,
    most,
    novelty,
    relief,
    surprise,
)
from hashsvc_index.arrays import Numbers, as_words

NONE = 257
"""Distance of a pair that is no evidence."""
_SPEEDS = 60
"""Distinguishable speeds between 0.45 and 2.2: the number of lines tried through one point in one direction."""
_OWN_SPEED, _OTHER_SPEED, _BACKWARDS = 0.5, 0.4, 0.08
"""Shares of the chance of error that are spent on speed 1, where most copies are, on all other speeds, and on footage played
backwards; what is left goes to backwards at other speeds. (A weighted Bonferroni correction: the shares sum up to 1, so
the chance of any error stays what it was.)"""
_WHOLE, _NEARLY_WHOLE = 0.5, 0.2
"""The same for stretches of the query."""
_SAME_SPEED = 0.015
APART = 1.5
"""Seconds within which frames of one video look alike in any case."""
_MOST_FIRST, _MOST_FURTHER = 3.0, -1.0
"""Evidence above which a first segment, and a further one, is not worth a word."""
_TRIED_ALONE = 2
"""Where so many of the strongest alignments of a quick reading are not worth a word, the weaker ones are not tried."""
_WHOLE_PICTURES: Pair = (0, 0)
_AS_NEAR = 4
"""Bits of 256 by which whole pictures may be farther off: in a re-encoded copy medians of 2, 2 and 4 were seen in the three views of an
upload, the full one and two strips. Every profile's first view is the full picture."""
_OUT_OF_STEP, _OUT_OF_STEP_SAMPLES, _DOUBT = 0.1, 80, 1.0
"""Curves that agree less than this over so many samples take so many decades off: a copy whose timing shows nothing of the
original is rare, and another recording of the same scene is always so."""

Distances = npt.NDArray[np.int16]
Places = npt.NDArray[np.intp]
Times = npt.NDArray[np.float64]


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Sides:
    """Upload and reference, and everything that was compared between them."""

    query: Fingerprint
    reference: Fingerprint
    pairs: tuple[Pair, ...]
    stack: Distances
    """Hamming distances, int16 (pairs, query frames, reference frames); NONE where there is no evidence."""
    comparison: Comparison
    gate: int
    """The least PDQ quality of a frame that is evidence."""


def scored(sides: Sides, lines: Sequence[Line], bonus: Bonus | None, indexed: int) -> Iterator[tuple[float, Segment]]:
    """Evidence and segment of each alignment that is worth a word, strongest first; `indexed` hashes were searched."""
    first = math.log10(max(indexed, 1) * len(sides.query.views))
    further = math.log10(len(sides.reference.starts) * len(sides.pairs))
    begun = False
    for turn, one in enumerate(alignments(sides.comparison, lines, bonus, LEAST_TOTAL if bonus else LEAST_ALONE)):
        evidence, segment, pictures = _score(sides, one)
        evidence += (further if begun else first) + _log10_speeds(one.line.speed)
        evidence += log10_stretches(one, len(sides.query.starts)) - (bonus(one) if bonus else 0.0)
        if evidence < (_MOST_FURTHER if begun else _MOST_FIRST):
            begun = True
            yield max(evidence, most(pictures)), segment
        elif not (begun or bonus) and turn + 1 == _TRIED_ALONE:
            return


def in_time(sides: Sides, one: Alignment) -> float:
    """Decades by which the activity curves speak for an alignment, in the best of the views that were compared.

    Negative where they speak against it.
    """
    query, curve = sides.query, sides.reference.activity[0]
    start, end = float(query.starts[one.first]), float(query.ends[one.last])
    rows = sorted({0, *(left for left, _ in sides.pairs if left < len(query.activity))})
    agreements = curves.agreements(query.activity[rows], curve, one.line, start, end)
    best = max(agreements, key=lambda agreement: agreement.decades)
    if best.decades:
        return max(0.0, best.decades - math.log10(len(rows)))
    nearest = max(agreement.correlation for agreement in agreements)
    return -_DOUBT if nearest < _OUT_OF_STEP and best.samples >= _OUT_OF_STEP_SAMPLES else 0.0


def _log10_speeds(speed: float) -> float:
    """log10 of what a line of this speed pays for the speeds it could have had."""
    if abs(abs(speed) - 1) < _SAME_SPEED:
        return -math.log10(_OWN_SPEED if speed > 0 else _BACKWARDS)
    share = _OTHER_SPEED if speed > 0 else 1 - _OWN_SPEED - _OTHER_SPEED - _BACKWARDS
    return -math.log10(share / _SPEEDS)


def log10_stretches(one: Alignment, frames: int) -> float:
    """log10 of what a segment pays for where in the query it could have begun and ended.

    Half of the chance of error goes to all of the query, a fifth to nearly all of it, the less the more is missing, and
    the rest to any part. (m + 1 parts miss m frames; the sum of 1 / (m + 1)^2 from m = 1 on is 0.645.)
    """
    missing = frames - (one.last - one.first + 1)
    if missing == 0:
        return -math.log10(_WHOLE)
    nearly = _NEARLY_WHOLE / 0.645 / (missing + 1) ** 3
    part = (1 - _WHOLE - _NEARLY_WHOLE) * 2 / (frames * (frames + 1))
    return -math.log10(max(nearly, part))


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class _Weighed:
    """What the frames on a line say."""

    gains: npt.NDArray[np.float32]
    """Decades that each gains, float32 (n,); negative where that is less than what it pays."""
    weights: npt.NDArray[np.float64]
    """How much of each is news, 0-1, float64 (n,)."""
    favourite: int
    """Place of the view pair that gains the most."""
    first: int
    """First query frame of the part that is worth it,"""
    last: int
    """and the last, inclusive."""
    distance: float
    """Hamming distance, averaged over the frames that are evidence."""


def _score(sides: Sides, one: Alignment) -> tuple[float, Segment, float]:
    """Evidence of one alignment, lines tried left out, the segment it makes, and how many pictures it rests on."""
    query, reference, line = sides.query, sides.reference, one.line
    found = _weighed(sides, one)
    favourite = _shown_in(sides, one, found)
    start, end = borders(query, reference, part(one, found.first, found.last), favourite, sides.gate)
    reached = [min(max(line.speed * time + line.offset, 0.0), reference.duration) for time in (start, end)]
    views = query.views[favourite[0]], reference.views[favourite[1]]
    segment = Segment(
        query_start=start,
        query_end=end,
        reference_start=min(reached),
        reference_end=max(reached),
        speed=line.speed,
        view="/".join(views),
        mean_distance=found.distance,
    )
    evidence = log10_chance(np.maximum(found.gains, 0), found.weights) - relief(found.weights)
    return evidence + log10_kinds(*views), segment, float(found.weights.sum())


def _shown_in(sides: Sides, one: Alignment, found: _Weighed) -> Pair:
    """The view pair of a segment: the one that gains the most, or the whole pictures if they are about as near; a strip of an
    unedited picture is as near as the picture."""
    favourite = sides.pairs[found.favourite]
    if favourite == _WHOLE_PICTURES or _WHOLE_PICTURES not in sides.pairs:
        return favourite
    slots = one.slots[found.first - one.first : found.last + 1 - one.first]
    rows, frames = found.first + np.flatnonzero(slots >= 0), sides.comparison.frames[slots[slots >= 0]]
    whole, nearest = (
        np.median(sides.stack[place, rows, frames]) for place in (sides.pairs.index(_WHOLE_PICTURES), found.favourite)
    )
    return _WHOLE_PICTURES if whole <= nearest + _AS_NEAR else favourite


def _weighed(sides: Sides, one: Alignment) -> _Weighed:
    """What the frames on the line of an alignment gain, of that what is news, and the part of them that is worth it."""
    query, reference = sides.query, sides.reference
    choices = np.float32(_log10_choices(len(sides.pairs)))
    beside = excesses(sides.stack, query.starts, reference.starts, one.line)
    if COMPILED.module is not None:
        return _Weighed(
            *COMPILED.module.weighed(
                sides.stack, sides.comparison.frames, query.starts, one.slots, one.first, as_words(query.hashes),
                query.quality, as_words(reference.hashes), reference.quality, np.array(sides.pairs), beside, choices,
            )
        )  # fmt: skip
    rows, frames, which, distances = _aligned(sides, one)
    left, right = np.array(sides.pairs)[which].T
    gains = surprise(
        excused(np.minimum(distances, 256), usual_distances(sides.stack, query.starts, rows, frames, which)),
        np.minimum(query.quality[rows, left], reference.quality[frames, right]),
    )
    gains = gains - fading(distances) * beside[which] - choices
    weights = novelty(query.hashes[rows, left], reference.hashes[frames, right], distances, gains)
    kept = trimmed(one, rows, gains)
    good = distances < NONE
    return _Weighed(
        gains=gains,
        weights=weights,
        favourite=int(np.bincount(which, np.maximum(gains, 0)).argmax()),
        first=kept.first,
        last=kept.last,
        distance=float(distances[good].mean()) if good.any() else 256.0,
    )


def _log10_choices(pairs: int) -> float:
    """log10 of what a frame pays for the pairs and neighbours among which it took the nearest."""
    return math.log10(pairs * (2 * REACH + 1) / 2)


def _aligned(sides: Sides, one: Alignment) -> tuple[Places, Places, Places, npt.NDArray[np.int32]]:
    """Query rows, reference frames, view pairs and distances of the frames on the line."""
    shown = sides.comparison.frames
    inside = one.slots >= 0
    rows = np.arange(one.first, one.last + 1)[inside]
    near = np.clip(one.slots[inside][:, None] + np.array([0, -1, 1]), 0, len(shown) - 1)
    frames = shown[near]
    cells = sides.stack[:, rows[:, None], frames]
    which, pick = np.divmod(cells.transpose(1, 0, 2).reshape(len(rows), -1).argmin(axis=1), near.shape[1])
    chosen = frames[np.arange(len(rows)), pick]
    return rows, chosen, which, sides.stack[which, rows, chosen].astype(np.int32)


def usual_distances(stack: Distances, times: Times, rows: Places, frames: Places, which: Places) -> Times:
    """What each aligned frame's distance is to the *other* frames of its segment, float64 (n,): the median over both sides.

    `stack` is int16 (pairs, query frames, reference frames), `times` those of the query's frames, seconds; the n aligned ones
    are query `rows` and reference `frames` in the pairs `which`. Frames within APART are left out; 128 where none is left.
    """
    shown = times[rows]
    apart = np.abs(shown[:, None] - shown[None, :]) > APART
    cross = stack[which[:, None], rows[:, None], frames[None, :]].astype(np.float64)
    cross[~apart | (cross >= NONE)] = np.inf
    usual = np.minimum(_medians(cross), _medians(cross.T))
    known = np.isfinite(cross).any(axis=1) & np.isfinite(cross).any(axis=0)
    return np.where(known, usual, 128.0)


def _medians(table: Times) -> Times:
    """The median of what is finite in each row, float64 (n,); infinite where nothing is. As nanmedian, ten times as fast."""
    ordered = np.sort(table, axis=1)
    count = np.isfinite(table).sum(axis=1)
    rows = np.arange(len(table))
    medians: Times = (ordered[rows, (count - 1) // 2] + ordered[rows, count // 2]) / 2
    return medians


def excesses(stack: Distances, times: Times, starts: Times, line: Line) -> npt.NDArray[np.float32]:
    """`excess` of what each pair of views has beside a line, float32 (pairs,); `times` and `starts` are those of the frames."""
    return np.array([excess(*counts) for counts in _beside(stack, times, starts, line).tolist()], np.float32)


def _beside(stack: Distances, times: Times, starts: Times, line: Line) -> Numbers:
    """How many pairs of frames beside the line are evidence, and how many of them are near, int64 (pairs, 2)."""
    if COMPILED.module is not None:
        counts: Numbers = COMPILED.module.beside(stack, times, starts, line.speed, line.offset)
        return counts
    reference = line.speed * times + line.offset
    beside = np.abs(starts[None, :] - reference[:, None]) > APART
    return np.array([((one[beside] < NONE).sum(), (one[beside] <= NEAR).sum()) for one in stack], np.int64)
