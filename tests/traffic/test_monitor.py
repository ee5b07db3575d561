"""Floods against a data directory: counted in the path of matches, written down beside it."""

import dataclasses
import datetime
import random
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from hashsvc.bank.model import Entry, Verdict
from hashsvc.config import BreakerSettings, Settings
from hashsvc.errors import HashsvcError, PreconditionError
from hashsvc.fingerprint.model import Digests, Fingerprint
from hashsvc.match.model import MatchResult
from hashsvc.service import Service
from hashsvc_index import StoreError
from tests.events.receiver import until
from tests.server.background import excerpt, reference

CARD = reference(1)
SETTINGS = Settings(breaker=BreakerSettings(burst_hits=10))


def upload(number: int) -> Fingerprint:
    """Another upload that shows the title card, and little else."""
    return dataclasses.replace(excerpt(CARD, 0, 60), digests=Digests(sha256=random.Random(number).randbytes(32)))


def flooded(service: Service, count: int, first: int = 0) -> list[Verdict]:
    """Verdicts of so many uploads, eight at a time."""

    def matched(number: int) -> MatchResult:
        return service.match(upload(number), content_id=f"post-{number}")

    with ThreadPoolExecutor(8) as pool:
        return [one.verdict for one in pool.map(matched, range(first, first + count))]


def types(service: Service) -> list[str]:
    return [event.type.removeprefix("org.hashsvc.") for event in service.watch(after=2, stop_at_end=True)]


def breakers(service: Service) -> list[str]:
    return [one for one in types(service) if one.startswith("breaker.")]


def confirmed(service: Service) -> Entry:
    entry = service.confirm("default", CARD, external_id="title card")
    assert service._index.wait_for(entry.revision, 10.0)
    return entry


def test_a_title_card_confirmed_by_mistake(tmp_path: Path) -> None:
    """Within 50 matches nothing is blocked any more, whatever runs at once; people are told; one step undoes it."""
    with Service.open(tmp_path / "data", SETTINGS) as service:
        entry = confirmed(service)
        verdicts = flooded(service, 80)
        assert verdicts.count(Verdict.BLOCK) == 40
        assert verdicts.count(Verdict.REVIEW) == 40
        assert set(verdicts[50:]) == {Verdict.REVIEW}
        until(lambda: types(service).count("breaker.tripped") == 1)
        assert sorted(set(types(service))) == ["breaker.tripped", "entry.burst", "entry.first-match"]
        until(lambda: service.get_breaker("default", entry.entry).reviewed == 40)
        breaker = service.get_breaker("default", entry.entry)
        assert (breaker.tripped, breaker.blocked, breaker.external_id) == (True, 40, "title card")
        assert {one.upload for one in breaker.affected} == {upload(number).digests.sha256.hex() for number in range(80)}
        assert [one.verdict for one in breaker.affected].count(Verdict.BLOCK) == 40
        assert {one.content_id for one in breaker.affected} == {f"post-{number}" for number in range(80)}
        service.withdraw("default", entry.entry)
        until(lambda: service.match(upload(99)).verdict is Verdict.ALLOW)
        assert len(service.get_breaker("default", entry.entry).affected) == 80


def test_it_stays_tripped_until_it_is_reset(tmp_path: Path) -> None:
    """Over a restart, and in another process; a reset there is seen here."""
    data = tmp_path / "data"
    with Service.open(data, SETTINGS) as service:
        entry = confirmed(service)
        flooded(service, 45)
    with Service.open(data, SETTINGS) as service, Service.open(data, SETTINGS) as other:
        for one in (service, other):
            assert one.match(upload(100)).verdict is Verdict.REVIEW
            assert [breaker.entry for breaker in one.list_breakers().items] == [entry.entry]
        assert not service.reset_breaker("default", entry.entry, hits=5).tripped
        assert flooded(service, 10, first=200).count(Verdict.BLOCK) == 5
        until(lambda: other.get_breaker("default", entry.entry).tripped)
        assert types(service).count("entry.first-match") == 1
        until(lambda: breakers(service) == ["breaker.tripped", "breaker.reset", "breaker.tripped"])
        service.reset_breaker("default", entry.entry, actor="mia")
        until(lambda: other.match(upload(300)).verdict is Verdict.BLOCK)
        # All is in the log, and nothing of those that were refused.
        with pytest.raises(PreconditionError):
            service.reset_breaker("default", entry.entry, actor="mia")
        logged = service.list_decisions(kind="breaker").items
        assert [(one.action, one.entry) for one in logged] == [
            (action, entry.entry) for action in ("trip", "reset", "trip", "reset")
        ]
        limit = SETTINGS.breaker.hits
        assert [one.reason for one in logged] == [
            f"more than {limit} different uploads within {SETTINGS.breaker.window_seconds:.0f} s",
            "may block 5 uploads within the window",
            f"more than 5 different uploads within {SETTINGS.breaker.window_seconds:.0f} s",
            "",
        ]
        assert [one.at for one in logged] == sorted(one.at for one in logged) and logged[1].before is None
        assert [one.actor for one in logged[::2]] == ["hashsvc"] * 2 and logged[3].actor == "mia"
        assert service.verify_decisions().faults == ()
        now = datetime.datetime.now(datetime.UTC)
        report = service.report(since=now - datetime.timedelta(hours=1), until=now + datetime.timedelta(hours=1))
        assert [one.count for one in report.steps if (one.kind, one.step) == ("breaker", "reset")] == [2]
        assert [one.count for one in report.steps if (one.kind, one.step) == ("breaker", "trip")] == [2]


