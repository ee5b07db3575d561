"""The bucket of each caller."""

import pytest

from hashsvc.config import RateSettings
from hashsvc.errors import UnavailableError
from hashsvc.server import rates
from hashsvc.server.rates import Rates


class Clock:
    """Time that passes when the test says so."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def limited(taker: Rates, caller: str) -> float:
    """After how many seconds a refused caller may come again."""
    with pytest.raises(UnavailableError) as caught:
        taker.take(caller)
    assert caught.value.reason == "RATE_LIMITED"
    return float(caught.value.metadata["retry_after"])


def test_a_burst_then_the_rate() -> None:
    """Five at once, then one each half second, and a refused call costs nothing."""
    clock = Clock()
    taker = Rates(RateSettings(calls_per_second=2, burst=5), clock)
    for _ in range(5):
        taker.take("a")
    assert limited(taker, "a") == limited(taker, "a") == 0.5
    clock.now += 0.5
    taker.take("a")
    assert limited(taker, "a") == 0.5
    clock.now += 1000
    for _ in range(5):
        taker.take("a")
    limited(taker, "a")


def test_callers_do_not_share() -> None:
    """One that floods takes nothing from another."""
    taker = Rates(RateSettings(calls_per_second=1, burst=1), Clock())
    taker.take("a")
    limited(taker, "a")
    taker.take("b")


def test_a_rate_of_nothing_still_says_when() -> None:
    """With a rate of 0 there is the burst and no more, and no division by it."""
    taker = Rates(RateSettings(calls_per_second=0, burst=1), Clock())
    taker.take("a")
    assert limited(taker, "a") == 60


def test_buckets_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of more callers than are kept, those that were away for longest are forgotten."""
    monkeypatch.setattr(rates, "_CALLERS", 3)
    taker = Rates(RateSettings(calls_per_second=1, burst=1), Clock())
    for caller in "abcd":
        taker.take(caller)
    taker.take("a")
    limited(taker, "d")
