"""Entries through their lives: what they match, who took which step, and what the decision log says of it."""

import dataclasses
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hashsvc.bank import decisions, records
from hashsvc.bank.model import Entry, EntryState, Interval, Verdict
from hashsvc.errors import HashsvcError
from hashsvc.fingerprint.model import Digests
from hashsvc.service import DEFAULT_BANK, Service
from hashsvc_index import StoreError
from tests.match.synthetic import a_reference, an_upload

VIDEO = a_reference(1)
UPLOAD = an_upload([(VIDEO, 3.0, 12.0, 1.0)])


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    """A new one, with a bank `two` of two people."""
    with Service.open(tmp_path / "data", actor="mia") as opened:
        opened.create_bank("two", two_person=True)
        yield opened


def refused(call: Callable[[], object], reason: str) -> None:
    """It raises an error with that reason."""
    with pytest.raises((HashsvcError, StoreError)) as caught:
        call()
    assert caught.value.reason == reason  # type: ignore[attr-defined]


def verdict(service: Service, entry: Entry) -> Verdict:
    """On an upload that shows the entry's video."""
    return service.match(UPLOAD, min_revision=entry.revision).verdict


def test_two_people(service: Service) -> None:
    """A candidate is REVIEW until another person approves it; alone nobody makes it block."""
    entry = service.confirm("two", VIDEO)
    assert entry.state is EntryState.CANDIDATE
    assert verdict(service, entry) is Verdict.REVIEW
    [match] = service.match(UPLOAD).matches
    assert match.state is EntryState.CANDIDATE
    refused(lambda: service.approve("two", entry.entry), "SECOND_PERSON_REQUIRED")
    refused(lambda: service.approve("two", entry.entry, actor="mia"), "SECOND_PERSON_REQUIRED")
    approved = service.approve("two", entry.entry, reason="seen", actor="örn", revision=entry.revision)
    assert verdict(service, approved) is Verdict.BLOCK
    assert [(one.state, one.actor, one.reason) for one in approved.history] == [
        (EntryState.CANDIDATE, "mia", ""),
        (EntryState.CONFIRMED, "örn", "seen"),
    ]
    assert service.get_entry("two", entry.entry) == approved


def test_dispute_withdraw_reinstate(service: Service) -> None:
    """Disputed is REVIEW, withdrawn nothing, reinstated BLOCK again, and each within the next search."""
    entry = service.confirm(DEFAULT_BANK, VIDEO)
    assert verdict(service, entry) is Verdict.BLOCK
    assert verdict(service, service.dispute(DEFAULT_BANK, entry.entry, reason="a film")) is Verdict.REVIEW
    assert verdict(service, service.reinstate(DEFAULT_BANK, entry.entry)) is Verdict.BLOCK
    gone = service.withdraw(DEFAULT_BANK, entry.entry, reason="in error", actor="örn")
    assert verdict(service, gone) is Verdict.ALLOW
    assert service.match(VIDEO.digests).verdict is Verdict.ALLOW
    refused(lambda: service.dispute(DEFAULT_BANK, entry.entry), "ENTRY_WITHDRAWN")
    back = service.reinstate(DEFAULT_BANK, entry.entry, reason="not in error")
    assert verdict(service, back) is Verdict.BLOCK
    assert service.match(VIDEO.digests).verdict is Verdict.BLOCK
    assert service.verify() == []


def test_reinstate_beside_the_same_bytes(service: Service) -> None:
    """What was confirmed anew since is not there twice, or one withdrawal would not undo it."""
    first = service.confirm(DEFAULT_BANK, VIDEO)
    service.withdraw(DEFAULT_BANK, first.entry)
    service.confirm(DEFAULT_BANK, VIDEO)
    refused(lambda: service.reinstate(DEFAULT_BANK, first.entry), "ENTRY_EXISTS")


def test_a_candidate_weakens_no_confirmed_entry(service: Service) -> None:
    """Nobody can make a known video pass, or be reviewed only, by adding its bytes or its copy as a candidate."""
    service.confirm(DEFAULT_BANK, VIDEO)
    bytes_of_upload = dataclasses.replace(UPLOAD, digests=Digests(sha256=b"u" * 32))
    known = dataclasses.replace(VIDEO, digests=bytes_of_upload.digests)
    candidate = service.confirm("two", known)
    found = service.match(bytes_of_upload, min_revision=candidate.revision)
    assert found.verdict is Verdict.BLOCK
    assert {one.bank: one.verdict for one in found.matches} == {"two": Verdict.REVIEW, "default": Verdict.BLOCK}
    assert service.match(bytes_of_upload.digests).verdict is Verdict.REVIEW
    assert verdict(service, candidate) is Verdict.BLOCK


def test_candidates_and_disputed_are_not_exported(service: Service) -> None:
    """Partners get what is confirmed."""
    entry = service.confirm("two", VIDEO)
    assert list(service.export("two", "jsonl")) == []
    service.approve("two", entry.entry, actor="örn")
    assert len(list(service.export("two", "jsonl"))) == 1
    service.dispute("two", entry.entry)
    assert list(service.export("two", "jsonl")) == []


def test_two_curators_at_once(service: Service) -> None:
    """Of two steps under one revision one is done and one is refused, and the history has the one."""
    entry = service.confirm(DEFAULT_BANK, VIDEO)
    outcomes: list[str] = []
    together = threading.Barrier(2)

    def step(name: str) -> None:
        together.wait()
        try:
            getattr(service, name)(DEFAULT_BANK, entry.entry, revision=entry.revision, actor=name)
            outcomes.append(name)
        except (HashsvcError, StoreError) as error:
            outcomes.append(error.reason)

    threads = [threading.Thread(target=step, args=(name,)) for name in ("dispute", "withdraw")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert "REVISION_CONFLICT" in outcomes and len(outcomes) == 2
    [winner] = set(outcomes) - {"REVISION_CONFLICT"}
    assert [one.actor for one in service.get_entry(DEFAULT_BANK, entry.entry).history] == ["mia", winner]


def test_decision_log(service: Service) -> None:
    """Every change is logged with actor, reason, revision and both states, and what is refused is not."""
    entry = service.confirm(DEFAULT_BANK, VIDEO, labels=["a"], actor="örn")
    service.set_exclusions(DEFAULT_BANK, entry.entry, [Interval(0, 5)])
    service.update_bank(DEFAULT_BANK, two_person=True, actor="eva")
    gone = service.withdraw(DEFAULT_BANK, entry.entry, reason="in error")
    refused(lambda: service.withdraw(DEFAULT_BANK, entry.entry), "ENTRY_WITHDRAWN")
    service.confirm("two", a_reference(2))
    service.confirm("two", a_reference(2))  # the same again changes nothing
    logged = [decisions.change_of(one) for one in service._store.decisions(2, 100) if decisions.is_change(one)]
    assert [(one.kind, one.action, one.actor, one.bank, one.reason) for one in logged] == [
        ("entry", "confirm", "örn", DEFAULT_BANK, ""),
        ("entry", "exclude", "mia", DEFAULT_BANK, ""),
        ("bank", "update", "eva", DEFAULT_BANK, ""),
        ("entry", "withdraw", "mia", DEFAULT_BANK, "in error"),
        ("entry", "confirm", "mia", "two", ""),
    ]
    assert [one.revision for one in logged] == list(range(entry.revision, entry.revision + 5))
    assert logged[0].before == b"" and logged[0].after == logged[1].before
    assert logged[3].after == service._store.get_entry(DEFAULT_BANK, entry.entry).payload == records.entry_payload(gone)
    assert service.verify() == []
