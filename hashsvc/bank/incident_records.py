"""Incidents as the store keeps them: documents `incident`, MessagePack maps. `index/README.md` describes the keys."""

import dataclasses
from typing import Any

import msgpack

from hashsvc.bank.incident import Closure, Incident, IncidentEntry
from hashsvc.bank.model import Depth
from hashsvc_index import DocumentRecord

INCIDENT = "incident"


def payload_of(incident: Incident) -> bytes:
    """All of an incident but its revision, which is the record's."""
    fields = dataclasses.asdict(incident)
    del fields["revision"]
    return bytes(msgpack.packb(fields, datetime=True))


def incident_of(record: DocumentRecord) -> Incident:
    """The inverse of `payload_of`."""
    return dataclasses.replace(state_of(record.payload), revision=record.revision)


def state_of(payload: bytes) -> Incident:
    """The incident of a payload, without its revision."""
    fields: dict[str, Any] = msgpack.unpackb(payload, timestamp=3)
    fields["depth"] = Depth(fields["depth"])
    fields["entries"] = tuple(IncidentEntry(**one) for one in fields["entries"])
    # Those of before one could be reopened have none.
    fields["closures"] = tuple(Closure(**one) for one in fields.get("closures", ()))
    return Incident(**fields)
