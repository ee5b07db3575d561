"""Which step leads where, and who may take it."""

import dataclasses

import pytest

from hashsvc.bank import life
from hashsvc.bank.life import MAX_HISTORY, Step
from hashsvc.bank.model import Bank, Entry, EntryState
from hashsvc.errors import PreconditionError
from tests.bank.test_records import BANK, ENTRY

ONE = dataclasses.replace(BANK, two_person=False)
TWO = dataclasses.replace(BANK, two_person=True)
CANDIDATE, CONFIRMED, DISPUTED, WITHDRAWN = EntryState
ALLOWED = {
    (CANDIDATE, Step.APPROVE): CONFIRMED,
    (CANDIDATE, Step.DISPUTE): DISPUTED,
    (CONFIRMED, Step.DISPUTE): DISPUTED,
    (CANDIDATE, Step.WITHDRAW): WITHDRAWN,
    (CONFIRMED, Step.WITHDRAW): WITHDRAWN,
    (DISPUTED, Step.WITHDRAW): WITHDRAWN,
    (DISPUTED, Step.REINSTATE): CONFIRMED,
    (WITHDRAWN, Step.REINSTATE): CONFIRMED,
}


def an_entry(state: EntryState) -> Entry:
    """In that state, without a history, as entries of before have none."""
    return dataclasses.replace(ENTRY, state=state, history=(), reason="")


@pytest.mark.parametrize("step", [one for one in Step if one is not Step.CONFIRM])
@pytest.mark.parametrize("state", EntryState)
def test_steps(state: EntryState, step: Step) -> None:
    """What is allowed leads where it should and is kept in the history; the rest is refused with its reason."""
    entry = an_entry(state)
    wanted = ALLOWED.get((state, step))
    if wanted is not None:
        after = life.stepped(entry, step, ONE, "mia", "because")
        assert (after.state, after.reason) == (wanted, "because")
        [change] = after.history
        assert (change.state, change.actor, change.reason) == (wanted, "mia", "because")
        return
    with pytest.raises(PreconditionError) as refused:
        life.stepped(entry, step, ONE, "mia", "because")
    assert refused.value.reason == ("ENTRY_WITHDRAWN" if state is WITHDRAWN else "ENTRY_STATE")


@pytest.mark.parametrize(("bank", "state"), [(ONE, CONFIRMED), (TWO, CANDIDATE)])
def test_begun(bank: Bank, state: EntryState) -> None:
    """A bank of two people makes candidates."""
    entry = life.begun(an_entry(CONFIRMED), bank, "mia")
    assert [entry.state] == [one.state for one in entry.history] == [state]


@pytest.mark.parametrize("before", [DISPUTED, WITHDRAWN])
def test_nobody_approves_alone(before: EntryState) -> None:
    """Neither a confirm nor a reinstatement becomes confirmed by one person in a bank of two."""
    made = life.begun(an_entry(CONFIRMED), TWO, "mia")
    back = life.stepped(an_entry(before), Step.REINSTATE, TWO, "mia", "")
    for candidate in (made, back):
        assert candidate.state is CANDIDATE
        with pytest.raises(PreconditionError) as refused:
            life.stepped(candidate, Step.APPROVE, TWO, "mia", "")
        assert refused.value.reason == "SECOND_PERSON_REQUIRED"
        assert life.stepped(candidate, Step.APPROVE, TWO, "örn", "").state is CONFIRMED


def test_history_is_bounded() -> None:
    """The last changes stay, and long reasons are shortened there and not in the entry itself."""
    entry = an_entry(CONFIRMED)
    for number in range(MAX_HISTORY):
        entry = life.stepped(entry, Step.DISPUTE, ONE, f"a{number}", "x" * 4096)
        entry = life.stepped(entry, Step.REINSTATE, ONE, f"b{number}", "")
    assert len(entry.history) == MAX_HISTORY
    assert entry.history[-1].actor == f"b{MAX_HISTORY - 1}"
    disputed = life.stepped(entry, Step.DISPUTE, ONE, "c", "x" * 4096)
    assert (len(disputed.reason), len(disputed.history[-1].reason)) == (4096, 128)
