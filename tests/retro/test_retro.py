"""Hunts: what was let through before it was known is found, once, and stays on record."""

import dataclasses
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from hashsvc.bank.model import EntryState, Interval, Verdict
from hashsvc.config import RecentSettings, Settings
from hashsvc.errors import HashsvcError
from hashsvc.events.model import Event, EventType
from hashsvc.match.trial import Trial
from hashsvc.retro import retro, search
from hashsvc.retro.model import HuntState
from hashsvc.service import DEFAULT_BANK, Service
from hashsvc_index import Ring, Store
from tests.match.synthetic import a_reference, an_upload

VIDEO = a_reference(1)
COPY = an_upload([(VIDEO, 3.0, 12.0, 1.0)])
EXCERPT = an_upload([(None, 0.0, 30.0, 1.0), (VIDEO, 20.0, 8.0, 1.0)], seed=4)
OTHER = an_upload([(None, 0.0, 12.0, 1.0)], seed=5)
SETTINGS = Settings(recent=RecentSettings(hunt_processes=1))


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    """One that hunts only when it is asked."""
    with Service.open(tmp_path, SETTINGS) as opened:
        yield opened


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hunts begin at once."""
    monkeypatch.setattr(retro, "SETTLE_SECONDS", 0.0)


def upload(service: Service) -> None:
    """Three uploads, all let through."""
    for name, one in (("copy", COPY), ("excerpt", EXCERPT), ("other", OTHER)):
        assert service.match(one, content_id=name).verdict is Verdict.ALLOW


def ended(service: Service, entry: str) -> HuntState:
    """Wait until the hunt in the background has come to an end."""
    deadline = time.monotonic() + 240
    while time.monotonic() < deadline:
        state = service.get_hunt(DEFAULT_BANK, entry).state
        if state in (HuntState.DONE, HuntState.FAILED):
            return state
        time.sleep(0.05)
    raise TimeoutError(entry)


def test_a_hunt_finds_what_the_forward_match_would(service: Service) -> None:
    """The same verdict, evidence and segments; times to the millisecond."""
    upload(service)
    entry = service.confirm(DEFAULT_BANK, VIDEO, external_id="attack")
    told: list[int] = []
    hunt = service.hunt(DEFAULT_BANK, entry.entry, progress=lambda now: told.append(now.searched))
    assert (hunt.state, hunt.searched, hunt.of, hunt.hits) == (HuntState.DONE, 3, 3, 2)
    assert told[-1] == 3
    hits = {hit.content_id: hit.match for hit in service.list_hits(DEFAULT_BANK, entry.entry).items}
    assert hits.keys() == {"copy", "excerpt"}
    for name, query in (("copy", COPY), ("excerpt", EXCERPT)):
        (forward,) = service.match(query).matches
        assert dataclasses.replace(hits[name], evidence=0.0) == dataclasses.replace(forward, evidence=0.0)
        assert hits[name].evidence == pytest.approx(forward.evidence)
    assert (hits["copy"].verdict, hits["excerpt"].verdict) == (Verdict.BLOCK, Verdict.REVIEW)


def test_hits_stay_and_come_once(service: Service, tmp_path: Path) -> None:
    """A second hunt adds only what came since; pages go through them all, in another process too."""
    upload(service)
    entry = service.confirm(DEFAULT_BANK, VIDEO)
    service.hunt(DEFAULT_BANK, entry.entry)
    assert service.hunt(DEFAULT_BANK, entry.entry).hits == 2
    service.match(COPY, content_id="again")
    assert service.hunt(DEFAULT_BANK, entry.entry).hits == 3
    service.close()
    with Service.open(tmp_path, SETTINGS) as later:
        first = later.list_hits(DEFAULT_BANK, entry.entry, page_size=2)
        rest = later.list_hits(DEFAULT_BANK, entry.entry, page_size=2, page_token=first.next_page_token)
        found = [hit.content_id for hit in (*first.items, *rest.items)]
        assert (sorted(found), rest.next_page_token) == (["again", "copy", "excerpt"], "")
        assert all(hit.match.state is EntryState.CONFIRMED for hit in first.items)


def test_excluded_parts_are_no_hit(service: Service) -> None:
    """As in a match: an upload that shows nothing else of the entry is not found."""
    upload(service)
    entry = service.confirm(DEFAULT_BANK, VIDEO, exclusions=[Interval(0.0, 18.0)])
    service.hunt(DEFAULT_BANK, entry.entry)
    assert [hit.content_id for hit in service.list_hits(DEFAULT_BANK, entry.entry).items] == ["excerpt"]


def test_a_dry_run_writes_nothing(service: Service) -> None:
    """It names what a confirm would find, strongest first, and leaves no trace."""
    upload(service)
    before = service.revision
    run = service.dry_run(DEFAULT_BANK, VIDEO)
    assert (run.searched, run.total, [hit.content_id for hit in run.hits]) == (3, 2, ["copy", "excerpt"])
    assert [hit.match.verdict for hit in run.hits] == [Verdict.BLOCK, Verdict.REVIEW]
    assert service.dry_run(DEFAULT_BANK, a_reference(9)).total == 0
    assert (service.revision, service.entries) == (before, 0)


def test_there_is_no_ring(service: Service) -> None:
    """A hunt through nothing finds nothing; before one there is none to see."""
    entry = service.confirm(DEFAULT_BANK, VIDEO)
    assert service.get_hunt(DEFAULT_BANK, entry.entry).state is HuntState.NONE
    assert service.hunt(DEFAULT_BANK, entry.entry).state is HuntState.DONE
    assert service.list_hits(DEFAULT_BANK, entry.entry).items == ()


def test_what_cannot_be_hunted_for(service: Service, tmp_path: Path) -> None:
    """A withdrawn entry, an unknown one, and a directory that keeps no uploads have a reason each."""
    entry = service.confirm(DEFAULT_BANK, VIDEO)
    service.withdraw(DEFAULT_BANK, entry.entry)
    off = Settings(recent=RecentSettings(enabled=False))
    with Service.open(tmp_path / "off", off) as disabled:
        known = disabled.confirm(DEFAULT_BANK, VIDEO)
        for asked, name, reason in (
            (service, entry.entry, "ENTRY_WITHDRAWN"),
            (service, "nothing", "ENTRY_NOT_FOUND"),
            (disabled, known.entry, "RECENT_DISABLED"),
        ):
            with pytest.raises(Exception, match=r"\w") as refused:
                asked.hunt(DEFAULT_BANK, name)
            assert refused.value.reason == reason  # type: ignore[attr-defined]


def test_a_server_hunts_for_what_another_process_confirms(tmp_path: Path, quick: None) -> None:
    """It follows the change log; what was hunted for once is left in peace, also after it opens again."""
    with Service.open(tmp_path, SETTINGS, hunt=True) as server:
        upload(server)
        server._recorder.flush()
        with Service.open(tmp_path, SETTINGS) as other:
            entry = other.confirm(DEFAULT_BANK, VIDEO)
        assert ended(server, entry.entry) is HuntState.DONE
        first = server.get_hunt(DEFAULT_BANK, entry.entry)
        assert first.hits == 2
    with Service.open(tmp_path, SETTINGS, hunt=True) as again:
        second = again.confirm(DEFAULT_BANK, a_reference(8))
        assert ended(again, second.entry) is HuntState.DONE
        assert again.get_hunt(DEFAULT_BANK, entry.entry) == first


def test_a_server_lets_go_of_what_is_not_to_be_kept(tmp_path: Path) -> None:
    """Switched off, nothing of before is left, and nothing new is kept."""
    with Service.open(tmp_path, SETTINGS) as service:
        upload(service)
    with Service.open(tmp_path, Settings(recent=RecentSettings(enabled=False)), hunt=True) as service:
        upload(service)
        ring = Ring.open(tmp_path)
        assert ring is not None
        with ring:
            deadline = time.monotonic() + 60
            while ring.stats().items and time.monotonic() < deadline:
                time.sleep(0.05)
            assert ring.stats().items == 0


def test_a_hunt_that_was_cut_off_begins_anew(tmp_path: Path, quick: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """A service that closes, or dies, in the midst of one leaves it to the next."""
    with Service.open(tmp_path, SETTINGS) as service:
        upload(service)

    def halts(*_: object) -> Iterator[search.Step]:
        yield search.Step(searched=0, of=3)
        raise KeyboardInterrupt

    monkeypatch.setattr(retro, "search", halts)
    with Service.open(tmp_path, SETTINGS) as service:
        entry = service.confirm(DEFAULT_BANK, VIDEO)
        with pytest.raises(KeyboardInterrupt):
            service.hunt(DEFAULT_BANK, entry.entry)
        assert service.get_hunt(DEFAULT_BANK, entry.entry).state is HuntState.FAILED
    monkeypatch.undo()
    monkeypatch.setattr(retro, "SETTLE_SECONDS", 0.0)
    with Service.open(tmp_path, SETTINGS, hunt=True) as service:
        deadline = time.monotonic() + 240
        while service.get_hunt(DEFAULT_BANK, entry.entry).hits < 2 and time.monotonic() < deadline:
            time.sleep(0.05)
        assert ended(service, entry.entry) is HuntState.DONE


def test_a_process_that_dies_is_told(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """The hunt fails with a reason and the entry matches as before."""
    upload(service)
    entry = service.confirm(DEFAULT_BANK, VIDEO)
    monkeypatch.setattr(search, "_message", lambda task: {"data": b""})
    with pytest.raises(HashsvcError) as failed:
        service.hunt(DEFAULT_BANK, entry.entry)
    assert failed.value.reason == "INTERNAL"
    assert service.get_hunt(DEFAULT_BANK, entry.entry).state is HuntState.FAILED


def test_sifting_is_shared_out(service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Several processes look at every upload once."""
    monkeypatch.setattr(search, "_GROUP_ROWS", 1)
    for name in range(6):
        service.match(COPY if name % 2 else OTHER, content_id=str(name))
        service._recorder.flush()
    ring = Ring.open(tmp_path)
    assert ring is not None
    task = search.Task(data=tmp_path, reference=VIDEO, exclusions=(), indexed=10_000, evidence=-4.0)
    with ring:
        shares = [list(search.sift(task, ring, first, 2)) for first in (0, 1)]
        found = sorted(place for share in shares for answer in share for place in answer["found"])
    assert [sum(answer["searched"] for answer in share) for share in shares] == [3, 3]
    assert found == [(2, 0), (4, 0), (6, 0)]


