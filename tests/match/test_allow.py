"""What allow banks take from matches: which stretches are compared, and what another reading may not bring back."""

import dataclasses

import pytest

from hashsvc.bank.model import Interval, Verdict
from hashsvc.match.allow import is_explained, shared
from hashsvc.match.model import ALLOWED, Excused, Match, MatchResult, Segment
from hashsvc.match.verdict import combined


def seg(start: float, end: float, view: str = "full/full") -> Segment:
    """Of an upload, as it was a minute later in the entry."""
    return Segment(
        query_start=start,
        query_end=end,
        reference_start=start + 60,
        reference_end=end + 60,
        speed=1.0,
        view=view,
        mean_distance=20.0,
    )


@pytest.mark.parametrize(
    ("segments", "harmless", "stretches"),
    [
        ([seg(0, 10)], [seg(4, 20)], [(4, 10)]),
        ([seg(0, 10), seg(20, 30)], [seg(5, 25)], [(5, 10), (20, 25)]),
        ([seg(0, 10)], [seg(10, 20)], []),
        ([seg(0, 10)], [seg(9.5, 20)], []),
        ([seg(0, 10, "full/mirror")], [seg(0, 10, "full/full")], [(0, 10)]),
        ([seg(0, 10, "inside-1/full")], [seg(0, 10)], []),
        ([seg(0, 10), seg(0, 10, "inside-1/full")], [seg(0, 10)], []),
        ([seg(0, 10), seg(20, 30, "inside-1/full")], [seg(0, 30)], [(0, 10)]),
    ],
)
def test_what_is_compared(
    segments: list[Segment], harmless: list[Segment], stretches: list[tuple[float, float]]
) -> None:
    """What both show in the same view of the upload, for a second at least, and the entry in no other view meanwhile."""
    assert shared(segments, harmless) == [Interval(*one) for one in stretches]


MATCH = Match(
    bank="b",
    entry="e",
    external_id="",
    evidence=-20.0,
    query_coverage=1.0,
    reference_coverage=1.0,
    mean_distance=20.0,
    verdict=Verdict.BLOCK,
    segments=(seg(1, 10),),
)
EXCUSED = Excused(
    bank="b", entry="e", external_id="", reason=ALLOWED, seconds=10.0, by_bank="films", by_entry="f", segments=(seg(0, 10),)
)  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "explained"),
    [
        ({}, True),
        ({"segments": (seg(1, 10), seg(2, 9))}, True),
        ({"segments": (seg(1, 14),)}, False),
        ({"segments": (seg(1, 10), seg(20, 21))}, False),
        ({"segments": (seg(1, 10, "right-half/full"),)}, False),
        ({"entry": "other"}, False),
        ({"digest": "md5"}, False),
    ],
)
def test_two_readings(changes: dict[str, object], explained: bool) -> None:
    """A match of one reading is none where the other excused all of it; else it stays, and the excuse beside it."""
    match = dataclasses.replace(MATCH, **changes)  # type: ignore[arg-type]
    assert is_explained(match, EXCUSED) is explained
    with_match = MatchResult(verdict=Verdict.BLOCK, revision=1, matches=(match,))
    with_excuse = MatchResult(verdict=Verdict.ALLOW, revision=1, excused=(EXCUSED,))
    for both in (combined(with_match, with_excuse), combined(with_excuse, with_match)):
        assert both.verdict is (Verdict.ALLOW if explained else Verdict.BLOCK)
        assert both.excused == (EXCUSED,)
