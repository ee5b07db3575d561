"""What allow banks take from matches: which hashes are explained, and what another reading may not bring back."""

import dataclasses

import numpy as np
import pytest

from hashsvc.bank.model import Verdict
from hashsvc.match.allow import as_near, is_explained
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
    ("near", "harmless", "explained"),
    [
        (30, 30, True),
        (30, 10, True),
        (30, 50, True),
        (30, 51, False),
        (0, 28, True),
        (64, 76, True),
        (64, 77, False),
        (84, 95, False),
        (120, 121, False),
        (257, 10, False),
        (30, 257, False),
    ],
)
def test_as_near(near: float, harmless: float, explained: bool) -> None:
    """A few bits further away will do, the fewer the less the upload is like either; where one is not seen, nothing is."""
    cells = as_near(np.full((6, 2), float(near)), np.full((6, 2), float(harmless)))
    assert (cells == explained).all()


def test_one_frame_is_judged_with_its_neighbours() -> None:
    """A frame that comes near by luck does not tip the balance, a view of its own does."""
    near, harmless = np.full((9, 2), 30.0), np.full((9, 2), 20.0)
    harmless[4, 0], harmless[:, 1] = 50.0, 95.0
    cells = as_near(near, harmless)
    assert cells[:, 0].all() and not cells[:, 1].any()


@pytest.mark.parametrize(
    ("changes", "by_deep", "by_quick"),
    [
        ({}, True, True),
        ({"segments": (seg(1, 10), seg(2, 9))}, True, True),
        ({"segments": (seg(1, 14),)}, False, False),
        ({"segments": (seg(1, 10), seg(20, 21))}, False, False),
        ({"segments": (seg(1, 10, "right-half/full"),)}, True, False),
        ({"entry": "other"}, False, False),
        ({"digest": "md5"}, False, False),
    ],
)
def test_two_readings(changes: dict[str, object], by_deep: bool, by_quick: bool) -> None:
    """A match of one reading is none where the other excused all of it, the quick one in the same view; else both stay."""
    match = dataclasses.replace(MATCH, **changes)  # type: ignore[arg-type]
    with_match = MatchResult(verdict=Verdict.BLOCK, revision=1, matches=(match,))
    with_excuse = MatchResult(verdict=Verdict.ALLOW, revision=1, excused=(EXCUSED,))
    assert is_explained(match, EXCUSED, in_any_view=True) is by_deep
    for both, explained in (
        (combined(with_match, with_excuse), by_deep),
        (combined(with_excuse, with_match), by_quick),
    ):
        assert both.verdict is (Verdict.ALLOW if explained else Verdict.BLOCK)
        assert both.excused == (EXCUSED,)


def test_what_a_quick_reading_left_beside_the_film_stays() -> None:
    """A deep reading that excuses the entry settles nothing that the quick one, which saw the film too, saw beside it."""
    match = dataclasses.replace(MATCH, segments=(seg(1, 10, "inside-1/full"),))
    quick = MatchResult(verdict=Verdict.BLOCK, revision=1, matches=(match,), excused=(EXCUSED,))
    deep = MatchResult(verdict=Verdict.ALLOW, revision=1, excused=(EXCUSED,))
    both = combined(quick, deep)
    assert both.verdict is Verdict.BLOCK and both.matches == (match,)
    blind = dataclasses.replace(quick, excused=())
    assert combined(blind, deep).verdict is Verdict.ALLOW
