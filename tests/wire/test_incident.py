"""Incidents over the wire."""

import dataclasses

from hashsvc.bank import records
from hashsvc.bank.incident import Counts, Debrief, EntryCounts, Hour, Incident, IncidentEntry
from hashsvc.bank.model import Depth
from hashsvc.wire.incident import (
    decode_counts,
    decode_debrief,
    decode_incident,
    encode_counts,
    encode_debrief,
    encode_incident,
)


def test_every_field_comes_back() -> None:
    """Open and closed, with and without a match."""
    now = records.now()
    incident = Incident(
        incident="square",
        description="d",
        depth=Depth.QUICK,
        breaker_hits=7,
        entries=(IncidentEntry(bank="b", entry="e", added_at=now, added_by="ann"),),
        opened_at=now,
        opened_by="mia",
        reason="r",
        expires_at=now,
        revision=9,
    )
    for one in (incident, dataclasses.replace(incident, closed_at=now, closed_by="bob", closed_reason="over")):
        assert decode_incident(encode_incident(one)) == one
    entry = EntryCounts(bank="b", entry="e", external_id="x", blocked=1, reviewed=2, let_through=3)
    counts = Counts(
        blocked=1,
        reviewed=2,
        let_through=3,
        variants=4,
        uncounted=5,
        hours=(Hour(start=now, blocked=1, reviewed=2, let_through=3),),
        entries=(entry, dataclasses.replace(entry, confirmed_at=now, first_match_at=now)),
    )
    for counted in (counts, dataclasses.replace(counts, seconds_to_first_match=0.0)):
        assert decode_counts(encode_counts(counted)) == counted
    report = Debrief(incident="square", markdown="# x", figure="<svg/>")
    assert decode_debrief(encode_debrief(report)) == report
