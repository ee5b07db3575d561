"""The service as its callers see it: entries and banks, and their faults."""

import dataclasses
import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hashsvc.bank.model import Entry, EntryState, Interval, Policy, Verdict
from hashsvc.config import Limits, Settings
from hashsvc.errors import (
    AlreadyExistsError,
    FingerprintError,
    HashsvcError,
    InvalidInputError,
    LimitExceededError,
    PreconditionError,
)
from hashsvc.fingerprint.model import Digests, Fingerprint
from hashsvc.service import DEFAULT_BANK, Service
from hashsvc_index import Ring, StoreError
from tests.match.synthetic import a_reference, an_upload

VIDEO = a_reference(1)
UPLOAD = an_upload([(VIDEO, 3.0, 12.0, 1.0)])


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A directory that does not exist yet."""
    return tmp_path / "data"


@pytest.fixture
def service(data: Path) -> Iterator[Service]:
    """A new one."""
    with Service.open(data) as opened:
        yield opened


def short(seed: int) -> Fingerprint:
    """A reference of two seconds."""
    return a_reference(seed, seconds=2.0)


def refused(call: Callable[[], object], reason: str) -> Exception:
    """The error, which has that reason."""
    with pytest.raises((HashsvcError, StoreError)) as caught:
        call()
    assert caught.value.reason == reason  # type: ignore[attr-defined]
    return caught.value


def state(service: Service) -> tuple[int, int, int]:
    """What an error must leave as it was."""
    return service.revision, service.entries, len(service.list_entries(DEFAULT_BANK).items)


def test_a_new_directory(service: Service) -> None:
    """It has the default bank with the default policy, no entry, and is ready."""
    [bank] = service.list_banks().items
    assert (bank.bank, bank.policy) == (DEFAULT_BANK, Policy())
    assert service.ready
    assert (service.entries, service.hashes) == (0, 0)
    assert service.verify() == []


def test_confirm(service: Service) -> None:
    """The entry says what it was made of, is there when confirm returns, and its revision is searchable soon."""
    entry = service.confirm(DEFAULT_BANK, VIDEO, external_id="film 1", labels=["a", "b"])
    assert (entry.state, entry.external_id, entry.labels) == (EntryState.CONFIRMED, "film 1", ("a", "b"))
    assert (entry.profile, entry.duration, entry.frames) == (VIDEO.profile, VIDEO.duration, VIDEO.frames)
    assert entry.hashes == VIDEO.quality.size
    assert (entry.md5, entry.sha256) == (VIDEO.digests.md5.hex(), VIDEO.digests.sha256.hex())
    assert entry.revision == service.revision
    assert service.get_entry(DEFAULT_BANK, entry.entry) == entry
    assert service.match(UPLOAD, min_revision=entry.revision).matches[0].entry == entry.entry
    assert (service.entries, service.hashes) == (1, entry.hashes)
    assert service.searched_revision == service.revision


def test_confirm_again(service: Service) -> None:
    """The same bytes under the same name are the same entry, without a new revision; under another name an error."""
    first = service.confirm(DEFAULT_BANK, VIDEO, external_id="film")
    assert service.confirm(DEFAULT_BANK, VIDEO, external_id="film", labels=["late"]) == first
    assert service.revision == first.revision
    error = refused(lambda: service.confirm(DEFAULT_BANK, VIDEO, external_id="other"), "ENTRY_EXISTS")
    assert isinstance(error, AlreadyExistsError)
    assert error.metadata["entry"] == first.entry and error.metadata["external_id"] == "film"
    assert state(service) == (first.revision, 1, 1)


def test_exclusions(service: Service) -> None:
    """Kept in order with the entry, replaced under its revision, cleared by none, and nothing else of it changes."""
    entry = service.confirm(DEFAULT_BANK, VIDEO, external_id="film", exclusions=[Interval(20, 30), Interval(0, 5)])
    assert entry.exclusions == (Interval(0, 5), Interval(20, 30))
    changed = service.set_exclusions(
        DEFAULT_BANK, entry.entry, [Interval(1, 2), Interval(2, 3)], revision=entry.revision
    )
    assert changed.exclusions == (Interval(1, 3),)
    assert changed.revision == service.revision > entry.revision
    back = dataclasses.replace(
        changed, exclusions=entry.exclusions, revision=entry.revision, updated_at=entry.updated_at
    )
    assert back == entry
    assert service.get_entry(DEFAULT_BANK, entry.entry) == changed
    stale = partial(service.set_exclusions, DEFAULT_BANK, entry.entry, [], revision=entry.revision)
    refused(stale, "REVISION_CONFLICT")
    assert service.get_entry(DEFAULT_BANK, entry.entry) == changed
    assert service.set_exclusions(DEFAULT_BANK, entry.entry, ()).exclusions == ()
    service.withdraw(DEFAULT_BANK, entry.entry)
    refused(lambda: service.set_exclusions(DEFAULT_BANK, entry.entry, []), "ENTRY_WITHDRAWN")
    assert service.verify() == []


def test_confirm_again_with_exclusions(service: Service) -> None:
    """The same ones, however they are told, are the same entry; others, or none, are refused and change nothing."""
    first = service.confirm(DEFAULT_BANK, VIDEO, exclusions=[Interval(0, 5)])
    assert service.confirm(DEFAULT_BANK, VIDEO, exclusions=[Interval(2, 5), Interval(0, 2)]) == first
    for others in ([], [Interval(0, 6)], [Interval(0, 5), Interval(8, 9)]):
        error = refused(partial(service.confirm, DEFAULT_BANK, VIDEO, exclusions=others), "ENTRY_EXISTS")
        assert isinstance(error, AlreadyExistsError)
        assert "entry exclude" in str(error) and error.metadata["entry"] == first.entry
    assert state(service) == (first.revision, 1, 1)


def test_exports_leave_out_what_is_harmless(service: Service) -> None:
    """Partners get no quality for the seconds that are excluded, and drop such hashes."""
    service.confirm(DEFAULT_BANK, VIDEO, exclusions=[Interval(0, 5)])
    [line] = service.export(DEFAULT_BANK, "vpdq")
    assert [frame.split(",")[1] for frame in json.loads(line)] == ["0"] * 5 + ["100"] * 35


def test_confirm_elsewhere_and_after_withdrawal(service: Service) -> None:
    """Another bank may hold the same video, and so may this one once it was withdrawn."""
    service.create_bank("other")
    first = service.confirm(DEFAULT_BANK, VIDEO, external_id="film")
    assert service.confirm("other", VIDEO, external_id="name there").entry != first.entry
    service.withdraw(DEFAULT_BANK, first.entry)
    again = service.confirm(DEFAULT_BANK, VIDEO, external_id="better name")
    assert again.entry != first.entry
    assert service.entries == 2


def test_confirm_at_once(service: Service) -> None:
    """Sixteen confirms of one video at the same time are one entry."""
    with ThreadPoolExecutor(16) as pool:
        made = list(pool.map(lambda _: service.confirm(DEFAULT_BANK, VIDEO, external_id="film"), range(16)))
    assert len({entry.entry for entry in made}) == 1
    assert service.entries == 1


def test_without_digests_nothing_is_the_same(service: Service) -> None:
    """Fingerprints without a digest are entries of their own each."""
    bare = dataclasses.replace(VIDEO, digests=Digests())
    assert service.confirm(DEFAULT_BANK, bare).entry != service.confirm(DEFAULT_BANK, bare).entry


BAD_FINGERPRINTS: dict[str, tuple[Fingerprint, str]] = {
    "another profile": (dataclasses.replace(VIDEO, profile="standard-0"), "PROFILE_UNKNOWN"),
    "an upload's hashes": (UPLOAD, "FINGERPRINT_MALFORMED"),
    "views in another order": (dataclasses.replace(VIDEO, views=VIDEO.views[:1] + VIDEO.views[:0:-1]), "FINGERPRINT_MALFORMED"),
    "a hash of another length": (dataclasses.replace(VIDEO, hashes=VIDEO.hashes[..., :31]), "FINGERPRINT_MALFORMED"),
    "times out of order": (dataclasses.replace(VIDEO, starts=VIDEO.starts[::-1]), "FINGERPRINT_MALFORMED"),
    "no evidence": (
        dataclasses.replace(VIDEO, quality=np.zeros_like(VIDEO.quality), digests=Digests()), "FINGERPRINT_WITHOUT_EVIDENCE",
    ),
    "longer than allowed": (dataclasses.replace(VIDEO, duration=5 * 3600.0), "LIMIT_DURATION"),
}  # fmt: skip


@pytest.mark.parametrize("fault", BAD_FINGERPRINTS)
def test_fingerprints_that_are_no_reference(fault: str, service: Service) -> None:
    """Each is refused for its reason, and nothing is stored."""
    fingerprint, reason = BAD_FINGERPRINTS[fault]
    before = state(service)
    error = refused(lambda: service.confirm(DEFAULT_BANK, fingerprint), reason)
    assert isinstance(error, FingerprintError | LimitExceededError)
    assert state(service) == before


@pytest.mark.parametrize(
    "fault", ["another profile", "a hash of another length", "times out of order", "longer than allowed"]
)
def test_fingerprints_that_cannot_be_matched(fault: str, service: Service) -> None:
    """A match is as careful as a confirm."""
    fingerprint, reason = BAD_FINGERPRINTS[fault]
    refused(lambda: service.match(fingerprint), reason)


def test_black_with_a_digest_is_an_entry(service: Service) -> None:
    """A video without one good frame can still be known by its bytes."""
    black = dataclasses.replace(VIDEO, quality=np.zeros_like(VIDEO.quality))
    entry = service.confirm(DEFAULT_BANK, black)
    assert entry.hashes == 0
    assert service.match(VIDEO.digests, min_revision=entry.revision).verdict is Verdict.BLOCK
    assert service.match(UPLOAD).verdict is Verdict.ALLOW
    assert service.verify() == []


def test_too_many_frames(data: Path) -> None:
    """A fingerprint made elsewhere keeps to the limit of frames."""
    with Service.open(data, Settings(limits=Limits(max_hashed_frames=100))) as service:
        refused(lambda: service.confirm(DEFAULT_BANK, VIDEO), "LIMIT_FRAMES")
        assert service.confirm(DEFAULT_BANK, short(2)).frames == 8


@pytest.mark.parametrize(
    ("extra", "reason"),
    [
        ({"labels": ["x" * 10_000]}, "FIELD_TOO_LONG"),
        ({"labels": ["x"] * 10_000}, "FIELD_TOO_LONG"),
        ({"external_id": "x" * 10_000}, "FIELD_TOO_LONG"),
        ({"external_id": "a\0b"}, "FIELD_INVALID"),
        ({"external_id": "caf\udce9.mp4"}, "FIELD_INVALID"),
        ({"labels": [""]}, "FIELD_INVALID"),
        ({"exclusions": [Interval(5, 1)]}, "FIELD_INVALID"),
        ({"exclusions": [Interval(float("nan"), 1)]}, "FIELD_INVALID"),
        ({"exclusions": [Interval(one, one + 0.1) for one in range(65)]}, "FIELD_TOO_LONG"),
    ],
    ids=[
        "a long label",
        "many labels",
        "a long name",
        "a null",
        "a name that is no text",
        "an empty label",
        "a reversed exclusion",
        "an exclusion of no number",
        "many exclusions",
    ],
)
def test_what_callers_may_not_say(extra: dict[str, Any], reason: str, service: Service) -> None:
    """Refused before anything is stored, and before a video is hashed."""
    before = state(service)
    assert isinstance(refused(lambda: service.confirm(DEFAULT_BANK, VIDEO, **extra), reason), InvalidInputError)
    refused(lambda: service.confirm_media(DEFAULT_BANK, Path("/nonexistent"), **extra), reason)
    assert state(service) == before


def test_unknown_names(service: Service) -> None:
    """Every call that names a bank or an entry that is not there says so."""
    entry = service.confirm(DEFAULT_BANK, short(2))
    service.create_bank("empty")
    for call in (
        lambda: service.get_bank("nothing"),
        lambda: service.update_bank("nothing", description="x"),
        lambda: service.confirm("nothing", VIDEO),
        lambda: service.confirm_media("nothing", Path("/nonexistent")),
        lambda: service.list_entries("nothing"),
        lambda: service.get_entry("nothing", entry.entry),
        lambda: service.withdraw("nothing", entry.entry),
        lambda: service.set_exclusions("nothing", entry.entry, []),
        lambda: service.match(UPLOAD, banks=["nothing"]),
        lambda: service.match_media(Path(__file__), banks=["nothing"]),
        lambda: list(service.export("nothing", "jsonl")),
    ):
        refused(call, "BANK_NOT_FOUND")
    for bank in ("empty", DEFAULT_BANK):
        name = entry.entry if bank == "empty" else "nobody"
        refused(partial(service.get_entry, bank, name), "ENTRY_NOT_FOUND")
        refused(partial(service.withdraw, bank, name), "ENTRY_NOT_FOUND")
        refused(partial(service.set_exclusions, bank, name, []), "ENTRY_NOT_FOUND")
    refused(lambda: service.create_bank("No Bank"), "BANK_ID_INVALID")
    refused(lambda: service.create_bank("empty"), "BANK_EXISTS")


def test_update_bank(service: Service) -> None:
    """What is not named stays; a stale revision is a conflict, and changes nothing."""
    made = service.create_bank("news", description="first", policy=Policy(block_coverage=0.7))
    changed = service.update_bank("news", description="second", revision=made.revision)
    assert (changed.description, changed.policy.block_coverage) == ("second", 0.7)
    assert changed.created_at == made.created_at and changed.revision > made.revision
    refused(lambda: service.update_bank("news", description="third", revision=made.revision), "REVISION_CONFLICT")
    assert service.get_bank("news") == changed
    again = service.update_bank("news", policy=Policy())
    assert (again.description, again.policy) == ("second", Policy())
    refused(lambda: service.update_bank("news", policy=Policy(block_coverage=2)), "FIELD_INVALID")


def test_updates_at_once_are_not_lost(service: Service) -> None:
    """Of many updates under one revision one succeeds."""
    made = service.create_bank("news")

    def update(number: int) -> bool:
        try:
            service.update_bank("news", description=str(number), revision=made.revision)
        except StoreError as error:
            assert error.reason == "REVISION_CONFLICT"
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(update, range(8))) == 1


def test_withdraw(service: Service) -> None:
    """The entry stays on record with its reason; a stale revision is a conflict; twice is refused."""
    entry = service.confirm(DEFAULT_BANK, VIDEO)
    refused(lambda: service.withdraw(DEFAULT_BANK, entry.entry, revision=entry.revision - 1), "REVISION_CONFLICT")
    refused(lambda: service.withdraw(DEFAULT_BANK, entry.entry, reason="x" * 10_000), "FIELD_TOO_LONG")
    gone = service.withdraw(DEFAULT_BANK, entry.entry, reason="appeal", revision=entry.revision)
    assert (gone.state, gone.reason) == (EntryState.WITHDRAWN, "appeal")
    assert gone.revision > entry.revision and gone.created_at == entry.created_at
    assert service.get_entry(DEFAULT_BANK, entry.entry) == gone
    assert service.list_entries(DEFAULT_BANK).items == (gone,)
    assert service.entries == 0
    assert isinstance(
        refused(lambda: service.withdraw(DEFAULT_BANK, entry.entry), "ENTRY_WITHDRAWN"), PreconditionError
    )
    assert service.verify() == []


@pytest.mark.parametrize("size", [1, 3, 7, 8, 100, 10**9])
def test_pages(size: int, service: Service) -> None:
    """Pages of any size are the whole list in order, each item once; none is longer than asked."""
    made = [service.confirm(DEFAULT_BANK, short(seed)).entry for seed in range(10, 17)]
    service.create_bank("other")
    service.confirm("other", short(30))
    for name in ("a", "b-2", "zz"):
        service.create_bank(name)
    for ask, expected in (
        (lambda **page: service.list_entries(DEFAULT_BANK, **page), made),
        (service.list_banks, ["a", "b-2", DEFAULT_BANK, "other", "zz"]),
    ):
        seen: list[str] = []
        token = ""
        while True:
            page = ask(page_size=size, page_token=token)
            assert 0 < len(page.items) <= size
            seen += [item.entry if isinstance(item, Entry) else item.bank for item in page.items]
            if not (token := page.next_page_token):
                break
        assert seen == expected


def test_bad_pages(service: Service) -> None:
    """A negative size and a token of nobody's are refused; a token past the end has nothing after it."""
    refused(lambda: service.list_banks(page_size=-1), "FIELD_INVALID")
    refused(lambda: service.list_entries(DEFAULT_BANK, page_size=-1), "FIELD_INVALID")
    for token in ("Nobody's", "-1", "1.5", "x" * 10_000, "\u0663"):
        refused(partial(service.list_banks, page_token=token), "PAGE_TOKEN_INVALID")
        refused(partial(service.list_entries, DEFAULT_BANK, page_token=token), "PAGE_TOKEN_INVALID")
    refused(lambda: service.list_entries(DEFAULT_BANK, page_token="9" * 30), "PAGE_TOKEN_INVALID")
    assert service.list_entries(DEFAULT_BANK, page_token="999999").items == ()


