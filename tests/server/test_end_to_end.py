"""Every call, from client to store and index and back, on synthetic fingerprints."""

import dataclasses
import datetime
import functools
import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from hashsvc.bank.model import BankMode, Details, EntryState, Interval, Page, Policy, Rule, Verdict
from hashsvc.client import Client
from hashsvc.errors import (
    AlreadyExistsError,
    ConflictError,
    FingerprintError,
    InvalidInputError,
    NotFoundError,
    PreconditionError,
    UnavailableError,
)
from hashsvc.fingerprint.model import Digests
from tests.server.background import excerpt, reference


def test_bank_life(client: Client) -> None:
    """A bank is made, read, changed under its revision and listed."""
    made = client.create_bank("news", description="first", policy=Policy(block_coverage=0.7))
    assert made.policy == Policy(block_coverage=0.7)
    assert client.get_bank("news") == made
    changed = client.update_bank("news", description="second", revision=made.revision)
    assert (changed.description, changed.policy) == ("second", made.policy)
    assert changed.revision > made.revision
    assert client.update_bank("news", description="").description == ""
    assert [bank.bank for bank in client.list_banks().items] == ["default", "news"]


def test_lost_update_is_a_conflict(client: Client) -> None:
    """A change under an old revision is refused with the class and reason of the domain."""
    made = client.create_bank("news")
    client.update_bank("news", description="somebody else", revision=made.revision)
    with pytest.raises(ConflictError) as caught:
        client.update_bank("news", description="mine", revision=made.revision)
    assert caught.value.reason == "REVISION_CONFLICT"
    assert client.get_bank("news").description == "somebody else"


def test_bank_faults(client: Client) -> None:
    """A bank that exists, is unknown or is misnamed has an error each."""
    with pytest.raises(AlreadyExistsError, match="default") as exists:
        client.create_bank("default")
    assert exists.value.reason == "BANK_EXISTS"
    with pytest.raises(NotFoundError) as missing:
        client.get_bank("nothing")
    assert missing.value.reason == "BANK_NOT_FOUND"
    with pytest.raises(InvalidInputError) as misnamed:
        client.create_bank("No Bank")
    assert misnamed.value.reason == "BANK_ID_INVALID"
    with pytest.raises(InvalidInputError) as policy:
        client.create_bank("news", policy=Policy(block_evidence=float("nan")))
    assert policy.value.reason == "FIELD_INVALID"


def test_entry_life(client: Client) -> None:
    """An entry is confirmed, matched, read, listed, withdrawn, and then matched no more."""
    video = reference(1)
    entry = client.confirm("default", video, external_id="v1", labels=["a", "b"])
    assert (entry.external_id, entry.labels, entry.frames) == ("v1", ("a", "b"), video.frames)
    assert entry.sha256 == video.digests.sha256.hex()
    assert client.get_entry("default", entry.entry) == entry
    assert client.list_entries("default").items == (entry,)

    found = client.match(excerpt(video, 10, 60), min_revision=entry.revision)
    assert found.verdict is Verdict.BLOCK
    assert found.revision >= entry.revision
    [match] = found.matches
    assert (match.entry, match.external_id) == (entry.entry, "v1")
    assert match.segments[0].reference_start == pytest.approx(2.5, abs=1.0)
    assert match.segments[0].query_end == pytest.approx(12.5, abs=1.0)

    withdrawn = client.withdraw("default", entry.entry, reason="appeal")
    assert (withdrawn.state, withdrawn.reason) == (EntryState.WITHDRAWN, "appeal")
    gone = client.match(excerpt(video, 10, 60), min_revision=withdrawn.revision)
    assert (gone.verdict, gone.matches) == (Verdict.ALLOW, ())
    with pytest.raises(PreconditionError) as again:
        client.withdraw("default", entry.entry)
    assert again.value.reason == "ENTRY_WITHDRAWN"


def test_steps_of_an_entry(client: Client) -> None:
    """Disputed is REVIEW, reinstated BLOCK again; a candidate is not for whoever confirmed it to approve."""
    video = reference(8)
    entry = client.confirm("default", video)
    disputed = client.dispute("default", entry.entry, reason="a film", revision=entry.revision)
    assert client.match(excerpt(video, 10, 60), min_revision=disputed.revision).verdict is Verdict.REVIEW
    with pytest.raises(ConflictError):
        client.withdraw("default", entry.entry, revision=entry.revision)
    back = client.reinstate("default", entry.entry, reason="it is not")
    assert client.match(excerpt(video, 10, 60), min_revision=back.revision).verdict is Verdict.BLOCK
    assert [one.reason for one in back.history] == ["", "a film", "it is not"]
    assert len({one.actor for one in back.history}) == 1
    assert client.create_bank("two", two_person=True).two_person
    candidate = client.confirm("two", reference(9))
    assert candidate.state is EntryState.CANDIDATE
    for refused, reason in ((client.approve, "SECOND_PERSON_REQUIRED"), (client.reinstate, "ENTRY_STATE")):
        with pytest.raises(PreconditionError) as caught:
            refused("two", candidate.entry)
        assert caught.value.reason == reason
    assert not client.update_bank("two", two_person=False).two_person


