"""What an entry would hit is found before it takes effect, and takes a second person."""

import dataclasses
import datetime
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from hashsvc.bank import records
from hashsvc.bank.decisions import change_of, is_change
from hashsvc.bank.model import BankMode, Details, Entry, EntryState, Interval, Policy, Rule, Verdict
from hashsvc.config import DryRunSettings, RecentSettings, Settings
from hashsvc.errors import InvalidInputError, PreconditionError
from hashsvc.fingerprint.model import Digests, Fingerprint
from hashsvc.service import Service
from hashsvc_index import Ring
from hashsvc_index.errors import IndexLoadingError
from tests.match.synthetic import a_reference, an_upload

CARD = a_reference(1)
NEVER = Policy(block_evidence=-1000.0, review_evidence=-1000.0)
"""Known-good videos match nothing."""
SETTINGS = Settings(
    dry_run=DryRunSettings(recent_hits=5, known_good="known-good", seconds=5.0), recent=RecentSettings(hunt_processes=1)
)


def film(seed: int, *, with_card: bool) -> Fingerprint:
    """A video of 40 s; with the card in it from its tenth second on."""
    other = a_reference(seed, 40.0)
    if not with_card:
        return other
    hashes = other.hashes.copy()
    shown = CARD.hashes[: min(len(CARD.hashes), 40)]
    hashes[40 : 40 + len(shown)] = shown
    return dataclasses.replace(other, hashes=hashes, digests=Digests(sha256=bytes([seed]) * 32))


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    with Service.open(tmp_path / "data", SETTINGS, actor="ann") as opened:
        yield opened


def uploads(service: Service, count: int) -> None:
    """So many uploads that show the card, and some that do not."""
    for number in range(count):
        assert service.match(an_upload([(CARD, 2.0, 10.0, 1.0)], seed=number), content_id=f"card-{number}")
    for number in range(3):
        service.match(an_upload([(None, 0.0, 12.0, 1.0)], seed=900 + number), content_id=f"other-{number}")
    service._recorder.flush()


def known_good(service: Service, *films: Fingerprint) -> list[Entry]:
    service.create_bank("known-good", policy=NEVER)
    made = [service.confirm("known-good", one, external_id=f"film-{place}") for place, one in enumerate(films)]
    assert service._index.wait_for(service.revision, 10.0)
    return made


def test_many_recent_uploads_take_a_second_person(service: Service) -> None:
    """The entry is a candidate with the reason; who confirmed it cannot make it more by any way, somebody else can."""
    uploads(service, 6)
    entry = service.confirm("default", CARD, external_id="card")
    assert (entry.state, entry.history[-1].reason) == (EntryState.CANDIDATE, entry.reason)
    assert entry.reason == "would find at least 5 recent uploads: takes a second person"
    assert service._index.wait_for(entry.revision, 10.0)
    (match,) = service.match(an_upload([(CARD, 2.0, 10.0, 1.0)], seed=50)).matches
    assert (match.verdict, match.state) == (Verdict.REVIEW, EntryState.CANDIDATE)
    with pytest.raises(PreconditionError) as alone:
        service.approve("default", entry.entry, reason="I am sure")
    assert alone.value.reason == "SECOND_PERSON_REQUIRED"
    # The same again gives the same entry, and a dispute is no way around.
    assert service.confirm("default", CARD, external_id="card").entry == entry.entry
    service.dispute("default", entry.entry)
    assert service.reinstate("default", entry.entry).state is EntryState.CANDIDATE
    service.withdraw("default", entry.entry)
    assert service.reinstate("default", entry.entry).state is EntryState.CANDIDATE
    with pytest.raises(PreconditionError):
        service.approve("default", entry.entry)
    assert service.approve("default", entry.entry, actor="bob").state is EntryState.CONFIRMED
    # Once approved it is an entry as any other.
    service.dispute("default", entry.entry)
    assert service.reinstate("default", entry.entry).state is EntryState.CONFIRMED
    logged = [change_of(one) for one in service._store.decisions(0, 100) if is_change(one)]
    (confirm,) = [one for one in logged if one.action == "confirm"]
    assert confirm.reason == entry.reason


def test_few_take_none(service: Service) -> None:
    """One fewer than the limit, the same upload twice among them, and uploads of something else."""
    uploads(service, 4)
    service.match(an_upload([(CARD, 2.0, 10.0, 1.0)], seed=0), content_id="card-0")
    service._recorder.flush()
    assert service.confirm("default", CARD).state is EntryState.CONFIRMED
    assert service.confirm("default", a_reference(7)).state is EntryState.CONFIRMED


