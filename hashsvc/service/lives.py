"""Changing entries: what state they are in, and what is known of them."""

import dataclasses
from collections.abc import Callable, Sequence

from hashsvc.bank import records, rules
from hashsvc.bank.model import Entry, EntryState, Interval
from hashsvc.errors import PreconditionError
from hashsvc.events import payloads
from hashsvc.service.base import Base
from hashsvc_index.errors import RevisionConflictError


class Lives(Base):
    """The part of the service that takes entries through their lives."""

    def withdraw(self, bank: str, entry: str, *, reason: str = "", revision: int = 0) -> Entry:
        """Take an entry out of matching; it stays on record.

        `revision` other than 0 must be the entry's last, else REVISION_CONFLICT. Raises PreconditionError
        ENTRY_WITHDRAWN when it is withdrawn already.
        """
        rules.check_text("reason", reason)
        return self._change(
            bank,
            entry,
            revision,
            "withdrawn",
            lambda known: dataclasses.replace(known, state=EntryState.WITHDRAWN, reason=reason),
        )

    def set_exclusions(self, bank: str, entry: str, exclusions: Sequence[Interval], *, revision: int = 0) -> Entry:
        """Replace an entry's exclusions, for every match from then on; none clears them.

        `revision` other than 0 must be the entry's last, else REVISION_CONFLICT. Raises InvalidInputError
        (FIELD_INVALID, FIELD_TOO_LONG), PreconditionError ENTRY_WITHDRAWN.
        """
        rules.settled_exclusions(exclusions)
        changed = self._change(
            bank,
            entry,
            revision,
            "exclusions",
            lambda known: dataclasses.replace(known, exclusions=rules.settled_exclusions(exclusions, known.duration)),
        )
        return self._vaccinator.seen(changed)

    def _change(self, bank: str, entry: str, revision: int, what: str, change: Callable[[Entry], Entry]) -> Entry:
        """Write what `change` makes of an entry that is not withdrawn, under `revision` where that is not 0.

        `what` is what the event calls it.
        """
        rules.check_bank_id(bank)
        rules.check_entry_id(entry)
        while True:
            before = records.entry_of(self._store.get_entry(bank, entry))
            if before.state is EntryState.WITHDRAWN:
                raise PreconditionError("ENTRY_WITHDRAWN", f"{entry} is withdrawn already", bank=bank, entry=entry)
            changed = dataclasses.replace(change(before), updated_at=records.now())
            payload, expected = records.entry_payload(changed), revision or before.revision
            live = changed.state is not EntryState.WITHDRAWN
            told = (payloads.entry_changed(self._outbox.source, changed, what).encode(),)
            try:
                record = self._store.update_entry(
                    bank, entry, payload, live=live, expected_revision=expected, events=told
                )
            except RevisionConflictError:
                if revision:
                    raise
                continue  # vaccination has strengthened it in between
            self._index.notify()
            return dataclasses.replace(changed, revision=record.revision)
