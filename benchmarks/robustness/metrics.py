"""The arithmetic of recall, precision and overlap. Scores: higher is more alike; NOTHING is no likeness at all."""

import itertools
import math
from collections.abc import Iterable, Sequence

from benchmarks.robustness.stretch import Interval, Stretch

NOTHING = -math.inf
"""The score of a pair that a system says nothing of."""


def share(found: Iterable[bool]) -> float | None:
    """How much of it is true, 0-1; None for none at all."""
    values = list(found)
    return sum(values) / len(values) if values else None


def highest(scores: Iterable[float]) -> float:
    """The best score of negatives: what scores above it is found without a false positive. NOTHING for none."""
    return max(scores, default=NOTHING)


def micro_average_precision(positives: Sequence[float], negatives: Sequence[float]) -> float | None:
    """Area under precision over recall, 0-1, of all pairs in the order of their scores; None without positives.

    Equal scores count as one step, since no threshold parts them. A positive that scores NOTHING is never found.
    """
    if not positives:
        return None
    right = wrong = 0
    area = 0.0
    scored = [(one, True) for one in positives if one > NOTHING] + [(one, False) for one in negatives if one > NOTHING]
    for _, step in itertools.groupby(sorted(scored, reverse=True), key=lambda pair: pair[0]):
        kinds = [positive for _, positive in step]
        right += sum(kinds)
        wrong += len(kinds) - sum(kinds)
        area += sum(kinds) / len(positives) * right / (right + wrong)
    return area


def union(intervals: Iterable[Interval]) -> float:
    """Seconds that lie in any of them."""
    total, reached = 0.0, -math.inf
    for start, end in sorted(intervals):
        total += max(0.0, end - max(start, reached))
        reached = max(reached, end)
    return total


def precision(predicted: Sequence[Stretch], true: Sequence[Stretch]) -> float | None:
    """Share of the predicted seconds that are true, in the copy times in the source, 0-1; None for no prediction.

    A second counts only where a predicted and a true stretch overlap both in the copy and in the source, so that the
    right interval of the one with a wrong interval of the other counts for nothing.
    """
    return _covered(predicted, true)


def recall(predicted: Sequence[Stretch], true: Sequence[Stretch]) -> float | None:
    """Share of the true seconds that are predicted, in the copy times in the source, 0-1; None for no truth."""
    return _covered(true, predicted)


def f_score(precision: float | None, recall: float | None) -> float | None:
    """Harmonic mean; None where either is unknown."""
    if precision is None or recall is None:
        return None
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def mean(values: Iterable[float | None]) -> float | None:
    """Of those that are not None; None for none of them."""
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def _covered(these: Sequence[Stretch], those: Sequence[Stretch]) -> float | None:
    in_copy, in_source = (union(one) for one in _sides(these))
    if not in_copy or not in_source:
        return None
    both = [shared for one in these for other in those if (shared := _shared(one, other)) is not None]
    covered_copy, covered_source = (union(one) for one in _sides(both))
    return covered_copy / in_copy * covered_source / in_source


def _sides(stretches: Sequence[Stretch]) -> tuple[list[Interval], list[Interval]]:
    return [one.in_copy for one in stretches], [one.in_source for one in stretches]


def _shared(one: Stretch, other: Stretch) -> Stretch | None:
    """Where two overlap on both sides."""
    shared = Stretch(
        max(one.copy_start, other.copy_start),
        min(one.copy_end, other.copy_end),
        max(one.source_start, other.source_start),
        min(one.source_end, other.source_end),
    )
    return shared if shared.copy_start < shared.copy_end and shared.source_start < shared.source_end else None
