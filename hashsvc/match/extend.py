"""One entry against one upload: alignment, extension along each line, score."""

import dataclasses
import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from hashsvc.bank.model import Interval
from hashsvc.fingerprint.model import Fingerprint
from hashsvc.fingerprint.pdq import hamming
from hashsvc.match import exclude
from hashsvc.match.align import REACH, SLOT, Alignment, Comparison, alignments, compare
from hashsvc.match.model import Segment
from hashsvc.match.score import SURPRISE, discounted, excused, log10_chance, novelty
from hashsvc.match.seeds import Nomination

_MOST_PAIRS = 4
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


def find(
    query: Fingerprint,
    reference: Fingerprint,
    nomination: Nomination,
    gate: int,
    indexed: int,
    exclusions: Sequence[Interval] = (),
) -> Finding | None:
    """Compare query and reference in the view pairs that were nominated; None when no line pays.

    `indexed` is the number of hashes that were searched; it sets how many chance lines there were. What lies in the
    `exclusions` of the reference is no evidence, and in no segment.
    """
    pairs = _pairs(nomination, reference, gate)
    stack = np.stack([_distances(query, reference, pair, gate) for pair in pairs])
    nearest = np.stack([discounted(one) for one in stack]).min(axis=0)
    # After the discount, for which the excluded frames tell as well as others what is usual in the two videos.
    hidden = exclude.hidden(reference, exclusions)
    nearest[:, hidden] = stack[:, :, hidden] = _NONE
    comparison = compare(nearest, reference.starts, reference.duration, query.starts)
    places = math.log10(max(indexed, 1) * len(query.views))
    inside = math.log10(len(reference.starts) * len(pairs))
    scored: list[tuple[float, list[Segment]]] = []
    for one in alignments(comparison):
        evidence, segment = _score(query, reference, pairs, stack, comparison, one)
        evidence += (inside if scored else places) + _log10_speeds(one.line.speed)
        evidence += _log10_stretches(one, len(query.starts))
        parts = exclude.outside(segment, exclusions)
        if parts and evidence < (-1.0 if scored else 0.0):
            scored.append((evidence, parts))
    if not scored:
        return None
    segments = sorted((part for _, parts in scored for part in parts), key=lambda one: one.query_start)
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


def _log10_speeds(speed: float) -> float:
    """log10 of what a line of this speed pays for the speeds it could have had."""
    return -math.log10(_OWN_SPEED if abs(speed - 1) < _SAME_SPEED else (1 - _OWN_SPEED) / _SPEEDS)


def _log10_stretches(one: Alignment, frames: int) -> float:
    """log10 of what a segment pays for where in the query it could have begun and ended; half goes to all of the query."""
    if one.first == 0 and one.last == frames - 1:
        return math.log10(2)
    return math.log10(max(frames, 2) ** 2)


def _pairs(nomination: Nomination, reference: Fingerprint, gate: int) -> list[tuple[int, int]]:
    """The (query view, reference view) pairs that gained the most; full against full is always among them."""
    rows = np.flatnonzero(reference.quality.ravel() >= gate)[nomination.positions]
    count = len(reference.views)
    gains = np.bincount(nomination.query_views * count + rows % count, nomination.gains)
    order = [int(one) for one in np.argsort(-gains)[:_MOST_PAIRS] if gains[one] > 0]
    if 0 not in order:
        order = [*order[: _MOST_PAIRS - 1], 0]
    return [divmod(one, count) for one in order]


def _distances(query: Fingerprint, reference: Fingerprint, pair: tuple[int, int], gate: int) -> Distances:
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
    pairs: list[tuple[int, int]],
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
