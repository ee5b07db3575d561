"""Appeals on the wire."""

from collections.abc import Sequence

from hashsvc.appeals.model import Appeal, AppealState, Cause
from hashsvc.errors import InternalError, InvalidInputError
from hashsvc.v1 import appeal_service_pb2 as pb
from hashsvc.wire.bank import decode_verdict, encode_verdict
from hashsvc.wire.decision import decode_moment, encode_moment

_STATES = {
    AppealState.OPEN: pb.APPEAL_STATE_OPEN,
    AppealState.UPHELD: pb.APPEAL_STATE_UPHELD,
    AppealState.REJECTED: pb.APPEAL_STATE_REJECTED,
}
_STATES_BACK: dict[int, AppealState] = {value: state for state, value in _STATES.items()}


def encode_disputes(places: Sequence[tuple[str, str]] | None) -> pb.Disputes | None:
    """The entries, by bank and entry, that a decision disputes; None where it does not say which."""
    return None if places is None else pb.Disputes(entries=[pb.Cause(bank=bank, entry=entry) for bank, entry in places])


def decode_disputes(request: pb.DecideAppealRequest) -> list[tuple[str, str]] | None:
    """The inverse of `encode_disputes`."""
    return [(one.bank, one.entry) for one in request.dispute.entries] if request.HasField("dispute") else None


def encode_outcome(upheld: bool) -> "pb.AppealState.ValueType":
    """What is asked for of a decision."""
    return _STATES[AppealState.UPHELD if upheld else AppealState.REJECTED]


def decode_outcome(value: int) -> bool:
    """Whether an appeal is to be upheld. Raises InvalidInputError FIELD_REQUIRED for neither outcome."""
    if value not in (pb.APPEAL_STATE_UPHELD, pb.APPEAL_STATE_REJECTED):
        raise InvalidInputError("FIELD_REQUIRED", "an outcome, upheld or rejected, is required", field="outcome")
    return value == pb.APPEAL_STATE_UPHELD


def encode_appeal(appeal: Appeal) -> pb.Appeal:
    """The message of `appeal`."""
    return pb.Appeal(
        appeal=appeal.appeal,
        state=_STATES[appeal.state],
        decision=appeal.decision,
        content_id=appeal.content_id,
        verdict=encode_verdict(appeal.verdict),
        causes=map(_encode_cause, appeal.causes),
        appellant=appeal.appellant,
        text=appeal.text,
        opened_by=appeal.opened_by,
        opened_at=encode_moment(appeal.opened_at),
        decided_by=appeal.decided_by,
        decided_at=None if appeal.decided_at is None else encode_moment(appeal.decided_at),
        reason=appeal.reason,
        disputed=map(_encode_cause, appeal.disputed),
        reinstated_by=appeal.reinstated_by,
        reinstated_at=None if appeal.reinstated_at is None else encode_moment(appeal.reinstated_at),
        updated_at=encode_moment(appeal.updated_at),
        revision=appeal.revision,
    )


def decode_appeal(message: pb.Appeal) -> Appeal:
    """The appeal in `message`. Raises InternalError for a state or verdict that this version does not know."""
    if message.state not in _STATES_BACK:
        raise InternalError("INTERNAL", f"appeal state {message.state} is unknown to this client", state=message.state)
    return Appeal(
        appeal=message.appeal,
        state=_STATES_BACK[message.state],
        decision=message.decision,
        content_id=message.content_id,
        verdict=decode_verdict(message.verdict),
        causes=tuple(map(_decode_cause, message.causes)),
        appellant=message.appellant,
        text=message.text,
        opened_by=message.opened_by,
        opened_at=decode_moment(message.opened_at),
        decided_by=message.decided_by,
        decided_at=decode_moment(message.decided_at) if message.HasField("decided_at") else None,
        reason=message.reason,
        disputed=tuple(map(_decode_cause, message.disputed)),
        reinstated_by=message.reinstated_by,
        reinstated_at=decode_moment(message.reinstated_at) if message.HasField("reinstated_at") else None,
        updated_at=decode_moment(message.updated_at),
        revision=message.revision,
    )


def _encode_cause(cause: Cause) -> pb.Cause:
    return pb.Cause(bank=cause.bank, entry=cause.entry)


def _decode_cause(message: pb.Cause) -> Cause:
    return Cause(bank=message.bank, entry=message.entry)
