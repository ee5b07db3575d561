"""Bank, policy and entry on the wire."""

import dataclasses
import datetime
from collections.abc import Iterable
from typing import Literal

from google.protobuf.timestamp_pb2 import Timestamp

from hashsvc.bank.card import CardState, EditResult, RobustnessCard
from hashsvc.bank.model import (
    Bank,
    BankMode,
    Depth,
    Details,
    Entry,
    EntryState,
    Interval,
    Policy,
    Rule,
    StateChange,
    Verdict,
)
from hashsvc.bank.taxonomy import Label, Taxonomy
from hashsvc.errors import InternalError, InvalidInputError
from hashsvc.v1 import bank_service_pb2 as pb

PolicyField = Literal["block_evidence", "block_coverage", "review_evidence", "depth", "rules"]
POLICY_FIELDS: tuple[PolicyField, ...] = ("block_evidence", "block_coverage", "review_evidence", "depth", "rules")
_DEPTHS = {
    Depth.QUICK: pb.DEPTH_QUICK,
    Depth.AUTO: pb.DEPTH_AUTO,
    Depth.DEEP: pb.DEPTH_DEEP,
}
_DEPTHS_BACK = {value: depth for depth, value in _DEPTHS.items()}

_MODES = {
    BankMode.ENFORCE: pb.BANK_MODE_ENFORCE,
    BankMode.OBSERVE: pb.BANK_MODE_OBSERVE,
    BankMode.ALLOW: pb.BANK_MODE_ALLOW,
}
_MODES_BACK: dict[int, BankMode] = {
    pb.BANK_MODE_UNSPECIFIED: BankMode.ENFORCE,
    **{value: mode for mode, value in _MODES.items()},
}
_VERDICTS = {
    Verdict.ALLOW: pb.VERDICT_ALLOW,
    Verdict.REVIEW: pb.VERDICT_REVIEW,
    Verdict.BLOCK: pb.VERDICT_BLOCK,
}
_VERDICTS_BACK: dict[int, Verdict] = {value: verdict for verdict, value in _VERDICTS.items()}
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
        rules=map(_encode_rule, policy.rules),
    )


def decode_policy(message: pb.Policy, base: Policy = Policy()) -> Policy:
    """The policy in `message`, unset fields from `base`. What values make sense is the service's to judge.

    Raises InvalidInputError FIELD_INVALID for a depth or a verdict of a rule that this version does not know.
    """
    given = {field.name: value for field, value in message.ListFields()}
    if "depth" in given:
        given["depth"] = decode_depth(given["depth"])
    if "rules" in given:
        given["rules"] = tuple(map(_decode_rule, given["rules"]))
    return dataclasses.replace(base, **given)


def _encode_rule(rule: Rule) -> pb.Rule:
    return pb.Rule(
        verdict=encode_verdict(rule.verdict),
        evidence=rule.evidence,
        share=rule.share,
        seconds=rule.seconds,
        labels=rule.labels,
    )


def _decode_rule(message: pb.Rule) -> Rule:
    """A rule that this version cannot read must not decide anything."""
    if message.verdict not in _VERDICTS_BACK:
        raise InvalidInputError("FIELD_INVALID", f"verdict {message.verdict} of a rule is unknown", field="rules")
    return Rule(
        verdict=_VERDICTS_BACK[message.verdict],
        evidence=message.evidence if message.HasField("evidence") else None,
        share=message.share,
        seconds=message.seconds,
        labels=tuple(message.labels),
    )


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
        mode=encode_mode(bank.mode),
        taxonomy_only=bank.taxonomy_only,
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
        mode=decode_mode(message.mode),
        taxonomy_only=message.taxonomy_only,
        created_at=_decode_time(message.created_at),
        updated_at=_decode_time(message.updated_at),
        revision=message.revision,
    )


def encode_mode(mode: BankMode) -> pb.BankMode.ValueType:
    """The value of `mode`."""
    return _MODES[mode]


def decode_mode(value: int) -> BankMode:
    """Unspecified is to enforce. Raises InvalidInputError FIELD_INVALID for a mode that this version does not know."""
    if value not in _MODES_BACK:
        raise InvalidInputError("FIELD_INVALID", f"mode {value} is unknown", field="mode")
    return _MODES_BACK[value]


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
        details=encode_details(entry.details),
        taxonomy=entry.taxonomy,
    )


def encode_verdict(verdict: Verdict) -> pb.Verdict.ValueType:
    """The number of a verdict."""
    return _VERDICTS[verdict]


def decode_verdict(value: int) -> Verdict:
    """An unknown verdict must not pass for ALLOW."""
    if value not in _VERDICTS_BACK:
        raise InternalError("INTERNAL", f"verdict {value} is unknown to this client", verdict=value)
    return _VERDICTS_BACK[value]


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
        details=decode_details(message.details),
        taxonomy=message.taxonomy,
    )


def encode_taxonomy(taxonomy: Taxonomy) -> pb.ListLabelsResponse:
    """The message of `taxonomy`."""
    labels = [
        pb.Label(label=one.label, title=one.title, current=one.current, replaced_by=one.replaced_by)
        for one in taxonomy.labels
    ]
    return pb.ListLabelsResponse(version=taxonomy.version, labels=labels)


def decode_taxonomy(message: pb.ListLabelsResponse) -> Taxonomy:
    """The taxonomy in `message`."""
    labels = (
        Label(label=one.label, title=one.title, current=one.current, replaced_by=one.replaced_by)
        for one in message.labels
    )
    return Taxonomy(version=message.version, labels=tuple(labels))


def encode_details(details: Details) -> pb.EntryDetails:
    """The message of `details`."""
    return pb.EntryDetails(
        metadata=details.metadata,
        partner=details.partner,
        partner_id=details.partner_id,
        legal_basis=details.legal_basis,
        review_by=None if details.review_by is None else _encode_time(details.review_by),
        expires_at=None if details.expires_at is None else _encode_time(details.expires_at),
    )


def decode_details(message: pb.EntryDetails) -> Details:
    """The details in `message`. Raises InvalidInputError FIELD_INVALID for a date that is none."""
    return Details(
        metadata=dict(message.metadata),
        partner=message.partner,
        partner_id=message.partner_id,
        legal_basis=message.legal_basis,
        review_by=_decode_date(message, "review_by"),
        expires_at=_decode_date(message, "expires_at"),
    )


def _decode_date(message: pb.EntryDetails, field: Literal["review_by", "expires_at"]) -> datetime.datetime | None:
    if not message.HasField(field):
        return None
    try:
        return _decode_time(getattr(message, field))
    except (ValueError, OverflowError) as error:
        raise InvalidInputError("FIELD_INVALID", f"{field} is no time", field=field) from error


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
