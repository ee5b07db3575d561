"""Events as CloudEvents."""

import json

from hashsvc.bank import records
from hashsvc.events.model import Event, EventFilter, EventType

EVENT = Event(
    id="e-1",
    type=EventType.ENTRY_CHANGED,
    source="urn:hashsvc:x",
    subject="default/e1",
    time=records.now(),
    data={"bank": "default", "entry": "e1", "reason": "Ünïcode\n"},
)


def test_is_a_cloud_event() -> None:
    """All that CloudEvents 1.0 requires, in its JSON format."""
    fields = json.loads(EVENT.encode())
    assert fields["specversion"] == "1.0"
    assert all(isinstance(fields[name], str) and fields[name] for name in ("id", "source", "type", "subject", "time"))
    assert fields["time"].endswith("Z")
    assert fields["datacontenttype"] == "application/json"
    assert fields["data"] == EVENT.data


def test_comes_back_as_it_was() -> None:
    """Encoding loses nothing but the number, which the outbox gives."""
    assert Event.decode(EVENT.encode()) == EVENT
    assert Event.decode(EVENT.encode(), 7).number == 7


def test_filter() -> None:
    """Each thing asked for must be so."""
    assert EventFilter().wants(EVENT)
    assert EventFilter(types=(EventType.ENTRY_CHANGED,), bank="default", entry="e1").wants(EVENT)
    assert not EventFilter(types=(EventType.BANK_CHANGED,)).wants(EVENT)
    assert not EventFilter(bank="news").wants(EVENT)
    assert not EventFilter(entry="e2").wants(EVENT)
