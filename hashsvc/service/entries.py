"""Confirming and reading entries."""

import secrets
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from hashsvc.bank import decisions, entries, life, records, rules
from hashsvc.bank.card import RobustnessCard
from hashsvc.bank.model import Entry, EntryState, Interval, Page
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
        exclusions: Sequence[Interval] = (),
        actor: str = "",
    ) -> Entry:
        """Add an entry; it is on disk when this returns. What lies in its `exclusions` is no evidence in a match.

        In a bank that asks for two people it is a candidate until somebody else approves it, and so it is in any bank
        where it would find too many recent uploads or known-good videos, see `Settings.dry_run`; `reason` then says so.

        Safe to repeat: the same SHA-256 under the same external id with the same exclusions, live in the bank already,
        gives that entry back.
        Raises FingerprintError (PROFILE_UNKNOWN, FINGERPRINT_MALFORMED, FINGERPRINT_WITHOUT_EVIDENCE),
        InvalidInputError (BANK_ID_INVALID, FIELD_TOO_LONG, FIELD_INVALID), AlreadyExistsError ENTRY_EXISTS when the
        same bytes are live in the bank under another external id or with other exclusions; BANK_NOT_FOUND.
        """
        name = secrets.token_hex(8)
        return self._add(bank, fingerprint, external_id, labels, exclusions, actor, name, RobustnessCard())

    def _add(
        self,
        bank: str,
        fingerprint: Fingerprint,
        external_id: str,
        labels: Sequence[str],
        exclusions: Sequence[Interval],
        actor: str,
        name: str,
        card: RobustnessCard,
    ) -> Entry:
        """`confirm` under the entry identifier `name` with a card to begin with."""
        self.check_confirm(bank, external_id=external_id, labels=labels, exclusions=exclusions)
        excluded = self._checked_reference(fingerprint, exclusions)
        vectors, blob = records.split(fingerprint)
        digests = fingerprint.digests
        if not len(vectors) and not digests:
            raise FingerprintError(
                "FINGERPRINT_WITHOUT_EVIDENCE", "no frame is good enough to match by, and there is no digest"
            )
        made = entries.made(bank, name, fingerprint, len(vectors), external_id, tuple(labels), excluded, card)
        home = self.get_bank(bank)
        held_back = self._caution.held_back(home, fingerprint, excluded)
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
        self, bank: str, *, external_id: str = "", labels: Sequence[str] = (), exclusions: Sequence[Interval] = ()
    ) -> None:
        """What `confirm` would say of everything but the fingerprint, before a long hashing is begun.

        Whether the exclusions end within the video is known only then.
        """
        rules.check_text("external_id", external_id, rules.MAX_EXTERNAL_ID)
        rules.check_labels(labels)
        rules.settled_exclusions(exclusions)
        self.get_bank(bank)

    def confirm_media(
        self,
        bank: str,
        media: Path,
        *,
        external_id: str = "",
        labels: Sequence[str] = (),
        exclusions: Sequence[Interval] = (),
        actor: str = "",
        progress: Callable[[float], None] | None = None,
    ) -> Entry:
        """Hash densely in the sandbox, then `confirm`; `progress` gets 0-1. Also raises MediaError, LimitExceededError.

        A service that vaccinates then strengthens the entry in the background; its `card` says how far that is.
        """
        self.check_confirm(bank, external_id=external_id, labels=labels, exclusions=exclusions)
        fingerprint = self._sandbox.fingerprint(media, Reading.REFERENCE, progress=progress)
        add = partial(self._add, bank, fingerprint, external_id, labels, exclusions, actor)
        return self._vaccinator.confirm(media, add)

    def vaccinate(
        self, bank: str, entry: str, media: Path, *, progress: Callable[[float], None] | None = None
    ) -> Entry:
        """Attack an entry with edited copies of `media`, its own bytes, and strengthen it; minutes, here and now.

        Raises InvalidInputError FIELD_INVALID for other bytes, PreconditionError ENTRY_WITHDRAWN, MediaError,
        LimitExceededError.
        """
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

    def list_entries(self, bank: str, *, page_size: int = 0, page_token: str = "") -> Page[Entry]:
        """In order of confirmation, or of the last strengthening; withdrawn ones included.

        Raises PAGE_TOKEN_INVALID, FIELD_INVALID, BANK_NOT_FOUND.
        """
        rules.check_bank_id(bank)
        size = self._page_size(page_size)
        number_of(page_token)
        found = self._store.list_entries(bank, page_token, size + 1)
        token = str(found[size - 1].number) if len(found) > size else ""
        items = tuple(self._vaccinator.seen(records.entry_of(one)) for one in found[:size])
        return Page(items=items, next_page_token=token)
