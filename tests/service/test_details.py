"""What people keep with an entry: how it changes, and what comes of its dates."""

import datetime
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hashsvc.bank import decisions, records
from hashsvc.bank.model import Details, Entry, EntryState, Interval, Verdict
from hashsvc.errors import AlreadyExistsError, InvalidInputError
from hashsvc.service import DEFAULT_BANK, Service, dates
from hashsvc_index.errors import RevisionConflictError
from tests.match.synthetic import a_reference, an_upload

VIDEO = a_reference(1)
UPLOAD = an_upload([(VIDEO, 3.0, 12.0, 1.0)])


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    """A new one."""
    with Service.open(tmp_path / "data", actor="mia") as opened:
        yield opened


def soon(seconds: float = 0.3) -> datetime.datetime:
    """In a moment."""
    return records.now() + datetime.timedelta(seconds=seconds)


def passed(moment: datetime.datetime) -> None:
    """Wait until then."""
    threading.Event().wait(max(0.0, (moment - records.now()).total_seconds() + 0.01))


def told(service: Service, kind: str) -> list[dict[str, object]]:
    """The data of every event of a kind."""
    return [dict(one.data) for one in service.watch(after=0, stop_at_end=True) if one.type.endswith(kind)]


def test_given_at_confirm_and_changed_later(service: Service) -> None:
    """What is given is kept; a change leaves the rest, and the decision log has the entry before and after."""
    given = Details(metadata={"case": "41"}, partner="TAT", partner_id="7", legal_basis="law", expires_at=soon(3600))
    entry = service.confirm(DEFAULT_BANK, VIDEO, labels=["a"], details=given)
    assert entry.details == given
    changed = service.update_entry(
        DEFAULT_BANK,
        entry.entry,
        labels=["b"],
        details=Details(metadata={"case": "42"}),
        fields=["metadata", "expires_at"],
        revision=entry.revision,
        actor="örn",
    )
    assert changed.details == Details(metadata={"case": "42"}, partner="TAT", partner_id="7", legal_basis="law")
    assert (changed.labels, changed.state) == (("b",), EntryState.CONFIRMED)
    assert service.get_entry(DEFAULT_BANK, entry.entry) == changed
    *_, logged = [decisions.change_of(one) for one in service._store.decisions(0, 100) if decisions.is_change(one)]
    assert (logged.action, logged.actor, logged.revision) == ("update", "örn", changed.revision)
    assert (logged.before, logged.after) == (records.entry_payload(entry), records.entry_payload(changed))
    assert told(service, "entry.changed")[-1]["change"] == "details"
    assert service.verify() == []


def test_a_lost_update_is_refused(service: Service) -> None:
    """Of two changes under one revision the second is refused, and changes nothing."""
    entry = service.confirm(DEFAULT_BANK, VIDEO)
    service.update_entry(DEFAULT_BANK, entry.entry, labels=["a"], revision=entry.revision)
    with pytest.raises(RevisionConflictError):
        service.update_entry(DEFAULT_BANK, entry.entry, labels=["b"], revision=entry.revision)
    assert service.get_entry(DEFAULT_BANK, entry.entry).labels == ("a",)


