"""Which hashes of an upload are searched, and which entries their hits point at."""

import dataclasses
from typing import Any

import numpy as np
import pytest

from hashsvc.fingerprint.model import Fingerprint
from hashsvc.match.seeds import RADIUS, Seeds, nominate, pick
from tests.match.synthetic import an_upload

GATE = 15


def upload(seconds: float, views: int = 1, step: float = 0.5) -> Fingerprint:
    """An upload of other footage, in so many views."""
    made = an_upload([(None, 0, seconds, 1)], step=step)
    return dataclasses.replace(
        made,
        views=("full", *map(str, range(1, views))),
        hashes=np.random.default_rng(1).integers(0, 256, (made.frames, views, 32), np.uint8),
        quality=np.full((made.frames, views), 100, np.uint8),
    )


def test_a_short_upload_is_searched_whole() -> None:
    """Every frame in every view of a clip, each row with its frame, its view and its hash."""
    query = upload(6.0, views=3)
    seeds = pick(query, GATE)
    assert seeds.hashes.shape == (12 * 3, 32)
    assert set(zip(seeds.frames.tolist(), seeds.views.tolist(), strict=True)) == {
        (f, v) for f in range(12) for v in range(3)
    }
    assert np.array_equal(seeds.hashes, query.hashes[seeds.frames, seeds.views])


@pytest.mark.parametrize("seconds", [60.0, 600.0, 1200.0])
def test_a_long_upload_is_searched_evenly(seconds: float) -> None:
    """Some frames from beginning to end, no gap longer than an excerpt of a few seconds; far fewer than all."""
    seeds = pick(upload(seconds), GATE)
    times = np.unique(seeds.frames) * 0.5
    assert times[0] == 0 and times[-1] >= seconds - 1
    assert np.diff(times).max() <= 4.0
    assert len(times) <= seconds / 0.5 * 0.8


def test_poor_hashes_are_not_searched() -> None:
    """Under the gate a view of a frame is left out, and a frame without any good view altogether."""
    query = upload(6.0, views=2)
    query.quality[3] = GATE - 1
    query.quality[5, 1] = GATE - 1
    query.quality[6, 1] = GATE
    rows = set(zip(*(part.tolist() for part in (pick(query, GATE).frames, pick(query, GATE).views)), strict=True))
    assert not {(3, 0), (3, 1), (5, 1)} & rows
    assert {(5, 0), (6, 1)} <= rows


def test_poor_frames_make_room() -> None:
    """In a long upload the frames that are searched are taken from the good ones."""
    query = upload(120.0)
    query.quality[::2] = 0
    seeds = pick(query, GATE)
    assert len(seeds.frames) >= 50
    assert (seeds.frames % 2 == 1).all()


def test_nothing_good_is_no_seeds() -> None:
    """A black upload is searched for nothing."""
    query = upload(6.0)
    query.quality[:] = 0
    assert pick(query, GATE).hashes.shape == (0, 32)
    empty = dataclasses.replace(
        query, starts=np.zeros(0), ends=np.zeros(0), hashes=query.hashes[:0], quality=query.quality[:0]
    )
    assert pick(empty, GATE).hashes.shape == (0, 32)


def hits(*rows: tuple[int, int, int, int]) -> dict[str, Any]:
    """Hits of (row searched, entry, position, distance)."""
    query, entry, position, distance = (np.array(column) for column in zip(*rows, strict=True))
    return {
        "query": query.astype(np.int32),
        "entry": entry.astype(np.int64),
        "position": position.astype(np.int32),
        "distance": distance.astype(np.int32),
    }


SEEDS = Seeds(np.zeros((8, 32), np.uint8), np.array([0, 0, 1, 1, 2, 2, 3, 3]), np.array([0, 1] * 4))


def test_hits_are_grouped_by_entry() -> None:
    """Two entries, the better one first, each with the views and positions that hit it."""
    found = nominate(SEEDS, **hits((0, 7, 10, 20), (2, 9, 5, 60), (3, 7, 11, 20), (4, 9, 6, 60), (6, 7, 12, 20)))
    assert [one.number for one in found] == [7, 9]
    assert found[0].positions.tolist() == [10, 11, 12]
    assert found[0].query_views.tolist() == [0, 1, 0]
    assert found[0].worth > found[1].worth > 0


def test_one_far_hit_is_chance() -> None:
    """A single hit at the rim of the radius names no entry; several frames at once do."""
    assert nominate(SEEDS, **hits((0, 7, 10, RADIUS))) == []
    assert nominate(SEEDS, **hits((0, 7, 10, RADIUS), (2, 7, 11, RADIUS), (4, 7, 12, RADIUS), (6, 7, 13, RADIUS)))


def test_a_frame_counts_once() -> None:
    """Many hits of one frame, in several views and places, are worth no more than its best."""
    once = nominate(SEEDS, **hits((0, 7, 1, 60), (2, 7, 2, 60)))
    often = nominate(SEEDS, **hits((0, 7, 1, 60), (1, 7, 2, 60), (0, 7, 3, 60), (2, 7, 4, 60), (3, 7, 5, 60)))
    assert often[0].worth == pytest.approx(once[0].worth)


def test_no_hits() -> None:
    """Nothing found nominates nobody."""
    none = np.zeros(0, np.int64)
    assert nominate(SEEDS, none.astype(np.int32), none, none.astype(np.int32), none.astype(np.int32)) == []


def test_entries_are_bounded() -> None:
    """However many entries are hit, the best few dozen are looked at."""
    found = nominate(SEEDS, **hits(*((row, number, 1, 84 - number // 8) for number in range(200) for row in (0, 2, 4))))
    assert 10 <= len(found) <= 100
    assert found[0].number >= 190
