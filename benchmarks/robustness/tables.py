"""The report's tables."""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from benchmarks.report import Row
from benchmarks.robustness import segments
from benchmarks.robustness.copies import Copy
from benchmarks.robustness.journal import Outcome
from benchmarks.robustness.judge import System, Truth, right
from benchmarks.robustness.recipes import PLAIN


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """All of a run."""

    length: float
    """Seconds of the cuts that the recipes are compared on."""
    lengths: Sequence[float]
    """Further lengths, of the recipes in `length_recipes`."""
    length_recipes: Sequence[str]
    """Keys."""
    truth: Truth
    ours: System
    peers: Sequence[System]
    outcomes: Mapping[str, Outcome]
    scenes: Truth
    """Clips of scenes against clips of scenes."""
    scene_outcomes: Mapping[str, Outcome]

    @property
    def systems(self) -> list[System]:
        return [self.ours, *self.peers]

    @property
    def main(self) -> list[Copy]:
        """The copies that the recipes are compared on."""
        return [copy for copy in self.truth.copies if copy.asked == self.length]

    @property
    def plain(self) -> list[Copy]:
        return [copy for copy in self.main if copy.recipe in PLAIN]

    def of_length(self, length: float) -> list[Copy]:
        """Copies of that many seconds, of references that have so many."""
        return [
            copy for copy in self.truth.copies
            if copy.asked == length and copy.length > length - 0.3
            and f"{copy.recipe}-{copy.strength}" in self.length_recipes
        ]  # fmt: skip

    def exactness(self, copies: Sequence[Copy]) -> segments.Exactness:
        return segments.exactness(segments.place(copies, self.outcomes))


def parts(copies: Sequence[Copy]) -> Iterator[tuple[str, str, list[Copy]]]:
    """By recipe and strength, then mild, strong and all of them: name, strength, copies; no empty ones."""
    for key in dict.fromkeys((copy.recipe, copy.strength) for copy in copies):
        yield *key, [copy for copy in copies if (copy.recipe, copy.strength) == key]
    for strength in ("mild", "strong"):
        if part := [copy for copy in copies if copy.strength == strength]:
            yield "all", strength, part
    yield "all", "", list(copies)


def recipe_rows(results: Results) -> list[Row]:
    """Recipe and strength by system."""
    return [
        {"recipe": recipe, "strength": strength, "copies": len(part)}
        | {key: value for system in results.systems for key, value in _cells(system, part).items()}
        | _exact(results.exactness(part))
        for recipe, strength, part in parts(results.main)
    ]


def _cells(system: System, copies: Sequence[Copy]) -> dict[str, Any]:
    names = {copy.name for copy in copies}
    return {
        f"{system.name}, none false": system.recall(copies),
        f"{system.name}, default": system.default_recall(copies),
        f"{system.name}, false": sum(query in names for query, _ in system.false),
    }


def _exact(exactness: segments.Exactness) -> dict[str, Any]:
    return {"segment F": exactness.f, "borders within 1 s": exactness.within}


def system_rows(results: Results) -> list[Row]:
    """All recipes together, by system."""
    main = results.main
    rows: list[Row] = []
    for system in results.systems:
        rows.append(
            {
                "system": system.name,
                "recall, none false": system.recall(main),
                **{
                    f"{strength} recall, none false": system.recall(copy for copy in main if copy.strength == strength)
                    for strength in ("mild", "strong")
                },
                "recall, default": system.default_recall(main),
                "false pairs, default": f"{len(system.false)} of {len(system.truth.wrong)}",
                "files with one": len({query for query, _ in system.false}),
                "micro-average precision": system.micro_average_precision(main),
                "highest wrong score": _score(system.highest_wrong),
                "as": system.about,
            }
        )
    return rows


def length_rows(results: Results) -> list[Row]:
    """Recall by length of the clip."""
    return [
        {"clip, s": f"{length:g}", "copies": len(part)}
        | {
            f"{system.name}, {kind}": recall(part)
            for system in results.systems
            for kind, recall in (("none false", system.recall), ("default", system.default_recall))
        }
        for length in results.lengths
        if (part := results.of_length(length))
    ]


def false_rows(truth: Truth, outcomes: Mapping[str, Outcome]) -> list[Row]:
    """Each match of hashsvc between files that share no footage."""
    return [
        {
            "upload": outcome.query,
            "entry": match.reference,
            "same scene": (outcome.query, match.reference) in truth.alike,
            "evidence": round(match.evidence, 1),
            "verdict": match.verdict,
            "upload coverage": match.query_coverage,
        }
        for outcome in outcomes.values()
        for match in outcome.matches
        if (outcome.query, match.reference) in truth.wrong
    ]


def missed_rows(results: Results) -> list[Row]:
    """Each copy that hashsvc does not find at zero false positives."""
    return [
        {"copy": copy.name, "evidence": _score(-results.ours.score(right(copy)))}
        for copy in results.main
        if not results.ours.surely(copy)
    ]


def _score(score: float) -> float | None:
    return round(score, 2) if abs(score) != float("inf") else None
