"""Incidents in the decision log: what is shown and counted of them, and that no verdict is judged otherwise for them."""

import dataclasses
import datetime

from hashsvc.bank.incident import Incident
from hashsvc.bank.model import Depth, Entry, Verdict
from hashsvc.cli import decision_records
from hashsvc.fingerprint.model import Digests
from hashsvc.report.model import StepCount
from hashsvc.service import Service
from hashsvc.wire.decision import decode_decision, encode_decision
from tests.decisions.conftest import COPY, confirmed, searched, verdicts

EVER = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)


def test_they_are_told_with_what_they_were(service: Service, entry: Entry) -> None:
    """Each step names the incident and no bank, has both states, is found by its kind and by an entry, and is counted."""
    other = confirmed(service, 2)
    opened = service.open_incident("square", reason="live", entries=[("default", entry.entry)], hours=5.0, actor="ann")
    added = service.add_to_incident("square", [("default", other.entry)], actor="ben")
    service.remove_from_incident("square", [("default", entry.entry)])
    service.close_incident("square", reason="over")
    found = service.list_decisions(kind="incident").items
    assert [(one.action, one.actor, one.reason) for one in found] == [
        ("open", "ann", "live"), ("add", "ben", ""), ("remove", "mia", ""), ("close", "mia", "over"),
    ]  # fmt: skip
    assert {(one.bank, one.entry, one.incident) for one in found} == {("", "", "square")}
    first, second = found[0], found[1]
    assert (first.before, first.after) == (None, dataclasses.replace(opened, revision=0))
    assert (second.before, second.after) == (first.after, dataclasses.replace(added, revision=0))
    by_entry = service.list_decisions(kind="incident", bank="default", entry=other.entry).items
    assert [one.action for one in by_entry] == ["add", "remove", "close"]
    for one in found:
        assert decode_decision(encode_decision(one)) == one
    shown = decision_records.decision_record(found[-1])
    assert (shown["incident"], shown["bank"]) == ("square", "")
    assert isinstance(shown["after"], dict) and shown["after"]["closed_reason"] == "over"
    counted = [one for one in service.report(EVER, None).steps if one.kind == "incident"]
    steps = ("add", "close", "open", "remove")
    assert counted == [StepCount(kind="incident", step=step, count=1) for step in steps]
    assert service.verify() == []


def test_verdicts_are_judged_again_as_before(service: Service, entry: Entry) -> None:
    """Whether an incident was opened, changed or closed before a verdict or after it: neither bank nor entry is another."""
    service.match(COPY, content_id="before")
    service.open_incident("square", entries=[("default", entry.entry)], depth=Depth.DEEP, breaker_hits=99)
    for number in range(42):  # more than it might block without the incident
        service.match(dataclasses.replace(COPY, digests=Digests(sha256=bytes([number + 1]) * 32)))
    service.remove_from_incident("square", [("default", entry.entry)])
    service.close_incident("square")
    service.withdraw("default", entry.entry)
    searched(service)
    found = [*verdicts(service)]
    assert len(found) == 43 and {one.action for one in found} == {"BLOCK"}
    for decision in (found[0], found[1], found[-1]):
        again = service.replay(decision.decision)
        assert (again.same, again.verdict) == (True, Verdict.BLOCK)
    assert isinstance(service.list_decisions(kind="incident").items[0].after, Incident)
