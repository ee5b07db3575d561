"""Reads of one state of the store: what a transaction sees."""

import uuid
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from hashsvc_index import records
from hashsvc_index.environment import Environment
from hashsvc_index.errors import BankNotFoundError, EntryNotFoundError
from hashsvc_index.records import (
    BankRecord,
    Change,
    Counters,
    DamagedError,
    DecisionRecord,
    DocumentRecord,
    EntryRecord,
    EventRecord,
    ExhibitCounts,
    ExhibitUse,
    Journal,
    Vectors,
)

if TYPE_CHECKING:
    import lmdb


class Reader:
    """Decodes the tables within one LMDB transaction. Methods raise DamagedError, which the environment translates."""

    def __init__(self, environment: Environment, transaction: "lmdb.Transaction[bytes]") -> None:
        self._environment = environment
        self._transaction = transaction

    # meta

    def format(self) -> int:
        return records.key_number(self._required(b"meta", records.KEY_FORMAT))

    def store_id(self) -> str:
        """32 hex digits, made with the store."""
        return uuid.UUID(bytes=bytes(self._required(b"meta", records.KEY_STORE_ID))).hex

    def counters(self) -> Counters:
        return records.decode_counters(self._required(b"meta", records.KEY_COUNTERS))

    def journal(self) -> Journal:
        body = self._optional(b"meta", records.KEY_JOURNAL)
        return Journal() if body is None else records.decode_journal(body)

    # banks

    def find_bank(self, bank: str) -> BankRecord | None:
        body = self._optional(b"banks", records.bank_key(bank))
        return None if body is None else records.decode_bank(bank, body)

    def bank(self, bank: str) -> BankRecord:
        """Raises BankNotFoundError."""
        record = self.find_bank(bank)
        if record is None:
            raise BankNotFoundError(f"there is no bank {bank!r}", bank=bank)
        return record

    def banks(self, after: str, limit: int) -> list[BankRecord]:
        rows = self.rows(b"banks", records.bank_key(after) + b"\0" if after else b"", limit)
        return [records.decode_bank(key.decode(), body) for key, body in rows]

    # entries

    def find_number(self, bank_number: int, entry: str) -> int | None:
        body = self._optional(b"names", records.name_key(bank_number, entry))
        return None if body is None else records.key_number(body)

    def find_entry(self, number: int) -> EntryRecord | None:
        if not 0 < number < 1 << 64:
            return None
        body = self._optional(b"entries", records.number_key(number))
        return None if body is None else records.decode_entry(number, body)

    def known_entry(self, number: int) -> EntryRecord:
        """An entry that another table names. Raises DamagedError if it is not there."""
        return records.decode_entry(number, self._required(b"entries", records.number_key(number)))

    def entry(self, bank: str, entry: str) -> EntryRecord:
        """Raises BankNotFoundError, EntryNotFoundError."""
        number = self.find_number(self.bank(bank).number, entry)
        if number is None:
            raise EntryNotFoundError(f"bank {bank!r} has no entry {entry!r}", bank=bank, entry=entry)
        return self.known_entry(number)

    def entries(self, after: int, limit: int) -> list[EntryRecord]:
        """At most `limit` entries of any bank with a number above `after`."""
        rows = self.rows(b"entries", records.number_key(after + 1), limit)
        return [records.decode_entry(records.key_number(key), body) for key, body in rows]

    def members(self, bank: str, after: int, limit: int) -> list[EntryRecord]:
        """At most `limit` entries of the bank with a number above `after`. Raises BankNotFoundError."""
        bank_number = self.bank(bank).number
        if not 0 <= after < (1 << 64) - 1:
            return []
        first, prefix = records.member_key(bank_number, after + 1), records.number_key(bank_number)
        rows = self.rows(b"members", first, limit, prefix)
        return [self.known_entry(records.key_number(key)) for key, _ in rows]

    def is_member(self, bank_number: int, number: int) -> bool:
        """Whether the bank lists the entry."""
        return self._optional(b"members", records.member_key(bank_number, number)) is not None

    def live_with_digests(self, digests: Sequence[bytes]) -> Iterator[EntryRecord]:
        """The live entries that have one of the digests, each once, digest by digest, oldest first."""
        seen: set[int] = set()
        for digest in digests:
            for number in self.digest_numbers(digest):
                if number not in seen:
                    seen.add(number)
                    record = self.known_entry(number)
                    if record.live:
                        yield record

    def digest_numbers(self, digest: bytes) -> list[int]:
        """The numbers of all entries, live or not, that have the digest."""
        prefix = records.digest_prefix(digest)
        return [records.key_number(key) for key, _ in self.rows(b"digests", prefix, prefix=prefix)]

    def vectors(self, number: int) -> Vectors:
        """Raises EntryNotFoundError."""
        body = self._optional(b"vectors", records.number_key(number)) if 0 < number < 1 << 64 else None
        if body is None:
            raise EntryNotFoundError(f"there is no entry number {number}", number=number)
        return records.decode_vectors(body)

    def blob(self, number: int, name: str) -> bytes:
        """b"" if the entry has no such blob. Raises EntryNotFoundError."""
        if self.find_entry(number) is None:
            raise EntryNotFoundError(f"there is no entry number {number}", number=number)
        body = self._optional(b"blobs", records.blob_key(number, name))
        return b"" if body is None else bytes(body)

    # log

    def find_change(self, revision: int) -> Change | None:
        body = self._optional(b"changes", records.number_key(revision))
        return None if body is None else records.decode_change(revision, body)

    def changes(self, after: int, limit: int) -> list[Change]:
        rows = self.rows(b"changes", records.number_key(after + 1), limit)
        return [records.decode_change(records.key_number(key), body) for key, body in rows]

    # documents, decisions, events

    def find_document(self, kind: str, name: str) -> DocumentRecord | None:
        key = records.document_key(kind, name)
        body = self._optional(b"documents", key)
        return None if body is None else records.decode_document(key, body)

    def documents(self, kind: str, after: str, limit: int) -> list[DocumentRecord]:
        """At most `limit` documents of a kind whose name comes after `after` in byte order."""
        prefix = records.document_prefix(kind)
        first = records.document_key(kind, after) + b"\0" if after else prefix
        rows = self.rows(b"documents", first, limit, prefix)
        return [records.decode_document(key, body) for key, body in rows]

    def find_decision(self, number: int) -> DecisionRecord | None:
        if not 0 < number < 1 << 64:
            return None
        body = self._optional(b"decisions", records.number_key(number))
        return None if body is None else records.decode_decision(number, body)

    def decisions(self, after: int, limit: int) -> list[DecisionRecord]:
        rows = self._after(b"decisions", after, limit)
        return [records.decode_decision(records.key_number(key), body) for key, body in rows]

    def exhibit(self, digest: bytes) -> bytes:
        """b"" if there is none."""
        body = self._optional(b"exhibits", digest)
        return b"" if body is None else bytes(body)

    def exhibit_counts(self) -> ExhibitCounts:
        body = self._optional(b"meta", records.KEY_EXHIBITS)
        return ExhibitCounts() if body is None else records.decode_exhibits(body)

    def exhibit_use_of(self, digest: bytes) -> int:
        """The number of an exhibit's last use; 0 where it is not kept."""
        body = self._optional(b"exhibit_ages", digest)
        return 0 if body is None else records.key_number(body)

    def exhibit_uses(self, limit: int | None = None) -> list[ExhibitUse]:
        """At most `limit` uses, those longest ago first."""
        rows = self.rows(b"exhibit_uses", limit=limit)
        return [records.decode_use(records.key_number(key), body) for key, body in rows]

    def events(self, after: int, limit: int) -> list[EventRecord]:
        rows = self._after(b"events", after, limit)
        return [records.decode_event(records.key_number(key), body) for key, body in rows]

    # tables

    def rows(
        self, table: bytes, first: bytes = b"", limit: int | None = None, prefix: bytes = b""
    ) -> Iterator[tuple[bytes, memoryview]]:
        """(key, body) from key `first` on, in key order, at most `limit`, up to the first that does not begin with `prefix`."""
        cursor = self._transaction.cursor(db=self._environment.table(table))
        left = limit
        found = cursor.set_range(first) if first else cursor.first()
        while found and (left is None or left > 0):
            key = cursor.key()
            if not key.startswith(prefix):
                return
            yield key, records.unseal(key, cursor.value())
            left = None if left is None else left - 1
            found = cursor.next()

    def last_number(self, table: bytes) -> int:
        """The highest number that is a key of the table; 0 when it is empty."""
        cursor = self._transaction.cursor(db=self._environment.table(table))
        return records.key_number(cursor.key()) if cursor.last() else 0

    def count(self, table: bytes) -> int:
        """Number of rows."""
        return int(self._transaction.stat(self._environment.table(table))["entries"])

    def _after(self, table: bytes, number: int, limit: int) -> Iterator[tuple[bytes, memoryview]]:
        """At most `limit` rows with a number above `number`, which may be any."""
        return self.rows(table, records.number_key(number + 1), limit) if 0 <= number < (1 << 64) - 1 else iter(())

    def _optional(self, table: bytes, key: bytes) -> memoryview | None:
        value = self._transaction.get(key, db=self._environment.table(table))
        return None if value is None else records.unseal(key, value)

    def _required(self, table: bytes, key: bytes) -> memoryview:
        body = self._optional(table, key)
        if body is None:
            raise DamagedError(f"table {table.decode()} lacks key {key.hex()}")
        return body
