"""Lines in a matrix of distances."""

import numpy as np
import numpy.typing as npt
import pytest

from hashsvc.match.align import alignments
from hashsvc.match.comparison import SLOT, Comparison, compare

Distances = npt.NDArray[np.int32]
STARTS = np.arange(160) / 4
TIMES = np.arange(40) / 2


def noise(seed: int, rows: int = len(TIMES)) -> Distances:
    """Distances of unrelated frames, int32 (rows, 160)."""
    return np.random.default_rng(seed).normal(128, 8, (rows, len(STARTS))).astype(np.int32)


def drawn(
    speed: float, offset: float, seed: int = 1, first: int = 0, last: int = len(TIMES), near: int = 40
) -> Comparison:
    """A line of distances `near` in noise, over query frames `first` to `last`."""
    distances = noise(seed)
    for row in range(first, last):
        column = int((speed * TIMES[row] + offset) * 4)
        if 0 <= column < len(STARTS):
            distances[row, column] = near
    return compare(distances, STARTS, 40.0, TIMES)


@pytest.mark.parametrize("speed", [0.5, 0.7, 1.0, 1.3, 1.7, 2.0])
@pytest.mark.parametrize("offset", [0.1, 2.1])
def test_a_line_is_found(speed: float, offset: float) -> None:
    """Speed and offset are read off, and the whole of the line is followed as far as the reference goes."""
    best = next(alignments(drawn(speed, offset)))
    assert best.line.speed == pytest.approx(speed, rel=0.04)
    assert best.line.offset == pytest.approx(offset, abs=0.5)
    inside = np.flatnonzero(speed * TIMES + offset < 39.5)
    assert best.first <= 1
    assert abs(best.last - inside[-1]) <= 2


@pytest.mark.parametrize("offset", [20.0, 35.0])
def test_a_line_backwards(offset: float) -> None:
    """Footage played backwards lies on a falling line."""
    best = next(alignments(drawn(-1.0, offset)))
    assert best.line.speed == pytest.approx(-1.0, rel=0.04)
    assert best.line.offset == pytest.approx(offset, abs=0.5)


def test_a_line_is_trimmed_where_it_stops_paying() -> None:
    """Of forty query frames those ten to twenty-five are on the line."""
    best = next(alignments(drawn(1.0, 3.0, first=10, last=26)))
    assert abs(best.first - 10) <= 1
    assert abs(best.last - 25) <= 1


def test_frames_that_fail_do_not_break_a_line() -> None:
    """Every third frame missed, and the line is still one."""
    distances = noise(4)
    for row in range(len(TIMES)):
        if row % 3:
            distances[row, int((TIMES[row] + 3.0) * 4)] = 40
    best = next(alignments(compare(distances, STARTS, 40.0, TIMES)))
    assert best.first <= 2 and best.last >= len(TIMES) - 3


def test_two_lines() -> None:
    """What the best line leaves of the query is given to the next."""
    distances = noise(5)
    for row in range(18):
        distances[row, int((TIMES[row] + 20.0) * 4)] = 40
    for row in range(22, 40):
        distances[row, int((TIMES[row] - 8.0) * 4)] = 40
    found = [*alignments(compare(distances, STARTS, 40.0, TIMES))][:2]
    assert sorted(round(one.line.offset) for one in found) == [-8, 20]
    rows = [set(range(one.first, one.last + 1)) for one in found]
    assert not rows[0] & rows[1]


def test_noise_makes_no_long_lines() -> None:
    """In distances of unrelated frames whatever line there is gains little."""
    for seed in range(20):
        assert all(one.total < 15 for one in alignments(compare(noise(seed), STARTS, 40.0, TIMES)))


def test_nothing_near_is_nothing() -> None:
    """Pairs without evidence make no line."""
    assert not [*alignments(compare(np.full((40, 160), 257, np.int32), STARTS, 40.0, TIMES))]
    assert not [*alignments(compare(np.zeros((0, 160), np.int32), STARTS, 40.0, np.zeros(0)))]


@pytest.mark.parametrize("duration", [0.0, 0.1, SLOT, 0.5])
def test_a_very_short_reference(duration: float) -> None:
    """A reference of less than a slot has one."""
    comparison = compare(np.full((3, 1), 10, np.int32), np.zeros(1), duration, np.arange(3.0))
    assert comparison.gains.shape == (3, max(1, int(duration / SLOT)))
    list(alignments(comparison))


def test_slots_show_the_nearest_frame() -> None:
    """A slot belongs to the last frame that began by half a sampling step after its middle: to the nearest one."""
    starts = np.array([0.0, 1.0, 3.0])
    frames = compare(np.zeros((1, 3), np.int32), starts, 4.0, np.zeros(1)).frames
    for slot, frame in enumerate(frames.tolist()):
        reach = (slot + 0.5) * SLOT + SLOT
        assert starts[frame] <= reach
        assert frame == 2 or starts[frame + 1] > reach