def test_an_event_tells_of_a_batch(tmp_path: Path) -> None:
    """One a batch of new hits, written with them; none for a hunt that finds nothing new."""
    with Service.open(tmp_path, SETTINGS) as service:
        upload(service)
        entry = service.confirm(DEFAULT_BANK, VIDEO)
        service.hunt(DEFAULT_BANK, entry.entry)
        service.hunt(DEFAULT_BANK, entry.entry)
    with Store.open(tmp_path) as store:
        told = [Event.decode(record.payload) for record in store.events(0, 100)]
    (event,) = [one for one in told if one.type == EventType.RETRO_HITS]
    assert event.subject == f"{DEFAULT_BANK}/{entry.entry}"
    assert sorted(hit["content_id"] for hit in event.data["hits"]) == ["copy", "excerpt"]


def test_a_trial_is_what_a_match_would_be(service: Service) -> None:
    """Many uploads against one reference, each as the matcher has it."""
    entry = service.confirm(DEFAULT_BANK, VIDEO)
    service.match(COPY, min_revision=entry.revision)
    trial = Trial(VIDEO, 15)
    for query in (COPY, EXCERPT, OTHER):
        finding = trial.find(query, service.hashes)
        matches = service.match(query).matches
        assert ([] if finding is None else [finding.evidence]) == [pytest.approx(one.evidence) for one in matches]
    black = dataclasses.replace(COPY, quality=np.zeros_like(COPY.quality))
    assert trial.find(black, 1000) is None