def test_a_trip_is_obeyed_by_another_process_within_a_second(tmp_path: Path) -> None:
    """Which had blocked nothing itself; the answer names the breaker, and so does the next one there."""
    data = tmp_path / "data"
    with Service.open(data, SETTINGS) as service, Service.open(data, SETTINGS) as other:
        entry = confirmed(service)
        assert other._index.wait_for(entry.revision, 10.0)
        (blocked,) = other.match(upload(100)).matches
        assert (blocked.verdict, blocked.breaker) == (Verdict.BLOCK, "")
        flooded(service, 40)
        (held,) = service.match(upload(50)).matches
        tripped = time.monotonic()
        assert (held.verdict, held.breaker) == (Verdict.REVIEW, f"default/{entry.entry}")
        while (there := other.match(upload(101)).matches[0]).verdict is Verdict.BLOCK:
            assert time.monotonic() - tripped < 1.0
            time.sleep(0.02)
        assert there.breaker == held.breaker


def test_who_is_told_of_a_trip_may_undo_it_at_once(tmp_path: Path) -> None:
    """Though the thread that writes it down has not come to it."""
    with Service.open(tmp_path / "data", SETTINGS) as service:
        entry = confirmed(service)
        flooded(service, 40)
        service._monitor._round = lambda: None  # type: ignore[method-assign]
        assert service.match(upload(40), content_id="post-40").matches[0].breaker
        breaker = service.get_breaker("default", entry.entry)
        assert (breaker.tripped, breaker.blocked, breaker.reviewed) == (True, 40, 1)
        assert breaker.affected[-1].content_id == "post-40"
        assert not service.reset_breaker("default", entry.entry).tripped


def test_what_vaccination_tries_is_no_upload(tmp_path: Path) -> None:
    """Its matches are judged as uploads are, and count for nothing."""
    with Service.open(tmp_path / "data", SETTINGS) as service:
        confirmed(service)
        for number in range(60):
            assert service._matched(upload(number)).verdict is Verdict.BLOCK
        assert flooded(service, 40).count(Verdict.BLOCK) == 40


def test_refused(tmp_path: Path) -> None:
    """Bad input, unknown entries, and breakers that never tripped."""
    with Service.open(tmp_path / "data", SETTINGS) as service:
        entry = confirmed(service).entry
        for call, reason in (
            (lambda: service.get_breaker("default", entry), "BREAKER_NOT_TRIPPED"),
            (lambda: service.reset_breaker("default", entry), "BREAKER_NOT_TRIPPED"),
            (lambda: service.reset_breaker("default", "other"), "ENTRY_NOT_FOUND"),
            (lambda: service.reset_breaker("none", entry), "BANK_NOT_FOUND"),
            (lambda: service.reset_breaker("default", entry, hits=-1), "FIELD_INVALID"),
            (lambda: service.reset_breaker("default", entry, hits=10**6), "FIELD_INVALID"),
            (lambda: service.list_breakers(page_token="x"), "PAGE_TOKEN_INVALID"),
            (lambda: service.list_breakers(page_size=-1), "FIELD_INVALID"),
        ):
            with pytest.raises((HashsvcError, StoreError)) as caught:
                call()
            assert getattr(caught.value, "reason", "") == reason


def test_pages(tmp_path: Path) -> None:
    """A page at a time, each breaker once."""
    settings = Settings(breaker=BreakerSettings(hits=1))
    with Service.open(tmp_path / "data", settings) as service:
        for seed in (1, 2, 3):
            entry = service.confirm("default", reference(seed))
            service._index.wait_for(entry.revision, 10.0)
            for number in range(2):
                query = dataclasses.replace(
                    excerpt(reference(seed), 0, 60), digests=Digests(sha256=bytes([seed, number] * 16))
                )
                service.match(query)
        until(lambda: len(service.list_breakers().items) == 3)
        first = service.list_breakers(page_size=2)
        rest = service.list_breakers(page_size=2, page_token=first.next_page_token)
        assert (len(first.items), len(rest.items), rest.next_page_token) == (2, 1, "")
        assert len({one.entry for one in (*first.items, *rest.items)}) == 3
