"""Reading the log: one decision, or those that somebody asks for."""

import datetime
from collections.abc import Iterator
from typing import Any

import msgpack

from hashsvc.bank import decisions as changes
from hashsvc.bank import incident_records, records
from hashsvc.bank.model import Page, Verdict
from hashsvc.decisions import verdicts
from hashsvc.decisions.model import Decision, DecisionFilter, DecisionKind, LogCheck, State
from hashsvc.match.verdict import strictest
from hashsvc_index import BankRecord, DecisionRecord, EntryRecord, Store, StoreCorruptError

_SCAN = 500
_MOST_SCANNED = 20_000
"""Records looked at for one page, so that a filter that lets little pass does not hold a caller up."""

_BETWEEN_READINGS = datetime.timedelta(minutes=10)
_MOST_BETWEEN = 10_000
"""How far apart in the log two readings of one upload may be."""
UNREADABLE = (KeyError, TypeError, ValueError, msgpack.UnpackException)
"""What reading an altered record may raise."""


def decision_of(record: DecisionRecord) -> Decision:
    """What a record says. Raises StoreCorruptError for one that says nothing: it was altered."""
    try:
        return _decision(record, msgpack.unpackb(record.payload, timestamp=3))
    except UNREADABLE as error:
        raise unreadable(record) from error


def unreadable(record: DecisionRecord) -> StoreCorruptError:
    """The error for a record that says nothing."""
    return StoreCorruptError(
        f"decision {record.number} cannot be read; `hashsvc decisions --verify` says what was altered",
        decision=record.number,
    )


def _decision(record: DecisionRecord, fields: dict[str, Any]) -> Decision:
    kind = fields["kind"]
    common: dict[str, Any] = {
        "decision": record.number,
        "hash": record.hash.hex(),
        "previous": record.previous.hex(),
        "revision": record.revision,
        "kind": kind,
        "action": fields["action"],
        "actor": fields["actor"],
        "at": fields["at"],
    }
    if kind == DecisionKind.VERDICT:
        return Decision(**common, verdict=verdicts.unpack(fields), content_id=fields["content_id"])
    common |= {name: fields.get(name, "") for name in ("bank", "entry", "reason", "content_id", "appeal", "incident")}
    if not changes.is_change(record):
        return Decision(**common)
    change = changes.change_of(record)
    return Decision(**common, before=_state(change, change.before), after=_state(change, change.after))


def _state(change: changes.Change, payload: bytes) -> State | None:
    """What a payload of a change holds; None for an empty one. The revision of an incident is not in the log."""
    if not payload:
        return None
    if change.kind == DecisionKind.INCIDENT:
        return incident_records.state_of(payload)
    if change.kind == DecisionKind.BANK:
        return records.bank_of(BankRecord(bank=change.bank, number=0, payload=payload, revision=change.revision))
    return records.entry_of(
        EntryRecord(
            number=0, bank=change.bank, bank_number=0, entry=change.entry, payload=payload, live=True,
            revision=change.revision, created_revision=0, vector_count=0, blob_count=0, digests=(),
        )
    )  # fmt: skip


def get(store: Store, number: int) -> Decision:
    """Raises DECISION_NOT_FOUND."""
    return decision_of(store.decision(number))


def page(store: Store, wanted: DecisionFilter, after: int, size: int) -> Page[Decision]:
    """At most `size` wanted decisions with a number above `after`, in order.

    A page may be short, or empty, and not the last: it ends after so many records were looked at.
    """
    found: list[Decision] = []
    sought = wanted.content_id.encode()
    scanned = 0
    while rows := store.decisions(after, _SCAN):
        for record in rows:
            after, scanned = record.number, scanned + 1
            # Most records need no decoding to see that they do not say the content id.
            if sought not in record.payload:
                continue
            decision = decision_of(record)
            if wanted.wants(decision):
                found.append(decision)
                if len(found) == size:
                    return Page(items=tuple(found), next_page_token=_token(store, after))
        if scanned >= _MOST_SCANNED:
            return Page(items=tuple(found), next_page_token=_token(store, after))
    return Page(items=tuple(found))


def last_verdict(store: Store, content_id: str) -> Decision | None:
    """The last verdict on an upload; None where the log has none. Reads from the end of the log.

    An upload may be read twice, and its caller takes the stricter answer: so does this, of what was given shortly before.
    """
    last: Decision | None = None
    chosen: Decision | None = None
    for found in _verdicts_backwards(store, content_id):
        if last is None or chosen is None:
            last = chosen = found
        elif found.at < last.at - _BETWEEN_READINGS:
            break
        elif strictest((Verdict(found.action), Verdict(chosen.action))) != chosen.action:
            chosen = found
    return chosen


def _verdicts_backwards(store: Store, content_id: str) -> Iterator[Decision]:
    """The last verdict on an upload, and those not far before it."""
    wanted = DecisionFilter(kind=DecisionKind.VERDICT, content_id=content_id)
    sought = content_id.encode()
    end, first = store.decision_head()[0], 0
    while end > first:
        begin = max(first, end - _SCAN)
        for record in reversed(store.decisions(begin, end - begin)):
            if sought in record.payload and wanted.wants(found := decision_of(record)):
                yield found
                first = max(first, found.decision - _MOST_BETWEEN)
        end = begin


def _token(store: Store, after: int) -> str:
    """To go on after a decision; empty at the end."""
    return str(after) if after < store.decision_head()[0] else ""


def check(store: Store, head: bytes) -> LogCheck:
    """Verify the chain, and that it still has the decision whose hash was noted before as `head`, where one is given."""
    last, found = store.decision_head()
    return LogCheck(faults=tuple(store.verify_decisions(head)), decisions=last, head=found.hex())
