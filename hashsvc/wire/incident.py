"""Incidents, what was counted of them, and reports on the wire."""

import datetime
from collections.abc import Iterable

from google.protobuf.timestamp_pb2 import Timestamp

from hashsvc.bank.incident import Closure, Counts, Debrief, EntryCounts, Hour, Incident, IncidentEntry
from hashsvc.v1 import incident_service_pb2 as pb
from hashsvc.wire.bank import decode_depth, encode_depth


def decode_names(messages: Iterable[pb.EntryName]) -> list[tuple[str, str]]:
    """Entries by bank and entry."""
    return [(one.bank, one.entry) for one in messages]


def encode_incident(incident: Incident) -> pb.Incident:
    """The message of `incident`."""
    return pb.Incident(
        incident=incident.incident,
        description=incident.description,
        depth=encode_depth(incident.depth),
        breaker_hits=incident.breaker_hits,
        entries=[
            pb.IncidentEntry(
                name=pb.EntryName(bank=one.bank, entry=one.entry),
                added_at=_encode_time(one.added_at),
                added_by=one.added_by,
            )
            for one in incident.entries
        ],
        opened_at=_encode_time(incident.opened_at),
        opened_by=incident.opened_by,
        reason=incident.reason,
        expires_at=_encode_time(incident.expires_at),
        closed_at=_encode_time(incident.closed_at),
        closed_by=incident.closed_by,
        closed_reason=incident.closed_reason,
        revision=incident.revision,
        closures=[
            pb.IncidentClosure(
                closed_at=_encode_time(one.closed_at),
                closed_by=one.closed_by,
                closed_reason=one.closed_reason,
                reopened_at=_encode_time(one.reopened_at),
                reopened_by=one.reopened_by,
                reopened_reason=one.reopened_reason,
            )
            for one in incident.closures
        ],
    )


def decode_incident(message: pb.Incident) -> Incident:
    """The incident in `message`. Raises InvalidInputError for a depth that this version does not know."""
    return Incident(
        incident=message.incident,
        description=message.description,
        depth=decode_depth(message.depth),
        breaker_hits=message.breaker_hits,
        entries=tuple(
            IncidentEntry(
                bank=one.name.bank,
                entry=one.name.entry,
                added_at=_decode_time(one.added_at),
                added_by=one.added_by,
            )
            for one in message.entries
        ),
        opened_at=_decode_time(message.opened_at),
        opened_by=message.opened_by,
        reason=message.reason,
        expires_at=_decode_time(message.expires_at),
        closed_at=_decode_time(message.closed_at) if message.HasField("closed_at") else None,
        closed_by=message.closed_by,
        closed_reason=message.closed_reason,
        revision=message.revision,
        closures=tuple(
            Closure(
                closed_at=_decode_time(one.closed_at),
                closed_by=one.closed_by,
                closed_reason=one.closed_reason,
                reopened_at=_decode_time(one.reopened_at),
                reopened_by=one.reopened_by,
                reopened_reason=one.reopened_reason,
            )
            for one in message.closures
        ),
    )


def encode_counts(counts: Counts) -> pb.IncidentCounts:
    """The message of `counts`."""
    return pb.IncidentCounts(
        blocked=counts.blocked,
        reviewed=counts.reviewed,
        let_through=counts.let_through,
        variants=counts.variants,
        uncounted=counts.uncounted,
        seconds_to_first_match=counts.seconds_to_first_match,
        hours=[
            pb.IncidentHour(
                start=_encode_time(one.start),
                blocked=one.blocked,
                reviewed=one.reviewed,
                let_through=one.let_through,
            )
            for one in counts.hours
        ],
        entries=map(_encode_entry_counts, counts.entries),
    )


def decode_counts(message: pb.IncidentCounts) -> Counts:
    """The counts in `message`."""
    return Counts(
        blocked=message.blocked,
        reviewed=message.reviewed,
        let_through=message.let_through,
        variants=message.variants,
        uncounted=message.uncounted,
        seconds_to_first_match=(message.seconds_to_first_match if message.HasField("seconds_to_first_match") else None),
        hours=tuple(
            Hour(
                start=_decode_time(one.start),
                blocked=one.blocked,
                reviewed=one.reviewed,
                let_through=one.let_through,
            )
            for one in message.hours
        ),
        entries=tuple(map(_decode_entry_counts, message.entries)),
    )


def encode_debrief(debrief: Debrief) -> pb.DebriefIncidentResponse:
    """The message of `debrief`."""
    return pb.DebriefIncidentResponse(incident=debrief.incident, markdown=debrief.markdown, figure=debrief.figure)


def decode_debrief(message: pb.DebriefIncidentResponse) -> Debrief:
    """The report in `message`."""
    return Debrief(incident=message.incident, markdown=message.markdown, figure=message.figure)


def _encode_entry_counts(counts: EntryCounts) -> pb.IncidentEntryCounts:
    return pb.IncidentEntryCounts(
        name=pb.EntryName(bank=counts.bank, entry=counts.entry),
        external_id=counts.external_id,
        confirmed_at=_encode_time(counts.confirmed_at),
        first_match_at=_encode_time(counts.first_match_at),
        blocked=counts.blocked,
        reviewed=counts.reviewed,
        let_through=counts.let_through,
    )


def _decode_entry_counts(message: pb.IncidentEntryCounts) -> EntryCounts:
    return EntryCounts(
        bank=message.name.bank,
        entry=message.name.entry,
        external_id=message.external_id,
        confirmed_at=_decode_time(message.confirmed_at) if message.HasField("confirmed_at") else None,
        first_match_at=_decode_time(message.first_match_at) if message.HasField("first_match_at") else None,
        blocked=message.blocked,
        reviewed=message.reviewed,
        let_through=message.let_through,
    )


def _encode_time(time: datetime.datetime | None) -> Timestamp | None:
    if time is None:
        return None
    timestamp = Timestamp()
    timestamp.FromDatetime(time)
    return timestamp


def _decode_time(message: Timestamp) -> datetime.datetime:
    return message.ToDatetime(datetime.UTC)
