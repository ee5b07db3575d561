"""Bank, policy and entry on the wire."""

import dataclasses
import datetime
from collections.abc import Iterable
from typing import Literal

from google.protobuf.timestamp_pb2 import Timestamp

from hashsvc.bank.card import CardState, EditResult, RobustnessCard
from hashsvc.bank.model import Bank, Depth, Entry, EntryState, Interval, Policy, StateChange
from hashsvc.errors import InternalError, InvalidInputError
from hashsvc.v1 import bank_service_pb2 as pb

PolicyField = Literal["block_evidence", "block_coverage", "review_evidence", "depth"]
POLICY_FIELDS: tuple[PolicyField, ...] = ("block_evidence", "block_coverage", "review_evidence", "depth")
_DEPTHS = {
    Depth.QUICK: pb.DEPTH_QUICK,
    Depth.AUTO: pb.DEPTH_AUTO,
    Depth.DEEP: pb.DEPTH_DEEP,
}
_DEPTHS_BACK = {value: depth for depth, value in _DEPTHS.items()}

_STATES = {
    EntryState.CANDIDATE: pb.ENTRY_STATE_CANDIDATE,
    EntryState.CONFIRMED: pb.ENTRY_STATE_CONFIRMED,
    EntryState.DISPUTED: pb.ENTRY_STATE_DISPUTED,
    EntryState.WITHDRAWN: pb.ENTRY_STATE_WITHDRAWN,
}
_STATES_BACK: dict[int, EntryState] = {value: state for state, value in _STATES.items()}
_CARD_STATES = {
    CardState.NONE: pb.CARD_STATE_UNSPECIFIED,
    CardState.PENDING: pb.CARD_STATE_PENDING,
    CardState.RUNNING: pb.CARD_STATE_RUNNING,
    CardState.DONE: pb.CARD_STATE_DONE,
    CardState.FAILED: pb.CARD_STATE_FAILED,
}
_CARD_STATES_BACK = {value: state for state, value in _CARD_STATES.items()}


def encode_policy(policy: Policy) -> pb.Policy:
    """The message of `policy`, every field set."""
    return pb.Policy(
        block_evidence=policy.block_evidence,
        block_coverage=policy.block_coverage,
        review_evidence=policy.review_evidence,
        depth=_DEPTHS[policy.depth],
    )


def decode_policy(message: pb.Policy, base: Policy = Policy()) -> Policy:
    """The policy in `message`, unset fields from `base`. What values make sense is the service's to judge.

    Raises InvalidInputError FIELD_INVALID for a depth that this version does not know.
    """
    given = {field: getattr(message, field) for field in POLICY_FIELDS if message.HasField(field)}
    if "depth" in given:
        given["depth"] = decode_depth(given["depth"])
    return dataclasses.replace(base, **given)


def encode_depth(depth: Depth) -> pb.Depth.ValueType:
    """The value of `depth`."""
    return _DEPTHS[depth]


def decode_depth(value: pb.Depth.ValueType) -> Depth:
    """Raises InvalidInputError FIELD_INVALID for a depth that this version does not know."""
    if value not in _DEPTHS_BACK:
        raise InvalidInputError("FIELD_INVALID", f"depth {value} is unknown", field="depth")
    return _DEPTHS_BACK[value]


def encode_bank(bank: Bank) -> pb.Bank:
    """The message of `bank`."""
    return pb.Bank(
        bank=bank.bank,
        description=bank.description,
        policy=encode_policy(bank.policy),
        two_person=bank.two_person,
        created_at=_encode_time(bank.created_at),
        updated_at=_encode_time(bank.updated_at),
        revision=bank.revision,
    )


def decode_bank(message: pb.Bank) -> Bank:
    """The bank in `message`."""
    return Bank(
        bank=message.bank,
        description=message.description,
        policy=decode_policy(message.policy),
        two_person=message.two_person,
        created_at=_decode_time(message.created_at),
        updated_at=_decode_time(message.updated_at),
        revision=message.revision,
    )


