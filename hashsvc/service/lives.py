"""Changing entries: what state they are in, and what is known of them."""

import contextlib
import dataclasses
import datetime
from collections.abc import Callable, Collection, Sequence

from hashsvc.bank import decisions, life, records, rules
from hashsvc.bank import details as entry_details
from hashsvc.bank.life import Step
from hashsvc.bank.model import Details, Entry, EntryState, Interval
from hashsvc.errors import AlreadyExistsError, PreconditionError
from hashsvc.events import payloads
from hashsvc.service.banks import Banks
from hashsvc_index.errors import RevisionConflictError

_EXPIRED = "expired"
_CHANGES = {"exclude": "exclusions", "update": "details"}
"""What events call a change that is not one of the state."""


class _SettledError(Exception):
    """There is nothing left to do."""


class Lives(Banks):
    """The part of the service that takes entries through their lives.

    `revision` other than 0 must be the entry's last, else REVISION_CONFLICT. A step that the entry's state does not
    allow is PreconditionError ENTRY_WITHDRAWN or ENTRY_STATE.
    """

    def approve(self, bank: str, entry: str, *, reason: str = "", revision: int = 0, actor: str = "") -> Entry:
        """Make a candidate confirmed. Raises PreconditionError SECOND_PERSON_REQUIRED for who made it a candidate."""
        return self._step(Step.APPROVE, bank, entry, reason, revision, actor)

    def dispute(self, bank: str, entry: str, *, reason: str = "", revision: int = 0, actor: str = "") -> Entry:
        """Put an entry in doubt: what it matches is REVIEW at most, until it is reinstated or withdrawn."""
        return self._step(Step.DISPUTE, bank, entry, reason, revision, actor)

    def withdraw(self, bank: str, entry: str, *, reason: str = "", revision: int = 0, actor: str = "") -> Entry:
        """Take an entry out of matching; it stays on record."""
        return self._step(Step.WITHDRAW, bank, entry, reason, revision, actor)

    def reinstate(self, bank: str, entry: str, *, reason: str = "", revision: int = 0, actor: str = "") -> Entry:
        """Make a disputed or withdrawn entry confirmed again, or a candidate where the bank asks for two people.

        Raises AlreadyExistsError ENTRY_EXISTS where the same bytes were confirmed anew since it was withdrawn.
        """
        return self._step(Step.REINSTATE, bank, entry, reason, revision, actor)

    def set_exclusions(
        self, bank: str, entry: str, exclusions: Sequence[Interval], *, revision: int = 0, actor: str = ""
    ) -> Entry:
        """Replace an entry's exclusions, for every match from then on; none clears them.

        Raises InvalidInputError (FIELD_INVALID, FIELD_TOO_LONG).
        """
        rules.settled_exclusions(exclusions)

        def change(known: Entry) -> Entry:
            if known.state is EntryState.WITHDRAWN:
                raise PreconditionError("ENTRY_WITHDRAWN", f"{entry} is withdrawn already", bank=bank, entry=entry)
            return dataclasses.replace(known, exclusions=rules.settled_exclusions(exclusions, known.duration))

        return self._change("exclude", bank, entry, "", revision, actor or self._actor, change)

    def update_entry(
        self,
        bank: str,
        entry: str,
        *,
        labels: Sequence[str] | None = None,
        details: Details | None = None,
        fields: Collection[str] | None = None,
        revision: int = 0,
        actor: str = "",
    ) -> Entry:
        """Change an entry's labels where given, and of its details those `fields`, or all where none are named.

        In any state. Raises InvalidInputError FIELD_TOO_LONG, FIELD_INVALID, also for a new date that has passed, and
        LABEL_UNKNOWN, LABEL_RETIRED for labels that it does not have yet.
        """
        home = self.get_bank(bank)
        given = Details() if details is None else details
        wanted = () if details is None else entry_details.FIELDS if fields is None else fields

        def change(known: Entry) -> Entry:
            after = entry_details.changed(known.details, given, wanted)
            # Dates are written down first: the entry that has one is never without its sweep.
            self._dates.note(bank, entry, entry_details.new_dates(known.details, after, records.now()))
            known = dataclasses.replace(known, details=after)
            if labels is None:
                return known
            version = self._checked_labels(home, labels, known.labels)
            return dataclasses.replace(known, labels=tuple(labels), taxonomy=version)

        return self._change("update", bank, entry, "", revision, actor or self._actor, change)

    def _expire(self, bank: str, entry: str, at: datetime.datetime) -> None:
        """Withdraw an entry that expires at that time; nothing where it was given another, or withdrawn, since."""
        home = self.get_bank(bank)

        def change(known: Entry) -> Entry:
            if known.details.expires_at != at or known.state is EntryState.WITHDRAWN:
                raise _SettledError
            return life.stepped(known, Step.WITHDRAW, home, decisions.HASHER, _EXPIRED)

        with contextlib.suppress(_SettledError):
            self._change(Step.WITHDRAW, bank, entry, _EXPIRED, 0, decisions.HASHER, change)

    def _step(self, step: Step, bank: str, entry: str, reason: str, revision: int, actor: str) -> Entry:
        rules.check_text("reason", reason)
        home, who = self.get_bank(bank), actor or self._actor

        def change(known: Entry) -> Entry:
            if step is Step.REINSTATE:
                self._check_alone(known)
                known = _unexpired(known)
            return life.stepped(known, step, home, who, reason)

        return self._change(step, bank, entry, reason, revision, who, change)

    def _check_alone(self, entry: Entry) -> None:
        """Raises AlreadyExistsError ENTRY_EXISTS where another live entry of the bank has the same bytes."""
        for known in self._store.find_digest(bytes.fromhex(entry.sha256)) if entry.sha256 else ():
            if known.bank == entry.bank and known.entry != entry.entry:
                raise AlreadyExistsError(
                    "ENTRY_EXISTS",
                    f"the same bytes are entry {known.entry} by now",
                    bank=entry.bank,
                    entry=known.entry,
                )

    def _change(
        self, action: str, bank: str, entry: str, reason: str, revision: int, actor: str,
        change: Callable[[Entry], Entry],
    ) -> Entry:  # fmt: skip
        """Write what `change` makes of an entry, under `revision` where that is not 0; log and tell it."""
        rules.check_bank_id(bank)
        rules.check_entry_id(entry)
        while True:
            before = records.entry_of(self._store.get_entry(bank, entry))
            changed = dataclasses.replace(change(before), updated_at=records.now())
            what = _CHANGES.get(action, str(changed.state))
            try:
                record = self._store.update_entry(
                    bank,
                    entry,
                    records.entry_payload(changed),
                    live=changed.state is not EntryState.WITHDRAWN,
                    expected_revision=revision or before.revision,
                    decisions=[decisions.of_entry(action, actor, before, changed, reason)],
                    events=[payloads.entry_changed(self._outbox.source, changed, what).encode()],
                )
            except RevisionConflictError:
                if revision:
                    raise
                continue  # somebody else, or vaccination, has changed it in between
            self._index.notify()
            return self._vaccinator.seen(dataclasses.replace(changed, revision=record.revision))


def _unexpired(entry: Entry) -> Entry:
    """Without an expiry that has passed: what people reinstate does not go again by itself."""
    expires_at = entry.details.expires_at
    if expires_at is None or expires_at > records.now():
        return entry
    return dataclasses.replace(entry, details=dataclasses.replace(entry.details, expires_at=None))