def test_export(service: Service) -> None:
    """A line for each live entry; an unknown format is an error before the first line."""
    kept = service.confirm(DEFAULT_BANK, short(2), external_id="kept")
    gone = service.confirm(DEFAULT_BANK, short(3), external_id="gone")
    service.withdraw(DEFAULT_BANK, gone.entry)
    [line] = service.export(DEFAULT_BANK, "jsonl")
    assert json.loads(line)["entry"] == kept.entry
    refused(lambda: service.export(DEFAULT_BANK, "csv"), "EXPORT_FORMAT_UNKNOWN")


def test_opened_again(data: Path) -> None:
    """After closing everything is there, and the same upload gets the same answer."""
    with Service.open(data) as service:
        service.create_bank("other", policy=Policy(block_coverage=0.9))
        service.confirm("other", VIDEO, external_id="film")
        gone = service.confirm(DEFAULT_BANK, short(3))
        last = service.withdraw(DEFAULT_BANK, gone.entry)
        before = service.match(UPLOAD, min_revision=last.revision)
        assert before.verdict is Verdict.BLOCK
        said = (service.list_banks(), service.list_entries("other"), service.list_entries(DEFAULT_BANK), service.hashes)
    with Service.open(data) as service:
        assert service.match(UPLOAD) == before
        assert said == (
            service.list_banks(), service.list_entries("other"), service.list_entries(DEFAULT_BANK), service.hashes,
        )  # fmt: skip
        assert service.revision == before.revision
        assert service.verify() == []