def test_details_over_grpc(client: Client) -> None:
    """They are given at confirm, changed field by field under a revision, and listed when they are due."""
    later = datetime.datetime.now(datetime.UTC).replace(microsecond=0) + datetime.timedelta(days=9)
    details = Details(metadata={"case": "41"}, partner="TAT", partner_id="7", expires_at=later)
    entry = client.confirm("default", reference(1), labels=["a"], details=details)
    assert entry.details == details
    changed = client.update_entry(
        "default",
        entry.entry,
        labels=[],
        details=Details(legal_basis="law"),
        fields=["legal_basis"],
        revision=entry.revision,
    )
    assert (changed.labels, changed.details) == ((), dataclasses.replace(details, legal_basis="law"))
    with pytest.raises(ConflictError) as caught:
        client.update_entry("default", entry.entry, labels=["b"], revision=entry.revision)
    assert caught.value.reason == "REVISION_CONFLICT"
    cleared = client.update_entry("default", entry.entry, details=Details())
    assert cleared.details == Details()
    for wrong in (Details(partner_id="7"), Details(review_by=later.replace(year=2020)), Details(metadata={"": "x"})):
        with pytest.raises(InvalidInputError):
            client.update_entry("default", entry.entry, details=wrong)
    with pytest.raises(InvalidInputError):
        client.update_entry("default", entry.entry, details=Details(), fields=["colour"])
    assert client.get_entry("default", entry.entry) == cleared
    assert client.list_entries("default", review_due=True).items == ()


def test_rules_and_modes_over_grpc(client: Client) -> None:
    """A rule decides and is told, a bank that observes only tells, and an allow bank excuses; all of it arrives."""
    video = reference(1)
    client.confirm("default", video, external_id="attack", labels=["gore"])
    rule = Rule(verdict=Verdict.REVIEW, seconds=5.0, labels=("gore",))
    bank = client.update_bank("default", policy=Policy(rules=(rule,)))
    assert client.get_bank("default") == bank and bank.policy.rules == (rule,)
    upload = excerpt(video, 10, 60)
    [match] = client.match(upload, min_revision=bank.revision).matches
    assert (match.verdict, match.reason) == (Verdict.REVIEW, "rule 1: review if seconds>=5 label=gore")
    bank = client.update_bank("default", mode=BankMode.OBSERVE)
    observed = client.match(upload, min_revision=bank.revision)
    assert (observed.verdict, observed.observed) == (Verdict.ALLOW, Verdict.REVIEW)
    bank = client.update_bank("default", mode=BankMode.ENFORCE)
    assert client.create_bank("films", mode=BankMode.ALLOW).mode is BankMode.ALLOW
    film = client.confirm("films", dataclasses.replace(video, digests=Digests(sha256=b"f" * 32)), external_id="film")
    allowed = client.match(upload, banks=["default"], min_revision=film.revision)
    assert (allowed.verdict, allowed.matches) == (Verdict.ALLOW, ())
    [excused] = allowed.excused
    assert (excused.external_id, excused.by_bank, excused.by_external_id) == ("attack", "films", "film")
    assert excused.segments
    with pytest.raises(PreconditionError) as caught:
        client.update_bank("films", mode=BankMode.ENFORCE)
    assert caught.value.reason == "BANK_MODE"


def test_labels_over_grpc(client: Client) -> None:
    """The taxonomy is listed, and a bank that is kept to it refuses others by their reasons."""
    taxonomy = client.list_labels()
    assert client.create_bank("strict", taxonomy_only=True).taxonomy_only
    for label, reason in (("gore", "LABEL_UNKNOWN"), ("content-incident-protocol", "LABEL_RETIRED")):
        with pytest.raises(InvalidInputError) as caught:
            client.confirm("strict", reference(1), labels=[label])
        assert caught.value.reason == reason
    entry = client.confirm("strict", reference(1), labels=["perpetrator-produced-content"])
    assert entry.taxonomy == taxonomy.version
    assert not client.update_bank("strict", taxonomy_only=False).taxonomy_only


def test_digest_match(client: Client) -> None:
    """Equal bytes match by digest alone, and other bytes do not."""
    video = reference(2)
    entry = client.confirm("default", video)
    found = client.match(Digests(sha256=video.digests.sha256), min_revision=entry.revision)
    assert found.verdict is Verdict.BLOCK
    assert found.matches[0].digest == "sha256"
    assert client.match(Digests(sha256=bytes(32))).verdict is Verdict.ALLOW


