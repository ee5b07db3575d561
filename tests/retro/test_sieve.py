"""A few hashes stand for a reference: copies pass, other footage does not."""

import dataclasses

import numpy as np
import numpy.typing as npt
import pytest

from hashsvc.match import seeds
from hashsvc.retro.sieve import Sieve, representatives
from tests.match.synthetic import a_reference, an_upload, flipped

GATE = 15
VIDEO = a_reference(1)


def still(of_seed: int) -> npt.NDArray[np.uint8]:
    """Hashes of a reference in which nothing moves, uint8 (frames, views, 32)."""
    random = np.random.default_rng(of_seed)
    one = random.integers(0, 256, (1, len(VIDEO.views), 32), np.uint8)
    return np.repeat(one, VIDEO.frames, axis=0)


@pytest.mark.parametrize("view", ["full", "mirror"])
def test_copies_pass_and_others_do_not(view: str) -> None:
    """Each upload by its place, however the hashes of all lie one after another."""
    uploads = [
        an_upload([(None, 0.0, 20.0, 1.0)], seed=5),
        an_upload([(VIDEO, 5.0, 15.0, 1.0)], view=view),
        an_upload([(None, 0.0, 20.0, 1.0)], seed=6),
        an_upload([(VIDEO, 0.0, 20.0, 1.0)], view=view, seed=7),
    ]
    rows = [seeds.pick(one, GATE).hashes for one in uploads]
    rows.insert(2, np.zeros((0, 32), np.uint8))
    counts = np.array([len(one) for one in rows], np.uint32)
    sieve = Sieve(VIDEO, GATE)
    assert sieve.scouted(np.concatenate(rows), counts).tolist() == [1, 4]
    assert sieve.passing(np.concatenate(rows), counts)[0].tolist() == [1, 4]


@pytest.mark.parametrize(
    ("bits", "scouted", "near"), [(20, True, True), (80, True, True), (82, False, True), (86, False, False)]
)
def test_one_hash_is_enough_for_a_closer_look_and_no_more(bits: int, scouted: bool, near: bool) -> None:
    """A single hash that comes near is a reason to look at the others; it passes with a second one."""
    hashes = flipped(VIDEO.hashes[10, :1], bits, np.random.default_rng(0))
    sieve = Sieve(VIDEO, GATE)
    assert sieve.scouted(hashes, np.array([0, 1])).tolist() == [1] * scouted
    places, looked = sieve.passing(hashes, np.array([1]))
    assert (places.tolist(), looked.tolist()) == ([], [near])
    both = sieve.passing(np.concatenate([hashes, hashes]), np.array([2]))[0].tolist()
    assert both == [0] * (bits == 20)


def test_representatives_are_few_and_of_what_counts() -> None:
    """At most 640, each a hash of the reference that passes the gate; the full view comes first; a still video has one a view."""
    chosen = representatives(VIDEO, GATE)
    known = {row.tobytes() for row in VIDEO.hashes.reshape(-1, 32)}
    assert len(chosen) == 640
    assert {row.tobytes() for row in chosen} <= known
    assert {row.tobytes() for row in VIDEO.hashes[:, 0]} <= {row.tobytes() for row in chosen}
    assert len(representatives(dataclasses.replace(VIDEO, hashes=still(3)), GATE)) == len(VIDEO.views)


def test_a_reference_without_evidence() -> None:
    """Nothing comes near what has no hash."""
    black = dataclasses.replace(VIDEO, quality=np.zeros_like(VIDEO.quality))
    assert len(representatives(black, GATE)) == 0
    rows = seeds.pick(an_upload([(VIDEO, 0.0, 20.0, 1.0)]), GATE).hashes
    assert Sieve(black, GATE).scouted(rows, np.array([len(rows)])).tolist() == []
    assert Sieve(black, GATE).passing(rows, np.array([len(rows)]))[0].tolist() == []
