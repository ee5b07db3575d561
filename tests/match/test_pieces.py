"""Lines that change on the way."""

import itertools

import numpy as np
import numpy.typing as npt
import pytest

from hashsvc.match.align import alignments
from hashsvc.match.comparison import Comparison, compare
from hashsvc.match.lines import COST
from hashsvc.match.pieces import PRICE, best_sequence

Gains = npt.NDArray[np.float64]
Distances = npt.NDArray[np.int32]


def gained(gains: Gains, choice: tuple[int, ...]) -> float:
    """What a line, or none, in each row gains, each change to a line paid for."""
    begun = sum(line >= 0 and line != before for before, line in itertools.pairwise((-1, *choice)))
    return float(sum(gains[row, line] for row, line in enumerate(choice) if line >= 0) - PRICE * begun)


@pytest.mark.parametrize("seed", range(12))
def test_no_choice_gains_more(seed: int) -> None:
    """Than the sequence found."""
    gains = np.random.default_rng(seed).normal(3.0, 6.0, (6, 3))
    choice = [-1] * 6
    for line, first, last in best_sequence(gains):
        choice[first : last + 1] = [line] * (last + 1 - first)
    best = max(gained(gains, one) for one in itertools.product(range(-1, 3), repeat=6))
    assert gained(gains, tuple(choice)) == pytest.approx(best)


def test_in_order_and_apart() -> None:
    """Lines take turns, with a stretch of nothing between two of them."""
    gains = np.full((30, 3), -1.3)
    gains[:10, 2] = gains[10:18, 0] = gains[22:, 2] = 4.0
    assert best_sequence(gains) == [(2, 0, 9), (0, 10, 17), (2, 22, 29)]


def test_a_line_that_gains_less_than_its_price_is_none() -> None:
    """A moment at which another line does better is no reason to leave the one that goes on; of nothing there are no lines."""
    gains = np.full((20, 2), -1.3)
    gains[:, 0] = 4.0
    gains[8:10, 1] = 4.0 + PRICE / 4
    assert best_sequence(gains) == [(0, 0, 19)]
    assert best_sequence(np.full((5, 2), -1.3)) == []


def cut_up(cuts: list[float], seconds: float, seed: int = 3) -> Comparison:
    """An upload of so long cuts from so many places of a slow reference of 60 s: frames a second apart still look alike."""
    starts, times = np.arange(240) / 4, np.arange(int(len(cuts) * seconds * 4)) / 4
    distances = np.random.default_rng(seed).normal(128, 8, (len(times), len(starts))).astype(np.int32)
    for row, time in enumerate(times):
        at = cuts[int(time / seconds)] + time % seconds
        apart = np.abs(starts - at)
        distances[row] = np.where(apart < 1.5, 40 + 30 * apart, distances[row])
    return compare(distances, starts, 60.0, times)


@pytest.mark.parametrize(
    ("cuts", "seconds"),
    [([20.0] * 5, 3.0), ([20.0] * 3, 6.0), ([27.5, 20, 32.5, 25, 37.5, 30, 22.5, 35], 2.0)],
    ids=["repeated", "less often", "shuffled"],
)
def test_every_cut_is_found(cuts: list[float], seconds: float) -> None:
    """Where it begins and ends, and at its own speed, though one line passes through several."""
    comparison = cut_up(cuts, seconds)
    found = sorted(alignments(comparison), key=lambda one: one.first)
    begun = [one.line.offset + comparison.times[one.first] for one in found]
    assert begun == pytest.approx(cuts, abs=0.3)
    for place, one in enumerate(found):
        assert one.line.speed == pytest.approx(1.0, abs=0.1)
        assert comparison.times[one.first] == pytest.approx(place * seconds, abs=0.5)
        assert comparison.times[one.last] == pytest.approx((place + 1) * seconds, abs=0.76)


def test_what_is_whole_stays_whole() -> None:
    """Of a still picture no line is better than another; a copy that runs a little fast follows one line."""
    still = compare(np.full((60, 240), 40, np.int32), np.arange(240) / 4, 60.0, np.arange(60) / 4)
    (one,) = alignments(still)
    assert (one.first, one.last) == (0, 59)
    starts, times = np.arange(240) / 4, np.arange(120) / 4
    apart = np.abs(starts[None, :] - (1.1 * times[:, None] + 5.0))
    fast = compare(np.where(apart < 0.5, 40 + 30 * apart, 128).astype(np.int32), starts, 60.0, times)
    (one,) = alignments(fast)
    assert one.line.speed == pytest.approx(1.1, abs=0.02)
    assert one.total > 60 * COST


def test_so_many_and_no_more() -> None:
    """What is cut up beyond measure does not take time beyond measure: of fifty cuts two dozen are looked at, twice at most."""
    found = list(alignments(cut_up([10.0, 40.0] * 25, 2.0)))
    assert 24 <= len(found) < 48
    rows = [row for one in found for row in range(one.first, one.last + 1)]
    assert len(rows) == len(set(rows))