def test_unrelated_video_is_allowed(client: Client) -> None:
    """Random hashes match nothing."""
    entry = client.confirm("default", reference(3))
    answer = client.match(excerpt(reference(4), 0, 40), min_revision=entry.revision)
    assert (answer.verdict, answer.matches) == (Verdict.ALLOW, ())


def test_confirm_twice_is_one_entry(client: Client) -> None:
    """The same bytes under the same external id are the same entry, under another one an error."""
    video = reference(5)
    first = client.confirm("default", video, external_id="v5")
    assert client.confirm("default", video, external_id="v5") == first
    with pytest.raises(AlreadyExistsError) as other:
        client.confirm("default", video, external_id="else")
    assert other.value.reason == "ENTRY_EXISTS"
    assert other.value.metadata["external_id"] == "v5"


def test_exclusions_over_grpc(client: Client) -> None:
    """Confirmed with exclusions, matched by the excluded part, changed under the revision, and matched again."""
    video = reference(5)
    entry = client.confirm("default", video, external_id="v5", exclusions=[Interval(10, 20)])
    assert client.get_entry("default", entry.entry).exclusions == (Interval(10, 20),)
    assert client.confirm("default", video, external_id="v5", exclusions=[Interval(10, 20)]) == entry
    with pytest.raises(AlreadyExistsError, match="entry exclude") as other:
        client.confirm("default", video, external_id="v5")
    assert other.value.reason == "ENTRY_EXISTS"

    answer = client.match(excerpt(video, 44, 76), min_revision=entry.revision)
    assert (answer.verdict, answer.matches) == (Verdict.ALLOW, ())
    assert [(one.entry, one.external_id) for one in answer.excused] == [(entry.entry, "v5")]
    assert answer.excused[0].seconds == pytest.approx(8.0, abs=0.5)

    changed = client.set_exclusions("default", entry.entry, [Interval(0, 5)], revision=entry.revision)
    assert changed == client.get_entry("default", entry.entry)
    again = client.match(excerpt(video, 44, 76), min_revision=changed.revision)
    assert (again.verdict, again.excused) == (Verdict.BLOCK, ())
    with pytest.raises(ConflictError) as stale:
        client.set_exclusions("default", entry.entry, [], revision=entry.revision)
    assert stale.value.reason == "REVISION_CONFLICT"
    assert client.set_exclusions("default", entry.entry, []).exclusions == ()


NAN, INFINITY = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("start", "end"), [(NAN, 5), (0, NAN), (0, INFINITY), (-1, 5), (5, 1), (3, 3), (10, 20.5), (30, 40)]
)
def test_exclusions_that_are_none(client: Client, start: float, end: float) -> None:
    """Whatever protobuf can hold and a video of twenty seconds cannot is refused, and changes nothing."""
    entry = client.confirm("default", reference(5))
    calls: tuple[Callable[[], object], ...] = (
        lambda: client.confirm("default", reference(6), exclusions=[Interval(start, end)]),
        lambda: client.set_exclusions("default", entry.entry, [Interval(0, 1), Interval(start, end)]),
    )
    for call in calls:
        with pytest.raises(InvalidInputError) as caught:
            call()
        assert (caught.value.reason, caught.value.metadata["field"]) == ("FIELD_INVALID", "exclusions")
    assert client.list_entries("default").items == (entry,)


def test_too_many_exclusions(client: Client) -> None:
    """65 are refused."""
    with pytest.raises(InvalidInputError) as caught:
        client.confirm("default", reference(6), exclusions=[Interval(one / 4, one / 4 + 0.1) for one in range(65)])
    assert caught.value.reason == "FIELD_TOO_LONG"


def test_lists_page_through_everything_once(client: Client) -> None:
    """Pages of any size put together are the whole list, in order."""
    made = [client.confirm("default", reference(seed, frames=16)).entry for seed in range(10, 17)]
    for bank in ("a", "b", "c"):
        client.create_bank(bank)
    for size in (1, 3, 7, 100):
        entries, token = [], ""
        while True:
            page = client.list_entries("default", page_size=size, page_token=token)
            assert len(page.items) <= size
            entries += [entry.entry for entry in page.items]
            if not (token := page.next_page_token):
                break
        assert entries == made
    banks = client.list_banks(page_size=3)
    rest = client.list_banks(page_size=3, page_token=banks.next_page_token)
    assert [bank.bank for bank in (*banks.items, *rest.items)] == ["a", "b", "c", "default"]


