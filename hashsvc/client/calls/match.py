"""The calls of MatchService."""

from collections.abc import Sequence

from hashsvc.client.calls.call import Call, build
from hashsvc.fingerprint.model import Digests, Fingerprint
from hashsvc.match.model import MatchResult
from hashsvc.v1 import match_service_pb2 as match_pb
from hashsvc.wire.match import decode_result, encode_query


def match(query: Fingerprint | Digests, banks: Sequence[str], min_revision: int, content_id: str) -> Call[MatchResult]:
    """MatchService.Match."""
    options = build(match_pb.MatchOptions, banks=banks, min_revision=min_revision, content_id=content_id)
    return Call(
        method="MatchService/Match",
        request=encode_query(query, options),
        response=match_pb.MatchResponse,
        decode=lambda answer: decode_result(answer.result),
    )


def match_media(banks: Sequence[str], min_revision: int, content_id: str) -> Call[MatchResult]:
    """MatchService.MatchMedia, up to its bytes; they could not be sent again, so a channel does not retry it."""
    options = build(match_pb.MatchOptions, banks=banks, min_revision=min_revision, content_id=content_id)
    return Call(
        method="MatchService/MatchMedia",
        request=match_pb.MatchMediaRequest(options=options),
        response=match_pb.MatchMediaResponse,
        decode=lambda answer: decode_result(answer.result),
        repeatable=False,
        long=True,
    )
