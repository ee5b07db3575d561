"""The arithmetic of the robustness benchmark, on figures that can be worked out by hand."""

import pytest

from benchmarks.robustness import metrics
from benchmarks.robustness.metrics import NOTHING
from benchmarks.robustness.stretch import Stretch, ends


def test_the_best_negative_sets_the_threshold() -> None:
    """What scores no more than it is not found; with no negative scored at all, everything scored is."""
    assert metrics.highest([0.2, 0.7, NOTHING]) == 0.7
    assert metrics.highest([]) == NOTHING
    assert metrics.highest([NOTHING]) == NOTHING


@pytest.mark.parametrize(
    ("positives", "negatives", "expected"),
    [
        ([3.0, 2.0], [1.0], 1.0),
        ([3.0, 1.0], [2.0], (1 / 1 + 2 / 3) / 2),
        ([1.0], [3.0, 2.0], 1 / 3),
        ([3.0, NOTHING], [], 1 / 2),
        ([3.0, NOTHING], [NOTHING, NOTHING], 1 / 2),
        ([2.0, 2.0], [2.0, 2.0], 2 / 4),
        ([NOTHING], [1.0], 0.0),
    ],
)
def test_micro_average_precision(positives: list[float], negatives: list[float], expected: float) -> None:
    """Precision at each positive, over all positives; ties are one step, and what has no score is never reached."""
    assert metrics.micro_average_precision(positives, negatives) == pytest.approx(expected)


def test_micro_average_precision_needs_a_positive() -> None:
    """Nothing to find is not the same as nothing found."""
    assert metrics.micro_average_precision([], [1.0]) is None


def test_seconds_of_overlapping_intervals_count_once() -> None:
    """In any order, nested ones too."""
    assert metrics.union([(4.0, 6.0), (0.0, 3.0), (1.0, 2.0), (2.0, 5.0)]) == 6.0
    assert metrics.union([(0.0, 1.0), (2.0, 3.0)]) == 2.0
    assert metrics.union([]) == 0.0


TRUE = Stretch(0.0, 10.0, 20.0, 30.0)


@pytest.mark.parametrize(
    ("predicted", "precision", "recall"),
    [
        ([TRUE], 1.0, 1.0),
        ([Stretch(0.0, 5.0, 20.0, 25.0)], 1.0, 0.25),
        ([Stretch(0.0, 20.0, 20.0, 40.0)], 0.25, 1.0),
        ([Stretch(0.0, 5.0, 20.0, 25.0), Stretch(5.0, 10.0, 25.0, 30.0)], 1.0, 1.0),
        ([Stretch(0.0, 10.0, 50.0, 60.0)], 0.0, 0.0),
        ([TRUE, Stretch(10.0, 20.0, 50.0, 60.0)], 0.25, 1.0),
    ],
)
def test_segments(predicted: list[Stretch], precision: float, recall: float) -> None:
    """Shares of time in the copy and in the source, multiplied; right on one side alone is wrong."""
    assert metrics.precision(predicted, [TRUE]) == pytest.approx(precision)
    assert metrics.recall(predicted, [TRUE]) == pytest.approx(recall)


def test_a_reel_in_the_wrong_order_is_wrong() -> None:
    """All the seconds are there on both sides, and none of them where it belongs."""
    true = [Stretch(0.0, 4.0, 10.0, 14.0), Stretch(4.0, 8.0, 0.0, 4.0)]
    turned = [Stretch(0.0, 4.0, 0.0, 4.0), Stretch(4.0, 8.0, 10.0, 14.0)]
    assert metrics.precision(turned, true) == 0.0
    assert metrics.recall(turned, true) == 0.0


def test_a_loop_shows_one_interval_of_the_source_again() -> None:
    """Finding one round of three is a third of the copy and all of the source."""
    true = [Stretch(place * 6.0, place * 6.0 + 6.0, 0.0, 6.0) for place in range(3)]
    assert metrics.precision(true[:1], true) == 1.0
    assert metrics.recall(true[:1], true) == pytest.approx(1 / 3)


def test_no_prediction_has_no_precision() -> None:
    """But its recall is nothing."""
    assert metrics.precision([], [TRUE]) is None
    assert metrics.recall([], [TRUE]) == 0.0


def test_means_and_f() -> None:
    """Unknown values are left out of a mean, and make F unknown."""
    assert metrics.mean([1.0, None, 0.0]) == 0.5
    assert metrics.mean([None]) is None
    assert metrics.f_score(1.0, 0.5) == pytest.approx(2 / 3)
    assert metrics.f_score(0.0, 0.0) == 0.0
    assert metrics.f_score(None, 1.0) is None
    assert metrics.share([True, False]) == 0.5
    assert metrics.share([]) is None


def test_the_ends_of_several_stretches() -> None:
    """The outermost on each side, in whatever order the source is shown."""
    assert ends([Stretch(4.0, 8.0, 0.0, 4.0), Stretch(0.0, 4.0, 10.0, 14.0)]) == Stretch(0.0, 8.0, 0.0, 14.0)
    assert TRUE.later(2.5) == Stretch(0.0, 10.0, 22.5, 32.5)
