"""An event: CloudEvents 1.0, structured JSON. These bytes are what the outbox keeps, webhooks send and Watch streams."""

import dataclasses
import datetime
import enum
import json
from collections.abc import Mapping, Sequence
from typing import Any, Self

_SPEC_VERSION = "1.0"
CONTENT_TYPE = "application/cloudevents+json"
"""Of an event's bytes, as HTTP names it."""


class EventType(enum.StrEnum):
    """What kinds there are. Kinds are only ever added."""

    ENTRY_CHANGED = "org.hashsvc.entry.changed"
    ENTRY_FIRST_MATCH = "org.hashsvc.entry.first-match"
    ENTRY_REVIEW_DUE = "org.hashsvc.entry.review-due"
    ENTRY_BURST = "org.hashsvc.entry.burst"
    BANK_CHANGED = "org.hashsvc.bank.changed"
    RETRO_HITS = "org.hashsvc.retro.hits"
    BREAKER_TRIPPED = "org.hashsvc.breaker.tripped"
    BREAKER_RESET = "org.hashsvc.breaker.reset"
    INCIDENT_OPENED = "org.hashsvc.incident.opened"
    INCIDENT_CHANGED = "org.hashsvc.incident.changed"
    INCIDENT_CLOSED = "org.hashsvc.incident.closed"
    APPEAL_OPENED = "org.hashsvc.appeal.opened"
    APPEAL_DECIDED = "org.hashsvc.appeal.decided"
    CONTENT_REINSTATED = "org.hashsvc.content.reinstated"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened, once."""

    id: str
    """Unique; the same when it is delivered a second time."""
    type: str
    """An `EventType`; a later version may know others."""
    source: str
    """The data directory that it happened in."""
    subject: str
    """What it happened to: `bank/entry`, `bank`, `incident:INCIDENT` or `appeal:APPEAL`. Events of one subject are delivered in order."""
    time: datetime.datetime
    data: Mapping[str, Any]
    number: int = 0
    """Its place in the outbox, from 1; 0 while it has none."""

    def encode(self) -> bytes:
        """All but the number."""
        envelope = {
            "specversion": _SPEC_VERSION,
            "id": self.id,
            "type": self.type,
            "source": self.source,
            "subject": self.subject,
            "time": self.time.isoformat().replace("+00:00", "Z"),
            "datacontenttype": "application/json",
            "data": self.data,
        }
        return json.dumps(envelope, ensure_ascii=False, separators=(",", ":")).encode()

    @classmethod
    def decode(cls, payload: bytes | str, number: int = 0) -> Self:
        """The inverse of `encode`."""
        envelope = json.loads(payload)
        return cls(
            id=envelope["id"],
            type=envelope["type"],
            source=envelope["source"],
            subject=envelope["subject"],
            time=datetime.datetime.fromisoformat(envelope["time"]),
            data=envelope["data"],
            number=number,
        )


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class EventFilter:
    """Which events somebody wants; what is empty asks for nothing in particular."""

    types: Sequence[str] = ()
    bank: str = ""
    entry: str = ""

    def wants(self, event: Event) -> bool:
        """Whether `event` passes."""
        return (
            (not self.types or event.type in self.types)
            and (not self.bank or event.data.get("bank") == self.bank)
            and (not self.entry or event.data.get("entry") == self.entry)
        )
