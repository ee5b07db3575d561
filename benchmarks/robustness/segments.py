"""How exactly hashsvc says what is where."""

import dataclasses
from collections.abc import Mapping, Sequence

from benchmarks.robustness import metrics
from benchmarks.robustness.copies import Copy
from benchmarks.robustness.journal import Outcome
from benchmarks.robustness.stretch import Stretch, ends

TOLERANCE = 1.0
"""Seconds that a border may be off."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """A copy's true stretches, and those of the match with its source."""

    copy: Copy
    predicted: tuple[Stretch, ...]
    """None where there is no match."""

    @property
    def border(self) -> float | None:
        """Largest error of the four outer ends, seconds; None without a match."""
        if not self.predicted:
            return None
        pairs = zip(ends(self.predicted), ends(self.copy.stretches), strict=True)
        return max(abs(said - true) for said, true in pairs)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Exactness:
    """Of several copies. None where nothing can be said."""

    precision: float | None
    """Mean over the matched copies, 0-1."""
    recall: float | None
    """Mean over all copies, 0-1: one that is not matched counts as 0."""
    within: float | None
    """Share of the matched copies whose outer borders are all within TOLERANCE, 0-1."""

    @property
    def f(self) -> float | None:
        """Harmonic mean of precision and recall."""
        return metrics.f_score(self.precision, self.recall)


def place(copies: Sequence[Copy], outcomes: Mapping[str, Outcome]) -> list[Placed]:
    """Each copy; one that could not be judged has no match."""
    return [Placed(copy=copy, predicted=_predicted(copy, outcomes.get(copy.name))) for copy in copies]


def _predicted(copy: Copy, outcome: Outcome | None) -> tuple[Stretch, ...]:
    matches = outcome.matches if outcome else ()
    return next((one.stretches for one in matches if one.reference == copy.source), ())


def exactness(placed: Sequence[Placed]) -> Exactness:
    """How exact they are together."""
    borders = [one.border for one in placed if one.border is not None]
    return Exactness(
        precision=metrics.mean(metrics.precision(one.predicted, one.copy.stretches) for one in placed),
        recall=metrics.mean(metrics.recall(one.predicted, one.copy.stretches) for one in placed),
        within=metrics.share(border <= TOLERANCE for border in borders),
    )
