"""Excluded parts of an entry: hidden frames, cut segments, and what is left of a match."""

import dataclasses
import itertools

import numpy as np
import pytest

from hashsvc.bank.model import Interval
from hashsvc.fingerprint.model import Fingerprint
from hashsvc.fingerprint.profiles import DEFAULT
from hashsvc.match import exclude
from hashsvc.match.extend import Finding, find
from hashsvc.match.model import Segment
from hashsvc.match.trial import would_match
from tests.match.synthetic import a_reference, an_upload, nominated

REFERENCE = a_reference(1)
"""40 s."""
GATE = DEFAULT.quality_gate
SEGMENT = Segment(
    query_start=10.0,
    query_end=20.0,
    reference_start=4.0,
    reference_end=24.0,
    speed=2.0,
    view="full/full",
    mean_distance=9.0,
)


def found(upload: Fingerprint, *exclusions: Interval, view: str = "full") -> Finding | None:
    """What they have in common outside of the exclusions."""
    return find(upload, REFERENCE, nominated(REFERENCE, view), GATE, 100_000, exclusions)


def times(segments: list[Segment]) -> list[tuple[float, ...]]:
    """Borders, query then reference."""
    return [(one.query_start, one.query_end, one.reference_start, one.reference_end) for one in segments]


def test_hidden() -> None:
    """Frames shown within an exclusion; one that is cut by a border goes with its larger part, a still one too."""
    hidden = exclude.hidden(REFERENCE, (Interval(2.0, 4.1), Interval(38.0, 40.0)))
    assert np.flatnonzero(hidden).tolist() == [*range(8, 16), *range(152, 160)]
    assert exclude.hidden(REFERENCE, (Interval(2.1, 4.2),))[[8, 16]].tolist() == [True, True]
    still = dataclasses.replace(REFERENCE, starts=np.array([0.0, 9.0, 12.0]), ends=np.array([9.0, 12.0, 12.0]))
    for exclusion, expected in (
        (Interval(8.0, 40.0), [False, True, True]),
        (Interval(0.0, 5.0), [True, False, False]),
        (Interval(12.0, 13.0), [False, False, True]),
    ):
        assert exclude.hidden(still, (exclusion,)).tolist() == expected
    assert not exclude.hidden(REFERENCE, ()).any()


def test_silenced() -> None:
    """Hidden frames fail every gate in every view, and the reference that was given stays as it was."""
    silenced = exclude.silenced(REFERENCE, (Interval(0.0, 10.0),))
    assert not silenced.quality[:40].any() and (silenced.quality[40:] == 100).all()
    assert (REFERENCE.quality == 100).all()
    assert exclude.silenced(REFERENCE, ()) is REFERENCE


@pytest.mark.parametrize(
    ("exclusions", "left"),
    [
        ((), [(10, 20, 4, 24)]),
        ((Interval(0, 4), Interval(24, 30)), [(10, 20, 4, 24)]),
        ((Interval(0, 8),), [(12, 20, 8, 24)]),
        ((Interval(20, 40),), [(10, 18, 4, 20)]),
        ((Interval(8, 12),), [(10, 12, 4, 8), (14, 20, 12, 24)]),
        ((Interval(0, 6), Interval(8, 12), Interval(22, 24)), [(11, 12, 6, 8), (14, 19, 12, 22)]),
        ((Interval(4, 24),), []),
        ((Interval(0, 40),), []),
        ((Interval(0, 14), Interval(14, 40)), []),
    ],
)
def test_segments_are_cut(exclusions: tuple[Interval, ...], left: list[tuple[float, ...]]) -> None:
    """What is left has the borders of both sides moved together; what is taken and what is left are all of it."""
    parts = exclude.outside(SEGMENT, exclusions)
    assert times(parts) == [pytest.approx(one) for one in left]
    gone = exclude.excluded_seconds([SEGMENT], exclusions)
    assert gone + sum(one.query_end - one.query_start for one in parts) == pytest.approx(10.0)


def test_a_segment_that_runs_backwards() -> None:
    """The beginning of the reference is at the end of the upload."""
    backwards = dataclasses.replace(SEGMENT, speed=-2.0)
    assert times(exclude.outside(backwards, (Interval(0, 8),))) == [pytest.approx((10, 18, 8, 24))]


def test_a_segment_of_no_length() -> None:
    """It stays where it is, unless that is excluded."""
    instant = dataclasses.replace(SEGMENT, reference_end=4.0)
    assert exclude.outside(instant, (Interval(10, 20),)) == [instant]
    assert exclude.outside(instant, (Interval(0, 8),)) == []
    assert exclude.excluded_seconds([instant], (Interval(0, 8),)) == 0


def test_a_moment_beside_an_exclusion_is_not_left() -> None:
    """The picture at a border is on both sides of it."""
    assert exclude.outside(SEGMENT, (Interval(4, 23.6),)) == []
    assert times(exclude.outside(SEGMENT, (Interval(4.3, 23),))) == [(19.5, 20, 23, 24)]


@pytest.mark.parametrize("speed", [0.8, 1.0, 1.5])
def test_an_excluded_part_is_no_evidence(speed: float) -> None:
    """A copy of nothing else is not found, by any border of the exclusion that holds it."""
    upload = an_upload([(REFERENCE, 2.0, 12.0, speed)])
    assert found(upload) is not None
    assert found(upload, Interval(0.0, 2.0 + 12.0 * speed)) is None
    assert found(upload, Interval(0.0, 10.0), Interval(10.0, 40.0)) is None


@pytest.mark.parametrize("view", ["full", "mirror"])
def test_only_the_rest_counts(view: str) -> None:
    """Of a whole copy what is not excluded is found, with its borders, its share, and as much evidence as on its own."""
    upload = an_upload([(REFERENCE, 0.0, 40.0, 1.0)], view=view)
    finding = found(upload, Interval(0.0, 24.0), view=view)
    assert finding is not None
    [segment] = finding.segments
    assert times([segment]) == [pytest.approx((24.0, 40.0, 24.0, 40.0), abs=0.5)]
    assert segment.reference_start >= 24.0
    assert finding.query_coverage == finding.reference_coverage == pytest.approx(16 / 40, abs=0.02)
    alone = found(an_upload([(REFERENCE, 24.0, 16.0, 1.0)], view=view), view=view)
    assert alone is not None
    assert finding.evidence == pytest.approx(alone.evidence, abs=6.0)


def test_a_hole_in_the_middle() -> None:
    """An exclusion between two parts that are not leaves two segments on one line, none of which reaches into it."""
    finding = found(an_upload([(REFERENCE, 0.0, 40.0, 1.0)]), Interval(15.0, 18.0))
    assert finding is not None
    for one, two in itertools.pairwise(finding.segments):
        assert one.reference_end <= 15.0 and two.reference_start >= 18.0
    assert len(finding.segments) == 2
    assert finding.query_coverage == pytest.approx(37 / 40, abs=0.02)


def test_the_trial_says_the_same() -> None:
    """Vaccination does not take a copy of an excluded part for one that views could find."""
    upload = an_upload([(REFERENCE, 2.0, 12.0, 1.0)])
    assert would_match(upload, REFERENCE, GATE, 10_000) is not None
    assert would_match(upload, REFERENCE, GATE, 10_000, (Interval(0.0, 20.0),)) is None
