"""One entry against one upload: alignment, extension along each line, score."""

import dataclasses
import functools
import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from hashsvc.fingerprint.model import Fingerprint
from hashsvc.fingerprint.pdq import hamming
from hashsvc.match import curves
from hashsvc.match.align import REACH, SLOT, Alignment, Bonus, Comparison, Line, alignments, compare
from hashsvc.match.model import Segment
from hashsvc.match.pairs import Pair, nominated, widened
from hashsvc.match.score import SURPRISE, discounted, excused, log10_chance, novelty
from hashsvc.match.seeds import Nomination

_MOST_CURVES = 8
"""Views of a deep reading whose activity proposes lines."""
_MOST_LIKELY = 4
_LEAST_EVIDENCE, _LEAST_FURTHER = 0.0, -1.0
"""Evidence below which a first segment, and a further one, is more than chance."""
_SPEEDS = 120
"""Distinguishable speeds between 0.45 and 2.2, forwards and backwards: the number of lines tried through one point."""
_OWN_SPEED = 0.5
"""Share of the chance of error that is spent on speed 1, where most copies are; all other speeds divide the rest. (A
weighted Bonferroni correction: the shares sum up to 1, so the chance of any error stays what it was.)"""
_SAME_SPEED = 0.015
_NONE = 257
"""Distance of a pair that is no evidence."""
_BLOCK = 1 << 20
"""Pairs of frames compared at once: 32 MiB."""

Distances = npt.NDArray[np.int16]


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Finding:
    """What one entry has in common with the query."""

    evidence: float
    query_coverage: float
    reference_coverage: float
    mean_distance: float
    segments: tuple[Segment, ...]


def find(query: Fingerprint, reference: Fingerprint, nomination: Nomination, gate: int, indexed: int) -> Finding | None:
    """Compare query and reference in the view pairs that were nominated; None when no line pays.

    A deep reading is also compared along the lines on which its activity agrees with the reference's, and in the views
    that do best along any line. `indexed` is the number of hashes that were searched; it sets how many chance lines
    there were.
    """
    pairs = nominated(nomination, reference, gate)
    stack, comparison = _compared(query, reference, pairs, gate)
    lines: list[Line] = []
    bonus: Bonus = _no_bonus
    if len(query.activity) and len(reference.activity):
        lines = curves.lines(query.activity[:_MOST_CURVES], reference.activity[0])
        likely = [*lines, *(one.line for one in alignments(comparison, lines)[:_MOST_LIKELY])]
        pairs = widened(query, reference, pairs, likely, gate)
        stack, comparison = _compared(query, reference, pairs, gate)
        bonus = functools.partial(_in_time, query, reference, pairs)
    scored = _scored(query, reference, pairs, stack, comparison, lines, bonus, indexed)
    if not scored:
        return None
    segments = sorted((segment for _, segment in scored), key=lambda one: one.query_start)
    return Finding(
        evidence=sum(evidence for evidence, _ in scored),
        query_coverage=_covered([(one.query_start, one.query_end) for one in segments], query.duration),
        reference_coverage=_covered([(one.reference_start, one.reference_end) for one in segments], reference.duration),
        mean_distance=float(
            np.average(
                [one.mean_distance for one in segments],
                weights=[one.query_end - one.query_start + 0.01 for one in segments],
            )
        ),
        segments=tuple(segments),
    )


def _scored(
    query: Fingerprint,
    reference: Fingerprint,
    pairs: Sequence[Pair],
    stack: Distances,
    comparison: Comparison,
    lines: Sequence[Line],
    bonus: Bonus,
    indexed: int,
) -> list[tuple[float, Segment]]:
    """Evidence and segment of each alignment that is more than chance, strongest first."""
    places = math.log10(max(indexed, 1) * len(query.views))
    inside = math.log10(len(reference.starts) * len(pairs))
    scored: list[tuple[float, Segment]] = []
    for one in alignments(comparison, lines, bonus):
        evidence, segment = _score(query, reference, pairs, stack, comparison, one)
        evidence += (inside if scored else places) + _log10_speeds(one.line.speed)
        evidence += _log10_stretches(one, len(query.starts)) - bonus(one)
        if evidence < (_LEAST_FURTHER if scored else _LEAST_EVIDENCE):
            scored.append((evidence, segment))
    return scored


def _no_bonus(_: Alignment) -> float:
    return 0.0


def _in_time(query: Fingerprint, reference: Fingerprint, pairs: Sequence[Pair], one: Alignment) -> float:
    """Decades by which the activity curves agree along an alignment, in the best of the views that were compared."""
    start, end = float(query.starts[one.first]), float(query.ends[one.last])
    rows = sorted({0, *(left for left, _ in pairs if left < len(query.activity))})
    decades = max(
        curves.agreement(query.activity[row], reference.activity[0], one.line, start, end).decades for row in rows
    )
    return max(0.0, decades - math.log10(len(rows)))


def _compared(
    query: Fingerprint, reference: Fingerprint, pairs: Sequence[Pair], gate: int
) -> tuple[Distances, Comparison]:
    """Distances int16 (pairs, query frames, reference frames), and what they come to."""
    stack = np.stack([_distances(query, reference, pair, gate) for pair in pairs])
    nearest = np.stack([discounted(one) for one in stack]).min(axis=0)
    return stack, compare(nearest, reference.starts, reference.duration, query.starts)


def _log10_speeds(speed: float) -> float:
    """log10 of what a line of this speed pays for the speeds it could have had."""
    return -math.log10(_OWN_SPEED if abs(speed - 1) < _SAME_SPEED else (1 - _OWN_SPEED) / _SPEEDS)


