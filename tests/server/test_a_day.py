"""A day of trust and safety, over real gRPC with TLS and tokens: from an upload that nobody knew to an entry undone."""

import asyncio
import dataclasses
import datetime
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from hashsvc.access.model import Role
from hashsvc.bank.decisions import change_of, is_change
from hashsvc.bank.model import BankMode, Details, Entry, EntryState, Interval, Verdict
from hashsvc.client import AsyncClient, Client, Tls
from hashsvc.config import RecentSettings, TlsSettings
from hashsvc.errors import ConflictError, PermissionDeniedError, PreconditionError
from hashsvc.events.model import EventType
from hashsvc.fingerprint.model import Fingerprint
from hashsvc.match.model import ALLOWED
from hashsvc.report.model import AppealCount, UploadCount, VerdictCount
from hashsvc.service import Service
from hashsvc_index import Store
from tests.server.authority import HERE, Authority
from tests.server.background import SETTINGS as COMMON
from tests.server.background import background, excerpt, reference

SETTINGS = dataclasses.replace(COMMON, recent=RecentSettings(hunt_processes=1))
LABEL = "perpetrator-produced-content"
ROLES = {
    "ingest": Role.UPLOADER,
    "alice": Role.CURATOR,
    "bob": Role.CURATOR,
    "carol": Role.REVIEWER,
    "root": Role.ADMIN,
}
VIDEO = reference(71, frames=160)
COPY = excerpt(VIDEO, 0, 120)


def shown_in(other: Fingerprint, first: int, last: int, at: int) -> Fingerprint:
    """Other footage in which frame `at` and those after it show frames `first` to `last` of the video."""
    hashes = other.hashes.copy()
    views = hashes.shape[1]
    hashes[at : at + last - first] = VIDEO.hashes[first:last, :views]
    return dataclasses.replace(other, hashes=np.ascontiguousarray(hashes))


NEWS = shown_in(excerpt(reference(72, frames=160), 0, 160), 40, 72, 60)
"""Eight seconds of the video in forty of other footage."""
FILM = shown_in(reference(73, frames=160), 124, 156, 60)
"""A training film, which has eight other seconds of it."""
LESSON = excerpt(FILM, 40, 120)


@dataclasses.dataclass(frozen=True)
class Day:
    """The server of the day, and who calls it."""

    data: Path
    target: str
    tls: Tls
    tokens: dict[str, str]
    began: datetime.datetime
    ingest: Client
    alice: Client
    bob: Client
    carol: Client
    root: Client


@pytest.fixture
def day(tmp_path: Path) -> Iterator[Day]:
    data, authority = tmp_path / "data", Authority(tmp_path, "authority")
    certificate, key = authority.issue("server", HERE)
    settings = dataclasses.replace(SETTINGS, tls=TlsSettings(certificate=str(certificate), key=str(key)))
    began, tls = datetime.datetime.now(datetime.UTC), Tls(ca=authority.ca)
    with Service.open(data, SETTINGS) as service:
        tokens = {name: service.create_token(name, role).secret for name, role in ROLES.items()}
    with background(lambda: Service.open(data, SETTINGS), settings) as server:
        clients = {name: Client(server.target, token=token, tls=tls) for name, token in tokens.items()}
        yield Day(data=data, target=server.target, tls=tls, tokens=tokens, began=began, **clients)
        for client in clients.values():
            client.close()


def test_a_day(day: Day) -> None:
    """Each step by who may take it, and each on the log, which verifies, replays and is counted at the end."""
    day.alice.update_bank("default", two_person=True, taxonomy_only=True)
    day.alice.create_bank("films", mode=BankMode.ALLOW, two_person=True)
    assert day.ingest.match(COPY, content_id="post-1").verdict is Verdict.ALLOW  # nobody knows the video yet
    entry = confirmed_by_two(day)
    # What came before is found, what comes after is stopped, and an excerpt in the news goes to a person.
    day.bob.hunt("default", entry.entry)
    assert [hit.content_id for hit in day.bob.list_hits("default", entry.entry).items] == ["post-1"]
    assert day.ingest.match(COPY, content_id="post-2", min_revision=entry.revision).verdict is Verdict.BLOCK
    assert day.ingest.match(NEWS, content_id="news").verdict is Verdict.REVIEW
    a_film_passes(day)
    revision = two_edit_at_once(day, entry)
    an_appeal_is_upheld(day, entry, revision)
    # It was a mistake: within a second its copies pass.
    day.bob.withdraw("default", entry.entry, reason="not the attack")
    undone = time.monotonic()
    while day.ingest.match(COPY, content_id="post-4").verdict is not Verdict.ALLOW:
        assert time.monotonic() - undone < 1
    it_was_told(day, entry)
    the_log_has_it_all(day, entry)


def confirmed_by_two(day: Day) -> Entry:
    """One person makes it a candidate, which goes to review; another confirms it, and the upload path may do neither."""
    with pytest.raises(PermissionDeniedError):
        day.ingest.confirm("default", VIDEO)
    given = Details(partner="TAT", partner_id="4711")
    entry = day.alice.confirm("default", VIDEO, external_id="attack", labels=[LABEL], details=given)
    assert entry.state is EntryState.CANDIDATE
    assert day.ingest.match(COPY, min_revision=entry.revision).verdict is Verdict.REVIEW
    with pytest.raises(PreconditionError) as alone:
        day.alice.approve("default", entry.entry)
    assert alone.value.reason == "SECOND_PERSON_REQUIRED"
    confirmed = day.bob.approve("default", entry.entry, reason="seen by two")
    assert confirmed.state is EntryState.CONFIRMED
    return confirmed