def encode_entry(entry: Entry) -> pb.Entry:
    """The message of `entry`."""
    return pb.Entry(
        bank=entry.bank,
        entry=entry.entry,
        external_id=entry.external_id,
        state=encode_state(entry.state),
        labels=entry.labels,
        reason=entry.reason,
        profile=entry.profile,
        duration_seconds=entry.duration,
        frames=entry.frames,
        hashes=entry.hashes,
        md5=entry.md5,
        sha256=entry.sha256,
        videohash=entry.videohash,
        created_at=_encode_time(entry.created_at),
        updated_at=_encode_time(entry.updated_at),
        revision=entry.revision,
        robustness_card=encode_card(entry.card),
        exclusions=map(encode_interval, entry.exclusions),
        history=map(_encode_change, entry.history),
    )


def encode_state(state: EntryState) -> pb.EntryState.ValueType:
    """The value of `state`."""
    return _STATES[state]


def decode_state(value: int) -> EntryState:
    """Raises InternalError for a state that this version does not know."""
    if value not in _STATES_BACK:
        raise InternalError("INTERNAL", f"entry state {value} is unknown to this client", state=value)
    return _STATES_BACK[value]


def _encode_change(change: StateChange) -> pb.StateChange:
    return pb.StateChange(
        state=encode_state(change.state), actor=change.actor, at=_encode_time(change.at), reason=change.reason
    )


def _decode_change(message: pb.StateChange) -> StateChange:
    return StateChange(
        state=decode_state(message.state), actor=message.actor, at=_decode_time(message.at), reason=message.reason
    )


def decode_entry(message: pb.Entry) -> Entry:
    """The entry in `message`. Raises InternalError for a state that this version does not know."""
    return Entry(
        bank=message.bank,
        entry=message.entry,
        external_id=message.external_id,
        state=decode_state(message.state),
        labels=tuple(message.labels),
        reason=message.reason,
        profile=message.profile,
        duration=message.duration_seconds,
        frames=message.frames,
        hashes=message.hashes,
        md5=message.md5,
        sha256=message.sha256,
        videohash=message.videohash,
        created_at=_decode_time(message.created_at),
        updated_at=_decode_time(message.updated_at),
        revision=message.revision,
        card=decode_card(message.robustness_card),
        exclusions=decode_intervals(message.exclusions),
        history=tuple(map(_decode_change, message.history)),
    )


def encode_interval(interval: Interval) -> pb.Interval:
    """The message of `interval`."""
    return pb.Interval(start=interval.start, end=interval.end)


def decode_intervals(messages: Iterable[pb.Interval]) -> tuple[Interval, ...]:
    """The intervals in `messages`. Whether they make sense is the service's to judge."""
    return tuple(Interval(one.start, one.end) for one in messages)


def encode_card(card: RobustnessCard) -> pb.RobustnessCard:
    """The message of `card`."""
    results = [
        pb.EditResult(
            edit=one.edit,
            matched=one.matched,
            evidence=one.evidence,
            query_coverage=one.query_coverage,
            added_view=one.added_view,
        )
        for one in card.results
    ]
    return pb.RobustnessCard(
        state=_CARD_STATES[card.state],
        progress=card.progress,
        profile=card.profile,
        made_at=None if card.made_at is None else _encode_time(card.made_at),
        detail=card.detail,
        results=results,
    )


def decode_card(message: pb.RobustnessCard) -> RobustnessCard:
    """The card in `message`; none where a server of before sent none. Raises InternalError for an unknown state."""
    if message.state not in _CARD_STATES_BACK:
        raise InternalError("INTERNAL", f"card state {message.state} is unknown to this client", state=message.state)
    results = tuple(
        EditResult(
            edit=one.edit,
            matched=one.matched,
            evidence=one.evidence,
            query_coverage=one.query_coverage,
            added_view=one.added_view,
        )
        for one in message.results
    )
    return RobustnessCard(
        state=_CARD_STATES_BACK[message.state],
        progress=message.progress,
        profile=message.profile,
        made_at=_decode_time(message.made_at) if message.HasField("made_at") else None,
        detail=message.detail,
        results=results,
    )


def _encode_time(time: datetime.datetime) -> Timestamp:
    """A time without a zone would be read as UTC wherever it was made, so none is accepted."""
    if time.tzinfo is None:
        raise ValueError(f"{time} has no time zone")
    timestamp = Timestamp()
    timestamp.FromDatetime(time)
    return timestamp


def _decode_time(message: Timestamp) -> datetime.datetime:
    return message.ToDatetime(tzinfo=datetime.UTC)
