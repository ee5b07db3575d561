"""The life of an entry: which step leads from which state to which, and who may take it."""

import dataclasses
import enum

from hashsvc.bank import records
from hashsvc.bank.model import Bank, Entry, EntryState, StateChange
from hashsvc.errors import PreconditionError

MAX_HISTORY = 16
"""Changes of state that an entry keeps; the decision log has all of them,"""
_MAX_HISTORY_REASON = 128
"""and their reasons in full: characters that the entry keeps."""


class Step(enum.StrEnum):
    """What people do to an entry that changes its state."""

    CONFIRM = "confirm"
    APPROVE = "approve"
    DISPUTE = "dispute"
    WITHDRAW = "withdraw"
    REINSTATE = "reinstate"


_FROM = {
    Step.APPROVE: (EntryState.CANDIDATE,),
    Step.DISPUTE: (EntryState.CANDIDATE, EntryState.CONFIRMED),
    Step.WITHDRAW: (EntryState.CANDIDATE, EntryState.CONFIRMED, EntryState.DISPUTED),
    Step.REINSTATE: (EntryState.DISPUTED, EntryState.WITHDRAWN),
}
_TO = {
    Step.CONFIRM: EntryState.CONFIRMED,
    Step.APPROVE: EntryState.CONFIRMED,
    Step.DISPUTE: EntryState.DISPUTED,
    Step.WITHDRAW: EntryState.WITHDRAWN,
    Step.REINSTATE: EntryState.CONFIRMED,
}


def begun(entry: Entry, bank: Bank, actor: str, held_back: str = "") -> Entry:
    """A new entry of the bank as `actor` confirms it: a candidate where the bank asks for two people.

    So it is where something else holds it back, which is then its reason.
    """
    return _moved(entry, Step.CONFIRM, bank, actor, held_back, waits=bool(held_back))


def stepped(entry: Entry, step: Step, bank: Bank, actor: str, reason: str) -> Entry:
    """The entry after a step. Where the bank asks for two people, what is reinstated waits for approval as well.

    So does what nobody ever approved: a dispute is no way around the second person.

    Raises PreconditionError: ENTRY_WITHDRAWN and ENTRY_STATE where the entry's state does not allow it,
    SECOND_PERSON_REQUIRED where `actor` would approve what they made a candidate themselves.
    """
    if entry.state not in _FROM[step]:
        raise _refusal(entry, step)
    if step is Step.APPROVE and entry.history and entry.history[-1].actor == actor:
        raise PreconditionError(
            "SECOND_PERSON_REQUIRED",
            f"{actor} made {entry.entry} a candidate; somebody else has to approve it",
            bank=entry.bank, entry=entry.entry, actor=actor,
        )  # fmt: skip
    never = bool(entry.history) and all(one.state is not EntryState.CONFIRMED for one in entry.history)
    return _moved(entry, step, bank, actor, reason, waits=never and step is Step.REINSTATE)


def _moved(entry: Entry, step: Step, bank: Bank, actor: str, reason: str, *, waits: bool) -> Entry:
    asked = waits or (bank.two_person and step in (Step.CONFIRM, Step.REINSTATE))
    state = EntryState.CANDIDATE if asked else _TO[step]
    change = StateChange(state=state, actor=actor, at=records.now(), reason=reason[:_MAX_HISTORY_REASON])
    return dataclasses.replace(entry, state=state, reason=reason, history=(*entry.history, change)[-MAX_HISTORY:])


def _refusal(entry: Entry, step: Step) -> PreconditionError:
    if entry.state is EntryState.WITHDRAWN:
        return PreconditionError(
            "ENTRY_WITHDRAWN", f"{entry.entry} is withdrawn already", bank=entry.bank, entry=entry.entry
        )
    wanted = " or ".join(_FROM[step])
    return PreconditionError(
        "ENTRY_STATE",
        f"{entry.entry} is {entry.state}; to {step} takes one that is {wanted}",
        bank=entry.bank, entry=entry.entry, state=entry.state,
    )  # fmt: skip
