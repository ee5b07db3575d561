"""What the decision log says of a change to a bank, an entry or an incident: who did what, and both states in full."""

import dataclasses
import datetime
from typing import Any

import msgpack

from hashsvc.bank import records
from hashsvc.bank.breaker import Breaker
from hashsvc.bank.model import Bank, Entry
from hashsvc_index import DecisionRecord

HASHER = "hashsvc"
"""The actor of what the service does by itself."""
_VERSION = 1
_MAP_HEAD = 1
"""Bytes by which msgpack says that a map of a few fields comes."""
_BEGINNINGS = tuple(
    b"".join(map(msgpack.packb, ("version", _VERSION, "kind", kind, "action")))
    for kind in ("bank", "entry", "incident")
)
"""What such a record begins with, so that it need not be decoded to be known; the order of its fields is part of the
format."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A decision on a bank, an entry or an incident, as logged."""

    decision: int
    """Its number."""
    revision: int
    """The store's, once it was made."""
    kind: str
    """`bank`, `entry` or `incident`."""
    action: str
    """create, update; confirm, approve, dispute, withdraw, reinstate, exclude, update, vaccinate; open, add, remove,
    update, close, reopen."""
    actor: str
    at: datetime.datetime
    bank: str
    entry: str = ""
    """Empty for a bank's."""
    incident: str = ""
    """The incident that it is of, which has neither bank nor entry."""
    reason: str = ""
    before: bytes
    """Payload before the change, empty for what is new."""
    after: bytes
    """Payload after it."""


def of_bank(action: str, actor: str, before: Bank | None, after: Bank) -> bytes:
    """What is logged of a change to a bank."""
    return _packed(
        kind="bank", action=action, actor=actor, at=after.updated_at, bank=after.bank,
        before=b"" if before is None else records.bank_payload(before), after=records.bank_payload(after),
    )  # fmt: skip


def of_entry(action: str, actor: str, before: Entry | None, after: Entry, reason: str = "") -> bytes:
    """What is logged of a change to an entry."""
    return _packed(
        kind="entry", action=action, actor=actor, at=after.updated_at, bank=after.bank, entry=after.entry,
        reason=reason, before=b"" if before is None else records.entry_payload(before),
        after=records.entry_payload(after),
    )  # fmt: skip


def of_incident(
    action: str, actor: str, at: datetime.datetime, incident: str, before: bytes, after: bytes, reason: str
) -> bytes:
    """What is logged of a change to an incident; `before` and `after` are its payloads."""
    return _packed(
        kind="incident", action=action, actor=actor, at=at, bank="", incident=incident, reason=reason, before=before,
        after=after,
    )  # fmt: skip


def of_trip(breaker: Breaker) -> bytes:
    """What is logged when a breaker trips; it changes neither the entry nor its bank."""
    seconds = round(breaker.window_seconds)
    reason = f"more than {breaker.limit} different uploads within {seconds} s"
    return _of_breaker("trip", HASHER, breaker.tripped_at, breaker, reason)


def of_reset(actor: str, at: datetime.datetime, breaker: Breaker) -> bytes:
    """What is logged when people let an entry block again."""
    hits = breaker.allowed_hits
    return _of_breaker("reset", actor, at, breaker, f"may block {hits} uploads within the window" if hits else "")


def is_change(record: DecisionRecord) -> bool:
    """Whether a record is of a change to a bank, an entry or an incident; the log has others, too."""
    return record.payload.startswith(_BEGINNINGS, _MAP_HEAD)


def change_of(record: DecisionRecord) -> Change:
    """The inverse of `of_bank`, `of_entry` and `of_incident`."""
    fields: dict[str, Any] = msgpack.unpackb(record.payload, timestamp=3)
    del fields["version"]
    return Change(decision=record.number, revision=record.revision, **fields)


def _of_breaker(action: str, actor: str, at: datetime.datetime, breaker: Breaker, reason: str) -> bytes:
    return _packed(
        kind="breaker", action=action, actor=actor, at=at, bank=breaker.bank, entry=breaker.entry, reason=reason,
        allowed_hits=breaker.allowed_hits,
    )  # fmt: skip


def _packed(**fields: Any) -> bytes:
    return bytes(msgpack.packb({"version": _VERSION, **fields}, datetime=True))
