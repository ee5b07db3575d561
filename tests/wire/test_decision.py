"""Decisions over the wire."""

import dataclasses
import datetime

import pytest

from hashsvc.bank.model import Bank, Entry, Verdict
from hashsvc.decisions.model import Decision, Ground, LogCheck, Replay, VerdictRecord
from hashsvc.errors import InvalidInputError
from hashsvc.fingerprint.model import Digests
from hashsvc.wire.decision import (
    decode_check,
    decode_decision,
    decode_replay,
    encode_check,
    encode_decision,
    encode_moment,
    encode_replay,
)
from tests.cli.conftest import EXCUSED, NOW, a_match

BANK = Bank(bank="b", created_at=NOW, updated_at=NOW, revision=3)
ENTRY = Entry(
    bank="b", entry="e", profile="standard-1", duration=1.0, frames=4, hashes=9, created_at=NOW, updated_at=NOW,
    revision=3,
)  # fmt: skip
PLAIN = Decision(
    decision=7, hash="aa", previous="bb", revision=9, kind="appeal", action="open", actor="mia", at=NOW, reason="r",
    content_id="c", appeal="a",
)  # fmt: skip
RECORD = VerdictRecord(
    verdict=Verdict.REVIEW, judged_revision=8, upload="ff", content_id="c", profile="standard-1", duration=2.5,
    asked=("b",), policies=(BANK,),
    grounds=(Ground(match=a_match(), labels=("l",), source="s", entry_revision=3),), omitted=2,
    excused=(EXCUSED,), digests=Digests(md5=b"m" * 16, sha256=b"s" * 32), readings=("cc", "dd"),
)  # fmt: skip


@pytest.mark.parametrize(
    "decision",
    [
        PLAIN,
        dataclasses.replace(PLAIN, kind="verdict", verdict=RECORD),
        dataclasses.replace(PLAIN, kind="bank", bank="b", after=BANK),
        dataclasses.replace(PLAIN, kind="entry", bank="b", entry="e", before=ENTRY, after=ENTRY),
    ],
    ids=["plain", "verdict", "bank", "entry"],
)
def test_every_field_comes_back(decision: Decision) -> None:
    """Of each kind."""
    assert decode_decision(encode_decision(decision)) == decision


def test_replays_and_checks() -> None:
    """What differs and what is at fault come back too."""
    replay = Replay(
        decision=7, revision=8, same=False, logged=Verdict.BLOCK, verdict=Verdict.ALLOW, matches=(a_match(),),
        differences=("x",),
    )  # fmt: skip
    assert decode_replay(encode_replay(replay)) == replay
    check = LogCheck(faults=("x",), decisions=3, head="ab")
    assert decode_check(encode_check(check)) == check


def test_a_time_has_a_zone() -> None:
    """Else it is refused, not guessed."""
    with pytest.raises(InvalidInputError):
        encode_moment(datetime.datetime(2026, 1, 1))