def a_film_passes(day: Day) -> None:
    """A lesson that has a part of the attack goes to review, until two people have put its film into the allow bank."""
    film = day.alice.confirm("films", FILM, external_id="training film")
    assert day.ingest.match(LESSON, content_id="lesson-1", min_revision=film.revision).verdict is Verdict.REVIEW
    film = day.bob.approve("films", film.entry)
    passed = day.ingest.match(LESSON, content_id="lesson-2", min_revision=film.revision)
    assert (passed.verdict, passed.matches) == (Verdict.ALLOW, ())
    [excused] = passed.excused
    assert (excused.external_id, excused.by_external_id, excused.reason) == ("attack", "training film", ALLOWED)
    assert day.ingest.match(COPY, content_id="post-2").verdict is Verdict.BLOCK


def two_edit_at_once(day: Day, entry: Entry) -> int:
    """One is told so, and nothing is lost."""
    changed = day.alice.set_exclusions("default", entry.entry, [Interval(0.0, 2.0)], revision=entry.revision)
    with pytest.raises(ConflictError):
        day.bob.set_exclusions("default", entry.entry, [Interval(5.0, 6.0)], revision=entry.revision)
    assert day.bob.get_entry("default", entry.entry).exclusions == (Interval(0.0, 2.0),)
    return changed.revision


def an_appeal_is_upheld(day: Day, entry: Entry, revision: int) -> None:
    """Opened by a reviewer, decided by somebody else: the entry is in doubt, and its copies go to a person."""
    appeal = day.carol.open_appeal("it is my own film", content_id="post-2", appellant="the uploader")
    with pytest.raises(PreconditionError) as alone:
        day.carol.decide_appeal(appeal.appeal, upheld=True, reason="r")
    assert alone.value.reason == "SECOND_PERSON_REQUIRED"
    decided = day.alice.decide_appeal(appeal.appeal, upheld=True, reason="a film", revision=appeal.revision)
    assert [(one.bank, one.entry) for one in decided.disputed] == [("default", entry.entry)]
    disputed = day.bob.get_entry("default", entry.entry)
    assert (disputed.state, disputed.revision > revision) == (EntryState.DISPUTED, True)
    assert day.ingest.match(COPY, content_id="post-3", min_revision=disputed.revision).verdict is Verdict.REVIEW
    assert day.carol.reinstate_content(appeal.appeal).reinstated_by == "carol"


def it_was_told(day: Day, entry: Entry) -> None:
    """Every change as an event; the other client has its token in streams, too."""
    told = [event.type for event in day.bob.watch(after=0, stop_at_end=True)]
    assert {EventType.RETRO_HITS, EventType.APPEAL_OPENED, EventType.APPEAL_DECIDED, EventType.CONTENT_REINSTATED} <= {
        *told
    }
    of_entry = [event.type for event in day.bob.watch(after=0, entry=entry.entry, stop_at_end=True)]
    assert of_entry.count(EventType.ENTRY_CHANGED) == 5

    async def asked() -> None:
        async with AsyncClient(day.target, token=day.tokens["bob"], tls=day.tls) as client:
            streamed = [event.type async for event in client.watch(after=0, entry=entry.entry, stop_at_end=True)]
            assert streamed == of_entry
            with pytest.raises(PreconditionError):
                await client.hunt("default", entry.entry)

    asyncio.run(asked())


def the_log_has_it_all(day: Day, entry: Entry) -> None:
    """Whole; every verdict comes out again as it was given; the report counts all of it, and who did what can be read."""
    assert day.root.verify() == []
    verdicts = day.carol.list_decisions(kind="verdict").items
    assert [(one.action, one.content_id, one.actor) for one in verdicts] == [
        ("REVIEW", "", "ingest"),
        ("BLOCK", "post-2", "ingest"),
        ("REVIEW", "news", "ingest"),
        ("REVIEW", "lesson-1", "ingest"),
        ("BLOCK", "post-2", "ingest"),
        ("REVIEW", "post-3", "ingest"),
    ]
    for one in verdicts:
        again = day.carol.replay(one.decision)
        assert (again.same, again.differences, again.verdict) == (True, (), one.action)
    report = day.carol.report(day.began)
    check = day.carol.verify_decisions(head=report.head)
    assert (check.faults, report.faults, report.decisions) == ((), (), check.decisions)
    assert report.verdicts == (  # of one video, given thrice, the strictest answer counts
        VerdictCount(verdict=Verdict.BLOCK, decisions=2, uploads=1, exact=0),
        VerdictCount(verdict=Verdict.REVIEW, decisions=4, uploads=2, exact=0),
    )
    assert report.uploads == (
        UploadCount(label=LABEL, source="TAT", verdict=Verdict.BLOCK, uploads=1),
        UploadCount(label=LABEL, source="TAT", verdict=Verdict.REVIEW, uploads=2),
    )
    assert report.enforcement.entries == 1 and report.enforcement.median_seconds is not None
    appeals = dataclasses.replace(report.appeals, median_seconds=None)
    assert appeals == AppealCount(opened=1, upheld=1, reinstated=1)
    steps = {(one.kind, one.step): one.count for one in report.steps}
    assert steps == {
        ("bank", "create"): 2, ("bank", "update"): 1, ("entry", "confirm"): 2, ("entry", "approve"): 2,
        ("entry", "exclude"): 1, ("entry", "dispute"): 1, ("entry", "withdraw"): 1,
    }  # fmt: skip
    with Store.open(day.data) as store:
        changes = [change_of(one) for one in store.decisions(0, 100) if is_change(one)]
    assert [(one.action, one.actor, one.reason) for one in changes if one.entry == entry.entry] == [
        ("confirm", "alice", ""),
        ("approve", "bob", "seen by two"),
        ("exclude", "alice", ""),
        ("dispute", "alice", changes[-2].reason),
        ("withdraw", "bob", "not the attack"),
    ]
