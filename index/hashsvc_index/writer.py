"""A write transaction: the rows of a change, and what the store counts."""

import dataclasses
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from hashsvc_index import records
from hashsvc_index.environment import Environment
from hashsvc_index.errors import RevisionConflictError
from hashsvc_index.reader import Reader
from hashsvc_index.records import Appendix, Change, ChangeKind, DecisionRecord, DocumentRecord, EntryRecord, EventRecord

if TYPE_CHECKING:
    import lmdb

_PAGE_BYTES = 4096


class Writer:
    """One write transaction."""

    def __init__(self, environment: Environment, transaction: "lmdb.Transaction[bytes]") -> None:
        self.reader = Reader(environment, transaction)
        self.counters = self.reader.counters()
        self.journal = self.reader.journal()
        self._environment = environment
        self._transaction = transaction

    def put(self, table: bytes, key: bytes, body: bytes | memoryview) -> None:
        self._transaction.put(key, records.seal(key, body), db=self._environment.table(table))

    def put_new(self, table: bytes, key: bytes, body: bytes | memoryview) -> bool:
        """Put a row unless there is one with this key; whether there was none."""
        return self._transaction.put(key, records.seal(key, body), overwrite=False, db=self._environment.table(table))

    def log(self, kind: ChangeKind, number: int, *, live: bool, **counters: int) -> int:
        """Count a change, with whatever else it counts, and write its line of the log; return its revision."""
        revision = self.counters.revision + 1
        self.counters = dataclasses.replace(self.counters, revision=revision, **counters)
        self.put(b"meta", records.KEY_COUNTERS, records.encode_counters(self.counters))
        change = Change(revision=revision, kind=kind, number=number, live=live, mark=os.urandom(8))
        self.put(b"changes", records.number_key(revision), records.encode_change(change))
        return revision

    def add(self, record: EntryRecord, vectors: memoryview, blobs: Mapping[str, bytes]) -> None:
        """Write a new entry with all that belongs to it."""
        number = record.number
        key = records.number_key(number)
        self.put(b"entries", key, records.encode_entry(record))
        self.put(b"names", records.name_key(record.bank_number, record.entry), key)
        self.put(b"members", records.member_key(record.bank_number, number), b"")
        self.put(b"vectors", key, vectors)
        for name, blob in blobs.items():
            self.put(b"blobs", records.blob_key(number, name), blob)
        for digest in record.digests:
            self.put(b"digests", records.digest_key(digest, number), b"")
        self.log(
            ChangeKind.ENTRY_ADDED, number, live=True, last_entry=number,
            live_entries=self.counters.live_entries + 1,
            live_vectors=self.counters.live_vectors + record.vector_count,
        )  # fmt: skip

    def retire(self, old: EntryRecord) -> None:
        """Leave a live entry's number to history: its name leads to a later one."""
        for table, key in (
            (b"members", records.member_key(old.bank_number, old.number)),
            *((b"digests", records.digest_key(digest, old.number)) for digest in old.digests),
        ):
            self.delete(table, key)
        revision = self.log(
            ChangeKind.ENTRY_UPDATED, old.number, live=False, live_entries=self.counters.live_entries - 1,
            live_vectors=self.counters.live_vectors - old.vector_count,
        )  # fmt: skip
        record = dataclasses.replace(old, live=False, replaced=True, revision=revision, digests=())
        self.put(b"entries", records.number_key(old.number), records.encode_entry(record))

    def delete(self, table: bytes, key: bytes) -> None:
        """Remove a row, if it is there."""
        self._transaction.delete(key, db=self._environment.table(table))

    def put_document(self, kind: str, name: str, payload: bytes, *, new: bool) -> int:
        """Write a document and count it; return its revision."""
        revision = self.journal.last_document + 1
        self.keep(last_document=revision, documents=self.journal.documents + new)
        record = DocumentRecord(kind=kind, name=name, payload=payload, revision=revision)
        self.put(b"documents", records.document_key(kind, name), records.encode_document(record))
        return revision

    def append(self, appendix: Appendix) -> None:
        """Append to the logs; the last step of a transaction, since every record says the revision that it ends with."""
        if not appendix:
            return
        revision, head, known = self.counters.revision, self.journal.head, self.journal
        for number, payload in enumerate(appendix.decisions, known.last_decision + 1):
            record = DecisionRecord(number=number, previous=head, revision=revision, payload=payload)
            self.put(b"decisions", records.number_key(number), records.encode_decision(record))
            head = record.hash
        for number, payload in enumerate(appendix.events, known.last_event + 1):
            told = EventRecord(number=number, revision=revision, payload=payload)
            self.put(b"events", records.number_key(number), records.encode_event(told))
        self.keep(
            last_decision=known.last_decision + len(appendix.decisions), head=head,
            last_event=known.last_event + len(appendix.events),
        )  # fmt: skip

    def keep(self, **counts: Any) -> None:
        """Change what the journal counts."""
        self.journal = dataclasses.replace(self.journal, **counts)
        self.put(b"meta", records.KEY_JOURNAL, records.encode_journal(self.journal))


def expect(expected: int, actual: int, **what: str) -> None:
    """Raises RevisionConflictError unless `expected` is 0 or `actual`."""
    if expected and expected != actual:
        raise RevisionConflictError(
            f"{', '.join(map(repr, what.values()))}: at revision {actual}, not {expected}",
            expected=expected, actual=actual, **what,
        )  # fmt: skip


def need(*sizes: int) -> int:
    """Bytes that values of these sizes may take in LMDB: whole pages, and copies of the tree's pages above them."""
    pages = sum(size // _PAGE_BYTES + 3 for size in sizes)
    return (pages + 64) * _PAGE_BYTES
