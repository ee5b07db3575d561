"""Hunts, hits and dry runs travel whole."""

import datetime

import pytest

from hashsvc.bank.model import Verdict
from hashsvc.errors import InternalError
from hashsvc.match.model import Match, Segment
from hashsvc.retro.model import DryRun, Hit, Hunt, HuntState
from hashsvc.v1 import retro_service_pb2 as pb
from hashsvc.wire.retro import decode_dry_run, decode_hit, decode_hunt, encode_dry_run, encode_hit, encode_hunt

NOW = datetime.datetime(2026, 1, 2, 3, 4, 5, 678000, datetime.UTC)
SEGMENT = Segment(
    query_start=0.5,
    query_end=4.0,
    reference_start=2.0,
    reference_end=5.5,
    speed=1.0,
    view="full/full",
    mean_distance=9.0,
)
HIT = Hit(
    content_id="post 1",
    seen_at=NOW,
    match=Match(
        bank="default",
        entry="e1",
        external_id="attack",
        evidence=-12.0,
        query_coverage=0.7,
        reference_coverage=0.5,
        mean_distance=9.0,
        verdict=Verdict.REVIEW,
        segments=(SEGMENT,),
    ),
)


@pytest.mark.parametrize("state", HuntState)
def test_a_hunt(state: HuntState) -> None:
    """In every state, with its times and without."""
    full = Hunt(
        bank="b", entry="e", state=state, detail="d", searched=3, of=5, hits=2, started_at=NOW, updated_at=NOW
    )  # fmt: skip
    bare = Hunt(bank="b", entry="e", state=state)
    for hunt in (full, bare):
        assert decode_hunt(encode_hunt(hunt)) == hunt


def test_hits() -> None:
    """Alone, and in a dry run."""
    assert decode_hit(encode_hit(HIT)) == HIT
    for run in (
        DryRun(searched=9, hits=(HIT,), total=4),
        DryRun(searched=9, hits=(HIT,), total=4, known_good=(HIT.match, HIT.match), held_back="why"),
    ):
        assert decode_dry_run(encode_dry_run(run)) == run


def test_a_state_of_a_later_version() -> None:
    """It must not pass for one that there is."""
    with pytest.raises(InternalError):
        decode_hunt(pb.Hunt(state=99))  # type: ignore[arg-type]
