"""The service of tests/decisions, and a clock."""

import datetime

import pytest

from hashsvc.bank import records
from tests.decisions.conftest import entry, service

__all__ = ["clock", "entry", "service"]


class Clock:
    """Tells the time that a test has set."""

    def __init__(self) -> None:
        self.now = datetime.datetime(2026, 3, 1, 12, tzinfo=datetime.UTC)

    def forward(self, **by: float) -> datetime.datetime:
        """Let time pass; returns what it is then."""
        self.now += datetime.timedelta(**by)
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock of everything that is written."""
    found = Clock()
    monkeypatch.setattr(records, "now", lambda: found.now)
    return found
