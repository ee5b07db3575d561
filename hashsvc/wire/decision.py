"""Decisions, replays and verifications of the log on the wire."""

import datetime

from google.protobuf.timestamp_pb2 import Timestamp

from hashsvc.bank.incident import Incident
from hashsvc.bank.model import Bank, Entry
from hashsvc.decisions.model import Decision, Ground, LogCheck, Replay, State, VerdictRecord
from hashsvc.errors import InvalidInputError
from hashsvc.fingerprint.model import Digests
from hashsvc.v1 import decision_service_pb2 as pb
from hashsvc.wire.bank import decode_bank, decode_entry, decode_verdict, encode_bank, encode_entry, encode_verdict
from hashsvc.wire.incident import decode_incident, encode_incident
from hashsvc.wire.match import (
    decode_excused,
    decode_match,
    encode_excused,
    encode_match,
)


def encode_decision(decision: Decision) -> pb.Decision:
    """The message of `decision`."""
    before, after = decision.before, decision.after
    return pb.Decision(
        decision=decision.decision,
        hash=decision.hash,
        previous=decision.previous,
        revision=decision.revision,
        kind=decision.kind,
        action=decision.action,
        actor=decision.actor,
        at=encode_moment(decision.at),
        bank=decision.bank,
        entry=decision.entry,
        reason=decision.reason,
        content_id=decision.content_id,
        appeal=decision.appeal,
        incident=decision.incident,
        bank_before=encode_bank(before) if isinstance(before, Bank) else None,
        bank_after=encode_bank(after) if isinstance(after, Bank) else None,
        entry_before=encode_entry(before) if isinstance(before, Entry) else None,
        entry_after=encode_entry(after) if isinstance(after, Entry) else None,
        incident_before=encode_incident(before) if isinstance(before, Incident) else None,
        incident_after=encode_incident(after) if isinstance(after, Incident) else None,
        verdict=None if decision.verdict is None else _encode_record(decision.verdict),
    )


def decode_decision(message: pb.Decision) -> Decision:
    """The decision in `message`. Raises InternalError for a verdict or state that this version does not know."""
    return Decision(
        decision=message.decision,
        hash=message.hash,
        previous=message.previous,
        revision=message.revision,
        kind=message.kind,
        action=message.action,
        actor=message.actor,
        at=decode_moment(message.at),
        bank=message.bank,
        entry=message.entry,
        reason=message.reason,
        content_id=message.content_id,
        appeal=message.appeal,
        incident=message.incident,
        before=_state(message, "before"),
        after=_state(message, "after"),
        verdict=_decode_record(message.verdict) if message.HasField("verdict") else None,
    )


def _state(message: pb.Decision, when: str) -> State | None:
    if message.HasField(f"bank_{when}"):  # type: ignore[arg-type]
        return decode_bank(getattr(message, f"bank_{when}"))
    if message.HasField(f"entry_{when}"):  # type: ignore[arg-type]
        return decode_entry(getattr(message, f"entry_{when}"))
    if message.HasField(f"incident_{when}"):  # type: ignore[arg-type]
        return decode_incident(getattr(message, f"incident_{when}"))
    return None


def _encode_record(record: VerdictRecord) -> pb.VerdictRecord:
    return pb.VerdictRecord(
        verdict=encode_verdict(record.verdict),
        judged_revision=record.judged_revision,
        upload=record.upload,
        content_id=record.content_id,
        profile=record.profile,
        duration_seconds=record.duration,
        asked_banks=record.asked,
        banks=map(encode_bank, record.policies),
        grounds=map(_encode_ground, record.grounds),
        omitted=record.omitted,
        excused=map(encode_excused, record.excused),
        md5=record.digests.md5,
        sha256=record.digests.sha256,
        readings=record.readings,
    )


def _decode_record(message: pb.VerdictRecord) -> VerdictRecord:
    return VerdictRecord(
        verdict=decode_verdict(message.verdict),
        judged_revision=message.judged_revision,
        upload=message.upload,
        content_id=message.content_id,
        profile=message.profile,
        duration=message.duration_seconds,
        asked=tuple(message.asked_banks),
        policies=tuple(map(decode_bank, message.banks)),
        grounds=tuple(map(_decode_ground, message.grounds)),
        omitted=message.omitted,
        excused=tuple(map(decode_excused, message.excused)),
        digests=Digests(md5=message.md5, sha256=message.sha256),
        readings=tuple(message.readings),
    )


def _encode_ground(ground: Ground) -> pb.Ground:
    return pb.Ground(
        match=encode_match(ground.match),
        labels=ground.labels,
        source=ground.source,
        entry_revision=ground.entry_revision,
    )


def _decode_ground(message: pb.Ground) -> Ground:
    return Ground(
        match=decode_match(message.match),
        labels=tuple(message.labels),
        source=message.source,
        entry_revision=message.entry_revision,
    )


def encode_check(check: LogCheck) -> pb.VerifyDecisionsResponse:
    """The message of `check`."""
    return pb.VerifyDecisionsResponse(faults=check.faults, decisions=check.decisions, head=check.head)


def decode_check(message: pb.VerifyDecisionsResponse) -> LogCheck:
    """The inverse of `encode_check`."""
    return LogCheck(faults=tuple(message.faults), decisions=message.decisions, head=message.head)


def encode_replay(replay: Replay) -> pb.ReplayDecisionResponse:
    """The message of `replay`."""
    return pb.ReplayDecisionResponse(
        decision=replay.decision,
        revision=replay.revision,
        same=replay.same,
        logged=encode_verdict(replay.logged),
        verdict=encode_verdict(replay.verdict),
        matches=map(encode_match, replay.matches),
        differences=replay.differences,
    )


def decode_replay(message: pb.ReplayDecisionResponse) -> Replay:
    """The replay in `message`. Raises InternalError for a verdict that this version does not know."""
    return Replay(
        decision=message.decision,
        revision=message.revision,
        same=message.same,
        logged=decode_verdict(message.logged),
        verdict=decode_verdict(message.verdict),
        matches=tuple(map(decode_match, message.matches)),
        differences=tuple(message.differences),
    )


def encode_moment(moment: datetime.datetime) -> Timestamp:
    """Raises InvalidInputError FIELD_INVALID for a time without a zone, which could be any, or beyond what a timestamp holds."""
    if moment.tzinfo is None:
        raise InvalidInputError("FIELD_INVALID", f"{moment} has no time zone", field="time")
    stamp = Timestamp()
    stamp.FromDatetime(moment)
    return stamp


def decode_moment(message: Timestamp) -> datetime.datetime:
    """UTC. Raises InvalidInputError FIELD_INVALID for what is no time."""
    try:
        return message.ToDatetime(tzinfo=datetime.UTC)
    except (ValueError, OverflowError) as error:
        raise InvalidInputError("FIELD_INVALID", f"not a time: {error}", field="time") from error
