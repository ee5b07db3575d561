"""From a confirmed video to its card, in the foreground, in the background and over gRPC."""

import dataclasses
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from hashsvc.bank import records
from hashsvc.bank.card import CardState, EditResult, RobustnessCard
from hashsvc.bank.model import Entry, EntryState, Verdict
from hashsvc.battery.catalogue import BATTERY, BY_NAME
from hashsvc.client import Client
from hashsvc.config import Settings, VaccinationSettings
from hashsvc.errors import InvalidInputError, PreconditionError
from hashsvc.fingerprint.model import Fingerprint
from hashsvc.fingerprint.profiles import profile_named
from hashsvc.fingerprint.reading import Reading
from hashsvc.fingerprint.rehearsal import Rehearsed
from hashsvc.fingerprint.sandbox import Sandbox
from hashsvc.service import Service
from tests.server.background import background

UNDER_WAY = (CardState.PENDING, CardState.RUNNING)
QUICK = Settings(vaccination=VaccinationSettings(window_seconds=8.0, max_added_views=4))


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data directory that is not there yet, and a temporary directory of the test's own."""
    (tmp_path / "temporary").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return tmp_path / "data"


@pytest.fixture(scope="module")
def fingerprint(original: Path) -> Fingerprint:
    """The video, hashed as a reference."""
    with Sandbox() as sandbox:
        return sandbox.fingerprint(original, Reading.REFERENCE)


@pytest.fixture(scope="module")
def plain(fingerprint: Fingerprint) -> Fingerprint:
    """The same without any view but the full one: a reference that edited copies miss."""
    quality = fingerprint.quality.copy()
    quality[:, 1:] = 0
    return dataclasses.replace(fingerprint, quality=quality)


@pytest.fixture(scope="module")
def copies(original: Path, fingerprint: Fingerprint) -> list[Rehearsed]:
    """The battery of the video, made once."""
    with Sandbox() as sandbox:
        shares: list[float] = []
        profile = profile_named(fingerprint.profile)
        made = sandbox.rehearse(original, [(3.0, 8.0)], edits=tuple(BY_NAME), profile=profile, progress=shares.append)
    assert shares == sorted(shares) and shares[-1] == 1.0
    return made


@pytest.fixture
def service(data: Path) -> Iterator[Service]:
    """A service on a new data directory."""
    with Service.open(data, QUICK) as opened:
        yield opened


def left(data: Path) -> list[str]:
    """What vaccination left in the temporary directory and in the data directory."""
    signs = data / "vaccination"
    found = [*(signs.iterdir() if signs.exists() else ()), *(data.parent / "temporary").glob("hashsvc-vaccination-*")]
    return [path.name for path in found]


def result(entry: Entry, edit: str) -> EditResult:
    """One line of the card."""
    return next(one for one in entry.card.results if one.edit == edit)


def await_card(service: Service | Client, entry: Entry, seconds: float = 200.0) -> list[Entry]:
    """The entry as it was seen until its card was done or had failed. The attack takes what a busy machine leaves it."""
    seen = [service.get_entry(entry.bank, entry.entry)]
    deadline = time.monotonic() + seconds
    while seen[-1].card.state in UNDER_WAY:
        assert time.monotonic() < deadline, seen[-1].card
        time.sleep(0.05)
        seen.append(service.get_entry(entry.bank, entry.entry))
    return seen


def test_copies_are_uploads_of_their_own(copies: list[Rehearsed]) -> None:
    """Every edit has a copy, hashed sparsely in query views, with bytes that are nobody else's."""
    assert [name for name, _, _ in copies] == [one.name for one in BATTERY]
    assert len({copy.digests.sha256 for _, _, copy in copies}) == len(copies)
    assert all(copy.frames < 40 and len(copy.views) < 30 for _, _, copy in copies)


