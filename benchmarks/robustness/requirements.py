"""What a run must reach."""

from collections.abc import Iterator

from benchmarks.robustness import tables
from benchmarks.robustness.tables import Results

RECALL = 0.98
"""Share of all copies found at the best threshold without a false positive."""
MILD = 0.85
"""The same of each recipe in its mild form."""
PRECISION = 0.98
"""Micro-average precision over pairs."""
SEGMENT_F = 0.90
SHORT, SHORT_RECALL = 5.0, 0.97
"""The same recall of copies of this many seconds."""
PLAIN, PLAIN_BORDERS = 0.98, 0.98
"""Shares of plain copies found at the default, and of those found with every border within a second."""


def shortfalls(results: Results) -> Iterator[str]:
    """A sentence for each requirement that is not met."""
    ours, main = results.ours, results.main
    yield from _under("Recall at zero false positives", ours.recall(main), RECALL)
    for recipe, strength, part in tables.parts(main):
        if strength == "mild" and recipe != "all":
            yield from _under(f"Recall of {recipe} (mild)", ours.recall(part), MILD)
    yield from _under("Micro-average precision", ours.micro_average_precision(main), PRECISION)
    yield from _under("Segment F", results.exactness(main).f, SEGMENT_F)
    yield from _under(f"Recall of clips of {SHORT:g} s", ours.recall(results.of_length(SHORT)), SHORT_RECALL)
    yield from _under("Recall of plain copies at the default", ours.default_recall(results.plain), PLAIN)
    yield from _under(
        "Plain copies with all borders within 1 s", results.exactness(results.plain).within, PLAIN_BORDERS
    )
    for truth, outcomes in ((results.truth, results.outcomes), (results.scenes, results.scene_outcomes)):
        for row in tables.false_rows(truth, outcomes):
            yield f"{row['upload']} is said to match {row['entry']} ({row['verdict']}, evidence {row['evidence']})."


def _under(what: str, reached: float | None, required: float) -> Iterator[str]:
    if reached is not None and reached < required:
        yield f"{what} is {reached:.4f}, under {required:g}."
