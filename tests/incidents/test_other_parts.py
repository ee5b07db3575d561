"""Incidents beside what else the service does: banks that allow or observe, appeals, and entries that expire."""

import datetime
from collections.abc import Iterator
from pathlib import Path

import pytest

from hashsvc.bank import records
from hashsvc.bank.decisions import HASHER
from hashsvc.bank.model import BankMode, Details, EntryState, Verdict
from hashsvc.errors import PreconditionError
from hashsvc.service import Service
from tests.incidents.test_incidents import OTHER, VIDEO, confirmed, upload


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    """A new one."""
    with Service.open(tmp_path / "data", actor="ann") as opened:
        yield opened


def test_an_allow_bank_has_no_part_in_one(service: Service) -> None:
    """What is harmless does not spread: it can neither open an incident nor be added, and what it excuses counts nowhere."""
    service.create_bank("films", mode=BankMode.ALLOW)
    attack, film = confirmed(service), confirmed(service, OTHER, "films")
    service.open_incident("square", entries=[("default", attack.entry)])
    with pytest.raises(PreconditionError) as opening:
        service.open_incident("other", entries=[("films", film.entry)])
    with pytest.raises(PreconditionError) as adding:
        service.add_to_incident("square", [("films", film.entry)])
    assert opening.value.reason == adding.value.reason == "BANK_MODE"
    assert [one.incident for one in service.list_incidents().items] == ["square"]
    assert service.match(upload(1)).verdict is Verdict.BLOCK
    twin = service.confirm("films", VIDEO)
    assert service._index.wait_for(twin.revision, 10.0)
    passed = service.match(upload(2))
    assert (passed.verdict, len(passed.excused)) == (Verdict.ALLOW, 1)
    known, counts = service.get_incident("square")
    assert [one.place for one in known.entries] == [("default", attack.entry)]
    assert (counts.blocked, counts.reviewed, counts.variants) == (1, 0, 1)


def test_what_is_observed_was_not_stopped(service: Service) -> None:
    """Matches of a bank that observes let uploads through and are not counted as stopped; once it enforces they are."""
    service.create_bank("partner", mode=BankMode.OBSERVE)
    entry = confirmed(service, bank="partner")
    service.open_incident("square", entries=[("partner", entry.entry)])
    seen = service.match(upload(1))
    assert (seen.verdict, seen.matches[0].observed) == (Verdict.ALLOW, Verdict.BLOCK)
    _, counts = service.get_incident("square")
    assert (counts.blocked, counts.reviewed, counts.variants) == (0, 0, 0)
    service.update_bank("partner", mode=BankMode.ENFORCE)
    assert service.match(upload(2)).verdict is Verdict.BLOCK
    _, counts = service.get_incident("square")
    assert (counts.blocked, counts.reviewed, counts.variants) == (1, 0, 1)


def test_an_upheld_appeal(service: Service) -> None:
    """The entry is disputed and stays in the incident: copies go to review, are counted so, and the report says why."""
    entry = confirmed(service)
    service.open_incident("square", entries=[("default", entry.entry)])
    assert service.match(upload(1), content_id="post-1").verdict is Verdict.BLOCK
    appeal = service.open_appeal("a film", content_id="post-1", actor="desk")
    service.decide_appeal(appeal.appeal, upheld=True, reason="it is", actor="ben")
    again = service.match(upload(2), content_id="post-2")
    assert (again.verdict, again.matches[0].state) == (Verdict.REVIEW, EntryState.DISPUTED)
    known, counts = service.get_incident("square")
    assert (len(known.entries), counts.blocked, counts.reviewed) == (1, 1, 1)
    assert (
        f"attack disputed by ben: appeal {appeal.appeal} upheld: it is" in service.debrief_incident("square").markdown
    )
    service.reinstate("default", entry.entry)
    assert service.match(upload(3), content_id="post-3").verdict is Verdict.BLOCK
    assert service.get_incident("square")[1].blocked == 2


def test_an_entry_that_expires(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is withdrawn and stays in the incident with what was counted; it cannot be added again until it is reinstated."""
    now = records.now()
    entry = service.confirm(
        "default", VIDEO, external_id="attack", details=Details(expires_at=now + datetime.timedelta(hours=1))
    )
    assert service._index.wait_for(entry.revision, 10.0)
    service.open_incident("square", entries=[("default", entry.entry)], hours=9.0)
    assert service.match(upload(1)).verdict is Verdict.BLOCK
    monkeypatch.setattr(records, "now", lambda: now + datetime.timedelta(hours=2))
    service._dates.sweep()
    assert service.get_entry("default", entry.entry).state is EntryState.WITHDRAWN
    assert service._index.wait_for(service.revision, 10.0)
    assert service.match(upload(2)).verdict is Verdict.ALLOW
    known, counts = service.get_incident("square")
    assert known.closed_at is None
    assert ([one.place for one in known.entries], counts.blocked) == ([("default", entry.entry)], 1)
    assert f"attack withdrawn by {HASHER}: expired" in service.debrief_incident("square").markdown
    service.remove_from_incident("square", [("default", entry.entry)])
    with pytest.raises(PreconditionError) as refused:
        service.add_to_incident("square", [("default", entry.entry)])
    assert refused.value.reason == "ENTRY_WITHDRAWN"
    back = service.reinstate("default", entry.entry)
    assert (back.state, back.details.expires_at) == (EntryState.CONFIRMED, None)
    assert len(service.add_to_incident("square", [("default", entry.entry)]).entries) == 1
