"""Banks, entries and fingerprints as they are stored."""

import dataclasses
import datetime

import msgpack
import numpy as np
import pytest

from hashsvc.bank import records
from hashsvc.bank.model import Bank, BankMode, Details, Entry, EntryState, Interval, Policy, Rule, StateChange, Verdict
from hashsvc.bank.rules import check_policy
from hashsvc.errors import FingerprintError
from hashsvc.fingerprint.encoding import encode
from hashsvc.fingerprint.profiles import DEFAULT
from hashsvc_index import BankRecord, EntryRecord, Store
from tests.match.synthetic import a_reference

MOMENT = datetime.datetime(2026, 3, 4, 5, 6, 7, 891000, tzinfo=datetime.UTC)
BANK = Bank(
    bank="b-1",
    description="ein Bündel\n中文",
    policy=Policy(
        block_evidence=-7.25,
        block_coverage=0.75,
        review_evidence=-2.5,
        rules=(
            Rule(verdict=Verdict.ALLOW, labels=("film", "jeu vidéo")),
            Rule(verdict=Verdict.BLOCK, evidence=-6.0, share=0.5, seconds=5.0),
            Rule(verdict=Verdict.REVIEW, evidence=0.0),
        ),
    ),
    two_person=True,
    mode=BankMode.OBSERVE,
    taxonomy_only=True,
    created_at=MOMENT,
    updated_at=MOMENT + datetime.timedelta(days=400),
    revision=7,
)
ENTRY = Entry(
    bank="b-1",
    entry="0123456789abcdef",
    external_id="Überwachung 🎥",
    state=EntryState.WITHDRAWN,
    labels=("a", "b c"),
    taxonomy="ours-1",
    details=Details(
        metadata={"case": "41", "größe": "中文"},
        partner="TAT",
        partner_id="7",
        legal_basis="law",
        review_by=MOMENT,
        expires_at=MOMENT + datetime.timedelta(days=9),
    ),
    exclusions=(Interval(0.0, 4.5), Interval(7.25, 12.34)),
    reason="appeal",
    history=(
        StateChange(state=EntryState.CONFIRMED, actor="mia", at=MOMENT),
        StateChange(state=EntryState.WITHDRAWN, actor="örn", at=MOMENT, reason="appeal"),
    ),
    profile="standard-1",
    duration=12.34,
    frames=5,
    hashes=17,
    md5="00" * 16,
    sha256="ff" * 32,
    videohash="0x0123456789abcdef",
    created_at=MOMENT,
    updated_at=MOMENT,
    revision=9,
)


@pytest.fixture
def stored(tmp_path_factory: pytest.TempPathFactory) -> tuple[BankRecord, EntryRecord]:
    """Both, as a store gives them back."""
    with Store.open(tmp_path_factory.mktemp("records") / "data") as store:
        store.put_bank(BANK.bank, records.bank_payload(BANK), create=True)
        store.add_entry(
            BANK.bank, ENTRY.entry, records.entry_payload(ENTRY),
            vectors=np.zeros((1, 32), np.uint8), blobs={}, digests=[],
        )  # fmt: skip
        return store.get_bank(BANK.bank), store.get_entry(BANK.bank, ENTRY.entry)


def test_round_trip(stored: tuple[BankRecord, EntryRecord]) -> None:
    """Everything but the revision is in the payload; the revision is the record's own."""
    bank, entry = stored
    assert records.bank_of(bank) == dataclasses.replace(BANK, revision=bank.revision)
    assert records.entry_of(entry) == dataclasses.replace(ENTRY, revision=entry.revision)
    assert bank.revision != BANK.revision and entry.revision != ENTRY.revision


def test_an_entry_of_before_there_were_exclusions(stored: tuple[BankRecord, EntryRecord]) -> None:
    """A payload without them has none."""
    record = stored[1]
    fields = msgpack.unpackb(record.payload, timestamp=3)
    del fields["exclusions"]
    old = dataclasses.replace(record, payload=msgpack.packb(fields, datetime=True))
    assert records.entry_of(old) == dataclasses.replace(records.entry_of(record), exclusions=())


