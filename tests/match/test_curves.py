"""Activity curves compared: lines found and agreement told, whatever the picture looks like."""

import numpy as np
import numpy.typing as npt
import pytest

from hashsvc.match import curves
from hashsvc.match.comparison import Line

RATE = 8
Curve = npt.NDArray[np.float32]


def a_curve(seed: int, seconds: float = 60.0) -> Curve:
    """Activity as a handheld camera has it: bursts of half a second and longer."""
    random = np.random.default_rng(seed)
    noise = random.gamma(1.2, 3.0, int(seconds * RATE) + 4)
    smooth: npt.NDArray[np.float64] = np.convolve(noise, np.ones(4) / 4, "valid")
    curve: Curve = smooth[: int(seconds * RATE)].astype(np.float32)
    return curve


def played(curve: Curve, start: float, seconds: float, speed: float, noise: float = 0.0, seed: int = 0) -> Curve:
    """What a copy's curve would be: the same changes in less time, and others' on top."""
    times = np.arange(int(seconds * RATE) + 1) / RATE * speed + start
    sums = np.interp(times, np.arange(len(curve) + 1) / RATE, np.concatenate([[0.0], np.cumsum(curve)]))
    changes = np.abs(np.diff(sums))
    others = noise * np.random.default_rng(seed).gamma(1.0, 1.0, len(changes))
    copy: Curve = (changes + others).astype(np.float32)
    return copy


@pytest.mark.parametrize("speed", [0.5, 0.8, 1.0, 1.25, 1.5, 2.0, -1.0])
def test_finds_the_line(speed: float) -> None:
    """The best line is the one that the copy was cut along, to an eighth of a second, at each speed and backwards."""
    reference = a_curve(1)
    copy = played(reference, 40.0 if speed < 0 else 12.0, 14.0, speed, noise=0.5)
    best = curves.lines(copy[None], reference)[0]
    assert best.speed == pytest.approx(speed)
    assert best.offset == pytest.approx(40.0 if speed < 0 else 12.0, abs=0.2)
    agreement = curves.agreements(copy[None], reference, best, 0.0, 14.0)[0]
    assert agreement.correlation > 0.7 and agreement.decades > 3.0


def test_any_row_will_do() -> None:
    """A copy in a corner moves as the original in one region, while the whole frame moves otherwise."""
    reference = a_curve(2)
    rows = np.stack([a_curve(3, 16.0), a_curve(4, 16.0), played(reference, 20.0, 16.0, 1.0)])
    best = curves.lines(rows, reference)[0]
    assert (best.speed, round(best.offset, 1)) == (1.0, 20.0)


def test_unrelated_curves_do_not_agree() -> None:
    """Along the line that suits them best two unrelated curves agree less than copies do, and beside it not at all."""
    for seed in range(10, 20):
        query, reference = a_curve(seed, 20.0), a_curve(seed + 100)
        found = curves.lines(query[None], reference)
        assert all(curves.agreements(query[None], reference, line, 0.0, 20.0)[0].decades < 4.0 for line in found)
        assert curves.agreements(query[None], reference, Line(1.0, 3.3), 0.0, 20.0)[0].decades < 2.0


@pytest.mark.parametrize("still", [np.zeros(160, np.float32), np.full(160, 3.0, np.float32)])
def test_a_curve_that_does_not_move_agrees_with_nothing(still: Curve) -> None:
    """Neither a still picture nor constant noise has a timing."""
    reference = a_curve(5)
    assert curves.lines(still[None], reference) == []
    assert curves.agreements(still[None], reference, Line(1.0, 0.0), 0.0, 20.0)[0].decades == 0.0
    assert curves.agreements(reference[:160][None], still, Line(1.0, 0.0), 0.0, 20.0)[0].decades == 0.0


@pytest.mark.parametrize(("query", "reference"), [(0, 480), (8, 480), (480, 0), (480, 16), (40, 30)])
def test_too_little_to_tell(query: int, reference: int) -> None:
    """Curves of a few seconds propose nothing, and are no error."""
    assert curves.lines(a_curve(6)[None, :query], a_curve(6)[:reference]) == []
    agreement = curves.agreements(a_curve(6)[:query][None], a_curve(6)[:reference], Line(1.0, 0.0), 0.0, query / RATE)[
        0
    ]
    assert agreement.decades == 0.0 or min(query, reference) >= 32


def test_more_seconds_say_more() -> None:
    """Perfect agreement over 5, 10 and 20 seconds, and no more from half a minute on."""
    told = [curves.strength(seconds * RATE) for seconds in (5, 10, 20, 30, 600)]
    assert told == sorted(told) and told[0] < told[2] and told[3] == told[4]
