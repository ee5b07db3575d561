"""What each kind of event says. Keys of `data` are promised: more may be added, none is renamed."""

import datetime
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from hashsvc.bank import records
from hashsvc.bank.breaker import Breaker
from hashsvc.bank.incident import Incident
from hashsvc.bank.model import Bank, Entry
from hashsvc.events.model import Event, EventType
from hashsvc.match.model import Match

_MOST_SEGMENTS, _MOST_HITS = 8, 200
"""Told of one upload, and uploads told in one event, which must stay below 1 MiB."""


def entry_changed(source: str, entry: Entry, change: str) -> Event:
    """An entry was written; `change` says by what: exclusions, details, or what its new state is called."""
    data = {**_entry(entry), "change": change}
    return _made(EventType.ENTRY_CHANGED, source, _subject(entry.bank, entry.entry), data)


def entry_review_due(source: str, entry: Entry) -> Event:
    """The day by which somebody was to look at an entry again has come."""
    date = entry.details.review_by
    data = {**_entry(entry), "review_by": None if date is None else date.isoformat()}
    return _made(EventType.ENTRY_REVIEW_DUE, source, _subject(entry.bank, entry.entry), data)


def bank_changed(source: str, bank: Bank, change: str) -> Event:
    """A bank was created or updated."""
    policy = bank.policy
    data = {
        "bank": bank.bank,
        "change": change,
        "description": bank.description,
        "mode": str(bank.mode),
        "policy": {
            "block_evidence": policy.block_evidence,
            "block_coverage": policy.block_coverage,
            "review_evidence": policy.review_evidence,
            "depth": str(policy.depth),
            "rules": [str(one) for one in policy.rules],
        },
    }
    return _made(EventType.BANK_CHANGED, source, bank.bank, data)


def first_match(source: str, match: Match) -> Event:
    """An entry was matched, and never before."""
    return _made(EventType.ENTRY_FIRST_MATCH, source, _subject(match.bank, match.entry), _match(match))


def burst(source: str, match: Match, hits: int, usual: float, window_seconds: float) -> Event:
    """An entry was matched by more uploads within a window than usual; told once a window."""
    data = {**_match(match), "hits": hits, "usual": round(usual, 3), "window_seconds": window_seconds}
    return _made(EventType.ENTRY_BURST, source, _subject(match.bank, match.entry), data)


def retro_hits(source: str, bank: str, entry: str, hits: Sequence[tuple[str, datetime.datetime, Match]]) -> Event:
    """Recent uploads that show an entry: each by content id, with when it was seen and what matches."""
    found = [
        {
            "content_id": content_id,
            "seen_at": seen_at.isoformat(),
            "evidence": round(match.evidence, 3),
            "query_coverage": round(match.query_coverage, 4),
            "segments": [
                {
                    "query_start": round(segment.query_start, 3),
                    "query_end": round(segment.query_end, 3),
                    "reference_start": round(segment.reference_start, 3),
                    "reference_end": round(segment.reference_end, 3),
                }
                for segment in match.segments[:_MOST_SEGMENTS]
            ],
        }
        for content_id, seen_at, match in hits[:_MOST_HITS]
    ]
    data = {**_place(bank, entry), "total": len(hits), "hits": found}
    return _made(EventType.RETRO_HITS, source, _subject(bank, entry), data)


def breaker_tripped(source: str, breaker: Breaker) -> Event:
    """An entry was about to block more uploads than its limit; it is REVIEW at most until people reset it."""
    data = {
        **_place(breaker.bank, breaker.entry),
        "external_id": breaker.external_id,
        "blocked": breaker.blocked,
        "limit": breaker.limit,
        "window_seconds": breaker.window_seconds,
        "query_coverage": round(breaker.query_coverage, 4),
        "reference_coverage": round(breaker.reference_coverage, 4),
    }
    return _made(EventType.BREAKER_TRIPPED, source, _subject(breaker.bank, breaker.entry), data)


def breaker_reset(source: str, bank: str, entry: str, allowed_hits: int) -> Event:
    """An entry may block again, up to a limit of its own where that is not 0."""
    data = {**_place(bank, entry), "allowed_hits": allowed_hits}
    return _made(EventType.BREAKER_RESET, source, _subject(bank, entry), data)


def _entry(entry: Entry) -> dict[str, Any]:
    return {
        **_place(entry.bank, entry.entry),
        "external_id": entry.external_id,
        "state": str(entry.state),
        "labels": list(entry.labels),
        "reason": entry.reason,
    }


def appeal_step(
    source: str, kind: EventType, appeal: str, state: str, decision: int, content_id: str, verdict: str,
    causes: Sequence[tuple[str, str]], disputed: Sequence[tuple[str, str]],
) -> Event:  # fmt: skip
    """An appeal against a verdict was opened or decided, or its upload is up again. What the appellant said is not told.

    One that is `upheld` asks whoever is told to let the upload be seen again.
    """
    data = {
        "appeal": appeal,
        "state": state,
        "decision": decision,
        "content_id": content_id,
        "verdict": verdict,
        "causes": [_place(*one) for one in causes],
        "disputed": [_place(*one) for one in disputed],
    }
    return _made(kind, source, f"appeal:{appeal}", data)


def incident_changed(source: str, before: Incident | None, after: Incident, actor: str) -> Event:
    """An incident was opened, changed or closed: entries, its expiry. Opening names the entries that it began with."""
    there = frozenset(one.place for one in before.entries) if before else frozenset()
    left = frozenset(one.place for one in after.entries)
    kind = EventType.INCIDENT_OPENED if before is None else EventType.INCIDENT_CHANGED
    data: dict[str, Any] = {
        "incident": after.incident,
        "description": after.description,
        "actor": actor,
        "entries": len(after.entries),
        "added": [_place(*one.place) for one in after.entries if one.place not in there],
        "removed": [_place(*place) for place in sorted(there - left)],
        "expires_at": after.expires_at.isoformat(),
        "reopened": before is not None and len(after.closures) > len(before.closures),
    }
    if before is None:
        data |= {
            "depth": str(after.depth),
            "breaker_hits": after.breaker_hits,
            "reason": after.reason,
        }
    if after.closed_at is not None:
        kind = EventType.INCIDENT_CLOSED
        data |= {"closed_at": after.closed_at.isoformat(), "reason": after.closed_reason}
    return _made(kind, source, f"incident:{after.incident}", data)


def _match(match: Match) -> dict[str, Any]:
    return {
        **_place(match.bank, match.entry),
        "external_id": match.external_id,
        "verdict": str(match.verdict),
        "observed": None if match.observed is None else str(match.observed),
        "reason": match.reason,
        "evidence": round(match.evidence, 3),
        "query_coverage": round(match.query_coverage, 4),
        "reference_coverage": round(match.reference_coverage, 4),
    }


def _place(bank: str, entry: str) -> dict[str, Any]:
    return {"bank": bank, "entry": entry}


def _subject(bank: str, entry: str) -> str:
    return f"{bank}/{entry}"


def _made(kind: EventType, source: str, subject: str, data: Mapping[str, Any]) -> Event:
    return Event(id=str(uuid.uuid4()), type=kind, source=source, subject=subject, time=records.now(), data=data)