def test_of_before_there_were_states(stored: tuple[BankRecord, EntryRecord]) -> None:
    """A bank without a choice takes one person, an entry without a history or details has none."""
    bank, entry = stored
    fields = msgpack.unpackb(bank.payload, timestamp=3)
    del fields["two_person"]
    old = dataclasses.replace(bank, payload=msgpack.packb(fields, datetime=True))
    assert records.bank_of(old) == dataclasses.replace(records.bank_of(bank), two_person=False)
    fields = msgpack.unpackb(entry.payload, timestamp=3)
    del fields["history"], fields["details"], fields["taxonomy"]
    former = dataclasses.replace(entry, payload=msgpack.packb(fields, datetime=True))
    expected = dataclasses.replace(records.entry_of(entry), history=(), details=Details(), taxonomy="")
    assert records.entry_of(former) == expected


def test_a_bank_of_before_there_were_rules_and_modes(stored: tuple[BankRecord, EntryRecord]) -> None:
    """A policy without rules has none, and the bank enforces."""
    fields = msgpack.unpackb(stored[0].payload, timestamp=3)
    del fields["policy"]["rules"], fields["mode"], fields["taxonomy_only"]
    old = records.bank_of(dataclasses.replace(stored[0], payload=msgpack.packb(fields, datetime=True)))
    assert old.policy == dataclasses.replace(BANK.policy, rules=())
    assert (old.mode, old.taxonomy_only) == (BankMode.ENFORCE, False)


def test_the_longest_rules_fit() -> None:
    """What the bounds allow of a bank, in the longest UTF-8, is a payload that the store takes."""
    rule = Rule(verdict=Verdict.REVIEW, evidence=-5.123456789, share=0.123456789, seconds=123456.789)
    rules = (*(dataclasses.replace(rule, labels=("🎥" * 128,) * 32) for _ in range(2)), *((rule,) * 30))
    largest = dataclasses.replace(BANK, description="🎥" * 4096, policy=Policy(rules=rules))
    check_policy(largest.policy)
    assert len(records.bank_payload(largest)) <= 1 << 16


def test_now_is_what_is_stored() -> None:
    """Times are UTC and whole milliseconds, so that what is given back equals what was written."""
    moment = records.now()
    assert moment.tzinfo is datetime.UTC
    assert moment.microsecond % 1000 == 0
    assert abs(datetime.datetime.now(datetime.UTC) - moment) < datetime.timedelta(seconds=5)


def test_a_fingerprint_in_two_parts() -> None:
    """Hashes that pass the gate go to the index, the rest into a blob; together they are the fingerprint again."""
    random = np.random.default_rng(1)
    fingerprint = a_reference(3, seconds=5.0)
    fingerprint.quality[:] = random.integers(0, 101, fingerprint.quality.shape)
    passed = fingerprint.quality >= DEFAULT.quality_gate
    vectors, blob = records.split(fingerprint)
    assert np.array_equal(vectors, fingerprint.hashes[passed])
    assert 0 < len(vectors) < passed.size
    assert len(blob) < len(encode(fingerprint)) - passed.size * 16
    joined = records.join(vectors, blob)
    expected = np.where(passed[..., None], fingerprint.hashes, 0).astype(np.uint8)
    assert encode(joined) == encode(dataclasses.replace(fingerprint, hashes=expected))


def test_a_fingerprint_without_evidence_has_no_vectors() -> None:
    """Black frames leave a blob alone, and come back without hashes."""
    fingerprint = a_reference(3, seconds=5.0)
    fingerprint.quality[:] = 0
    vectors, blob = records.split(fingerprint)
    assert vectors.shape == (0, 32)
    assert not records.join(vectors, blob).hashes.any()


def test_parts_that_do_not_belong_together() -> None:
    """Vectors of another entry are an error and not another fingerprint."""
    vectors, blob = records.split(a_reference(3, seconds=5.0))
    for others in (vectors[:-1], vectors[:0], np.concatenate([vectors, vectors[:1]])):
        with pytest.raises(FingerprintError):
            records.join(others, blob)