def test_known_good_videos(service: Service) -> None:
    """One that shows the card is enough; the dry run names it, and the bank of known-good videos itself is not asked."""
    (with_card, _) = known_good(service, film(20, with_card=True), film(21, with_card=False))
    assert with_card.state is EntryState.CONFIRMED
    for upload in (film(20, with_card=True).digests, an_upload([(a_reference(20), 15.0, 20.0, 1.0)])):
        assert service.match(upload).verdict is Verdict.ALLOW  # known good is no bank that stops anything
    uploads(service, 1)
    run = service.dry_run("default", CARD)
    (good,) = run.known_good
    assert (good.bank, good.entry, good.external_id) == ("known-good", with_card.entry, "film-0")
    assert good.verdict is not Verdict.ALLOW and good.segments[0].query_start == pytest.approx(10.0, abs=1.0)
    assert run.held_back == "would find at least 1 recent upload and 1 known-good video: takes a second person"
    entry = service.confirm("default", CARD)
    assert (entry.state, entry.reason) == (
        EntryState.CANDIDATE,
        "would find at least 1 known-good video: takes a second person",
    )
    clean = service.dry_run("default", a_reference(8))
    assert (clean.known_good, clean.held_back, clean.total) == ((), "", 0)
    assert service.confirm("default", a_reference(8)).state is EntryState.CONFIRMED


def test_known_good_videos_in_an_allow_bank(service: Service) -> None:
    """They count as known good, and pass besides; one that is not approved counts for nothing, and none is held back."""
    service.create_bank("known-good", mode=BankMode.ALLOW, two_person=True)
    uploads(service, 6)
    shown = service.confirm("known-good", film(20, with_card=True), external_id="film")
    assert service._index.wait_for(shown.revision, 10.0)
    assert (shown.state, shown.reason) == (EntryState.CANDIDATE, "")
    assert service.dry_run("default", CARD).known_good == ()
    approved = service.approve("known-good", shown.entry, actor="bob")
    assert service._index.wait_for(approved.revision, 10.0)
    run = service.dry_run("default", CARD)
    assert [(one.bank, one.entry, one.verdict) for one in run.known_good] == [
        ("known-good", shown.entry, run.known_good[0].verdict)
    ]
    assert run.known_good[0].verdict is not Verdict.ALLOW and "1 known-good video" in run.held_back
    entry = service.confirm("default", CARD, external_id="card")
    assert (entry.state, "1 known-good video" in entry.reason) == (EntryState.CANDIDATE, True)
    service.approve("default", entry.entry, actor="bob")
    assert service._index.wait_for(service.revision, 10.0)
    # Whatever was confirmed, the film passes by the allow bank, and what else shows the card does not.
    passed = service.match(an_upload([(film(20, with_card=True), 8.0, 14.0, 1.0)]))
    assert (passed.verdict, [one.by_external_id for one in passed.excused]) == (Verdict.ALLOW, ["film"])
    other = dataclasses.replace(film(22, with_card=True), digests=Digests())
    service.create_bank("other-films", mode=BankMode.ALLOW)
    assert (
        service.confirm("other-films", other).state is EntryState.CONFIRMED
    )  # stops nothing, so nothing is looked for


def test_what_a_rule_lets_pass_is_no_reason(service: Service) -> None:
    """Uploads and known-good videos that a rule allows for the entry's labels are told, and hold nothing back."""
    known_good(service, film(20, with_card=True))
    uploads(service, 6)
    service.update_bank("default", policy=Policy(rules=(Rule(verdict=Verdict.ALLOW, labels=("news",)),)))
    run = service.dry_run("default", CARD, labels=["news"])
    assert (run.total, run.allowed, run.known_good, run.held_back) == (6, 6, (), "")
    assert service.dry_run("default", CARD, labels=["attack"]).held_back
    assert service.confirm("default", CARD, labels=["news"]).state is EntryState.CONFIRMED


