"""A picture that is plainly one entry's is no evidence for another."""

import dataclasses

import pytest

from hashsvc.match.extend import Finding
from hashsvc.match.model import Segment
from hashsvc.match.rivals import explained_away, explains


def a_finding(
    evidence: float, distance: float, start: float = 0.0, end: float = 10.0, view: str = "full/full"
) -> Finding:
    segment = Segment(
        query_start=start, query_end=end, reference_start=0.0, reference_end=end - start, speed=1.0, view=view,
        mean_distance=distance,
    )  # fmt: skip
    return Finding(
        evidence=evidence, query_coverage=1.0, reference_coverage=1.0, mean_distance=distance, segments=(segment,)
    )


PLAIN = a_finding(-100, 8)
VAGUE = a_finding(-3, 80, view="top-72/top-right-86")


def test_a_lookalike_is_explained_by_what_is_plainly_there() -> None:
    assert explained_away([PLAIN, None, VAGUE]) == [False, False, True]


def test_what_is_much_farther_is_vague() -> None:
    """The same frames cannot be 8 bits from one entry and 33 from another that they show as well; 31 may be an overlay."""
    assert explained_away([PLAIN, a_finding(-3, 33)]) == [False, True]
    assert explained_away([PLAIN, a_finding(-3, 31)]) == [False, False]
    assert explained_away([a_finding(-100, 40), a_finding(-3, 55)]) == [False, False]


@pytest.mark.parametrize(
    "other",
    [
        a_finding(-11, 80),  # too strong to be put aside
        a_finding(-3, 20),  # the same picture: two entries share footage
        a_finding(-3, 80, view="inside-2/full"),  # a picture in the picture
        a_finding(-3, 80, start=5.0, end=20.0),  # where the plain one says nothing
    ],
)
def test_what_may_be_there_as_well_stays(other: Finding) -> None:
    assert explained_away([PLAIN, other]) == [False, False]


def test_a_picture_inside_flat_borders_is_the_whole_picture() -> None:
    """Beside it there is nothing that could be the other entry's."""
    for view in ("area/full", "framed/area-mirror"):
        assert explained_away([a_finding(-100, 8, view=view), VAGUE]) == [False, True]


@pytest.mark.parametrize(
    "plain",
    [
        a_finding(-20, 8),  # not ten times as strong
        a_finding(-100, 60),  # not plain
        a_finding(-100, 8, view="moving/full"),  # only a part of the picture
        a_finding(-100, 8, view="bottom-half/full"),  # one picture of a split screen
    ],
)
def test_what_is_not_plain_explains_nothing(plain: Finding) -> None:
    vague = a_finding(-5, 80, view="top-72/top-right-86")
    assert explained_away([plain, vague]) == [False, False]


def test_one_part_is_one_videos() -> None:
    """Both readings are of the same window; another window may show something else."""
    window = a_finding(-100, 8, view="inside-1/full")
    assert explained_away([window, a_finding(-3, 80, view="inside-1/top-90")]) == [False, True]
    assert explained_away([window, a_finding(-3, 80, view="inside-2/top-90")]) == [False, False]
    assert not explains(window, a_finding(-3, 80, view="inside-1/top-90"), of_one_reading=False)


@pytest.mark.parametrize(("evidence", "view", "explained"), [
    (-3, "centre-60/full", True),
    (-5, "centre-60/full", False),  # strong enough to be what the window lies on
    (-3, "left-half/full", False),  # may be beside the window
])  # fmt: skip
def test_the_whole_picture_says_little_around_a_window(evidence: float, view: str, explained: bool) -> None:
    window = a_finding(-100, 8, view="inside-1/full")
    assert explained_away([window, a_finding(evidence, 80, view=view)]) == [False, explained]


def test_nothing_explains_itself() -> None:
    assert explained_away([dataclasses.replace(VAGUE)]) == [False]
