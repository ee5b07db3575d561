"""Appeals: opened, decided by somebody else, and what follows in banks, log and events."""

import dataclasses
import datetime
import threading

import msgpack
import pytest

from hashsvc.appeals.model import Appeal, AppealState, Cause
from hashsvc.bank import records
from hashsvc.bank.model import Entry, EntryState, Interval, Policy, Verdict
from hashsvc.events.model import EventFilter
from hashsvc.service import Service
from hashsvc_index import Store
from tests.decisions.conftest import BOTH, COPY, EXCERPT, VIDEO, confirmed, refused, searched, verdicts

HARMLESS = Interval(0.0, 1.0)


def told(service: Service) -> list[str]:
    """The types of all events, without what every test causes."""
    service._monitor._round()
    events, _ = service.events(0, EventFilter())
    return [one.type.removeprefix("org.hashsvc.") for one in events if "first-match" not in one.type]


def test_upheld(service: Service, entry: Entry) -> None:
    """The entries that blocked are disputed in the same write; log and events say all of it."""
    service.match(COPY, content_id="post-1", actor="ingest")
    [decision] = verdicts(service)
    before = len(told(service))
    opened = service.open_appeal("mine", content_id="post-1", appellant="ann", actor="desk")
    assert (opened.state, opened.decision, opened.verdict) == (AppealState.OPEN, decision.decision, Verdict.BLOCK)
    assert opened.causes == (Cause(bank="default", entry=entry.entry),)
    assert service.get_appeal(opened.appeal) == opened
    decided = service.decide_appeal(opened.appeal, upheld=True, reason="a film", revision=opened.revision, actor="ben")
    assert (decided.state, decided.decided_by, decided.reason) == (AppealState.UPHELD, "ben", "a film")
    assert decided.disputed == opened.causes
    assert service.get_appeal(opened.appeal) == decided
    now = service.get_entry("default", entry.entry)
    assert (now.state, now.history[-1].actor) == (EntryState.DISPUTED, "ben")
    assert now.reason == f"appeal {opened.appeal} upheld: a film"
    searched(service)
    assert service.match(COPY).verdict is Verdict.REVIEW
    back = service.reinstate_content(opened.appeal, actor="cleo")
    assert (back.reinstated_by, back.state) == ("cleo", AppealState.UPHELD)
    log = service.list_decisions(page_size=100).items
    steps = [(one.kind, one.action, one.actor) for one in log[2:] if one.kind != "verdict"]
    assert steps == [
        ("appeal", "open", "desk"), ("appeal", "uphold", "ben"), ("entry", "dispute", "ben"),
        ("appeal", "reinstate", "cleo"),
    ]  # fmt: skip
    assert {one.content_id for one in log if one.kind == "appeal"} == {"post-1"}
    uphold, dispute = log[4], log[5]
    assert uphold.revision == dispute.revision == now.revision
    assert told(service)[before:] == ["appeal.opened", "appeal.decided", "entry.changed", "content.reinstated"]
    assert service.verify() == []
    assert service.replay(decision.decision).same


def test_rejected(service: Service, entry: Entry) -> None:
    """Nothing moves, and nothing can be reinstated."""
    service.match(COPY)
    [decision] = verdicts(service)
    opened = service.open_appeal("mine", decision=decision.decision, content_id="later-named", actor="desk")
    assert opened.content_id == "later-named"
    decided = service.decide_appeal(opened.appeal, upheld=False, reason="it is the attack", actor="ben")
    assert (decided.state, decided.disputed) == (AppealState.REJECTED, ())
    assert service.get_entry("default", entry.entry) == entry
    refused(lambda: service.reinstate_content(opened.appeal), "APPEAL_STATE")
    refused(lambda: service.decide_appeal(opened.appeal, upheld=True, reason="r", actor="cleo"), "APPEAL_STATE")
    assert service.match(COPY).verdict is Verdict.BLOCK


def test_not_by_who_opened_it(service: Service, entry: Entry) -> None:
    """Neither way."""
    service.match(COPY, content_id="post-1")
    opened = service.open_appeal("mine", content_id="post-1")
    refused(lambda: service.decide_appeal(opened.appeal, upheld=True, reason="r"), "SECOND_PERSON_REQUIRED")
    refused(lambda: service.decide_appeal(opened.appeal, upheld=False, reason="r"), "SECOND_PERSON_REQUIRED")
    assert service.get_appeal(opened.appeal) == opened


def test_what_the_log_keeps_of_what_was_said(service: Service, entry: Entry) -> None:
    """A digest: the words of people are not for a log that forgets nothing, nor for events."""
    service.match(COPY, content_id="post-1")
    service.open_appeal("my name is Ann", content_id="post-1", appellant="Ann")
    last = service._store.decision(service._store.decision_head()[0])
    assert b"Ann" not in last.payload
    assert msgpack.unpackb(last.payload, timestamp=3)["text_sha256"]
    events, _ = service.events(0, EventFilter())
    assert all(b"Ann" not in one.encode() for one in events)