def _log10_stretches(one: Alignment, frames: int) -> float:
    """log10 of what a segment pays for where in the query it could have begun and ended; half goes to all of the query."""
    if one.first == 0 and one.last == frames - 1:
        return math.log10(2)
    return math.log10(max(frames, 2) ** 2)


def _distances(query: Fingerprint, reference: Fingerprint, pair: Pair, gate: int) -> Distances:
    """Hamming distances, int16 (query frames, reference frames) in one view pair; 257 where either fails the gate."""
    left, right = pair
    distances = np.full((query.frames, reference.frames), _NONE, np.int16)
    columns = np.flatnonzero(reference.quality[:, right] >= gate)
    shown = np.ascontiguousarray(reference.hashes[columns, right])
    rows = np.flatnonzero(query.quality[:, left] >= gate)
    # In blocks of rows: all pairs at once of a long upload and a long reference would take gigabytes.
    for block in np.array_split(rows, 1 + len(rows) * len(columns) // _BLOCK):
        distances[block[:, None], columns[None, :]] = hamming(query.hashes[block, None, left], shown[None])
    return distances


def _score(
    query: Fingerprint,
    reference: Fingerprint,
    pairs: Sequence[Pair],
    stack: Distances,
    comparison: Comparison,
    one: Alignment,
) -> tuple[float, Segment]:
    """Evidence of one alignment, lines tried left out, and the segment it makes."""
    rows, frames, which, distances = _aligned(stack, comparison, one)
    usual = _usual(stack, rows, frames, which, query.starts[rows])
    gains = SURPRISE[excused(np.minimum(distances, 256), usual)] - np.float32(
        math.log10(len(pairs) * (2 * REACH + 1) / 2)
    )
    left = np.array([pair[0] for pair in pairs])[which]
    right = np.array([pair[1] for pair in pairs])[which]
    weights = novelty(query.hashes[rows, left], reference.hashes[frames, right], distances, gains)
    favourite = pairs[int(np.bincount(which, gains).argmax())]
    start, end = _borders(query, reference, one)
    line = one.line
    good = distances < _NONE
    reached = [min(max(line.speed * time + line.offset, 0.0), reference.duration) for time in (start, end)]
    segment = Segment(
        query_start=start,
        query_end=end,
        reference_start=min(reached),
        reference_end=max(reached),
        speed=line.speed,
        view=f"{query.views[favourite[0]]}/{reference.views[favourite[1]]}",
        mean_distance=float(distances[good].mean()) if good.any() else 256.0,
    )
    return log10_chance(np.maximum(gains, 0), weights), segment


def _aligned(
    stack: Distances, comparison: Comparison, one: Alignment
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp], npt.NDArray[np.intp], npt.NDArray[np.int32]]:
    """Query rows, reference frames, view pairs and distances of the frames on the line."""
    inside = one.slots >= 0
    rows = np.arange(one.first, one.last + 1)[inside]
    slots = one.slots[inside]
    near = np.clip(slots[:, None] + np.array([0, -1, 1]), 0, len(comparison.frames) - 1)
    frames = comparison.frames[near]
    cells = stack[:, rows[:, None], frames]
    which, pick = np.divmod(cells.transpose(1, 0, 2).reshape(len(rows), -1).argmin(axis=1), near.shape[1])
    chosen = frames[np.arange(len(rows)), pick]
    return rows, chosen, which, stack[which, rows, chosen]


def _usual(
    stack: Distances,
    rows: npt.NDArray[np.intp],
    frames: npt.NDArray[np.intp],
    which: npt.NDArray[np.intp],
    times: npt.NDArray[np.float64],
) -> npt.NDArray[np.float64]:
    """What each aligned frame's distance is to the *other* frames of its segment, float64 (n,): the median over both sides.

    Frames within 1.5 s are left out, since they look alike in any video; 128 where none is left.
    """
    apart = np.abs(times[:, None] - times[None, :]) > 1.5
    cross = stack[which[:, None], rows[:, None], frames[None, :]].astype(np.float64)
    cross[~apart | (cross >= _NONE)] = np.nan
    known = (~np.isnan(cross)).any(axis=1) & (~np.isnan(cross)).any(axis=0)
    usual = np.full(len(rows), 128.0)
    if known.any():
        usual[known] = np.minimum(np.nanmedian(cross[known], axis=1), np.nanmedian(cross[:, known], axis=0))
    return usual


def _borders(query: Fingerprint, reference: Fingerprint, one: Alignment) -> tuple[float, float]:
    """Query times at which the segment begins and ends: halfway to the first frame that does not belong to it.

    At the ends of the upload it runs on, but never past where the reference itself begins or ends.
    """
    times, line = query.starts, one.line
    start = 0.0 if one.first == 0 else (times[one.first - 1] + times[one.first]) / 2
    end = query.duration if one.last + 1 == len(times) else (times[one.last] + times[one.last + 1]) / 2
    begins, ends = sorted((time - line.offset) / line.speed for time in (0.0, reference.duration))
    start = min(max(start, begins), times[one.first])
    end = max(min(end, ends), times[one.last] + SLOT)
    return float(max(start, 0.0)), float(min(end, query.duration))


def _covered(intervals: list[tuple[float, float]], duration: float) -> float:
    """Share of `duration` inside the union of intervals, 0-1."""
    total, reached = 0.0, 0.0
    for begin, end in sorted(intervals):
        total += max(0.0, end - max(begin, reached))
        reached = max(reached, end)
    return min(1.0, total / duration) if duration > 0 else 0.0
