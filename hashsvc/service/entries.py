"""Confirming and reading entries."""

import datetime
import secrets
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from hashsvc.bank import decisions, entries, life, records, rules
from hashsvc.bank import details as entry_details
from hashsvc.bank.card import RobustnessCard
from hashsvc.bank.model import BankMode, Details, Entry, EntryState, Interval, Page
from hashsvc.errors import FingerprintError, InvalidInputError, PreconditionError
from hashsvc.events import payloads
from hashsvc.fingerprint.digests import digest_file
from hashsvc.fingerprint.model import Fingerprint
from hashsvc.fingerprint.reading import Reading
from hashsvc.service.banks import Banks
from hashsvc.service.base import number_of


class Entries(Banks):
    """The part of the service by which entries come to be and are read."""

    def confirm(
        self,
        bank: str,
        fingerprint: Fingerprint,
        *,
        external_id: str = "",
        labels: Sequence[str] = (),
        details: Details = Details(),
        exclusions: Sequence[Interval] = (),
        actor: str = "",
    ) -> Entry:
        """Add an entry; it is on disk when this returns. What lies in its `exclusions` is no evidence in a match.

        In a bank that asks for two people it is a candidate until somebody else approves it, and so it is in any bank
        where it would find too many recent uploads or known-good videos, see `Settings.dry_run`; `reason` then says so.

        Safe to repeat: the same SHA-256 under the same external id with the same exclusions, live in the bank already,
        gives that entry back.
        Raises FingerprintError (PROFILE_UNKNOWN, FINGERPRINT_MALFORMED, FINGERPRINT_WITHOUT_EVIDENCE),
        InvalidInputError (BANK_ID_INVALID, FIELD_TOO_LONG, FIELD_INVALID, LABEL_UNKNOWN, LABEL_RETIRED),
        AlreadyExistsError ENTRY_EXISTS when the same bytes are live in the bank under another external id, with other
        exclusions or other details; BANK_NOT_FOUND.
        """
        name = secrets.token_hex(8)
        return self._add(bank, fingerprint, external_id, labels, details, exclusions, actor, name, RobustnessCard())

    def _add(
        self,
        bank: str,
        fingerprint: Fingerprint,
        external_id: str,
        labels: Sequence[str],
        details: Details,
        exclusions: Sequence[Interval],
        actor: str,
        name: str,
        card: RobustnessCard,
    ) -> Entry:
        """`confirm` under the entry identifier `name` with a card to begin with."""
        self.check_confirm(bank, external_id=external_id, labels=labels, details=details, exclusions=exclusions)
        details = entry_details.settled(details)
        excluded = self._checked_reference(fingerprint, exclusions)
        vectors, blob = records.split(fingerprint)
        digests = fingerprint.digests
        if not len(vectors) and not digests:
            raise FingerprintError(
                "FINGERPRINT_WITHOUT_EVIDENCE", "no frame is good enough to match by, and there is no digest"
            )
        home = self.get_bank(bank)
        version = self._checked_labels(home, labels)
        made = entries.made(
            bank, name, fingerprint, len(vectors), external_id, tuple(labels), version, details, excluded, card
        )
        self._dates.note(bank, name, entry_details.new_dates(Details(), details, records.now()))
        held_back = self._caution.held_back(home, fingerprint, excluded, labels)
        entry = life.begun(made, home, actor or self._actor, held_back)
        record = self._store.add_entry(
            bank,
            entry.entry,
            records.entry_payload(entry),
            vectors=vectors,
            blobs={records.FINGERPRINT: blob},
            digests=[one for one in (digests.md5, digests.sha256) if one],
            unless=lambda known: entries.is_repeated(records.entry_of(known), entry),
            events=(payloads.entry_changed(self._outbox.source, entry, str(entry.state)).encode(),),
            decisions=[decisions.of_entry(life.Step.CONFIRM, actor or self._actor, None, entry, held_back)],
        )
        self._index.notify()
        return records.entry_of(record)

    def check_confirm(
        self,
        bank: str,
        *,
        external_id: str = "",
        labels: Sequence[str] = (),
        details: Details = Details(),
        exclusions: Sequence[Interval] = (),
    ) -> None:
        """What `confirm` would say of everything but the fingerprint, before a long hashing is begun.

        Whether the exclusions end within the video is known only then.
        """
        rules.check_text("external_id", external_id, rules.MAX_EXTERNAL_ID)
        rules.settled_exclusions(exclusions)
        entry_details.new_dates(Details(), entry_details.settled(details), records.now())
        self._checked_labels(self.get_bank(bank), labels)

    def confirm_media(
        self,
        bank: str,
        media: Path,
        *,
        external_id: str = "",
        labels: Sequence[str] = (),
        details: Details = Details(),
        exclusions: Sequence[Interval] = (),
        actor: str = "",
        progress: Callable[[float], None] | None = None,
    ) -> Entry:
        """Hash densely in the sandbox, then `confirm`; `progress` gets 0-1. Also raises MediaError, LimitExceededError.

        A service that vaccinates then strengthens the entry in the background; its `card` says how far that is.
        """
        self.check_confirm(bank, external_id=external_id, labels=labels, details=details, exclusions=exclusions)
        fingerprint = self._sandbox.fingerprint(media, Reading.REFERENCE, progress=progress)
        add = partial(self._add, bank, fingerprint, external_id, labels, details, exclusions, actor)
        if self.get_bank(bank).mode is BankMode.ALLOW:
            return add(secrets.token_hex(8), RobustnessCard())
        return self._vaccinator.confirm(media, add)

    def vaccinate(
        self, bank: str, entry: str, media: Path, *, progress: Callable[[float], None] | None = None
    ) -> Entry:
        """Attack an entry with edited copies of `media`, its own bytes, and strengthen it; minutes, here and now.

        Raises InvalidInputError FIELD_INVALID for other bytes, PreconditionError (ENTRY_WITHDRAWN, BANK_MODE for an allow
        bank), MediaError, LimitExceededError.
        """
        rules.check_hunting(self.get_bank(bank), "edited copies of it need not be found")
        known = self.get_entry(bank, entry)
        if known.state is EntryState.WITHDRAWN:
            raise PreconditionError("ENTRY_WITHDRAWN", f"{entry} is withdrawn", bank=bank, entry=entry)
        if digest_file(media, self._settings.limits.max_bytes).sha256.hex() != known.sha256:
            raise InvalidInputError("FIELD_INVALID", f"{media} is not the video of entry {entry}", field="media")
        self._vaccinator.vaccinate(known, media, progress)
        return self.get_entry(bank, entry)

    def get_entry(self, bank: str, entry: str) -> Entry:
        """Raises BANK_NOT_FOUND, ENTRY_NOT_FOUND."""
        rules.check_bank_id(bank)
        rules.check_entry_id(entry)
        return self._vaccinator.seen(records.entry_of(self._store.get_entry(bank, entry)))

    def list_entries(
        self, bank: str, *, review_due: bool = False, page_size: int = 0, page_token: str = ""
    ) -> Page[Entry]:
        """In order of confirmation, or of the last strengthening; withdrawn ones included.

        With `review_due` only those that somebody was to look at again by now, and none withdrawn.
        Raises PAGE_TOKEN_INVALID, FIELD_INVALID, BANK_NOT_FOUND.
        """
        rules.check_bank_id(bank)
        size, now = self._page_size(page_size), records.now()
        number_of(page_token)
        found: list[tuple[int, Entry]] = []
        while len(found) <= size and (page := self._store.list_entries(bank, page_token, size + 1)):
            page_token = str(page[-1].number)
            listed = ((one.number, records.entry_of(one)) for one in page)
            found += [(number, one) for number, one in listed if not review_due or _is_due(one, now)]
        token = str(found[size - 1][0]) if len(found) > size else ""
        return Page(items=tuple(self._vaccinator.seen(one) for _, one in found[:size]), next_page_token=token)


def _is_due(entry: Entry, now: datetime.datetime) -> bool:
    return entry.state is not EntryState.WITHDRAWN and entry_details.is_review_due(entry.details, now)
