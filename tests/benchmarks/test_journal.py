"""Outcomes survive the run that found them."""

from pathlib import Path

from benchmarks.robustness.journal import Found, Journal, Outcome
from benchmarks.robustness.stretch import Stretch

FOUND = Found(
    reference="a",
    evidence=-9.5,
    verdict="BLOCK",
    query_coverage=0.75,
    stretches=(Stretch(0.0, 4.0, 10.0, 14.0), Stretch(4.0, 8.0, 0.0, 4.0)),
)
FIRST = Outcome(query="a--reel.mp4", verdict="BLOCK", seconds=1.5, matches=(FOUND,))
SECOND = Outcome(query="b.mp4", verdict="ALLOW", seconds=0.5, matches=())


def test_outcomes_come_back(tmp_path: Path) -> None:
    """Equal in every field, from several runs."""
    journal = Journal(tmp_path / "outcomes.jsonl")
    assert journal.read() == {}
    for outcome in (FIRST, SECOND):
        with journal:
            journal.write(outcome)
    assert journal.read() == {FIRST.query: FIRST, SECOND.query: SECOND}


def test_a_line_that_was_cut_short_is_lost_alone(tmp_path: Path) -> None:
    """What was written before it stays, and what the next run writes is whole."""
    path = tmp_path / "outcomes.jsonl"
    with Journal(path) as journal:
        journal.write(FIRST)
        journal.write(FIRST)
    path.write_text(path.read_text()[:-20])
    assert Journal(path).read() == {FIRST.query: FIRST}
    with Journal(path) as journal:
        journal.write(SECOND)
    assert journal.read() == {FIRST.query: FIRST, SECOND.query: SECOND}
