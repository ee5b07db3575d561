"""Recent uploads: what an entry that was confirmed too late, or may be confirmed, finds in them."""

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path

from hashsvc.bank import rules
from hashsvc.bank.model import Bank, Interval, Page
from hashsvc.errors import UnavailableError
from hashsvc.fingerprint.model import Fingerprint
from hashsvc.fingerprint.reading import Reading
from hashsvc.match.model import MatchResult
from hashsvc.retro.model import DryRun, Hit, Hunt
from hashsvc.service.banks import Banks
from hashsvc.service.base import number_of

_NOT_HUNTED = "uploads that show it are not hunted for"


class Hunting(Banks):
    """The part of the service that looks back."""

    def hunt(self, bank: str, entry: str, *, progress: Callable[[Hunt], None] | None = None) -> Hunt:
        """Search recent uploads for an entry, here and now; `progress` hears how far it is. Hits stay on record.

        Raises PreconditionError (ENTRY_WITHDRAWN, RECENT_DISABLED, BANK_MODE for an allow bank), BANK_NOT_FOUND,
        ENTRY_NOT_FOUND, UnavailableError OVERLOADED while recent uploads take long to be written.
        """
        self._check_known(bank, entry)
        rules.check_hunting(self.get_bank(bank), _NOT_HUNTED)
        self._catch_up()
        return self._retro.hunt(bank, entry, progress)

    def get_hunt(self, bank: str, entry: str) -> Hunt:
        """The last hunt for an entry, whoever began it. Raises BANK_NOT_FOUND, ENTRY_NOT_FOUND."""
        self._check_known(bank, entry)
        return self._retro.get(bank, entry)

    def list_hits(self, bank: str, entry: str, *, page_size: int = 0, page_token: str = "") -> Page[Hit]:
        """Recent uploads that hunts found to show an entry, in the order they were found.

        Raises PAGE_TOKEN_INVALID, FIELD_INVALID, BANK_NOT_FOUND, ENTRY_NOT_FOUND.
        """
        self._check_known(bank, entry)
        return self._retro.page(bank, entry, self._page_size(page_size), number_of(page_token))

    def dry_run(
        self,
        bank: str,
        fingerprint: Fingerprint,
        *,
        exclusions: Sequence[Interval] = (),
        labels: Sequence[str] = (),
    ) -> DryRun:
        """Which recent uploads and known-good videos an entry would find if this were confirmed in `bank`; writes nothing.

        Raises what `confirm` raises of a fingerprint, PreconditionError RECENT_DISABLED, BANK_MODE for an allow bank, and
        UnavailableError OVERLOADED as `hunt` does.
        """
        chosen = self.get_bank(bank)
        rules.check_hunting(chosen, _NOT_HUNTED)
        self._checked_labels(chosen, labels)
        excluded = self._checked_reference(fingerprint, exclusions)
        self._catch_up()
        run = self._retro.dry_run(chosen, fingerprint, excluded, labels)
        good = self._caution.known_good(chosen, fingerprint, excluded, labels)
        held_back = self._caution.reason(run.total - run.allowed, len(good))
        return dataclasses.replace(run, known_good=good, held_back=held_back)

    def dry_run_media(
        self,
        bank: str,
        media: Path,
        *,
        exclusions: Sequence[Interval] = (),
        labels: Sequence[str] = (),
        progress: Callable[[float], None] | None = None,
    ) -> DryRun:
        """Hash densely in the sandbox, then `dry_run`; `progress` gets 0-1 of the hashing."""
        rules.settled_exclusions(exclusions)
        chosen = self.get_bank(bank)
        rules.check_hunting(chosen, _NOT_HUNTED)
        self._checked_labels(chosen, labels)
        fingerprint = self._sandbox.fingerprint(media, Reading.REFERENCE, progress=progress)
        return self.dry_run(bank, fingerprint, exclusions=exclusions, labels=labels)

    def _catch_up(self) -> None:
        """What was matched just now must not be missing from a hunt that begins after it."""
        if not self._recorder.flush():
            raise UnavailableError(
                "OVERLOADED", "uploads of a moment ago are still being written to the ring; try again"
            )

    def _check_known(self, bank: str, entry: str) -> None:
        rules.check_bank_id(bank)
        rules.check_entry_id(entry)
        self._store.get_entry(bank, entry)

    def _match_in(self, query: Fingerprint, bank: Bank) -> MatchResult:
        """Match an upload in one bank, and keep nothing of it."""
        return self.processes.match(query, {bank.bank: bank})
