"""Breakers over gRPC."""

import time

import pytest

from hashsvc.bank.model import Verdict
from hashsvc.client import Client
from hashsvc.errors import PreconditionError
from tests.events.receiver import until
from tests.server.background import reference
from tests.traffic.test_monitor import CARD, upload


def test_tripped_and_reset(client: Client) -> None:
    """What the service does, a client sees."""
    entry = client.confirm("default", CARD)
    until(lambda: client.match(upload(0), min_revision=entry.revision).matches)
    with pytest.raises(PreconditionError) as caught:
        client.get_breaker("default", entry.entry)
    assert caught.value.reason == "BREAKER_NOT_TRIPPED"
    verdicts = [client.match(upload(number)).verdict for number in range(50)]
    assert verdicts.count(Verdict.BLOCK) == 40
    until(lambda: client.list_breakers().items)
    until(lambda: client.get_breaker("default", entry.entry).reviewed == 10)
    assert not client.reset_breaker("default", entry.entry, hits=100).tripped
    assert client.match(upload(60)).verdict is Verdict.BLOCK
    with pytest.raises(PreconditionError):
        client.reset_breaker("default", entry.entry)
    tripped, logged = client.list_decisions(kind="breaker").items
    assert (tripped.action, tripped.actor, tripped.bank, tripped.entry) == ("trip", "hashsvc", "default", entry.entry)
    assert (logged.action, logged.actor, logged.bank, logged.entry) == ("reset", "anonymous", "default", entry.entry)
    assert logged.reason == "may block 100 uploads within the window"
    assert client.verify_decisions().faults == ()
    assert client.match(reference(5)).verdict is Verdict.ALLOW


def test_a_match_waits_for_no_disk(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """A store that takes seconds to write delays what is written down, and no answer."""
    entry = client.confirm("default", CARD)
    until(lambda: client.match(upload(0), min_revision=entry.revision).matches)
    from hashsvc.traffic.ledger import Ledger

    monkeypatch.setattr(Ledger, "trip", lambda *_: time.sleep(3.0))
    start = time.monotonic()
    for number in range(45):
        client.match(upload(number))
    last = time.monotonic()
    assert client.match(upload(99)).verdict is Verdict.REVIEW
    assert time.monotonic() - last < 2.5
    assert last - start < 60
