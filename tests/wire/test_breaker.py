"""Breakers over the wire."""

import dataclasses

from hashsvc.bank import records
from hashsvc.bank.breaker import Affected, Breaker
from hashsvc.bank.model import Verdict
from hashsvc.wire.breaker import decode_breaker, encode_breaker


def test_every_field_comes_back() -> None:
    """With and without a reset."""
    now = records.now()
    breaker = Breaker(
        bank="b",
        entry="e",
        external_id="x",
        tripped=True,
        tripped_at=now,
        limit=40,
        window_seconds=600.0,
        query_coverage=0.5,
        reference_coverage=0.25,
        blocked=40,
        reviewed=3,
        affected=(Affected(upload="aa", content_id="c", verdict=Verdict.BLOCK, at=now),),
        allowed_hits=7,
        revision=9,
    )
    for one in (breaker, dataclasses.replace(breaker, tripped=False, reset_at=now)):
        assert decode_breaker(encode_breaker(one)) == one
