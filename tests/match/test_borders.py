"""Where segments begin and end."""

import dataclasses

import numpy as np
import pytest

from hashsvc.fingerprint.model import Fingerprint
from hashsvc.fingerprint.profiles import DEFAULT
from hashsvc.match.borders import borders, trimmed
from hashsvc.match.comparison import Alignment, Line
from tests.match.synthetic import a_reference, an_upload

REFERENCE = a_reference(1)
UPLOAD = an_upload([(REFERENCE, 10.0, 20.0, 1.0)])
GATE = DEFAULT.quality_gate
WHOLE = (0, REFERENCE.views.index("full"))


def stretch(first: int, last: int, offset: float = 0.0) -> Alignment:
    return Alignment(Line(1.0, offset), first, last, np.arange(last - first + 1), 1.0)


@pytest.mark.parametrize(
    ("gains", "kept"),
    [
        ([5, 6, 5, 4], (10, 13)),
        ([5, 6, -1, -1, -1, -1], (10, 11)),  # runs on into what looks alike anyway
        ([0, 0.1, -1, 5, 0, 6], (13, 15)),
        ([5, -1, -1, 5], (10, 13)),  # a covered part in the middle
    ],
)
def test_a_segment_ends_where_nothing_is_gained(gains: list[float], kept: tuple[int, int]) -> None:
    one = stretch(10, 9 + len(gains))
    found = trimmed(one, np.arange(10, 10 + len(gains)), np.array(gains, np.float32))
    assert (found.first, found.last) == kept
    assert found.slots.tolist() == one.slots[kept[0] - 10 : kept[1] - 9].tolist()


@pytest.mark.parametrize(
    ("upload", "reference", "end"),
    [
        ((), (), 17.75),
        ((18.0, 20.0), (28.0, 30.0), 20.0),  # both fade to black, to the end of the upload
        ((18.0, 19.0), (28.0, 29.0), 18.75),  # until either shows something again
        ((18.0, 20.0), (28.0, 29.0), 18.75),
        ((18.0, 20.0), (), 17.75),  # black instead of the reference's picture is not it
        ((), (28.0, 30.0), 17.75),
    ],
)
def test_a_segment_runs_on_through_black_on_both_sides(
    upload: tuple[float, float], reference: tuple[float, float], end: float
) -> None:
    one = stretch(0, 35, offset=10.0)
    start, found = borders(blackened(UPLOAD, upload), blackened(REFERENCE, reference), one, WHOLE, GATE)
    assert (start, found) == (0.0, end)


def test_a_segment_runs_on_through_black_before_it() -> None:
    upload, reference = blackened(UPLOAD, (3.0, 4.0)), blackened(REFERENCE, (13.0, 14.0))
    start, _ = borders(upload, reference, stretch(8, 39, offset=10.0), WHOLE, GATE)
    assert start == 2.75


def test_a_segment_does_not_run_on_through_long_black() -> None:
    """Two seconds belong to a copy; minutes of black are nobody's."""
    upload, reference = blackened(UPLOAD, (10.0, 20.0)), blackened(REFERENCE, (20.0, 30.0))
    _, end = borders(upload, reference, stretch(0, 19, offset=10.0), WHOLE, GATE)
    assert 11.0 < end <= 12.0


def blackened(of: Fingerprint, times: tuple[float, ...]) -> Fingerprint:
    """The same with frames between two times in which no view has anything to see."""
    if not times:
        return of
    first, last = times
    black = (of.starts >= first) & (of.starts < last)
    return dataclasses.replace(of, quality=np.where(black[:, None], 0, of.quality).astype(np.uint8))
