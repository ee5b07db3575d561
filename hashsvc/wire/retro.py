"""Hunts, hits and dry runs on the wire."""

import datetime

from google.protobuf.timestamp_pb2 import Timestamp

from hashsvc.errors import InternalError
from hashsvc.retro.model import DryRun, Hit, Hunt, HuntState
from hashsvc.v1 import retro_service_pb2 as pb
from hashsvc.wire.match import decode_match, encode_match

_STATES = {
    HuntState.NONE: pb.HUNT_STATE_NONE,
    HuntState.RUNNING: pb.HUNT_STATE_RUNNING,
    HuntState.DONE: pb.HUNT_STATE_DONE,
    HuntState.FAILED: pb.HUNT_STATE_FAILED,
}
_STATES_BACK: dict[int, HuntState] = {value: state for state, value in _STATES.items()}


def encode_hunt(hunt: Hunt) -> pb.Hunt:
    """The message of `hunt`."""
    return pb.Hunt(
        bank=hunt.bank,
        entry=hunt.entry,
        state=_STATES[hunt.state],
        detail=hunt.detail,
        searched=hunt.searched,
        of=hunt.of,
        hits=hunt.hits,
        started_at=None if hunt.started_at is None else _stamp(hunt.started_at),
        updated_at=None if hunt.updated_at is None else _stamp(hunt.updated_at),
    )


def decode_hunt(message: pb.Hunt) -> Hunt:
    """The hunt in `message`. Raises InternalError for a state that this version does not know."""
    if message.state not in _STATES_BACK:
        raise InternalError("INTERNAL", f"hunt state {message.state} is unknown to this client", state=message.state)
    return Hunt(
        bank=message.bank,
        entry=message.entry,
        state=_STATES_BACK[message.state],
        detail=message.detail,
        searched=message.searched,
        of=message.of,
        hits=message.hits,
        started_at=_time(message.started_at) if message.HasField("started_at") else None,
        updated_at=_time(message.updated_at) if message.HasField("updated_at") else None,
    )


def encode_hit(hit: Hit) -> pb.Hit:
    """The message of `hit`."""
    return pb.Hit(content_id=hit.content_id, seen_at=_stamp(hit.seen_at), match=encode_match(hit.match))


def decode_hit(message: pb.Hit) -> Hit:
    """The hit in `message`."""
    return Hit(content_id=message.content_id, seen_at=_time(message.seen_at), match=decode_match(message.match))


def encode_dry_run(run: DryRun) -> pb.DryRunResponse:
    """The message of `run`."""
    return pb.DryRunResponse(
        searched=run.searched,
        total=run.total,
        hits=map(encode_hit, run.hits),
        known_good=map(encode_match, run.known_good),
        held_back=run.held_back,
        allowed=run.allowed,
    )


def decode_dry_run(message: pb.DryRunResponse) -> DryRun:
    """The dry run in `message`."""
    return DryRun(
        searched=message.searched,
        total=message.total,
        hits=tuple(map(decode_hit, message.hits)),
        known_good=tuple(map(decode_match, message.known_good)),
        held_back=message.held_back,
        allowed=message.allowed,
    )


def _stamp(moment: datetime.datetime) -> Timestamp:
    stamp = Timestamp()
    stamp.FromDatetime(moment)
    return stamp


def _time(message: Timestamp) -> datetime.datetime:
    return message.ToDatetime(tzinfo=datetime.UTC)
