"""hashsvc embedded: everything the service does, on a data directory, in this process.

The gRPC servicers and the command line's `--data` both call this class, so that what they do cannot differ.
"""

import contextlib
import dataclasses
import secrets
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Self

from hashsvc.bank import entries, records, rules
from hashsvc.bank.card import RobustnessCard
from hashsvc.bank.model import Bank, Entry, EntryState, Interval, Page, Policy
from hashsvc.bank.references import References
from hashsvc.config import Settings
from hashsvc.errors import (
    FingerprintError,
    InvalidInputError,
    LimitExceededError,
    PreconditionError,
    UnavailableError,
)
from hashsvc.exchange import formats
from hashsvc.exchange.model import ExportEntry
from hashsvc.fingerprint.digests import digest_file
from hashsvc.fingerprint.model import Digests, Fingerprint
from hashsvc.fingerprint.profiles import profile_named
from hashsvc.fingerprint.reading import Reading
from hashsvc.fingerprint.sandbox import Sandbox
from hashsvc.match.exclude import silenced
from hashsvc.match.matcher import Matcher
from hashsvc.match.model import MatchResult
from hashsvc.match.verdict import combined
from hashsvc.retro.recorder import Recorder
from hashsvc.vaccination import Vaccinator
from hashsvc_index import Index, IndexSettings, Store, verify
from hashsvc_index.errors import BankExistsError, RevisionConflictError

DEFAULT_BANK = "default"
"""Created with a new data directory."""

_DEFAULT_PAGE = 100


