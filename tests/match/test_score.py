"""Distances to evidence."""

import math

import numpy as np
import numpy.typing as npt
import pytest

from hashsvc.fingerprint.pdq import hamming
from hashsvc.match.score import FLOOR, SURPRISE, discounted, excused, log10_chance, novelty

Hashes = npt.NDArray[np.uint8]


def hashes(count: int, seed: int = 1) -> Hashes:
    """Random ones, which lie about 128 bits apart."""
    return np.random.default_rng(seed).integers(0, 256, (count, 32), np.uint8)


def flipped(of: Hashes, bits: int, seed: int = 2) -> Hashes:
    """The same with so many bits of each changed."""
    random = np.random.default_rng(seed)
    spread = np.unpackbits(of, axis=1)
    for row in spread:
        row[random.choice(256, bits, replace=False)] ^= 1
    return np.packbits(spread, axis=1)


def gains(*values: float) -> npt.NDArray[np.float32]:
    """As float32."""
    return np.array(values, np.float32)


def test_nearer_is_more_surprising() -> None:
    """-log10 P falls with the distance, from several powers of ten to nothing."""
    assert SURPRISE.shape == (257,)
    assert (np.diff(SURPRISE) <= 0).all()
    assert SURPRISE[0] > 4 and SURPRISE[128] < 0.5 and SURPRISE[256] == 0


@pytest.mark.parametrize("count", [1, 3, 10, 40])
def test_the_bound_holds_and_is_not_far_off(count: int) -> None:
    """Of unrelated frames, chances of 10^-k or less come up at most so often, and not a hundred times more rarely."""
    random = np.random.default_rng(count)
    tries = 20_000
    drawn = -np.log10(random.random((tries, count))).astype(np.float32)
    chances = np.array([log10_chance(row, (row > FLOOR).astype(np.float64)) for row in drawn])
    for power in (1, 2):
        often = float((chances <= -power).mean())
        assert often <= 1.2 * 10**-power
        # Only one frame in ten passes the floor, so that a single one cannot be as surprising as the bound allows.
        assert count == 1 or often >= 10 ** -(power + 2)


def test_weights_do_not_break_the_bound() -> None:
    """Frames that count in part are no shorter way to evidence."""
    random = np.random.default_rng(7)
    drawn = FLOOR - np.log10(random.random((20_000, 20))).astype(np.float32)
    weights = random.uniform(0.25, 1.0, drawn.shape)
    chances = np.array([log10_chance(row, weight) for row, weight in zip(drawn, weights, strict=True)])
    for power in (1, 2):
        assert float((chances <= -power).mean()) <= 1.2 * 10**-power


def test_more_is_stronger() -> None:
    """Another frame that agrees, or one that agrees better, makes chance less likely; none at all is no evidence."""
    few, more, better = (log10_chance(gains(*row), np.ones(len(row))) for row in ([4] * 5, [4] * 10, [6] * 10))
    assert 0 > few > more > better
    assert log10_chance(gains(), np.ones(0)) == 0
    assert log10_chance(gains(6, 6), np.zeros(2)) == 0
    assert log10_chance(gains(1.1, 1.1), np.ones(2)) == 0
    assert math.isfinite(log10_chance(gains(*[7] * 10_000), np.ones(10_000)))


def weighed(
    query: npt.NDArray[np.uint8], reference: npt.NDArray[np.uint8], gained: npt.NDArray[np.float32]
) -> npt.NDArray[np.float64]:
    """The weights of aligned frames at their real distances."""
    return novelty(query, reference, hamming(query, reference), gained)


def test_a_moving_pair_counts_in_full() -> None:
    """Frames that are all new on both sides have weight 1 each."""
    query = hashes(30)
    assert weighed(query, flipped(query, 20), gains(*[5] * 30)).tolist() == [1.0] * 30


@pytest.mark.parametrize("bits", [1, 4, 12])
@pytest.mark.parametrize("still", ["both", "query", "reference"])
def test_a_static_pair_counts_once(still: str, bits: int) -> None:
    """Sixty noisy samples of one picture are one piece of evidence, though only one of the sides may stand still."""
    one = np.repeat(hashes(1), 60, axis=0)
    moving = hashes(60, 3)
    query = moving if still == "reference" else flipped(one, bits, 4)
    reference = moving if still == "query" else flipped(one, bits, 5)
    assert weighed(query, reference, gains(*[6] * 60)).sum() <= 1.9


def test_slow_change_counts_by_how_far_it_went() -> None:
    """A picture that changes by 20 bits at a time is worth something between one picture and as many as there are; where
    the sides are equal, that they changed alike says it all."""
    steps = [hashes(1)[0]]
    random = np.random.default_rng(4)
    order = random.permutation(256)
    for step in range(12):
        bits = np.unpackbits(steps[-1])
        bits[order[step * 20 : (step + 1) * 20]] ^= 1
        steps.append(np.packbits(bits))
    video = np.stack(steps)
    assert 2 < weighed(video, flipped(video, 60), gains(*[6] * 13)).sum() < 8
    assert weighed(video, video, gains(*[6] * 13)).sum() == 13


def test_what_comes_back_counts_once() -> None:
    """Two pictures that take turns twenty times are two pieces of evidence."""
    two = np.tile(hashes(2), (20, 1))
    assert weighed(two, flipped(two, 4), gains(*[6] * 40)).sum() <= 2.5


def test_a_frame_without_gain_hides_nothing() -> None:
    """What says nothing has no weight and does not become the last one counted."""
    query = np.repeat(hashes(2), [1, 2], axis=0)
    weights = weighed(query, query, gains(5, 0.1, 5))
    assert weights.tolist() == [1.0, 0.0, 1.0]


def test_what_is_near_everywhere_is_excused() -> None:
    """A distance of 90 means nothing where all are about 90; a distance of 20 is the same picture all the same."""
    common = np.full((20, 20), 92, np.int32)
    assert (discounted(common) >= 120).all()
    common[3, 3] = 20
    assert discounted(common)[3, 3] == 20
    distinct = np.full((20, 20), 126, np.int32)
    np.fill_diagonal(distinct, 90)
    assert (np.diag(discounted(distinct)) == 90).all()


def test_excused_is_never_nearer() -> None:
    """The correction only takes evidence away, and stays a distance."""
    random = np.random.default_rng(5)
    distances = random.integers(0, 257, 1000).astype(np.int32)
    moved = excused(distances, random.uniform(0, 200, 1000))
    assert (moved >= distances).all() and (moved <= 256).all()
    assert moved.dtype == np.int32
