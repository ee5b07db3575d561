"""The store: banks, entries, their vectors and blobs, documents, and logs of changes, decisions, events, in LMDB."""

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from hashsvc_index import records
from hashsvc_index.directory import prepare
from hashsvc_index.documents import Documents
from hashsvc_index.environment import Environment, StoreSettings
from hashsvc_index.errors import (
    BankExistsError,
    BankNotFoundError,
    DataFormatTooNewError,
    EntryExistsError,
    EntryNotFoundError,
    EntryWithdrawnError,
)
from hashsvc_index.journal import Journal
from hashsvc_index.reader import Reader
from hashsvc_index.records import (
    Appendix,
    BankRecord,
    Change,
    ChangeKind,
    DocumentRecord,
    EntryRecord,
    Vectors,
)
from hashsvc_index.writer import Writer, expect, need

_SCAN = 4096
_DEFAULTS = StoreSettings()


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Stats:
    """The store in figures."""

    revision: int
    banks: int
    entries: int
    live_entries: int
    live_vectors: int
    map_bytes: int
    used_bytes: int


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class EntryUpdate:
    """One of several entries to be changed together; what `Store.update_entry` takes."""

    bank: str
    entry: str
    payload: bytes
    live: bool
    expected_revision: int = 0


class Store(Documents, Journal):
    """A data directory's truth. Thread-safe; any number of processes may have the same directory open.

    Every call that writes is one transaction: the record, its vectors, blobs and digests, a line of the change log, the
    revision, and the decisions and events given with it, all or nothing, and on the disk when the call returns. A
    revision is the number of a change of a bank or an entry, counted from 1 without gaps over all processes.

    Any method may raise StoreCorruptError and StoreUnavailableError; those that write, StoreFullError and
    DataDirectoryReadOnlyError too.
    """

    @classmethod
    def open(cls, path: Path, *, create: bool = True, settings: StoreSettings = _DEFAULTS) -> "Store":
        """Open data directory `path`, made first if it is missing or empty and `create` is set.

        Opened twice in a process, both share LMDB's environment and the settings of the first.

        Raises NotADataDirectoryError, DataFormatTooNewError, DataDirectoryReadOnlyError, StoreFullError,
        StoreCorruptError.
        """
        environment = Environment.acquire(prepare(path, create=create), settings)
        try:
            with environment.read() as transaction:
                reader = Reader(environment, transaction)
                format_version = reader.format()
                if format_version > records.FORMAT:
                    raise DataFormatTooNewError(
                        f"{path} has data format {format_version}, this version reads up to {records.FORMAT}",
                        path=path, format=format_version, supported=records.FORMAT,
                    )  # fmt: skip
                store_id = reader.store_id()
                reader.counters()
        except BaseException:
            environment.release()
            raise
        return cls(path, environment, store_id)

    def revision(self) -> int:
        """The last change, 0 for a new store."""
        with self.environment.read() as transaction:
            return Reader(self._environment, transaction).counters().revision

    def last_write(self) -> int:
        """A number that every write of any process makes another, so that what was read need not be read again."""
        return self.environment.last_write()

    # banks

    def put_bank(
        self, bank: str, payload: bytes, *, create: bool, expected_revision: int = 0,
        decisions: Sequence[bytes] = (), events: Sequence[bytes] = (),
    ) -> int:  # fmt: skip
        """Create or replace a bank; return the revision. `expected_revision` other than 0 must be the bank's last.

        Raises BankExistsError (with `create`), BankNotFoundError (without), RevisionConflictError, ValueError for a
        name of no or more than 255 bytes or a payload of more than 64 KiB.
        """
        key = records.bank_key(bank)
        records.checked_payload(payload)
        appendix = records.checked_appendix(decisions, events)

        def change(writer: Writer) -> int:
            known = writer.reader.find_bank(bank)
            if create and known is not None:
                raise BankExistsError(f"bank {bank!r} exists already", bank=bank)
            if not create and known is None:
                raise BankNotFoundError(f"there is no bank {bank!r}", bank=bank)
            expect(expected_revision, known.revision if known else 0, bank=bank)
            number = known.number if known else writer.counters.last_bank + 1
            last_bank = max(number, writer.counters.last_bank)
            revision = writer.log(ChangeKind.BANK_PUT, number, live=True, last_bank=last_bank)
            record = BankRecord(bank=bank, number=number, payload=payload, revision=revision)
            writer.put(b"banks", key, records.encode_bank(record))
            writer.append(appendix)
            return revision

        return self._write(need(len(payload), *appendix.sizes()), change)

    def get_bank(self, bank: str) -> BankRecord:
        """Raises BankNotFoundError."""
        with self.environment.read() as transaction:
            return Reader(self._environment, transaction).bank(bank)

    def list_banks(self, after: str, limit: int) -> list[BankRecord]:
        """At most `limit` banks whose name comes after `after` in byte order; "" begins."""
        with self.environment.read() as transaction:
            return Reader(self._environment, transaction).banks(after, limit)

    # entries

    def add_entry(
        self, bank: str, entry: str, payload: bytes, *, vectors: Vectors, blobs: Mapping[str, bytes],
        digests: Sequence[bytes], unless: Callable[[EntryRecord], bool] | None = None,
        decisions: Sequence[bytes] = (), events: Sequence[bytes] = (),
    ) -> EntryRecord:  # fmt: skip
        """Add a live entry. `vectors` is uint8 (n, 32), n may be 0; `digests` are what `find_digest` will find.

        `unless` makes a repeated add harmless, also between processes: it is asked, inside the transaction, about
        every live entry of the bank that has one of the digests, and the first it accepts is returned instead of
        adding, and nothing is appended.

        Raises BankNotFoundError, EntryExistsError (withdrawn or not), ValueError for arguments of a wrong shape or
        beyond the bounds in `hashsvc_index.records`.
        """
        records.name_key(0, entry)
        records.checked_payload(payload)
        _checked_blobs(blobs)
        body = records.encode_vectors(records.checked_vectors(vectors))
        unique = records.checked_digests(digests)
        appendix = records.checked_appendix(decisions, events)

        def change(writer: Writer) -> EntryRecord:
            home = writer.reader.bank(bank)
            for known in writer.reader.live_with_digests(unique) if unless is not None else ():
                if unless is not None and known.bank == bank and unless(known):
                    return known
            if writer.reader.find_number(home.number, entry) is not None:
                raise EntryExistsError(f"entry {entry!r} of bank {bank!r} exists already", bank=bank, entry=entry)
            revision = writer.counters.revision + 1
            record = EntryRecord(
                number=writer.counters.last_entry + 1, bank=bank, bank_number=home.number, entry=entry,
                payload=payload, live=True, revision=revision, created_revision=revision, vector_count=len(vectors),
                blob_count=len(blobs), digests=unique,
            )  # fmt: skip
            writer.add(record, body, blobs)
            writer.append(appendix)
            return record

        sizes = (len(payload), len(body), *map(len, blobs.values()), *(64 for _ in unique), *appendix.sizes())
        return self._write(need(*sizes), change)

    def update_entry(
        self, bank: str, entry: str, payload: bytes, *, live: bool, expected_revision: int = 0,
        decisions: Sequence[bytes] = (), events: Sequence[bytes] = (),
    ) -> EntryRecord:  # fmt: skip
        """Replace an entry's payload and whether it is live; its vectors, blobs and digests stay.

        `expected_revision` other than 0 must be the entry's last.

        Raises BankNotFoundError, EntryNotFoundError, RevisionConflictError, ValueError for too long a payload.
        """
        update = EntryUpdate(
            bank=bank, entry=entry, payload=payload, live=live, expected_revision=expected_revision
        )  # fmt: skip
        [record] = self._update((update,), None, records.checked_appendix(decisions, events))
        return record

    def update_with_document(
        self, updates: Sequence[EntryUpdate], document: DocumentRecord, *, decisions: Sequence[bytes] = (),
        events: Sequence[bytes] = (),
    ) -> list[EntryRecord]:  # fmt: skip
        """Update several entries and replace a document, all or nothing. The `revision` of `document` must be its last.

        Raises as `update_entry` and `put_document` do.
        """
        records.checked_long(document.payload)
        return self._update(updates, document, records.checked_appendix(decisions, events))

    def _update(
        self, updates: Sequence[EntryUpdate], document: DocumentRecord | None, appendix: Appendix
    ) -> list[EntryRecord]:
        for update in updates:
            records.checked_payload(update.payload)

        def change(writer: Writer) -> list[EntryRecord]:
            if document is not None:
                self._replace(writer, document.kind, document.name, document.payload, document.revision)
            changed = [_updated(writer, update) for update in updates]
            writer.append(appendix)
            return changed

        sizes = [len(update.payload) for update in updates] + ([len(document.payload)] if document else [])
        return self._write(need(*sizes, *appendix.sizes()), change)

    def replace_entry(
        self, bank: str, entry: str, payload: bytes, *, vectors: Vectors, blobs: Mapping[str, bytes],
        expected_revision: int = 0, decisions: Sequence[bytes] = (), events: Sequence[bytes] = (),
    ) -> EntryRecord:  # fmt: skip
        """Give a live entry other vectors and blobs under the same name and digests, and return its new record.

        It gets a new number; the old record is no longer live and keeps its vectors and blobs, since searches that
        began before may still ask for them. Both are changes of one transaction, the new number's first, so that
        whoever follows the log never finds neither. In `list_entries` the entry moves to the end.

        Raises BankNotFoundError, EntryNotFoundError, EntryWithdrawnError, RevisionConflictError, and ValueError as
        `add_entry` does.
        """
        records.checked_payload(payload)
        _checked_blobs(blobs)
        body = records.encode_vectors(records.checked_vectors(vectors))
        appendix = records.checked_appendix(decisions, events)

        def change(writer: Writer) -> EntryRecord:
            old = writer.reader.entry(bank, entry)
            if not old.live:
                raise EntryWithdrawnError(f"entry {entry!r} of bank {bank!r} is withdrawn", bank=bank, entry=entry)
            expect(expected_revision, old.revision, bank=bank, entry=entry)
            revision = writer.counters.revision + 1
            new = dataclasses.replace(
                old, number=writer.counters.last_entry + 1, payload=payload, revision=revision,
                created_revision=revision, vector_count=len(vectors), blob_count=len(blobs),
            )  # fmt: skip
            writer.add(new, body, blobs)
            writer.retire(old)
            writer.append(appendix)
            return new

        sizes = (2 * len(payload), len(body), *map(len, blobs.values()), *(64 for _ in range(512)), *appendix.sizes())
        return self._write(need(*sizes), change)

    def get_entry(self, bank: str, entry: str) -> EntryRecord:
        """Raises BankNotFoundError, EntryNotFoundError."""
        with self.environment.read() as transaction:
            return Reader(self._environment, transaction).entry(bank, entry)

    def get_entry_by_number(self, number: int) -> EntryRecord:
        """Raises EntryNotFoundError."""
        with self.environment.read() as transaction:
            record = Reader(self._environment, transaction).find_entry(number)
        if record is None:
            raise EntryNotFoundError(f"there is no entry number {number}", number=number)
        return record

    def list_entries(self, bank: str, after: str, limit: int) -> list[EntryRecord]:
        """At most `limit` entries of the bank, withdrawn ones too, in the order they were added.

        `after` is the number of the last entry seen, in decimal; "" begins. Raises BankNotFoundError, and ValueError
        when `after` is no number.
        """
        first = int(after) if after else 0
        with self.environment.read() as transaction:
            return Reader(self._environment, transaction).members(bank, first, limit)

    def find_digest(self, digest: bytes) -> list[EntryRecord]:
        """The live entries with this digest, oldest first. Raises ValueError for none or more than 64 bytes."""
        return self.find_digests((digest,))[0]

    def find_digests(self, digests: Sequence[bytes]) -> list[list[EntryRecord]]:
        """For each digest `find_digest`, all as they are at one time."""
        with self.environment.read() as transaction:
            reader = Reader(self._environment, transaction)
            return [list(reader.live_with_digests((digest,))) for digest in digests]

    def vectors(self, number: int) -> Vectors:
        """uint8 (n, 32), read-only, in the order added. Raises EntryNotFoundError."""
        with self.environment.read() as transaction:
            return Reader(self._environment, transaction).vectors(number)

    def blob(self, number: int, name: str) -> bytes:
        """A blob of an entry, b"" when the entry has none of that name. Raises EntryNotFoundError."""
        with self.environment.read() as transaction:
            return Reader(self._environment, transaction).blob(number, name)

    # following

    def changes(self, after_revision: int, limit: int) -> list[Change]:
        """At most `limit` changes after `after_revision`, in order."""
        with self.environment.read() as transaction:
            return Reader(self._environment, transaction).changes(after_revision, limit)

    def live_entries(self) -> Iterator[tuple[int, int]]:
        """(number, vector count) of every live entry, in order; read in pieces, not all of one state."""
        after = 0
        while True:
            with self.environment.read() as transaction:
                piece = Reader(self._environment, transaction).entries(after, _SCAN)
            yield from ((record.number, record.vector_count) for record in piece if record.live)
            if len(piece) < _SCAN:
                return
            after = piece[-1].number

    def stats(self) -> Stats:
        """Counted, not estimated."""
        map_bytes, used_bytes = self.environment.size()
        with self.environment.read() as transaction:
            counters = Reader(self._environment, transaction).counters()
        return Stats(
            revision=counters.revision, banks=counters.last_bank, entries=counters.last_entry,
            live_entries=counters.live_entries, live_vectors=counters.live_vectors, map_bytes=map_bytes,
            used_bytes=used_bytes,
        )  # fmt: skip


def _updated(writer: Writer, update: EntryUpdate) -> EntryRecord:
    known = writer.reader.entry(update.bank, update.entry)
    expect(update.expected_revision, known.revision, bank=update.bank, entry=update.entry)
    turn = int(update.live) - int(known.live)
    revision = writer.log(
        ChangeKind.ENTRY_UPDATED, known.number, live=update.live,
        live_entries=writer.counters.live_entries + turn,
        live_vectors=writer.counters.live_vectors + turn * known.vector_count,
    )  # fmt: skip
    record = dataclasses.replace(known, payload=update.payload, live=update.live, revision=revision)
    writer.put(b"entries", records.number_key(known.number), records.encode_entry(record))
    return record


def _checked_blobs(blobs: Mapping[str, bytes]) -> None:
    if len(blobs) > records.MAX_BLOBS:
        raise ValueError(f"an entry has at most {records.MAX_BLOBS} blobs, not {len(blobs)}")
    for name, blob in blobs.items():
        records.blob_key(0, name)
        if len(blob) > records.MAX_VALUE_BYTES:
            raise ValueError(f"a blob has at most {records.MAX_VALUE_BYTES} bytes, not {len(blob)}")
