"""Which stretches are tried."""

import dataclasses

import numpy as np
import pytest

from hashsvc.fingerprint.model import Fingerprint
from hashsvc.vaccination.windows import windows
from tests.match.synthetic import a_reference


def seen(seconds: float, *usable: tuple[float, float]) -> Fingerprint:
    """A reference of which only these stretches can be seen."""
    made = a_reference(1, seconds)
    good = np.zeros(len(made.starts), bool)
    for begin, end in usable:
        good |= (made.starts >= begin) & (made.starts < end)
    return dataclasses.replace(made, quality=np.where(good[:, None], made.quality, 0).astype(np.uint8))


def test_short_video_is_taken_whole() -> None:
    """A video shorter than a stretch is one stretch."""
    assert windows(a_reference(1, 12.0), 15, 20.0, 3) == [(0.0, 12.0)]


def test_middle_of_each_part() -> None:
    """One stretch for each two minutes, in the middle of its part, up to the most allowed."""
    assert windows(a_reference(1, 60.0), 15, 20.0, 3) == [(20.0, 20.0)]
    assert windows(a_reference(1, 240.0), 15, 20.0, 3) == [(50.0, 20.0), (170.0, 20.0)]
    assert len(windows(a_reference(1, 900.0), 15, 20.0, 3)) == 3


def test_goes_where_something_can_be_seen() -> None:
    """A black middle is left for where the video shows most; a part without anything is left out."""
    [(start, length)] = windows(seen(100.0, (5.0, 9.0), (70.0, 88.0)), 15, 20.0, 3)
    assert length == 20.0
    assert 68.0 <= start <= 70.0
    found = windows(seen(240.0, (10.0, 30.0)), 15, 20.0, 3)
    assert len(found) == 1
    assert found[0][0] == pytest.approx(10.0, abs=0.3)


def test_a_still_is_left_for_what_moves() -> None:
    """Many frames of one picture are worth less than a few that differ."""
    made = a_reference(1, 100.0)
    hashes = made.hashes.copy()
    still = (made.starts >= 30.0) & (made.starts < 90.0)
    hashes[still] = hashes[np.flatnonzero(still)[0]]
    [(start, _)] = windows(dataclasses.replace(made, hashes=hashes), 15, 20.0, 3)
    assert start <= 10.0


def test_nothing_to_see() -> None:
    """A black video still has a stretch, so that the card can say that nothing is found."""
    assert windows(seen(60.0), 15, 20.0, 3) == [(20.0, 20.0)]
