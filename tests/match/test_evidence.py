"""What an alignment pays for the choices it had."""

import itertools

import numpy as np
import pytest

from hashsvc.match.comparison import Alignment, Line
from hashsvc.match.evidence import log10_stretches


def stretch(first: int, last: int) -> Alignment:
    return Alignment(Line(1.0, 0.0), first, last, np.arange(last - first + 1), 1.0)


@pytest.mark.parametrize("frames", [1, 2, 3, 13, 60])
def test_all_stretches_together_have_one_chance_of_error(frames: int) -> None:
    """A weighted Bonferroni correction: the shares of all stretches of a query sum up to 1 at most."""
    stretches = itertools.combinations_with_replacement(range(frames), 2)
    assert sum(10 ** -log10_stretches(stretch(first, last), frames) for first, last in stretches) <= 1


def test_the_more_is_missing_the_more_is_paid() -> None:
    paid = [log10_stretches(stretch(0, 39 - missing), 40) for missing in range(40)]
    assert paid == sorted(paid)
