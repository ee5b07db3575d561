"""Incidents on a data directory: what they change while they are open, what they count, and how they end."""

import dataclasses
import datetime
import json
import random
import time
from collections.abc import Callable
from pathlib import Path

import msgpack
import numpy as np
import pytest

from hashsvc.bank import records
from hashsvc.bank.decisions import HASHER, change_of, is_change
from hashsvc.bank.incident import MAX_ENTRIES, MAX_OPEN, Incident, IncidentEntry
from hashsvc.bank.incident_records import INCIDENT, payload_of
from hashsvc.bank.model import Depth, Entry, Policy, Verdict
from hashsvc.config import BreakerSettings, Settings
from hashsvc.errors import HashsvcError
from hashsvc.fingerprint.model import Digests, Fingerprint
from hashsvc.incidents import counter as counter_module
from hashsvc.incidents import register as register_module
from hashsvc.service import Service
from hashsvc_index import StoreError
from tests.events.receiver import until
from tests.server.background import excerpt, reference

VIDEO, OTHER, STRANGER = reference(1), reference(2), reference(99)
SETTINGS = Settings(breaker=BreakerSettings(hits=5))
HOUR = datetime.timedelta(hours=1)


def upload(number: int, of: Fingerprint = VIDEO) -> Fingerprint:
    """A copy with bytes of its own."""
    return dataclasses.replace(excerpt(of, 0, 60), digests=Digests(sha256=random.Random(number).randbytes(32)))


def confirmed(service: Service, video: Fingerprint = VIDEO, bank: str = "default") -> Entry:
    entry = service.confirm(bank, video, external_id="attack")
    assert service._index.wait_for(entry.revision, 10.0)
    return entry


def incident_events(service: Service) -> list[str]:
    events = service.watch(after=0, stop_at_end=True)
    return [event.type.removeprefix("org.hashsvc.incident.") for event in events if ".incident." in event.type]


def test_its_copies_flood_and_go_on_being_blocked(tmp_path: Path) -> None:
    """An entry of an open incident may block as many as it says; one beside it trips as usual, and so it does once closed."""
    with Service.open(tmp_path / "data", SETTINGS) as service:
        entry, beside = confirmed(service), confirmed(service, OTHER)
        service.open_incident("square", entries=[("default", entry.entry)], breaker_hits=30)
        verdicts = [service.match(upload(number)).verdict for number in range(32)]
        assert verdicts == [Verdict.BLOCK] * 30 + [Verdict.REVIEW] * 2
        assert service.reset_breaker("default", entry.entry).tripped is False
        verdicts = [service.match(upload(number, OTHER)).verdict for number in range(10)]
        assert verdicts == [Verdict.BLOCK] * 5 + [Verdict.REVIEW] * 5
        until(lambda: service.get_breaker("default", beside.entry).tripped)
        service.close_incident("square")
        verdicts = [service.match(upload(number)).verdict for number in range(100, 110)]
        assert verdicts == [Verdict.BLOCK] * 5 + [Verdict.REVIEW] * 5


def test_uploads_are_read_deeply_while_it_is_open(tmp_path: Path) -> None:
    """For the banks of its entries and no other, in this process and in another."""
    data = tmp_path / "data"
    with Service.open(data) as service, Service.open(data) as other:
        for bank in ("attacks", "films"):
            service.create_bank(bank, policy=Policy(depth=Depth.QUICK))
        entry = confirmed(service, bank="attacks")
        query = excerpt(STRANGER, 0, 60)

        def deepens(one: Service, *banks: str) -> bool:
            return one.match(query, banks=banks).deepen

        assert not deepens(service, "attacks") and not deepens(other, "attacks")
        service.open_incident("square", entries=[("attacks", entry.entry)])
        assert deepens(service, "attacks") and deepens(service) and not deepens(service, "films")
        until(lambda: deepens(other, "attacks"), 2.0)
        # What is blocked needs no deep reading.
        blocked = service.match(upload(1), banks=["attacks"])
        assert (blocked.verdict, blocked.deepen) == (Verdict.BLOCK, False)
        other.close_incident("square")
        assert not deepens(other, "attacks")
        until(lambda: not deepens(service, "attacks"), 2.0)


