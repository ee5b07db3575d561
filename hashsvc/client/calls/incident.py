"""The calls of IncidentService."""

from collections.abc import Sequence

from hashsvc.bank.incident import Counts, Debrief, Incident
from hashsvc.bank.model import Depth, Page
from hashsvc.client.calls.call import Call, Place, build
from hashsvc.errors import InvalidInputError
from hashsvc.v1 import incident_service_pb2 as incident_pb
from hashsvc.wire.bank import encode_depth
from hashsvc.wire.incident import decode_counts, decode_debrief, decode_incident


def open_incident(
    incident: str,
    description: str,
    reason: str,
    entries: Sequence[Place],
    depth: Depth,
    breaker_hits: int,
    hours: float,
) -> Call[Incident]:
    """IncidentService.OpenIncident; a second arrival would be INCIDENT_EXISTS. 0 would be the server's choice."""
    _check_above_0(breaker_hits=breaker_hits, hours=hours)
    return Call(
        method="IncidentService/OpenIncident",
        request=build(
            incident_pb.OpenIncidentRequest,
            incident=incident,
            description=description,
            reason=reason,
            entries=_names(entries),
            depth=encode_depth(depth),
            breaker_hits=breaker_hits,
            hours=hours,
        ),
        response=incident_pb.OpenIncidentResponse,
        decode=lambda answer: decode_incident(answer.incident),
        repeatable=False,
    )


def get_incident(incident: str) -> Call[tuple[Incident, Counts]]:
    """IncidentService.GetIncident."""
    return Call(
        method="IncidentService/GetIncident",
        request=build(incident_pb.GetIncidentRequest, incident=incident),
        response=incident_pb.GetIncidentResponse,
        decode=lambda answer: (decode_incident(answer.incident), decode_counts(answer.counts)),
    )


def list_incidents(page_size: int, page_token: str) -> Call[Page[Incident]]:
    """IncidentService.ListIncidents."""
    return Call(
        method="IncidentService/ListIncidents",
        request=build(incident_pb.ListIncidentsRequest, page_size=page_size, page_token=page_token),
        response=incident_pb.ListIncidentsResponse,
        decode=lambda answer: Page(
            items=tuple(map(decode_incident, answer.incidents)), next_page_token=answer.next_page_token
        ),
    )


def add_to_incident(incident: str, entries: Sequence[Place], revision: int) -> Call[Incident]:
    """IncidentService.AddIncidentEntries; under a revision a second arrival would be REVISION_CONFLICT."""
    return Call(
        method="IncidentService/AddIncidentEntries",
        request=build(
            incident_pb.AddIncidentEntriesRequest, incident=incident, entries=_names(entries), revision=revision
        ),
        response=incident_pb.AddIncidentEntriesResponse,
        decode=lambda answer: decode_incident(answer.incident),
        repeatable=not revision,
    )


def remove_from_incident(incident: str, entries: Sequence[Place], revision: int) -> Call[Incident]:
    """IncidentService.RemoveIncidentEntries; a second arrival would be INCIDENT_ENTRY_NOT_FOUND."""
    return Call(
        method="IncidentService/RemoveIncidentEntries",
        request=build(
            incident_pb.RemoveIncidentEntriesRequest, incident=incident, entries=_names(entries), revision=revision
        ),
        response=incident_pb.RemoveIncidentEntriesResponse,
        decode=lambda answer: decode_incident(answer.incident),
        repeatable=False,
    )


def extend_incident(incident: str, hours: float, reason: str, revision: int) -> Call[Incident]:
    """IncidentService.ExtendIncident; a second arrival would be logged, too."""
    _check_above_0(hours=hours)
    return Call(
        method="IncidentService/ExtendIncident",
        request=build(
            incident_pb.ExtendIncidentRequest, incident=incident, hours=hours, reason=reason, revision=revision
        ),
        response=incident_pb.ExtendIncidentResponse,
        decode=lambda answer: decode_incident(answer.incident),
        repeatable=False,
    )


def reopen_incident(incident: str, hours: float, reason: str, revision: int) -> Call[Incident]:
    """IncidentService.ReopenIncident; a second arrival would be INCIDENT_OPEN."""
    _check_above_0(hours=hours)
    return Call(
        method="IncidentService/ReopenIncident",
        request=build(
            incident_pb.ReopenIncidentRequest, incident=incident, hours=hours, reason=reason, revision=revision
        ),
        response=incident_pb.ReopenIncidentResponse,
        decode=lambda answer: decode_incident(answer.incident),
        repeatable=False,
    )


def close_incident(incident: str, reason: str, revision: int) -> Call[Incident]:
    """IncidentService.CloseIncident; a second arrival would be INCIDENT_CLOSED."""
    return Call(
        method="IncidentService/CloseIncident",
        request=build(incident_pb.CloseIncidentRequest, incident=incident, reason=reason, revision=revision),
        response=incident_pb.CloseIncidentResponse,
        decode=lambda answer: decode_incident(answer.incident),
        repeatable=False,
    )


def debrief_incident(incident: str) -> Call[Debrief]:
    """IncidentService.DebriefIncident."""
    return Call(
        method="IncidentService/DebriefIncident",
        request=build(incident_pb.DebriefIncidentRequest, incident=incident),
        response=incident_pb.DebriefIncidentResponse,
        decode=decode_debrief,
    )


def _check_above_0(**values: float) -> None:
    """0 would be the server's choice."""
    for field, value in values.items():
        if value <= 0:
            raise InvalidInputError("FIELD_INVALID", f"{field} is above 0, not {value}", field=field)


def _names(entries: Sequence[Place]) -> list[incident_pb.EntryName]:
    return [build(incident_pb.EntryName, bank=bank, entry=entry) for bank, entry in entries]
