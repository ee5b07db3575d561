"""A report for people."""

from collections.abc import Iterator, Sequence

from hashsvc.report.law import POINTS
from hashsvc.report.model import TransparencyReport


def markdown(report: TransparencyReport) -> str:
    """The whole report, ending with a line break."""
    return "\n\n".join(_parts(report)) + "\n"


def _parts(report: TransparencyReport) -> Iterator[str]:
    yield "# Transparency report"
    yield f"From {_day(report.since)} until before {_day(report.until)}."
    yield _log(report)
    yield "## Uploads that were not let through"
    yield _table(
        ("verdict", "different uploads", "of them by equal bytes", "answers"),
        [(one.verdict, one.uploads, one.exact, one.decisions) for one in report.verdicts],
    )
    yield (
        "BLOCK is decided by machine alone; a REVIEW is handed to people, whose decision is not known here. An upload counts"
        " once, by the strictest verdict that it got. "
        f"{report.held} were not blocked because the entry had flooded and its breaker had tripped."
    )
    yield "## By label and source"
    yield _table(
        ("label", "source", "verdict", "different uploads"),
        [(one.label, one.source, one.verdict, one.uploads) for one in report.uploads],
    )
    yield "An upload that shows entries of several labels or sources counts for each of them."
    yield "## Banks, entries and incidents"
    yield _table(("of", "step", "times"), [(one.kind, one.step, one.count) for one in report.steps])
    enforced = report.enforcement
    yield (
        f"{enforced.entries} entries blocked their first upload; from confirmation to that, median: "
        f"{_time(enforced.median_seconds)}. {enforced.waiting} entries confirmed in the period have blocked nothing so far."
    )
    yield "## Appeals"
    appeals = report.appeals
    yield _table(
        ("opened", "upheld", "rejected", "open at the end", "median time to a decision", "uploads reinstated"),
        [
            (
                appeals.opened, appeals.upheld, appeals.rejected, appeals.open_at_end, _time(appeals.median_seconds),
                appeals.reinstated,
            )
        ],
    )  # fmt: skip
    yield "## What the law asks"
    yield _table(
        ("law", "asks for", "answered by", "not known here"),
        [(one.law, one.asks, ", ".join(one.figures) or "nothing in this report", one.unknown) for one in POINTS],
    )


def _log(report: TransparencyReport) -> str:
    counted = f"Counted from {report.decisions} records of the decision log"
    if not report.faults:
        return f"{counted}, which verifies; its head is `{report.head}`."
    return "\n".join(
        (
            f"{counted}, **which does not verify**, so that these figures prove nothing:",
            "",
            *(f"- {fault}" for fault in report.faults),
        )
    )


def _table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    if not rows:
        return "None."
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(_cell(cell) for cell in line) + " |" for line in lines)


def _cell(value: object) -> str:
    """Labels may hold what Markdown would read as something else."""
    return str(value).replace("\\", "\\\\").replace("|", "\\|").replace("\n", " ").replace("<", "&lt;")


def _day(moment: object) -> str:
    return f"{moment:%Y-%m-%d %H:%M %Z}"


def _time(seconds: float | None) -> str:
    """In the unit that people would use."""
    if seconds is None:
        return "none"
    for unit, length in (("days", 86400.0), ("hours", 3600.0), ("minutes", 60.0)):
        if seconds >= 2 * length:
            return f"{seconds / length:.1f} {unit}"
    return f"{seconds:.1f} s"