def test_page_faults(client: Client) -> None:
    """A negative page size and a token of nobody are refused; a huge page size is not."""
    asks: tuple[Callable[..., Page[Any]], ...] = (client.list_banks, functools.partial(client.list_entries, "default"))
    for ask in asks:
        with pytest.raises(InvalidInputError) as size:
            ask(page_size=-1)
        assert size.value.reason == "FIELD_INVALID"
        assert ask(page_size=10**6).next_page_token == ""
    with pytest.raises(InvalidInputError) as token:
        client.list_entries("default", page_token="nobody's")
    assert token.value.reason == "PAGE_TOKEN_INVALID"


def test_texts_that_are_too_long(client: Client) -> None:
    """A label or an external id of 10,000 characters is refused, and nothing is stored."""
    extras: tuple[dict[str, Any], ...] = (
        {"labels": ["x" * 10_000]},
        {"external_id": "ü" * 10_000},
        {"labels": ["x"] * 10_000},
    )
    for extra in extras:
        with pytest.raises(InvalidInputError) as caught:
            client.confirm("default", reference(6), **extra)
        assert caught.value.reason == "FIELD_TOO_LONG"
    assert client.list_entries("default").items == ()


def test_identifiers_that_are_too_long(client: Client) -> None:
    """Identifiers of 10,000 characters are an error of the caller, not of the service."""
    with pytest.raises(InvalidInputError):
        client.get_bank("x" * 10_000)
    with pytest.raises((InvalidInputError, NotFoundError)):
        client.get_entry("default", "x" * 10_000)
    with pytest.raises((InvalidInputError, NotFoundError)):
        client.withdraw("default", "x" * 10_000)
    with pytest.raises(InvalidInputError):
        client.list_banks(page_token="x" * 10_000)


def test_unknown_profile(client: Client) -> None:
    """A fingerprint of another profile is refused, to confirm and to match."""
    stranger = dataclasses.replace(reference(7), profile="pdq-of-tomorrow")
    for send in (client.match, lambda fingerprint: client.confirm("default", fingerprint)):
        with pytest.raises(FingerprintError) as caught:
            send(stranger)
        assert caught.value.reason == "PROFILE_UNKNOWN"


def test_revision_that_never_comes(client: Client) -> None:
    """A match waits for its revision only so long, and says which one it would have had."""
    with pytest.raises(UnavailableError) as caught:
        client.match(Digests(md5=bytes(16)), min_revision=10**9)
    assert caught.value.reason == "REVISION_NOT_REACHED"


def test_match_in_banks_that_were_named(client: Client) -> None:
    """Only the named banks are searched, and a bank that does not exist is an error."""
    client.create_bank("other")
    video = reference(8)
    entry = client.confirm("other", video)
    query = excerpt(video, 0, 60)
    assert client.match(query, banks=["other"], min_revision=entry.revision).matches
    assert not client.match(query, banks=["default"]).matches
    with pytest.raises(NotFoundError):
        client.match(query, banks=["nothing"])


def test_status_and_verify(client: Client) -> None:
    """The status counts what is live, and verify finds nothing wrong."""
    entry = client.confirm("default", reference(9))
    client.match(Digests(md5=bytes(16)), min_revision=entry.revision)
    status = client.status()
    assert status.ready
    assert status.store_revision == status.index_revision == entry.revision
    assert (status.entries, status.hashes) == (1, entry.hashes)
    assert client.verify() == []


def test_export(client: Client) -> None:
    """An export holds a line for each live entry; an unknown format or bank is an error."""
    kept = client.confirm("default", reference(20), external_id="kept")
    gone = client.confirm("default", reference(21), external_id="gone")
    client.withdraw("default", gone.entry)
    [line] = client.export("default", "jsonl")
    assert json.loads(line)["entry"] == kept.entry
    [signal] = client.export("default", "vpdq")
    assert re.match(r'\["[0-9a-f]{64},100,0', signal)
    for bank, format, reason in (
        ("default", "csv", "EXPORT_FORMAT_UNKNOWN"),
        ("nothing", "jsonl", "BANK_NOT_FOUND"),
    ):
        with pytest.raises((InvalidInputError, NotFoundError)) as caught:
            list(client.export(bank, format))
        assert caught.value.reason == reason


def test_a_content_id_arrives(client: Client) -> None:
    """Its bounds are the server's to check, in a match of hashes as in one of bytes."""
    video = reference(31)
    assert client.match(excerpt(video, 0, 40), content_id="post-1").verdict is Verdict.ALLOW
    with pytest.raises(InvalidInputError) as refused:
        client.match(excerpt(video, 0, 40), content_id="x" * 513)
    assert (refused.value.reason, refused.value.metadata["field"]) == ("FIELD_TOO_LONG", "content_id")