def test_the_decider_names_what_is_disputed(service: Service, entry: Entry) -> None:
    """Some of the entries that blocked, or none; nothing else, and nothing of a rejected appeal."""
    second = confirmed(service, 2)
    searched(service)
    service.update_bank("default", policy=_lenient(service))
    service.match(BOTH, content_id="both")
    here, there = ("default", entry.entry), ("default", second.entry)
    first, other = (service.open_appeal("mine", content_id="both") for _ in range(2))
    assert {(one.bank, one.entry) for one in first.causes} == {here, there}

    def decided(upheld: bool, *dispute: tuple[str, str]) -> Appeal:
        return service.decide_appeal(first.appeal, upheld=upheld, reason="news", dispute=dispute, actor="ben")

    refused(lambda: decided(True, ("default", "e")), "FIELD_INVALID")
    refused(lambda: decided(True, ("none", entry.entry)), "FIELD_INVALID")
    refused(lambda: decided(False, here), "FIELD_INVALID")
    refused(lambda: decided(False), "FIELD_INVALID")
    assert service.get_appeal(first.appeal) == first
    none = decided(True)
    assert (none.state, none.disputed) == (AppealState.UPHELD, ())
    one = service.decide_appeal(other.appeal, upheld=True, reason="a film", dispute=[there], actor="ben")
    assert one.disputed == (Cause(bank="default", entry=second.entry),)
    assert service.get_entry(*here).state is EntryState.CONFIRMED
    assert service.get_entry(*there).state is EntryState.DISPUTED
    steps = [(one.kind, one.action) for one in service.list_decisions(page_size=100).items if one.kind != "verdict"]
    assert steps[-3:] == [("appeal", "uphold"), ("appeal", "uphold"), ("entry", "dispute")]
    assert service.verify() == []


def test_only_the_entries_that_blocked(service: Service, entry: Entry) -> None:
    """Of two entries found, the one that is REVIEW stays; one that was withdrawn since stays withdrawn."""
    second = confirmed(service, 2)
    service.dispute("default", second.entry)
    service.reinstate("default", second.entry)
    service.dispute("default", second.entry)
    searched(service)
    service.update_bank("default", policy=_lenient(service))
    service.match(BOTH, content_id="both")
    opened = service.open_appeal("mine", content_id="both")
    assert opened.causes == (Cause(bank="default", entry=entry.entry),)
    service.withdraw("default", entry.entry)
    decided = service.decide_appeal(opened.appeal, upheld=True, reason="r", actor="ben")
    assert decided.disputed == ()
    assert service.get_entry("default", entry.entry).state is EntryState.WITHDRAWN


def _lenient(service: Service) -> Policy:
    """A policy that blocks for half of BOTH."""
    return dataclasses.replace(service.get_bank("default").policy, block_coverage=0.3)


def test_a_review_may_be_appealed(service: Service, entry: Entry) -> None:
    """It may have led to a person's decision to remove."""
    service.match(EXCERPT, content_id="news")
    opened = service.open_appeal("it is news", content_id="news")
    assert (opened.verdict, len(opened.causes)) == (Verdict.REVIEW, 1)


def test_the_last_verdict_on_an_upload_counts(service: Service, entry: Entry) -> None:
    """And not what merely mentions its name."""
    service.match(EXCERPT, content_id="post-1")
    service.match(COPY, content_id="post-1")
    service.match(EXCERPT, content_id="post-11")
    opened = service.open_appeal("mine", content_id="post-1")
    assert opened.verdict is Verdict.BLOCK
    assert service.open_appeal("again", content_id="post-1").decision == opened.decision


def test_of_two_readings_the_stricter_counts(service: Service, entry: Entry, monkeypatch: pytest.MonkeyPatch) -> None:
    """A quick reading that blocks and a deep one that does not are one upload; a verdict of long before is another's."""
    service.match(COPY, content_id="post-1")
    service.match(EXCERPT, content_id="post-1")
    assert service.open_appeal("mine", content_id="post-1").verdict is Verdict.BLOCK
    late = records.now() + datetime.timedelta(hours=1)
    monkeypatch.setattr(records, "now", lambda: late)
    service.match(EXCERPT, content_id="post-1")
    assert service.open_appeal("mine", content_id="post-1").verdict is Verdict.REVIEW