def test_fields_changed_at_once_are_all_kept(service: Service) -> None:
    """Without a revision each changes its own field, however many do so together."""
    entry = service.confirm(DEFAULT_BANK, VIDEO)
    together = threading.Barrier(3)

    def change(field: str, value: object) -> None:
        together.wait()
        for _ in range(5):
            details = Details(**{field: value})  # type: ignore[arg-type]
            service.update_entry(DEFAULT_BANK, entry.entry, details=details, fields=[field])

    values = {"metadata": {"a": "1"}, "partner": "TAT", "legal_basis": "law"}
    threads = [threading.Thread(target=change, args=one) for one in values.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    kept = service.get_entry(DEFAULT_BANK, entry.entry).details
    assert kept == Details(**values)  # type: ignore[arg-type]


def test_bad_details_change_nothing(service: Service) -> None:
    """Neither a confirm nor a change with them is done; nor is a repeated confirm that has others."""
    for wrong in (Details(expires_at=soon(-1)), Details(partner_id="7"), Details(metadata={"k": "x" * 2000})):
        with pytest.raises(InvalidInputError):
            service.confirm(DEFAULT_BANK, VIDEO, details=wrong)
    entry = service.confirm(DEFAULT_BANK, VIDEO, details=Details(partner="TAT"))
    with pytest.raises(InvalidInputError):
        service.update_entry(DEFAULT_BANK, entry.entry, details=Details(review_by=soon(-1)))
    assert service.confirm(DEFAULT_BANK, VIDEO) == service.confirm(DEFAULT_BANK, VIDEO, details=entry.details) == entry
    with pytest.raises(AlreadyExistsError):
        service.confirm(DEFAULT_BANK, VIDEO, details=Details(partner="IWF"))


def test_the_sum_of_all_texts_is_bounded(service: Service) -> None:
    """Each within its bounds, together more than the store takes: refused with a reason, and not a defect."""
    entry = service.confirm(
        DEFAULT_BANK, VIDEO, external_id="🎥" * 512, labels=[f"{one:02}" + "🎥" * 126 for one in range(32)]
    )
    details = Details(
        metadata={str(one): "x" * 1000 for one in range(8)}, partner="p", partner_id="🎥" * 512, legal_basis="🎥" * 512
    )
    service.update_entry(DEFAULT_BANK, entry.entry, details=details)
    service.set_exclusions(DEFAULT_BANK, entry.entry, [Interval(one * 0.6, one * 0.6 + 0.3) for one in range(64)])
    with pytest.raises(InvalidInputError) as caught:
        for step in (service.dispute, service.reinstate) * 8:
            step(DEFAULT_BANK, entry.entry, reason="🎥" * 4096, actor="🎥" * 128)
    assert caught.value.reason == "FIELD_TOO_LONG"


def expired(service: Service, entry: Entry) -> None:
    """It is withdrawn by the service, once, and matches nothing."""
    gone = service.get_entry(DEFAULT_BANK, entry.entry)
    assert (gone.state, gone.reason, gone.history[-1].actor) == (EntryState.WITHDRAWN, "expired", "hashsvc")
    assert service.match(UPLOAD, min_revision=gone.revision).verdict is Verdict.ALLOW
    *_, logged = [decisions.change_of(one) for one in service._store.decisions(0, 100) if decisions.is_change(one)]
    assert (logged.action, logged.actor, logged.reason) == ("withdraw", "hashsvc", "expired")
    assert [one["change"] for one in told(service, "entry.changed")] == ["confirmed", "withdrawn"]


def test_expiry_while_it_is_served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An open service that looks after dates withdraws it by itself."""
    monkeypatch.setattr(dates, "_ROUND_SECONDS", 0.1)
    with Service.open(tmp_path / "data", expire=True) as service:
        entry = service.confirm(DEFAULT_BANK, VIDEO, details=Details(expires_at=soon()))
        assert service.match(UPLOAD, min_revision=entry.revision).verdict is Verdict.BLOCK
        for _ in range(100):
            if service.get_entry(DEFAULT_BANK, entry.entry).state is EntryState.WITHDRAWN:
                break
            threading.Event().wait(0.1)
        expired(service, entry)


def test_expiry_while_it_was_closed(tmp_path: Path) -> None:
    """What has expired meanwhile is withdrawn when the directory is opened, and only once."""
    with Service.open(tmp_path / "data") as service:
        expiry = soon()
        entry = service.confirm(DEFAULT_BANK, VIDEO, details=Details(expires_at=expiry, review_by=expiry))
    passed(expiry)
    for _ in range(2):
        with Service.open(tmp_path / "data") as service:
            expired(service, entry)
            assert told(service, "review-due") == []
            assert service._store.list_documents("due", "", 10) == []


@pytest.mark.parametrize(
    "prevent",
    [
        lambda service, entry: service.update_entry(DEFAULT_BANK, entry, details=Details()),
        lambda service, entry: service.update_entry(DEFAULT_BANK, entry, details=Details(expires_at=soon(3600))),
    ],
)
def test_an_expiry_that_was_changed(service: Service, prevent: Callable[[Service, str], Entry]) -> None:
    """It is not withdrawn at the time that was said first."""
    expiry = soon()
    entry = service.confirm(DEFAULT_BANK, VIDEO, details=Details(expires_at=expiry))
    prevent(service, entry.entry)
    passed(expiry)
    service._dates.sweep()
    assert service.get_entry(DEFAULT_BANK, entry.entry).state is EntryState.CONFIRMED


def test_reinstating_what_has_expired(service: Service) -> None:
    """One step takes it back, without the expiry, so that it stays."""
    expiry = soon()
    entry = service.confirm(DEFAULT_BANK, VIDEO, details=Details(partner="TAT", expires_at=expiry))
    passed(expiry)
    service._dates.sweep()
    back = service.reinstate(DEFAULT_BANK, entry.entry)
    assert (back.state, back.details) == (EntryState.CONFIRMED, Details(partner="TAT"))
    service._dates.sweep()
    assert service.get_entry(DEFAULT_BANK, entry.entry) == back


def test_review_due(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is told once, over restarts and by whichever process; the list has it until its date is moved or it is withdrawn."""
    with Service.open(tmp_path / "data") as service:
        review = soon(600)
        first = service.confirm(DEFAULT_BANK, VIDEO, external_id="one", details=Details(review_by=review))
        second = service.confirm(DEFAULT_BANK, a_reference(2), details=Details(review_by=review))
        for seed in range(3, 8):
            service.confirm(DEFAULT_BANK, a_reference(seed), details=Details(review_by=soon(3600)))
        assert service.list_entries(DEFAULT_BANK, review_due=True).items == ()
        monkeypatch.setattr(records, "now", lambda: review + datetime.timedelta(seconds=1))
        for _ in range(2):
            service._dates.sweep()
    for _ in range(2):
        with Service.open(tmp_path / "data") as service:
            due = told(service, "review-due")
            assert {one["entry"] for one in due} == {first.entry, second.entry} and len(due) == 2
            page = service.list_entries(DEFAULT_BANK, review_due=True, page_size=1)
            assert page.items == (first,)
            rest = service.list_entries(DEFAULT_BANK, review_due=True, page_size=1, page_token=page.next_page_token)
            assert (rest.items, rest.next_page_token) == ((second,), "")
    with Service.open(tmp_path / "data") as service:
        service.update_entry(DEFAULT_BANK, first.entry, details=Details(review_by=soon(3600)), fields=["review_by"])
        service.withdraw(DEFAULT_BANK, second.entry)
        assert service.list_entries(DEFAULT_BANK, review_due=True).items == ()


def test_a_date_whose_entry_never_came(service: Service) -> None:
    """What was noted for an entry that was not written waits for it, and goes after an hour."""
    recent, old = soon(-60), soon(-4000)
    service._dates.note(DEFAULT_BANK, "e1", [recent, old])
    service._dates.note("nowhere", "e2", [old])
    service._dates.sweep()
    [left] = service._store.list_documents("due", "", 10)
    assert left.name == f"{recent.isoformat(timespec='milliseconds').removesuffix('+00:00')}Z/default/e1"