class Service:
    """A data directory, open. Thread-safe; every method blocks.

    Besides what each method names, all may raise the store's errors (`hashsvc_index.StoreError`): BANK_NOT_FOUND,
    ENTRY_NOT_FOUND, REVISION_CONFLICT, STORE_FULL, STORE_CORRUPT and the like.
    """

    def __init__(self, store: Store, index: Index, settings: Settings, *, vaccinate: bool = False) -> None:
        self._store = store
        self._index = index
        self._settings = settings
        self._sandbox = Sandbox(settings)
        self._references = References(self._load, settings.server.reference_cache_bytes)
        self._matcher = Matcher(store, index, self._references)
        self._recorder = Recorder(store.path, settings.recent)
        vaccinate = vaccinate and settings.vaccination.enabled
        self._vaccinator = Vaccinator(store, index, settings, self.match, self._load, background=vaccinate)

    @classmethod
    def open(
        cls, data: Path, settings: Settings = Settings(), *, wait: bool = True, vaccinate: bool = False
    ) -> "Service":
        """Open or create `data`; with `wait` return only when the index has caught up, else watch `ready`.

        With `vaccinate`, unless the settings say otherwise, entries confirmed by their bytes are then strengthened.

        Raises the store's errors: NOT_A_DATA_DIRECTORY, DATA_FORMAT_TOO_NEW, DATA_DIRECTORY_READ_ONLY, STORE_CORRUPT.
        """
        store = Store.open(data)
        try:
            index = Index(store, data, IndexSettings(**dataclasses.asdict(settings.index)))
            service = cls(store, index, settings, vaccinate=vaccinate)
            if store.revision() == 0:
                service._create_default()
            index.start()
        except BaseException:
            store.close()
            raise
        while wait and not index.wait_ready(1.0):
            if index.failure is not None:
                service.close()
                raise index.failure
        return service

    def close(self) -> None:
        """Write a checkpoint and release the directory."""
        self._vaccinator.close()
        self._recorder.close()
        self._sandbox.close()
        self._index.close()
        self._store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def ready(self) -> bool:
        """True once the index has caught up with the store, and while it can follow.

        Until it has, `match` raises INDEX_LOADING; where it no longer follows, `match` answers for an older revision.
        """
        return self._index.ready and self._index.failure is None

    @property
    def revision(self) -> int:
        """The store's last change."""
        return self._store.revision()

    @property
    def searched_revision(self) -> int:
        """The last change that a match takes into account."""
        return self._index.revision

    @property
    def hashes(self) -> int:
        """Live frame hashes in the index."""
        return self._index.hashes

    @property
    def entries(self) -> int:
        """Live entries."""
        return self._store.stats().live_entries

    # Banks

    def create_bank(self, bank: str, *, description: str = "", policy: Policy = Policy()) -> Bank:
        """Raises InvalidInputError (BANK_ID_INVALID, FIELD_TOO_LONG, FIELD_INVALID); BANK_EXISTS."""
        rules.check_bank_id(bank)
        rules.check_text("description", description)
        rules.check_policy(policy)
        moment = records.now()
        made = Bank(bank=bank, description=description, policy=policy, created_at=moment, updated_at=moment, revision=0)
        revision = self._store.put_bank(bank, records.bank_payload(made), create=True)
        self._index.notify()
        return dataclasses.replace(made, revision=revision)

    def get_bank(self, bank: str) -> Bank:
        """Raises BANK_ID_INVALID, BANK_NOT_FOUND."""
        rules.check_bank_id(bank)
        return records.bank_of(self._store.get_bank(bank))

    def list_banks(self, *, page_size: int = 0, page_token: str = "") -> Page[Bank]:
        """In order of name. Raises InvalidInputError FIELD_INVALID for a negative page size."""
        size = self._page_size(page_size)
        if page_token:
            rules.check_bank_token(page_token)
        found = self._store.list_banks(page_token, size + 1)
        token = found[size - 1].bank if len(found) > size else ""
        return Page(items=tuple(records.bank_of(one) for one in found[:size]), next_page_token=token)

    def update_bank(
        self, bank: str, *, description: str | None = None, policy: Policy | None = None, revision: int = 0
    ) -> Bank:
        """Change what is not None. `revision` other than 0 must be the bank's last, else REVISION_CONFLICT."""
        before = self.get_bank(bank)
        changed = dataclasses.replace(
            before,
            description=before.description if description is None else description,
            policy=policy or before.policy,
            updated_at=records.now(),
        )
        rules.check_text("description", changed.description)
        rules.check_policy(changed.policy)
        # What was just read is what is changed: another's change in between is a conflict, not lost.
        payload = records.bank_payload(changed)
        written = self._store.put_bank(bank, payload, create=False, expected_revision=revision or before.revision)
        self._index.notify()
        return dataclasses.replace(changed, revision=written)

    # Entries

    def confirm(
        self,
        bank: str,
        fingerprint: Fingerprint,
        *,
        external_id: str = "",
        labels: Sequence[str] = (),
        exclusions: Sequence[Interval] = (),
    ) -> Entry:
        """Add an entry; it is on disk when this returns. What lies in its `exclusions` is no evidence in a match.

        Safe to repeat: the same SHA-256 under the same external id with the same exclusions, live in the bank already,
        gives that entry back.
        Raises FingerprintError (PROFILE_UNKNOWN, FINGERPRINT_MALFORMED, FINGERPRINT_WITHOUT_EVIDENCE),
        InvalidInputError (BANK_ID_INVALID, FIELD_TOO_LONG, FIELD_INVALID), AlreadyExistsError ENTRY_EXISTS when the
        same bytes are live in the bank under another external id or with other exclusions; BANK_NOT_FOUND.
        """
        name = secrets.token_hex(8)
        return self._add(bank, fingerprint, external_id, labels, exclusions, name, RobustnessCard())

    def _add(
        self,
        bank: str,
        fingerprint: Fingerprint,
        external_id: str,
        labels: Sequence[str],
        exclusions: Sequence[Interval],
        name: str,
        card: RobustnessCard,
    ) -> Entry:
        """`confirm` under the entry identifier `name` with a card to begin with."""
        self.check_confirm(bank, external_id=external_id, labels=labels, exclusions=exclusions)
        profile = profile_named(fingerprint.profile)
        fingerprint.check()
        if not entries.is_reference(fingerprint.views, profile):
            raise FingerprintError(
                "FINGERPRINT_MALFORMED", "to confirm takes the profile's reference views: hash densely"
            )
        self._within_limits(fingerprint)
        excluded = rules.settled_exclusions(exclusions, fingerprint.duration)
        vectors, blob = records.split(fingerprint)
        digests = fingerprint.digests
        if not len(vectors) and not digests:
            raise FingerprintError(
                "FINGERPRINT_WITHOUT_EVIDENCE", "no frame is good enough to match by, and there is no digest"
            )
        entry = entries.made(bank, name, fingerprint, len(vectors), external_id, tuple(labels), excluded, card)
        record = self._store.add_entry(
            bank,
            entry.entry,
            records.entry_payload(entry),
            vectors=vectors,
            blobs={records.FINGERPRINT: blob},
            digests=[one for one in (digests.md5, digests.sha256) if one],
            unless=lambda known: entries.is_repeated(records.entry_of(known), entry),
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
        progress: Callable[[float], None] | None = None,
    ) -> Entry:
        """Hash densely in the sandbox, then `confirm`; `progress` gets 0-1. Also raises MediaError, LimitExceededError.

        A service that vaccinates then strengthens the entry in the background; its `card` says how far that is.
        """
        self.check_confirm(bank, external_id=external_id, labels=labels, exclusions=exclusions)
        fingerprint = self._sandbox.fingerprint(media, Reading.REFERENCE, progress=progress)
        return self._vaccinator.confirm(media, partial(self._add, bank, fingerprint, external_id, labels, exclusions))

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
        if page_token and not (page_token.isascii() and page_token.isdigit() and len(page_token) < 19):
            raise InvalidInputError("PAGE_TOKEN_INVALID", "page_token is not one that a list returned")
        found = self._store.list_entries(bank, page_token, size + 1)
        token = str(found[size - 1].number) if len(found) > size else ""
        items = tuple(self._vaccinator.seen(records.entry_of(one)) for one in found[:size])
        return Page(items=items, next_page_token=token)

    def withdraw(self, bank: str, entry: str, *, reason: str = "", revision: int = 0) -> Entry:
        """Take an entry out of matching; it stays on record.

        `revision` other than 0 must be the entry's last, else REVISION_CONFLICT. Raises PreconditionError
        ENTRY_WITHDRAWN when it is withdrawn already.
        """
        rules.check_text("reason", reason)
        return self._change(
            bank, entry, revision, lambda known: dataclasses.replace(known, state=EntryState.WITHDRAWN, reason=reason)
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
            lambda known: dataclasses.replace(known, exclusions=rules.settled_exclusions(exclusions, known.duration)),
        )
        return self._vaccinator.seen(changed)

    def _change(self, bank: str, entry: str, revision: int, change: Callable[[Entry], Entry]) -> Entry:
        """Write what `change` makes of an entry that is not withdrawn, under `revision` where that is not 0."""
        rules.check_bank_id(bank)
        rules.check_entry_id(entry)
        while True:
            before = records.entry_of(self._store.get_entry(bank, entry))
            if before.state is EntryState.WITHDRAWN:
                raise PreconditionError("ENTRY_WITHDRAWN", f"{entry} is withdrawn already", bank=bank, entry=entry)
            changed = dataclasses.replace(change(before), updated_at=records.now())
            payload, expected = records.entry_payload(changed), revision or before.revision
            live = changed.state is not EntryState.WITHDRAWN
            try:
                record = self._store.update_entry(bank, entry, payload, live=live, expected_revision=expected)
            except RevisionConflictError:
                if revision:
                    raise
                continue  # vaccination has strengthened it in between
            self._index.notify()
            return dataclasses.replace(changed, revision=record.revision)

    # Matching

    def match(
        self, query: Fingerprint | Digests, *, banks: Sequence[str] = (), min_revision: int = 0, content_id: str = ""
    ) -> MatchResult:
        """Judge an upload by its fingerprint, or by exact digests alone; no `banks` means every bank.

        With a `content_id`, the caller's own name for it, the fingerprint is kept for a while, unless the settings say
        otherwise: what is confirmed later is then hunted in it.

        Raises FingerprintError (PROFILE_UNKNOWN, FINGERPRINT_MALFORMED), InvalidInputError FIELD_INVALID for empty
        digests, BANK_NOT_FOUND, INDEX_LOADING, UnavailableError REVISION_NOT_REACHED when `min_revision` is not
        searchable within `Settings.server.min_revision_wait`.
        """
        rules.check_text("content_id", content_id, rules.MAX_CONTENT_ID)
        if isinstance(query, Fingerprint):
            profile_named(query.profile)
            query.check()
            self._within_limits(query)
        elif not query:
            raise InvalidInputError("FIELD_INVALID", "a match takes a fingerprint or a digest", field="digests")
        chosen = {bank: self.get_bank(bank) for bank in banks}
        self._reach(min_revision)
        result = self._matcher.match(query, chosen)
        if isinstance(query, Fingerprint):
            self._recorder.record(content_id, query, result.revision)
        return result

    def match_media(
        self, media: Path, *, banks: Sequence[str] = (), min_revision: int = 0, content_id: str = ""
    ) -> MatchResult:
        """Exact digest first; then hash in the sandbox, quickly and where that is called for deeply, and `match`.

        Also raises MediaError, LimitExceededError.
        """
        digests = digest_file(media, self._settings.limits.max_bytes)
        exact = self.match(digests, banks=banks, min_revision=min_revision, content_id=content_id)
        if exact.matches:
            return exact
        quick = self.match(self._sandbox.fingerprint(media, Reading.QUICK), banks=banks, content_id=content_id)
        if not quick.deepen:
            return quick
        deep = self.match(self._sandbox.fingerprint(media, Reading.DEEP), banks=banks, content_id=content_id)
        return combined(quick, deep)

    # Upkeep and exchange

    def verify(self) -> list[str]:
        """Check store and index against each other; one sentence a fault, none when clean."""
        return verify(self._store, self._index)

    def export(self, bank: str, format: str) -> Iterator[str]:
        """Lines, without newlines, of the bank's live signals, in one of `hashsvc.exchange.formats.FORMATS`.

        Raises InvalidInputError EXPORT_FORMAT_UNKNOWN; BANK_NOT_FOUND.
        """
        exporter = formats.exporter(format)
        self.get_bank(bank)
        return exporter(self._live(bank))

    def _live(self, bank: str) -> Iterator[ExportEntry]:
        after = ""
        seen: set[str] = set()
        while page := self._store.list_entries(bank, after, _DEFAULT_PAGE):
            for record in page:
                # What is strengthened meanwhile comes again at the end of the list.
                if record.live and record.entry not in seen:
                    seen.add(record.entry)
                    entry = records.entry_of(record)
                    # Partners would block what is harmless; they drop frames of no quality.
                    fingerprint = silenced(self._references.get(record.number), entry.exclusions)
                    yield ExportEntry(entry=entry, fingerprint=fingerprint)
            after = str(page[-1].number)

    def _load(self, number: int) -> Fingerprint:
        return records.join(self._store.vectors(number), self._store.blob(number, records.FINGERPRINT))

    def _create_default(self) -> None:
        with contextlib.suppress(BankExistsError):  # another process was first
            self.create_bank(DEFAULT_BANK, description="Made with the data directory.")

    def _within_limits(self, fingerprint: Fingerprint) -> None:
        """A fingerprint hashed elsewhere keeps to the same bounds as one hashed here."""
        limits = self._settings.limits
        if fingerprint.duration > limits.max_duration:
            raise LimitExceededError(
                "LIMIT_DURATION",
                f"{fingerprint.duration:.0f} s, over {limits.max_duration:.0f} s",
                limit=limits.max_duration,
            )
        if fingerprint.frames > limits.max_hashed_frames:
            raise LimitExceededError(
                "LIMIT_FRAMES",
                f"{fingerprint.frames} frames, over {limits.max_hashed_frames}",
                limit=limits.max_hashed_frames,
            )

    def _page_size(self, asked: int) -> int:
        if asked < 0:
            raise InvalidInputError("FIELD_INVALID", f"page_size {asked} is negative", field="page_size")
        return min(asked or _DEFAULT_PAGE, self._settings.server.max_page_size)

    def _reach(self, revision: int) -> None:
        if revision < 0:
            raise InvalidInputError("FIELD_INVALID", f"min_revision {revision} is negative", field="min_revision")
        wait = self._settings.server.min_revision_wait
        if revision and not self._index.wait_for(revision, wait):
            raise UnavailableError(
                "REVISION_NOT_REACHED",
                f"revision {revision} was not searchable within {wait} s; the last is {self._index.revision}",
                revision=self._index.revision,
            )
