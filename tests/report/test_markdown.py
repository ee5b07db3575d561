"""The report for people."""

import dataclasses

from hashsvc.cli.decision_records import report_record
from hashsvc.report.law import POINTS
from hashsvc.report.markdown import markdown
from tests.cli.answering import REPORT


def test_says_every_figure() -> None:
    """In words and tables that hold whatever a label may hold."""
    text = markdown(REPORT)
    assert "From 2026-01-02 03:04 UTC until before 2026-01-03 03:04 UTC." in text
    assert f"Counted from 9 records of the decision log, which verifies; its head is `{'ab' * 32}`." in text
    assert "| BLOCK | 5 | 2 | 7 |" in text
    assert "| in\\|cident 7 | own | BLOCK | 5 |" in text
    assert "| entry | confirm | 3 |" in text
    assert "median: 2.0 hours. 1 entries confirmed" in text
    assert "| 4 | 1 | 2 | 1 | 90.0 s | 1 |" in text
    assert text.endswith("|\n")


def test_says_what_the_log_is_worth() -> None:
    """Faults come first, in bold."""
    text = markdown(dataclasses.replace(REPORT, faults=("Decision 2 is missing.",)))
    assert "**which does not verify**" in text
    assert "- Decision 2 is missing." in text


def test_an_empty_period() -> None:
    """Is no error."""
    text = markdown(dataclasses.replace(REPORT, uploads=(), steps=(), verdicts=()))
    assert text.count("\nNone.\n") == 3


def test_every_point_of_the_law_is_answered_or_said_to_be_unknown() -> None:
    """Each names figures that the report in JSON has, and says what is not known."""
    record = report_record(REPORT)
    for point in POINTS:
        assert point.unknown
        for figure in point.figures:
            found = record
            for name in figure.split("."):
                found = found[0] if isinstance(found, list | tuple) else found
                assert name in found, figure
                found = found[name]
        assert f"| {point.law} |" in markdown(REPORT)
    assert {point.law for point in POINTS} == {
        *(f"TCO 7(3)({letter})" for letter in "abcdefg"), *(f"DSA 15(1)({letter})" for letter in "abcde"),
    }  # fmt: skip
