"""One entry against one upload: view pairs, alignments, and what they prove."""

import dataclasses
import functools
import itertools
import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from hashsvc.bank.model import Interval
from hashsvc.fingerprint.model import Fingerprint, Hashes
from hashsvc.fingerprint.pdq import hamming
from hashsvc.match import curves, exclude
from hashsvc.match.align import Bonus, alignments
from hashsvc.match.comparison import Comparison, Line, compare, distinct
from hashsvc.match.evidence import NONE, Distances, Places, Sides, in_time, scored
from hashsvc.match.model import Segment
from hashsvc.match.pairs import Pair, nominated, widened
from hashsvc.match.score import COMPILED, discounted
from hashsvc.match.seeds import Nomination
from hashsvc.match.slide import slid
from hashsvc_index.arrays import as_words

_MOST_CURVES = 8
"""Views of a deep reading whose activity proposes lines."""
_MOST_LIKELY = 4
_BLOCK = 1 << 20
"""Pairs of frames compared at once: 32 MiB."""


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Finding:
    """What one entry has in common with the query."""

    evidence: float
    """log10 of the chance matches this good expected; above 0 it is no match at all, but perhaps a hint."""
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

    A deep reading is also compared along the lines on which its activity agrees with the reference's, or the same views
    of both do, and in the views that do best along any line. `indexed` is the number of hashes that were searched; it
    sets how many chance lines there were. What lies in the `exclusions` of the reference is no evidence, and in no segment.
    """
    pairs = nominated(nomination, reference, gate)
    if not (len(query.activity) and len(reference.activity)):
        return _finding(_compared(query, reference, pairs, gate, exclusions), (), None, indexed, exclusions)
    lines, choices = _proposed(query, exclude.silenced(reference, exclusions), pairs, gate)
    found = []
    for chosen in choices:
        sides = _compared(query, reference, chosen, gate, exclusions)
        finding = _finding(sides, lines, functools.partial(in_time, sides), indexed, exclusions)
        # The chance of error is divided among the choices of pairs, as it is among all that is tried.
        if finding is not None:
            found.append(dataclasses.replace(finding, evidence=finding.evidence + math.log10(len(choices))))
    return min(found, key=lambda one: one.evidence, default=None)


def _proposed(
    query: Fingerprint, reference: Fingerprint, pairs: Sequence[Pair], gate: int
) -> tuple[list[Line], list[list[Pair]]]:
    """Lines and choices of view pairs for a deep reading: what curves, the nominated `pairs` and slid views propose."""
    comparison = _compared(query, reference, pairs, gate, ()).comparison
    shown = exclude.hidden(reference, ())

    def compared(pair: Pair, rows: Places) -> Comparison:
        _, nearest = _tables(query.hashes[rows], query.quality[rows], reference, [pair], gate, shown)
        return compare(nearest, reference.starts, reference.duration, query.starts[rows])

    lines = curves.lines(query.activity[:_MOST_CURVES], reference.activity[0])
    strongest = itertools.islice(alignments(comparison, lines), _MOST_LIKELY)
    lines += slid(query, reference, compared)
    likely = [*lines, *(one.line for one in strongest)]
    return lines, widened(query, reference, pairs, distinct(likely, len(likely)), gate)


def _finding(
    sides: Sides, lines: Sequence[Line], bonus: Bonus | None, indexed: int, exclusions: Sequence[Interval]
) -> Finding | None:
    """All that the compared views prove outside the `exclusions`; None where that is nothing."""
    query, reference = sides.query, sides.reference
    proven: list[tuple[float, list[Segment]]] = []
    for evidence, segment in scored(sides, lines, bonus, indexed):
        if parts := exclude.outside(segment, exclusions):
            proven.append((evidence, parts))
    if not proven:
        return None
    segments = sorted((part for _, parts in proven for part in parts), key=lambda one: one.query_start)
    return Finding(
        evidence=sum(evidence for evidence, _ in proven),
        query_coverage=share_of([(one.query_start, one.query_end) for one in segments], query.duration),
        reference_coverage=share_of([(one.reference_start, one.reference_end) for one in segments], reference.duration),
        mean_distance=_mean_distance(segments),
        segments=tuple(segments),
    )


def _mean_distance(segments: Sequence[Segment]) -> float:
    """The mean over segments, each weighed by its seconds in the query, and a little more lest one of no length weigh nothing."""
    weights = [one.query_end - one.query_start + 0.01 for one in segments]
    return sum(one.mean_distance * weight for one, weight in zip(segments, weights, strict=True)) / sum(weights)


def _compared(
    query: Fingerprint, reference: Fingerprint, pairs: Sequence[Pair], gate: int, exclusions: Sequence[Interval]
) -> Sides:
    """Everything that the view pairs say of the two videos."""
    hidden = exclude.hidden(reference, exclusions)
    stack, nearest = _tables(query.hashes, query.quality, reference, pairs, gate, hidden)
    comparison = compare(nearest, reference.starts, reference.duration, query.starts)
    return Sides(query, reference, tuple(pairs), stack, comparison, gate)


def _tables(
    hashes: Hashes,
    quality: npt.NDArray[np.uint8],
    reference: Fingerprint,
    pairs: Sequence[Pair],
    gate: int,
    hidden: npt.NDArray[np.bool_],
) -> tuple[Distances, npt.NDArray[np.int32]]:
    """Distances of query frames in each pair, (pairs, n, reference frames), and the least of them once discounted.

    The frames have `hashes` (n, views, 32) of this `quality` (n, views). What is `hidden` of the reference is left out after
    the discount, for which it tells as well as the rest what is usual in the two videos.
    """
    if COMPILED.module is not None:
        compared: tuple[Distances, npt.NDArray[np.int32]] = COMPILED.module.compared(
            as_words(hashes), quality, as_words(reference.hashes), reference.quality, np.array(pairs), gate, hidden
        )
        return compared
    stack = np.stack([_distances(hashes, quality, reference, pair, gate) for pair in pairs])
    nearest = np.stack([discounted(one) for one in stack]).min(axis=0)
    nearest[:, hidden] = stack[:, :, hidden] = NONE
    return stack, nearest


def _distances(
    hashes: Hashes, quality: npt.NDArray[np.uint8], reference: Fingerprint, pair: Pair, gate: int
) -> Distances:
    """Hamming distances, int16 (n, reference frames), in one view pair; NONE where either fails the gate. See `_tables`."""
    left, right = pair
    distances = np.full((len(hashes), reference.frames), NONE, np.int16)
    columns = np.flatnonzero(reference.quality[:, right] >= gate)
    shown = np.ascontiguousarray(reference.hashes[columns, right])
    rows = np.flatnonzero(quality[:, left] >= gate)
    # In blocks of rows: all pairs at once of a long upload and a long reference would take gigabytes.
    for block in np.array_split(rows, 1 + len(rows) * len(columns) // _BLOCK):
        distances[block[:, None], columns[None, :]] = hamming(hashes[block, None, left], shown[None])
    return distances


def covered(intervals: Sequence[tuple[float, float]]) -> float:
    """Length of the union of intervals."""
    total, reached = 0.0, 0.0
    for begin, end in sorted(intervals):
        total += max(0.0, end - max(begin, reached))
        reached = max(reached, end)
    return total


def share_of(intervals: Sequence[tuple[float, float]], duration: float) -> float:
    """Share of `duration` inside the union of intervals, 0-1."""
    return min(1.0, covered(intervals) / duration) if duration > 0 else 0.0
