"""Breaker on the wire."""

import datetime

from google.protobuf.timestamp_pb2 import Timestamp

from hashsvc.bank.breaker import Affected, Breaker
from hashsvc.v1 import breaker_service_pb2 as pb
from hashsvc.wire.bank import decode_verdict, encode_verdict


def encode_breaker(breaker: Breaker) -> pb.Breaker:
    """The message of `breaker`."""
    return pb.Breaker(
        bank=breaker.bank,
        entry=breaker.entry,
        external_id=breaker.external_id,
        tripped=breaker.tripped,
        tripped_at=_encode_time(breaker.tripped_at),
        reset_at=None if breaker.reset_at is None else _encode_time(breaker.reset_at),
        limit=breaker.limit,
        window_seconds=breaker.window_seconds,
        query_coverage=breaker.query_coverage,
        reference_coverage=breaker.reference_coverage,
        blocked=breaker.blocked,
        reviewed=breaker.reviewed,
        affected=[
            pb.AffectedUpload(
                upload=one.upload,
                content_id=one.content_id,
                verdict=encode_verdict(one.verdict),
                at=_encode_time(one.at),
            )
            for one in breaker.affected
        ],
        allowed_hits=breaker.allowed_hits,
        revision=breaker.revision,
    )


def decode_breaker(message: pb.Breaker) -> Breaker:
    """The breaker in `message`. Raises InternalError for a verdict that this version does not know."""
    return Breaker(
        bank=message.bank,
        entry=message.entry,
        external_id=message.external_id,
        tripped=message.tripped,
        tripped_at=_decode_time(message.tripped_at),
        reset_at=_decode_time(message.reset_at) if message.HasField("reset_at") else None,
        limit=message.limit,
        window_seconds=message.window_seconds,
        query_coverage=message.query_coverage,
        reference_coverage=message.reference_coverage,
        blocked=message.blocked,
        reviewed=message.reviewed,
        affected=tuple(
            Affected(
                upload=one.upload,
                content_id=one.content_id,
                verdict=decode_verdict(one.verdict),
                at=_decode_time(one.at),
            )
            for one in message.affected
        ),
        allowed_hits=message.allowed_hits,
        revision=message.revision,
    )


def _encode_time(time: datetime.datetime) -> Timestamp:
    timestamp = Timestamp()
    timestamp.FromDatetime(time)
    return timestamp


def _decode_time(message: Timestamp) -> datetime.datetime:
    return message.ToDatetime(datetime.UTC)
