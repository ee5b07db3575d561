"""Banks, policies and entries survive the wire."""

import datetime

import pytest

from hashsvc.bank.card import CardState, EditResult, RobustnessCard
from hashsvc.bank.model import Bank, BankMode, Details, Entry, EntryState, Interval, Policy, Rule, StateChange, Verdict
from hashsvc.bank.taxonomy import Taxonomy
from hashsvc.errors import InternalError, InvalidInputError
from hashsvc.v1 import bank_service_pb2 as pb
from hashsvc.wire.bank import (
    decode_bank,
    decode_card,
    decode_details,
    decode_entry,
    decode_mode,
    decode_policy,
    decode_taxonomy,
    encode_bank,
    encode_card,
    encode_entry,
    encode_mode,
    encode_policy,
    encode_taxonomy,
)

MADE = datetime.datetime(2024, 3, 1, 12, 30, 45, 123456, datetime.UTC)
CHANGED = MADE.astimezone(datetime.timezone(datetime.timedelta(hours=13)))
BANK = Bank(
    bank="news",
    description="ümläut",
    policy=Policy(
        block_evidence=-9.5,
        block_coverage=0.0,
        review_evidence=0.0,
        rules=(
            Rule(verdict=Verdict.ALLOW, labels=("film", "jeu vidéo")),
            Rule(verdict=Verdict.BLOCK, evidence=-6.0, share=0.5, seconds=5.0),
            Rule(verdict=Verdict.REVIEW, evidence=0.0),
        ),
    ),
    two_person=True,
    mode=BankMode.ALLOW,
    taxonomy_only=True,
    created_at=MADE,
    updated_at=CHANGED,
    revision=2**40,
)


def entry(state: EntryState) -> Entry:
    """An entry with everything in it."""
    return Entry(
        bank="news",
        entry="e1",
        external_id="x",
        state=state,
        labels=("a", "b"),
        taxonomy="ours-1",
        details=Details(
            metadata={"case": "41"},
            partner="TAT",
            partner_id="7",
            legal_basis="law",
            review_by=MADE,
            expires_at=CHANGED,
        ),
        exclusions=(Interval(0.0, 3.25), Interval(5.0, 12.34)),
        reason="why",
        history=(
            StateChange(state=EntryState.CANDIDATE, actor="mia", at=MADE),
            StateChange(state=state, actor="örn", at=MADE, reason="why"),
        ),
        profile="standard-1",
        duration=12.34,
        frames=50,
        hashes=2**33,
        md5="0" * 32,
        sha256="1" * 64,
        videohash="0x0123456789abcdef",
        created_at=MADE,
        updated_at=CHANGED,
        revision=7,
        card=RobustnessCard(
            state=CardState.DONE,
            progress=1.0,
            profile="standard-1",
            made_at=MADE,
            detail="why",
            results=(
                EditResult(edit="mirror", matched=True, evidence=-40.5, query_coverage=0.75, added_view="edit-mirror"),
                EditResult(edit="beside", matched=False),
            ),
        ),
    )


@pytest.mark.parametrize("mode", BankMode)
def test_modes(mode: BankMode) -> None:
    """Each arrives, one that is not sent is to enforce, and one of a newer version is not taken for one of ours."""
    assert decode_mode(encode_mode(mode)) is mode
    assert decode_bank(pb.Bank(bank="news")).mode is BankMode.ENFORCE
    with pytest.raises(InvalidInputError):
        decode_mode(99)


def test_bank_round_trip() -> None:
    """Every field arrives; a policy of zeros is not taken for the defaults."""
    message = pb.Bank.FromString(encode_bank(BANK).SerializeToString())
    assert decode_bank(message) == BANK


@pytest.mark.parametrize("state", EntryState)
def test_entry_round_trip(state: EntryState) -> None:
    """Every field arrives, in every state."""
    message = pb.Entry.FromString(encode_entry(entry(state)).SerializeToString())
    assert decode_entry(message) == entry(state)


@pytest.mark.parametrize("state", CardState)
def test_card_round_trip(state: CardState) -> None:
    """A card without results arrives in every state, and from a server of before as none."""
    card = RobustnessCard(state=state, progress=0.25)
    assert decode_card(pb.RobustnessCard.FromString(encode_card(card).SerializeToString())) == card
    assert decode_card(pb.Entry().robustness_card) == RobustnessCard()


def test_unknown_card_state() -> None:
    """A card's state of a newer version is not taken for one of ours."""
    with pytest.raises(InternalError):
        decode_card(pb.RobustnessCard(state=99))  # type: ignore[arg-type]


def test_unset_policy_fields_take_the_base() -> None:
    """What a caller leaves out keeps its value, or the default."""
    assert decode_policy(pb.Policy()) == Policy()
    assert decode_policy(pb.Policy(block_coverage=0.0)) == Policy(block_coverage=0.0)
    base = Policy(block_evidence=-20.0)
    assert decode_policy(pb.Policy(block_coverage=0.9), base) == Policy(block_evidence=-20.0, block_coverage=0.9)
    assert decode_policy(encode_policy(base)) == base


def test_a_rule_with_an_unknown_verdict() -> None:
    """What this version cannot read decides nothing."""
    for verdict in (0, 99):
        with pytest.raises(InvalidInputError):
            decode_policy(pb.Policy(rules=[pb.Rule(verdict=verdict)]))  # type: ignore[arg-type]


def test_a_date_that_is_none() -> None:
    """It is the caller's mistake, not a defect."""
    for seconds in (10**15, -(10**15)):
        message = pb.EntryDetails()
        message.expires_at.seconds = seconds
        with pytest.raises(InvalidInputError):
            decode_details(message)
    assert decode_details(pb.EntryDetails()) == Details()


def test_taxonomy_round_trip() -> None:
    """Labels arrive in order, retired ones too."""
    message = pb.ListLabelsResponse.FromString(encode_taxonomy(Taxonomy.load()).SerializeToString())
    assert decode_taxonomy(message) == Taxonomy.load()


def test_unknown_state() -> None:
    """A state of a newer version is not taken for one of ours."""
    message = encode_entry(entry(EntryState.CONFIRMED))
    message.state = 99  # type: ignore[assignment]
    with pytest.raises(InternalError):
        decode_entry(message)


def test_time_without_zone() -> None:
    """A time that could be any zone's is not sent."""
    naive = datetime.datetime(2024, 1, 1)
    with pytest.raises(ValueError, match="zone"):
        encode_bank(Bank(bank="b", created_at=naive, updated_at=MADE, revision=1))
