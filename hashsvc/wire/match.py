"""Query, match and verdict on the wire."""

from hashsvc.bank.model import EntryState, Verdict
from hashsvc.errors import InvalidInputError
from hashsvc.fingerprint.model import Digests, Fingerprint
from hashsvc.match.model import Excused, Match, MatchResult, Segment
from hashsvc.v1 import bank_service_pb2 as bank_pb
from hashsvc.v1 import match_service_pb2 as pb
from hashsvc.wire.bank import decode_state, decode_verdict, encode_state, encode_verdict
from hashsvc.wire.fingerprint import decode_digests, decode_fingerprint, encode_digests, encode_fingerprint


def encode_query(query: Fingerprint | Digests, options: pb.MatchOptions) -> pb.MatchRequest:
    """The request that looks `query` up."""
    if isinstance(query, Digests):
        return pb.MatchRequest(digests=encode_digests(query), options=options)
    return pb.MatchRequest(fingerprint=encode_fingerprint(query), options=options)


def decode_query(message: pb.MatchRequest) -> Fingerprint | Digests:
    """What to look up.

    Raises InvalidInputError FIELD_REQUIRED when there is neither, FingerprintError FINGERPRINT_MALFORMED.
    """
    match message.WhichOneof("query"):
        case "fingerprint":
            return decode_fingerprint(message.fingerprint)
        case "digests":
            return decode_digests(message.digests)
    raise InvalidInputError("FIELD_REQUIRED", "a fingerprint or a digest is required", field="query")


def encode_result(result: MatchResult) -> pb.MatchResult:
    """The message of `result`."""
    return pb.MatchResult(
        verdict=encode_verdict(result.verdict),
        revision=result.revision,
        matches=map(encode_match, result.matches),
        deepen=result.deepen,
        excused=map(encode_excused, result.excused),
        observed=_encode_observed(result.observed),
    )


def decode_result(message: pb.MatchResult) -> MatchResult:
    """The result in `message`. Raises InternalError for a verdict that this version does not know."""
    return MatchResult(
        verdict=decode_verdict(message.verdict),
        revision=message.revision,
        matches=tuple(map(decode_match, message.matches)),
        deepen=message.deepen,
        excused=tuple(map(decode_excused, message.excused)),
    )


def encode_match(match: Match) -> pb.Match:
    """The message of one match."""
    return pb.Match(
        bank=match.bank,
        entry=match.entry,
        external_id=match.external_id,
        evidence=match.evidence,
        query_coverage=match.query_coverage,
        reference_coverage=match.reference_coverage,
        mean_distance=match.mean_distance,
        verdict=encode_verdict(match.verdict),
        segments=map(_encode_segment, match.segments),
        digest=match.digest,
        entry_state=encode_state(match.state),
        breaker=match.breaker,
        reason=match.reason,
        observed=_encode_observed(match.observed),
    )


def decode_match(message: pb.Match) -> Match:
    """The match in `message`. Raises InternalError for a verdict that this version does not know."""
    return Match(
        bank=message.bank,
        entry=message.entry,
        external_id=message.external_id,
        evidence=message.evidence,
        query_coverage=message.query_coverage,
        reference_coverage=message.reference_coverage,
        mean_distance=message.mean_distance,
        verdict=decode_verdict(message.verdict),
        segments=tuple(map(_decode_segment, message.segments)),
        digest=message.digest,
        state=_decode_state(message.entry_state),
        breaker=message.breaker,
        reason=message.reason,
        observed=decode_verdict(message.observed) if message.observed else None,
    )


def _encode_observed(verdict: Verdict | None) -> "bank_pb.Verdict.ValueType":
    return bank_pb.VERDICT_UNSPECIFIED if verdict is None else encode_verdict(verdict)


def _decode_state(value: int) -> EntryState:
    """A server of before there were states matched only what was confirmed."""
    return decode_state(value) if value else EntryState.CONFIRMED


def encode_excused(excused: Excused) -> pb.Excused:
    """The message of what was recognised and is no match."""
    return pb.Excused(
        bank=excused.bank,
        entry=excused.entry,
        external_id=excused.external_id,
        reason=excused.reason,
        seconds=excused.seconds,
        by_bank=excused.by_bank,
        by_entry=excused.by_entry,
        by_external_id=excused.by_external_id,
        segments=map(_encode_segment, excused.segments),
    )


def decode_excused(message: pb.Excused) -> Excused:
    """The inverse of `encode_excused`."""
    return Excused(
        bank=message.bank,
        entry=message.entry,
        external_id=message.external_id,
        reason=message.reason,
        seconds=message.seconds,
        by_bank=message.by_bank,
        by_entry=message.by_entry,
        by_external_id=message.by_external_id,
        segments=tuple(map(_decode_segment, message.segments)),
    )


def _encode_segment(segment: Segment) -> pb.Segment:
    return pb.Segment(
        query_start=segment.query_start,
        query_end=segment.query_end,
        reference_start=segment.reference_start,
        reference_end=segment.reference_end,
        speed=segment.speed,
        view=segment.view,
        mean_distance=segment.mean_distance,
    )


def _decode_segment(message: pb.Segment) -> Segment:
    return Segment(
        query_start=message.query_start,
        query_end=message.query_end,
        reference_start=message.reference_start,
        reference_end=message.reference_end,
        speed=message.speed,
        view=message.view,
        mean_distance=message.mean_distance,
    )