def test_counts(tmp_path: Path) -> None:
    """Each upload once, whatever it shows and however often it comes; by bytes the variants, by content id the uploads."""
    with Service.open(tmp_path / "data") as service:
        for name in ("early-1", "early-2"):
            assert service.match(upload(1000), content_id=name).verdict is Verdict.ALLOW
        service.match(excerpt(STRANGER, 0, 60), content_id="stranger")
        entry = confirmed(service)
        place = ("default", entry.entry)
        service.match(upload(0), content_id="before")  # blocked before there was an incident: not let through
        service.open_incident("square", entries=[place])
        for _ in range(3):
            service.match(upload(1), content_id="post-1")
        service.match(upload(1), content_id="post-2")  # the same bytes once more
        service.match(VIDEO.digests, content_id="post-3")  # the very file
        service.match(upload(2))
        news = dataclasses.replace(excerpt(VIDEO, 0, 20), duration=60.0, digests=Digests(sha256=b"n" * 32))
        assert service.match(news, content_id="news").verdict is Verdict.REVIEW
        service.match(excerpt(STRANGER, 0, 60), content_id="stranger-2")
        service.hunt(*place)
        incident, counts = service.get_incident("square")
        assert (counts.blocked, counts.reviewed, counts.let_through, counts.variants) == (4, 1, 2, 4)
        (of_entry,) = counts.entries
        assert (of_entry.entry, of_entry.blocked, of_entry.reviewed, of_entry.let_through) == (entry.entry, 4, 1, 2)
        assert sum(hour.blocked for hour in counts.hours) == 4 and sum(hour.let_through for hour in counts.hours) == 2
        assert all(hour.start.minute == hour.start.second == 0 for hour in counts.hours)
        # The first match of all was before the incident, and is known.
        assert counts.seconds_to_first_match == of_entry.seconds_to_first_match
        assert of_entry.first_match_at is not None and of_entry.first_match_at <= incident.opened_at
        assert 0 <= (counts.seconds_to_first_match or -1.0) < 60


