"""Queries and results survive the wire."""

import dataclasses

import pytest

from hashsvc.bank.model import Verdict
from hashsvc.errors import FingerprintError, InternalError, InvalidInputError
from hashsvc.fingerprint.model import Digests, Fingerprint
from hashsvc.match.model import ALLOWED, Excused, Match, MatchResult, Segment
from hashsvc.v1 import bank_service_pb2 as bank_pb
from hashsvc.v1 import fingerprint_pb2
from hashsvc.v1 import match_service_pb2 as pb
from hashsvc.wire.match import decode_query, decode_result, encode_query, encode_result
from tests.wire.test_fingerprint import made

SEGMENT = Segment(
    query_start=0.5,
    query_end=10.0,
    reference_start=3.0,
    reference_end=17.25,
    speed=1.5,
    view="full/mirror",
    mean_distance=17.5,
)


def result(verdict: Verdict) -> MatchResult:
    """A result with everything in it."""
    match = Match(
        bank="news",
        entry="e1",
        external_id="x",
        evidence=-42.5,
        query_coverage=0.7,
        reference_coverage=0.25,
        mean_distance=17.5,
        verdict=verdict,
        reason="rule 1: block if seconds>=5",
        segments=(SEGMENT, SEGMENT),
        digest="md5",
        breaker="news/e1",
    )
    observed = dataclasses.replace(match, verdict=Verdict.ALLOW, observed=Verdict.BLOCK)
    excused = Excused(
        bank="news",
        entry="e2",
        external_id="y",
        reason=ALLOWED,
        seconds=12.25,
        by_bank="films",
        by_entry="e3",
        by_external_id="z",
        segments=(SEGMENT,),
    )
    return MatchResult(verdict=verdict, revision=2**40, matches=(match, observed), excused=(excused,))


@pytest.mark.parametrize("verdict", Verdict)
def test_result_round_trip(verdict: Verdict) -> None:
    """Every field arrives, with every verdict."""
    message = pb.MatchResult.FromString(encode_result(result(verdict)).SerializeToString())
    assert decode_result(message) == result(verdict)
    assert message.observed == bank_pb.VERDICT_BLOCK


@pytest.mark.parametrize("value", [0, 99])
def test_unknown_verdict(value: int) -> None:
    """A verdict that is not known does not pass for ALLOW."""
    with pytest.raises(InternalError):
        decode_result(pb.MatchResult(verdict=value))  # type: ignore[arg-type]


def test_query_round_trip() -> None:
    """A query is a fingerprint or digests."""
    options = pb.MatchOptions(banks=["news"], min_revision=3)
    digests = Digests(md5=bytes(16))
    message = encode_query(digests, options)
    assert message.options == options
    assert decode_query(message) == digests
    decoded = decode_query(encode_query(made(), options))
    assert isinstance(decoded, Fingerprint)
    assert decoded.frames == made().frames


def test_query_of_nothing() -> None:
    """A query must say what to look up."""
    with pytest.raises(InvalidInputError) as caught:
        decode_query(pb.MatchRequest())
    assert caught.value.reason == "FIELD_REQUIRED"
    with pytest.raises(FingerprintError):
        decode_query(pb.MatchRequest(digests=fingerprint_pb2.Digests(md5=b"x")))