def test_with_details_a_taxonomy_and_two_people(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is held back keeps its labels, details and dates; it expires as any other, and back it waits for somebody else."""
    uploads(service, 6)
    service.update_bank("default", taxonomy_only=True)
    given = Details(partner="TAT", partner_id="7", expires_at=records.now() + datetime.timedelta(hours=1))
    label = "perpetrator-produced-content"
    with pytest.raises(InvalidInputError) as unknown:
        service.dry_run("default", CARD, labels=["no-such-label"])
    assert unknown.value.reason == "LABEL_UNKNOWN"
    assert service.dry_run("default", CARD, labels=[label]).held_back
    entry = service.confirm("default", CARD, labels=[label], details=given)
    assert (entry.state, entry.labels, entry.details) == (EntryState.CANDIDATE, (label,), given)
    assert entry.taxonomy and "recent uploads" in entry.reason
    changed = service.update_entry("default", entry.entry, details=Details(legal_basis="law"), fields=["legal_basis"])
    assert (changed.state, changed.reason, changed.details.partner) == (EntryState.CANDIDATE, entry.reason, "TAT")
    later = records.now() + datetime.timedelta(hours=2)
    monkeypatch.setattr(records, "now", lambda: later)
    service._dates.sweep()
    assert service.get_entry("default", entry.entry).state is EntryState.WITHDRAWN
    back = service.reinstate("default", entry.entry)
    assert (back.state, back.details.expires_at) == (EntryState.CANDIDATE, None)
    with pytest.raises(PreconditionError) as alone:
        service.approve("default", entry.entry)
    assert alone.value.reason == "SECOND_PERSON_REQUIRED"
    assert service.approve("default", entry.entry, actor="bob").state is EntryState.CONFIRMED


def test_excluded_parts_hit_nothing(service: Service) -> None:
    """Who excludes what is known good needs nobody else."""
    known_good(service, film(20, with_card=True))
    everything = [Interval(0.0, CARD.duration - 2.0)]
    assert service.dry_run("default", CARD, exclusions=everything).held_back == ""
    assert service.confirm("default", CARD, exclusions=everything).state is EntryState.CONFIRMED


def test_a_bank_that_asks_for_two_people_asks_once(service: Service) -> None:
    """Nothing is looked for where somebody looks in any case."""
    uploads(service, 6)
    service.create_bank("two", two_person=True)
    entry = service.confirm("two", CARD)
    assert (entry.state, entry.reason) == (EntryState.CANDIDATE, "")


def test_it_is_an_option(tmp_path: Path) -> None:
    """Switched off, a confirm takes effect whatever it hits; the dry run still says."""
    settings = dataclasses.replace(SETTINGS, dry_run=dataclasses.replace(SETTINGS.dry_run, at_confirm=False))
    with Service.open(tmp_path / "data", settings) as service:
        uploads(service, 6)
        assert service.dry_run("default", CARD).held_back
        assert service.confirm("default", CARD).state is EntryState.CONFIRMED


def test_it_takes_no_longer_than_it_may(tmp_path: Path) -> None:
    """Thousands of uploads, of which only some can be looked at: the newest, and the confirm goes on."""
    settings = dataclasses.replace(
        SETTINGS, dry_run=DryRunSettings(recent_hits=10**6, seconds=0.2), recent=RecentSettings(hunt_processes=1)
    )
    with Service.open(tmp_path / "data", settings) as service:
        one = an_upload([(CARD, 2.0, 10.0, 1.0)])
        for number in range(3000):
            service._recorder.record(f"post-{number}", one, 1)
        assert service._recorder.flush(60.0)
        start = time.process_time()
        entry = service.confirm("default", CARD)
        assert entry.state is EntryState.CONFIRMED
        assert time.process_time() - start < 3.0


def test_the_newest_are_looked_at_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is spreading now is found in time, however much else was uploaded before."""
    settings = dataclasses.replace(SETTINGS, dry_run=DryRunSettings(recent_hits=3, seconds=60.0))
    with Service.open(tmp_path / "data", settings) as service:
        uploads(service, 0)
        for number in range(3):
            service.match(an_upload([(CARD, 2.0, 10.0, 1.0)], seed=number), content_id=f"card-{number}")
        service._recorder.flush()
        asked: list[int] = []
        rows = Ring.rows

        def noted(ring: Ring, number: int) -> np.ndarray:
            asked.append(number)
            return rows(ring, number)

        monkeypatch.setattr(Ring, "rows", noted)
        assert service.confirm("default", CARD).state is EntryState.CANDIDATE
        assert asked[0] == max(asked)


def test_while_the_index_loads_nobody_is_kept_from_confirming(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Known-good videos cannot be looked up then; an attack video may not wait for that."""
    known_good(service, film(20, with_card=True))

    def loading(*_: object, **__: object) -> None:
        raise IndexLoadingError("loading")

    monkeypatch.setattr(service._index, "search", loading)
    assert service.confirm("default", CARD).state is EntryState.CONFIRMED