def test_what_came_in_the_millisecond_of_the_confirmation_was_let_through(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Times are kept to the millisecond, and an upload that was matched first may share it."""
    at = float(int(time.time())) + 0.5
    monkeypatch.setattr("hashsvc.retro.recorder.time.time", lambda: at + 0.0009)
    monkeypatch.setattr(records, "now", lambda: records.moment(at))
    with Service.open(tmp_path / "data") as service:
        service.match(upload(1), content_id="early")
        entry = confirmed(service)
        monkeypatch.undo()
        service.open_incident("square", entries=[("default", entry.entry)])
        assert service.hunt("default", entry.entry).hits == 1
        (hit,) = service.list_hits("default", entry.entry).items
        assert hit.seen_at == entry.created_at
        _, counts = service.get_incident("square")
        assert (counts.blocked, counts.let_through) == (0, 1)


def test_a_second_reading_may_be_stricter(tmp_path: Path) -> None:
    """Reviewed by the quick reading and blocked by the deep one is blocked; two entries in one upload are one upload."""
    with Service.open(tmp_path / "data") as service:
        entry, other = confirmed(service), confirmed(service, OTHER)
        service.open_incident("square", entries=[("default", entry.entry), ("default", other.entry)])
        both = excerpt(VIDEO, 0, 80)
        both = dataclasses.replace(
            both,
            hashes=both.hashes.copy(),
            digests=Digests(sha256=b"b" * 32),
        )
        both.hashes[40:] = OTHER.hashes[40:80, :1]
        found = service.match(both, content_id="both")
        assert {one.entry for one in found.matches} == {entry.entry, other.entry}
        _, counts = service.get_incident("square")
        assert counts.blocked + counts.reviewed == 1 and counts.variants == 1
        service.match(upload(1), content_id="both")
        _, counts = service.get_incident("square")
        assert (counts.blocked, counts.reviewed) == (1, 0)


def test_two_readings_are_one_variant(tmp_path: Path) -> None:
    """Without digests, too, as long as the caller names the upload, and by whichever process it is read a second time."""
    data = tmp_path / "data"
    quick = excerpt(VIDEO, 0, 60)
    deep = dataclasses.replace(quick, hashes=quick.hashes ^ np.uint8(1))
    assert not quick.digests and not deep.digests
    with Service.open(data) as service, Service.open(data) as other:
        entry = confirmed(service)
        assert other._index.wait_for(entry.revision, 10.0)
        other._current.begin()
        service.open_incident("square", entries=[("default", entry.entry)])
        until(lambda: other._current.limits(), 2.0)
        service.match(quick, content_id="post-1")
        service.match(deep, content_id="post-1")
        service.match(quick, content_id="post-2")  # the same video under another name
        service.match(upload(1), content_id="post-3")
        other.match(deep, content_id="post-2")
        other._current.flush()
        _, counts = service.get_incident("square")
        assert (counts.blocked, counts.variants) == (3, 2)
        service.match(quick)
        service.match(deep)  # nobody says that these two are one
        _, counts = service.get_incident("square")
        assert (counts.blocked, counts.variants) == (5, 3)


def test_right_with_several_processes_and_after_a_restart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two count at once, the same upload twice among them; a third that opens later sees all of it, full documents too."""
    monkeypatch.setattr(counter_module, "_CHUNK", 7)
    data = tmp_path / "data"
    with Service.open(data) as service, Service.open(data) as other:
        entry = confirmed(service)
        assert other._index.wait_for(entry.revision, 10.0)
        other._current.begin()
        service.open_incident("square", entries=[("default", entry.entry)])
        until(lambda: other._current.limits(), 2.0)
        for number in range(40):
            service.match(upload(number), content_id=f"post-{number}")
            other.match(upload(number), content_id=f"post-{number + 20}")
            if number % 10 == 0:
                service._current.flush()
    with Service.open(data) as service:
        _, counts = service.get_incident("square")
        assert (counts.blocked, counts.variants) == (60, 40)
        service.match(upload(200), content_id="post-1")
        assert service.get_incident("square")[1].blocked == 60
        assert len(service._store.list_documents(counter_module.COUNT, "", 100)) > 3
        assert service.verify() == []


def test_removed_entries_count_no_more(tmp_path: Path) -> None:
    """What was added by mistake takes its counts with it."""
    with Service.open(tmp_path / "data") as service:
        entry, other = confirmed(service), confirmed(service, OTHER)
        service.open_incident("square", entries=[("default", entry.entry)])
        service.add_to_incident("square", [("default", other.entry), ("default", entry.entry)])
        for number in range(3):
            service.match(upload(number))
            service.match(upload(10 + number, OTHER))
        assert service.get_incident("square")[1].blocked == 6
        changed = service.remove_from_incident("square", [("default", other.entry)])
        assert [one.entry for one in changed.entries] == [entry.entry]
        assert service.get_incident("square")[1].blocked == 3
        service.match(upload(20, OTHER))
        assert service.get_incident("square")[1].blocked == 3


def test_every_step_is_logged_and_told(tmp_path: Path) -> None:
    """Who, when and why, in the decision log and as events; the log verifies."""
    with Service.open(tmp_path / "data", actor="mia") as service:
        entry = confirmed(service)
        service.open_incident("square", reason="live stream", entries=[("default", entry.entry)], actor="ann")
        service.remove_from_incident("square", [("default", entry.entry)])
        service.add_to_incident("square", [("default", entry.entry)])
        service.add_to_incident("square", [("default", entry.entry)])  # it is there: nothing to log
        closed = service.close_incident("square", reason="over", actor="bob")
        assert (closed.closed_by, closed.closed_reason, closed.opened_by) == ("bob", "over", "ann")
        assert incident_events(service) == ["opened", "changed", "changed", "closed"]
        events = [one for one in service.watch(after=0, stop_at_end=True) if ".incident." in one.type]
        assert {one.subject for one in events} == {"incident:square"}
        assert events[0].data["added"] == [{"bank": "default", "entry": entry.entry}]
        assert events[1].data["removed"] == events[0].data["added"]
        assert events[-1].data["reason"] == "over"
        logged = [change_of(one) for one in service._store.decisions(0, 100) if is_change(one)]
        steps = [(one.action, one.actor, one.reason) for one in logged if one.kind == "incident"]
        assert steps == [
            ("open", "ann", "live stream"),
            ("remove", "mia", ""),
            ("add", "mia", ""),
            ("close", "bob", "over"),
        ]
        assert service._store.verify_decisions() == []


def test_it_closes_by_itself(tmp_path: Path) -> None:
    """Once its time is over it changes and counts nothing more; a server writes its end down, once."""
    data = tmp_path / "data"
    with Service.open(data, SETTINGS) as service:
        entry = confirmed(service)
        opened = service.open_incident("square", entries=[("default", entry.entry)])
        over = dataclasses.replace(opened, expires_at=records.now() - datetime.timedelta(seconds=1))
        service._store.put_document(INCIDENT, "square", payload_of(over), create=False)
        service._current.refresh()
        assert not service._current.limits()
        with pytest.raises(HashsvcError) as caught:
            service.add_to_incident("square", [])
        assert caught.value.reason == "INCIDENT_CLOSED"
        service.match(upload(1))
        known, counts = service.get_incident("square")
        assert (known.closed_at, counts.blocked) == (over.expires_at, 0)
        assert incident_events(service) == ["opened"]
    with Service.open(data, SETTINGS, hunt=True) as service, Service.open(data, SETTINGS, hunt=True) as other:
        until(lambda: len(incident_events(service)) > 1)
        closed = other.get_incident("square")[0]
        assert (closed.closed_at, closed.closed_by, closed.closed_reason) == (
            over.expires_at,
            HASHER,
            "its time was over",
        )
        assert incident_events(service) == ["opened", "closed"]


def test_extended(tmp_path: Path) -> None:
    """Later or sooner than it was, from now; what is closed has no time to change."""
    with Service.open(tmp_path / "data", SETTINGS) as service:
        opened = service.open_incident("square")
        later = service.extend_incident("square", hours=200, reason="copies still come", actor="ann")
        assert later.expires_at - opened.expires_at > datetime.timedelta(hours=127)
        sooner = service.extend_incident("square", hours=1, revision=later.revision)
        assert sooner.expires_at < opened.expires_at
        assert dataclasses.replace(sooner, expires_at=opened.expires_at, revision=opened.revision) == opened
        with pytest.raises(StoreError) as conflict:
            service.extend_incident("square", hours=1, revision=later.revision)
        assert conflict.value.reason == "REVISION_CONFLICT"
        service.close_incident("square")
        with pytest.raises(HashsvcError) as caught:
            service.extend_incident("square", hours=1)
        assert caught.value.reason == "INCIDENT_CLOSED"
        changes = [change_of(one) for one in service._store.decisions(0, 100) if is_change(one)]
        steps = [(one.action, one.reason) for one in changes if one.kind == "incident"]
        assert steps == [("open", ""), ("update", "copies still come"), ("update", ""), ("close", "")]
        assert incident_events(service) == ["opened", "changed", "changed", "closed"]


def test_reopened(tmp_path: Path) -> None:
    """With its entries, counts and rights; what came while it was closed, and was blocked, is neither counted nor missed."""
    data = tmp_path / "data"
    with Service.open(data, SETTINGS, actor="mia") as service, Service.open(data, SETTINGS) as other:
        entry = confirmed(service)
        place = ("default", entry.entry)
        service.open_incident("square", entries=[place], breaker_hits=30)
        service.match(upload(1), content_id="before")
        service.close_incident("square", reason="over", actor="ann")
        service.match(upload(2), content_id="between")
        again = service.reopen_incident("square", hours=5, reason="a new cut", actor="bob")
        assert again.closed_at is None and [one.entry for one in again.entries] == [entry.entry]
        (closure,) = again.closures
        assert (closure.closed_by, closure.closed_reason) == ("ann", "over")
        assert (closure.reopened_by, closure.reopened_reason) == ("bob", "a new cut")
        assert closure.closed_at < closure.reopened_at < again.expires_at <= closure.reopened_at + HOUR * 5
        assert service._current.limits()[place] == 30
        service.match(upload(3), content_id="after")
        service.hunt(*place)
        known, counts = service.get_incident("square")
        assert known == again
        assert (counts.blocked, counts.let_through, counts.variants) == (2, 0, 2)
        assert other.get_incident("square")[0] == again
        with pytest.raises(HashsvcError) as caught:
            service.reopen_incident("square")
        assert caught.value.reason == "INCIDENT_OPEN"
        markdown = service.debrief_incident("square").markdown
        assert "closed by ann" in markdown and "reopened by bob" in markdown
        assert incident_events(service) == ["opened", "closed", "changed"]
        events = [one for one in service.watch(after=0, stop_at_end=True) if ".incident." in one.type]
        assert [one.data["reopened"] for one in events] == [False, False, True]
        assert service.list_decisions(kind="incident").items[-1].action == "reopen"
        assert service.verify_decisions().faults == ()


def test_reopened_after_its_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether or not a server has written its end down; and no more often than is kept."""
    monkeypatch.setattr(register_module, "MAX_CLOSURES", 1)
    with Service.open(tmp_path / "data", SETTINGS) as service:
        opened = service.open_incident("square")
        over = dataclasses.replace(opened, expires_at=records.now() - datetime.timedelta(seconds=1))
        service._store.put_document(INCIDENT, "square", payload_of(over), create=False)
        again = service.reopen_incident("square")
        assert [(one.closed_at, one.closed_by) for one in again.closures] == [(over.expires_at, HASHER)]
        assert again.is_open(records.now())
        service.close_incident("square")
        with pytest.raises(HashsvcError) as caught:
            service.reopen_incident("square")
        assert caught.value.reason == "FIELD_TOO_LONG"


def test_one_of_before_there_were_closures_is_read(tmp_path: Path) -> None:
    """As an earlier version wrote it."""
    with Service.open(tmp_path / "data") as service:
        opened = service.open_incident("square")
        fields = msgpack.unpackb(payload_of(opened), timestamp=3)
        del fields["closures"]
        payload = bytes(msgpack.packb(fields, datetime=True))
        service._store.put_document(INCIDENT, "square", payload, create=False)
        assert service.get_incident("square")[0].closures == ()


def test_more_than_is_kept_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What comes beyond the bound is not counted silently as nothing."""
    monkeypatch.setattr(counter_module, "MOST_ROWS", 10)
    with Service.open(tmp_path / "data") as service:
        entry = confirmed(service)
        service.open_incident("square", entries=[("default", entry.entry)])
        for number in range(15):
            service.match(upload(number))
        _, counts = service.get_incident("square")
        assert (counts.blocked, counts.uncounted) == (10, 5)
        assert "not in these figures | 5 |" in service.debrief_incident("square").markdown


def test_what_could_not_be_written_is_written_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk costs no count."""
    with Service.open(tmp_path / "data") as service:
        entry = confirmed(service)
        service.open_incident("square", entries=[("default", entry.entry)])
        put = service._current._counter._put

        def full(name: str, payload: bytes) -> None:
            raise StoreError("full")

        with monkeypatch.context() as patched:
            patched.setattr(service._current._counter, "_put", full)
            service.match(upload(1))
            with pytest.raises(StoreError):
                service._current.flush()
        assert put == service._current._counter._put
        assert service.get_incident("square")[1].blocked == 1


def test_pages_and_conflicts(tmp_path: Path) -> None:
    """Lists a page at a time; a change under an old revision is a conflict."""
    with Service.open(tmp_path / "data") as service:
        entry = confirmed(service)
        made = [service.open_incident(name) for name in ("b", "a", "c")]
        first = service.list_incidents(page_size=2)
        rest = service.list_incidents(page_size=2, page_token=first.next_page_token)
        assert [one.incident for one in (*first.items, *rest.items)] == ["a", "b", "c"]
        assert rest.next_page_token == ""
        changed = service.add_to_incident("b", [("default", entry.entry)], revision=made[0].revision)
        with pytest.raises(StoreError) as caught:
            service.close_incident("b", revision=made[0].revision)
        assert caught.value.reason == "REVISION_CONFLICT"
        assert service.close_incident("b", revision=changed.revision).closed_at


def test_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bad input and wrong states, each with its reason; nothing of them is left behind."""
    with Service.open(tmp_path / "data") as service:
        entry, gone = confirmed(service), confirmed(service, OTHER)
        service.withdraw("default", gone.entry)
        service.open_incident("square")
        service.open_incident("over")
        service.close_incident("over")
        here = ("default", entry.entry)
        calls: list[tuple[Callable[[], object], str]] = [
            (lambda: service.open_incident("Town Square"), "FIELD_INVALID"),
            (lambda: service.open_incident(""), "FIELD_INVALID"),
            (lambda: service.open_incident("x", hours=0), "FIELD_INVALID"),
            (lambda: service.open_incident("x", hours=float("nan")), "FIELD_INVALID"),
            (lambda: service.open_incident("x", hours=1e6), "FIELD_INVALID"),
            (lambda: service.open_incident("x", breaker_hits=0), "FIELD_INVALID"),
            (lambda: service.open_incident("x", breaker_hits=20_000), "FIELD_INVALID"),
            (lambda: service.open_incident("x", description="d" * 5000), "FIELD_TOO_LONG"),
            (lambda: service.open_incident("x", reason="\x00"), "FIELD_INVALID"),
            (lambda: service.open_incident("square"), "INCIDENT_EXISTS"),
            (lambda: service.open_incident("over"), "INCIDENT_EXISTS"),
            (lambda: service.open_incident("x", entries=[("none", "e")]), "BANK_NOT_FOUND"),
            (lambda: service.open_incident("x", entries=[("default", "e")]), "ENTRY_NOT_FOUND"),
            (lambda: service.add_to_incident("square", [("default", gone.entry)]), "ENTRY_WITHDRAWN"),
            (lambda: service.add_to_incident("square", [("default", "")]), "FIELD_INVALID"),
            (lambda: service.add_to_incident("none", [here]), "INCIDENT_NOT_FOUND"),
            (lambda: service.add_to_incident("over", [here]), "INCIDENT_CLOSED"),
            (lambda: service.remove_from_incident("square", [here]), "INCIDENT_ENTRY_NOT_FOUND"),
            (lambda: service.close_incident("over"), "INCIDENT_CLOSED"),
            (lambda: service.extend_incident("over"), "INCIDENT_CLOSED"),
            (lambda: service.extend_incident("none"), "INCIDENT_NOT_FOUND"),
            (lambda: service.extend_incident("square", hours=0), "FIELD_INVALID"),
            (lambda: service.extend_incident("square", hours=2161), "FIELD_INVALID"),
            (lambda: service.extend_incident("square", reason="r" * 5000), "FIELD_TOO_LONG"),
            (lambda: service.reopen_incident("square"), "INCIDENT_OPEN"),
            (lambda: service.reopen_incident("none"), "INCIDENT_NOT_FOUND"),
            (lambda: service.reopen_incident("over", hours=float("nan")), "FIELD_INVALID"),
            (lambda: service.reopen_incident("over", reason="\x00"), "FIELD_INVALID"),
            (lambda: service.get_incident("none"), "INCIDENT_NOT_FOUND"),
            (lambda: service.debrief_incident("none"), "INCIDENT_NOT_FOUND"),
            (lambda: service.list_incidents(page_token="X"), "PAGE_TOKEN_INVALID"),
        ]
        for call, reason in calls:
            with pytest.raises((HashsvcError, StoreError)) as caught:
                call()
            assert getattr(caught.value, "reason", "") == reason
        monkeypatch.setattr(register_module, "MAX_ENTRIES", 0)
        with pytest.raises(HashsvcError, match="up to 0 entries"):
            service.add_to_incident("square", [here])
        monkeypatch.setattr(register_module, "MAX_OPEN", 1)
        with pytest.raises(HashsvcError, match="are open already"):
            service.open_incident("x")
        assert [one.incident for one in service.list_incidents().items] == ["over", "square"]


def test_the_largest_one_can_be_kept(tmp_path: Path) -> None:
    """As many entries as there may be, in one document and one event."""
    with Service.open(tmp_path / "data") as service:
        entry = confirmed(service)
        opened = service.open_incident("a" * 63, description="d" * 4096, reason="\U0001f525" * 4096)
        many = [dataclasses.replace(one, entry=f"{number:064d}") for number, one in _places(opened, entry)]
        full = dataclasses.replace(opened, entries=tuple(many))
        assert len(full.entries) == MAX_ENTRIES
        written = service._register._written("add", opened, full, "who", "")
        assert service._register.get("a" * 63) == written
        assert MAX_OPEN * len(payload_of(full)) < 64 << 20
        (event,) = [one for one in service.watch(after=0, stop_at_end=True) if one.type.endswith("incident.changed")]
        assert len(json.loads(event.encode())["data"]["added"]) == MAX_ENTRIES


def _places(incident: Incident, entry: Entry) -> list[tuple[int, IncidentEntry]]:
    one = IncidentEntry(bank="b" * 63, entry=entry.entry, added_at=incident.opened_at, added_by="somebody")
    return [(number, one) for number in range(MAX_ENTRIES)]