def test_view_of_an_edit_is_the_profiles_own(original: Path, fingerprint: Fingerprint) -> None:
    """Where the profile has the same view already, reading the reference as the edit shows it gives the same hashes."""
    profile = profile_named(fingerprint.profile)
    with Sandbox() as sandbox:
        hashes, quality = sandbox.edit_views(
            original, ["mirror", "turn-half", "tilt-12"], fingerprint.starts, profile=profile
        )
    assert hashes.shape == (fingerprint.frames, 3, 32)
    assert (quality >= profile.quality_gate).mean() > 0.9
    for place, view in enumerate(("mirror", "half-turn", "tilt+12")):
        theirs = fingerprint.hashes[:, fingerprint.views.index(view)]
        distance = np.bitwise_count(hashes[:, place] ^ theirs).sum(axis=1)
        assert np.median(distance) < 40, view


def test_missed_copies_are_found_afterwards(
    service: Service,
    plain: Fingerprint,
    original: Path,
    copies: list[Rehearsed],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A poor reference misses edited copies; vaccination adds as many views as it may, by which they are found."""
    monkeypatch.setattr(
        Sandbox, "rehearse", lambda *_, reading=Reading.QUICK, **__: copies if reading is Reading.QUICK else []
    )
    before = service.confirm("default", plain, external_id="poor")
    shares: list[float] = []
    entry = service.vaccinate("default", before.entry, original, progress=shares.append)
    assert shares == sorted(shares) and shares[-1] == 1.0
    assert (entry.card.state, entry.card.detail, entry.card.progress) == (CardState.DONE, "", 1.0)
    assert [one.edit for one in entry.card.results] == [one.name for one in BATTERY]
    assert result(entry, "reencode").matched and not result(entry, "reencode").added_view
    added = [one for one in entry.card.results if one.added_view]
    assert len(added) == QUICK.vaccination.max_added_views
    assert all(one.matched and one.evidence <= -3 and one.query_coverage > 0.5 for one in added)
    assert not all(one.matched for one in entry.card.results)
    assert entry.hashes > before.hashes
    assert (entry.entry, entry.created_at, entry.external_id) == (before.entry, before.created_at, "poor")
    # As an upload sees it, and after a restart.
    for copy in (copy for name, _, copy in copies if name == added[0].edit):
        [match] = service.match(dataclasses.replace(copy, digests=type(copy.digests)())).matches
        assert (match.entry, match.segments[0].view.partition("/")[2]) == (entry.entry, added[0].added_view)
    assert service.verify() == []
    assert left(service._store.path) == []
    # Once more: there is no room for more views, and those that are there stay.
    again = service.vaccinate("default", entry.entry, original)
    assert (again.hashes, again.card.matched) == (entry.hashes, entry.card.matched)
    assert [one.added_view for one in again.card.results if one.added_view] == []


def test_withdrawn_meanwhile(
    service: Service,
    plain: Fingerprint,
    original: Path,
    copies: list[Rehearsed],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An entry that is withdrawn while views are made for it is left alone."""
    monkeypatch.setattr(
        Sandbox, "rehearse", lambda *_, reading=Reading.QUICK, **__: copies if reading is Reading.QUICK else []
    )
    entry = service.confirm("default", plain)
    made = Sandbox.edit_views

    def withdrawing(*args: object, **kwargs: object) -> object:
        service.withdraw("default", entry.entry, reason="in error")
        return made(*args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(Sandbox, "edit_views", withdrawing)
    after = service.vaccinate("default", entry.entry, original)
    assert (after.state, after.reason, after.hashes) == (EntryState.WITHDRAWN, "in error", entry.hashes)
    assert (after.card.state, "withdrawn" in after.card.detail) == (CardState.FAILED, True)
    assert service.verify() == []
    with pytest.raises(PreconditionError):
        service.vaccinate("default", entry.entry, original)


def test_other_bytes_are_refused(service: Service, plain: Fingerprint, unrelated: Path) -> None:
    """An entry is tried with its own video only."""
    entry = service.confirm("default", plain)
    with pytest.raises(InvalidInputError) as caught:
        service.vaccinate("default", entry.entry, unrelated)
    assert caught.value.reason == "FIELD_INVALID"
    assert service.get_entry("default", entry.entry).card == RobustnessCard()


def test_strengthened_reference_can_be_confirmed(service: Service, fingerprint: Fingerprint) -> None:
    """A fingerprint with added views is a reference too; any other view besides the profile's is not."""
    strong = dataclasses.replace(
        fingerprint,
        views=(*fingerprint.views, "edit-refilmed"),
        hashes=np.concatenate([fingerprint.hashes, fingerprint.hashes[:, :1]], axis=1),
        quality=np.concatenate([fingerprint.quality, fingerprint.quality[:, :1]], axis=1),
    )
    assert service.confirm("default", strong).hashes > 0
    with pytest.raises(InvalidInputError):
        service.confirm("default", dataclasses.replace(strong, views=(*fingerprint.views, "other")))


def test_over_grpc(data: Path, original: Path, unrelated: Path) -> None:
    """A server blocks plain copies at once, then says how far it is, and at last what it found; nothing is left over."""
    with (
        background(lambda: Service.open(data, QUICK, vaccinate=True), QUICK) as server,
        Client(server.target) as client,
    ):
        entry = client.confirm_media("default", original, external_id="attack")
        assert entry.card.state in UNDER_WAY
        copy = client.match_file(original, min_revision=entry.revision)
        assert copy.verdict is Verdict.BLOCK
        hashed_here = client.confirm_file("default", unrelated)
        seen = await_card(client, entry)
        card = seen[-1].card
        assert card.state is CardState.DONE, card
        shares = [one.card.progress for one in seen]
        assert shares == sorted(shares) and len(set(shares)) > 3
        assert card.made_at is not None and card.profile == entry.profile
        assert card.matched >= 25, [one for one in card.results if not one.matched]
        assert client.get_entry("default", hashed_here.entry).card == RobustnessCard()
        # The same bytes again are the same entry, whose card is there already.
        repeated = client.confirm_media("default", original, external_id="attack")
        assert (repeated.entry, repeated.card) == (entry.entry, card)
        assert client.verify() == []
        assert left(data) == []


def test_stopped_in_the_middle(data: Path, original: Path) -> None:
    """A service that is closed drops its work: the entry is whole, the card says so, the bytes are gone."""
    with Service.open(data, QUICK, vaccinate=True) as service:
        entry = service.confirm_media("default", original, external_id="attack")
        while service.get_entry("default", entry.entry).card.state is CardState.PENDING:
            time.sleep(0.01)
        began = time.monotonic()
    assert time.monotonic() - began < 5
    assert left(data) == []
    with Service.open(data, QUICK) as service:
        card = service.get_entry("default", entry.entry).card
        assert (card.state, "interrupted" in card.detail) == (CardState.FAILED, True)
        assert service.match_media(original).verdict is Verdict.BLOCK
        assert service.verify() == []
        # Without being asked for, nothing is begun again.
        assert service.confirm_media("default", original, external_id="attack").card.state is CardState.FAILED


def test_failure_is_told(data: Path, original: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What goes wrong is on the card, confirming again repeats it, and the entry matches all the while."""

    def crash(*_: object, **__: object) -> object:
        raise InvalidInputError("FIELD_INVALID", "did not work out")

    with Service.open(data, QUICK, vaccinate=True) as service:
        with monkeypatch.context() as patched:
            patched.setattr(Sandbox, "rehearse", crash)
            entry = service.confirm_media("default", original)
            card = await_card(service, entry)[-1].card
            assert (card.state, card.detail) == (CardState.FAILED, "did not work out")
        again = service.confirm_media("default", original)
        assert again.entry == entry.entry
        assert again.card.state in UNDER_WAY
        assert service.list_entries("default").items[0].card.state in UNDER_WAY
    assert left(data) == []


def test_switched_off(data: Path, original: Path) -> None:
    """Where the settings say so, a server confirms and leaves it at that."""
    off = Settings(vaccination=VaccinationSettings(enabled=False))
    with Service.open(data, off, vaccinate=True) as service:
        assert service.confirm_media("default", original).card == RobustnessCard()
    assert left(data) == []


def test_entries_of_before_have_no_card(service: Service, plain: Fingerprint) -> None:
    """An entry that was stored before there were cards reads as one without."""
    entry = service.confirm("default", plain)
    fields = records._unpacked(records.entry_payload(entry))
    del fields["card"]
    service._store.update_entry("default", entry.entry, records._packed(fields), live=True)
    assert service.get_entry("default", entry.entry).card == RobustnessCard()