def test_videos(data: Path, original: Path, tmp_path: Path) -> None:
    """From file to verdict through the sandbox: confirmed with progress, known by its bytes, and other bytes refused."""
    shares: list[float] = []
    with Service.open(data) as service:
        entry = service.confirm_media(DEFAULT_BANK, original, external_id="film", progress=shares.append)
        assert entry.duration == pytest.approx(14.0, abs=0.1) and entry.hashes > 1000
        assert shares and shares == sorted(shares)
        found = service.match_media(original, min_revision=entry.revision)
        assert (found.verdict, found.matches[0].digest) == (Verdict.BLOCK, "sha256")
        copy = tmp_path / "copy.mp4"
        copy.write_bytes(original.read_bytes() + bytes(8))
        found = service.match_media(copy)
        assert (found.verdict, found.matches[0].digest) == (Verdict.BLOCK, "")
        empty, text = tmp_path / "empty", tmp_path / "text"
        empty.write_bytes(b"")
        text.write_text("no video\n" * 100)
        before = state(service)
        for path, reason in ((empty, "MEDIA_EMPTY"), (text, "MEDIA_UNREADABLE"), (tmp_path / "x", "MEDIA_UNREADABLE")):
            refused(partial(service.match_media, path), reason)
            refused(partial(service.confirm_media, DEFAULT_BANK, path), reason)
        assert state(service) == before


def test_an_upload_with_a_content_id_is_kept(service: Service, data: Path) -> None:
    """Matched or not; one without, or asked for by digests, is not."""
    service.match(UPLOAD)
    service.match(VIDEO.digests, content_id="post 0")
    service.match(UPLOAD, content_id="post 1")
    service.close()
    ring = Ring.open(data)
    assert ring is not None
    with ring:
        assert ring.stats().items == 1


@pytest.mark.parametrize("content_id", ["x" * 513, "a\x00b"])
def test_a_content_id_has_bounds(service: Service, content_id: str) -> None:
    """Too long, or with control characters, is refused; nothing is kept."""
    refused(
        lambda: service.match(UPLOAD, content_id=content_id),
        "FIELD_TOO_LONG" if len(content_id) > 9 else "FIELD_INVALID",
    )