def test_list(service: Service, entry: Entry) -> None:
    """By state and upload, page by page, oldest first."""
    for number in range(5):
        service.match(COPY, content_id=f"post-{number}")
        service.open_appeal("mine", content_id=f"post-{number}")
    everything = service.list_appeals().items
    assert [one.content_id for one in everything] == [f"post-{number}" for number in range(5)]
    service.decide_appeal(everything[1].appeal, upheld=False, reason="r", actor="ben")
    assert [one.content_id for one in service.list_appeals(state="rejected").items] == ["post-1"]
    assert [one.content_id for one in service.list_appeals(content_id="post-3").items] == ["post-3"]
    first = service.list_appeals(state="open", page_size=2)
    rest = service.list_appeals(state="open", page_size=2, page_token=first.next_page_token)
    assert [one.content_id for one in (*first.items, *rest.items)] == ["post-0", "post-2", "post-3", "post-4"]
    assert service.list_appeals(state="open", page_size=2, page_token=rest.next_page_token or "z").items == ()


def test_bad_input(service: Service, entry: Entry) -> None:
    """Each has its reason, and nothing is opened."""
    service.match(COPY, content_id="post-1")
    [decision] = verdicts(service)
    for call, reason in (
        (lambda: service.open_appeal("", content_id="post-1"), "FIELD_REQUIRED"),
        (lambda: service.open_appeal("x"), "FIELD_REQUIRED"),
        (lambda: service.open_appeal("x" * 5000, content_id="post-1"), "FIELD_TOO_LONG"),
        (lambda: service.open_appeal("x", content_id="nobody"), "DECISION_NOT_FOUND"),
        (lambda: service.open_appeal("x", decision=99), "DECISION_NOT_FOUND"),
        (lambda: service.open_appeal("x", decision=1), "FIELD_INVALID"),
        (lambda: service.open_appeal("x", decision=decision.decision, content_id="post-2"), "FIELD_INVALID"),
        (lambda: service.get_appeal("nobody"), "APPEAL_NOT_FOUND"),
        (lambda: service.get_appeal(""), "FIELD_REQUIRED"),
        (lambda: service.list_appeals(state="lost"), "FIELD_INVALID"),
        (lambda: service.list_appeals(page_token="../"), "PAGE_TOKEN_INVALID"),
        (lambda: service.decide_appeal("nobody", upheld=True, reason=" "), "FIELD_REQUIRED"),
        (lambda: service.decide_appeal("nobody", upheld=True, reason="r"), "APPEAL_NOT_FOUND"),
        (lambda: service.reinstate_content("nobody"), "APPEAL_NOT_FOUND"),
    ):
        refused(call, reason)
    assert service.list_appeals().items == ()


def test_two_decide_at_once(service: Service, entry: Entry) -> None:
    """One of them does."""
    service.match(COPY, content_id="post-1")
    opened = service.open_appeal("mine", content_id="post-1")
    outcomes: list[str] = []

    def decide(name: str) -> None:
        try:
            service.decide_appeal(opened.appeal, upheld=name == "ben", reason=name, actor=name)
            outcomes.append(name)
        except Exception as error:  # noqa: BLE001 - counted
            outcomes.append(getattr(error, "reason", "other"))

    threads = [threading.Thread(target=decide, args=(name,)) for name in ("ben", "cleo", "dan")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes).count("APPEAL_STATE") == 2
    [winner] = {"ben", "cleo", "dan"} & set(outcomes)
    assert service.get_appeal(opened.appeal).decided_by == winner
    steps = [one.action for one in service.list_decisions(kind="appeal").items]
    assert len(steps) == 2


def test_an_entry_that_changes_meanwhile(service: Service, entry: Entry, monkeypatch: pytest.MonkeyPatch) -> None:
    """What somebody else does to an entry between reading and writing is not lost, and the appeal is upheld all the same."""
    service.match(COPY, content_id="post-1")
    opened = service.open_appeal("mine", content_id="post-1")
    write = Store.update_with_document
    turns: list[int] = []

    def overtaken(self: Store, *arguments: object, **others: object) -> object:
        if not turns:
            turns.append(1)
            service.set_exclusions("default", entry.entry, [HARMLESS], actor="dan")
        return write(self, *arguments, **others)  # type: ignore[arg-type]

    monkeypatch.setattr(Store, "update_with_document", overtaken)
    decided = service.decide_appeal(opened.appeal, upheld=True, reason="r", actor="ben")
    assert len(decided.disputed) == 1
    now = service.get_entry("default", entry.entry)
    assert (now.state, now.exclusions) == (EntryState.DISPUTED, (HARMLESS,))
    turns.clear()
    again = service.open_appeal("mine", content_id="post-1")
    service.reinstate("default", entry.entry)
    refused(
        lambda: service.decide_appeal(again.appeal, upheld=True, reason="r", revision=again.revision, actor="ben"),
        "REVISION_CONFLICT",
    )
    assert service.get_appeal(again.appeal) == again
    assert service.verify() == []


def test_digest_verdicts_too(service: Service, entry: Entry) -> None:
    """Equal bytes are blocked by the entry as well."""
    service.match(VIDEO.digests, content_id="bytes")
    assert service.open_appeal("mine", content_id="bytes").causes == (Cause(bank="default", entry=entry.entry),)
