"""Checking the store against itself and the index against the store."""

import dataclasses
import hashlib
from collections.abc import Iterator

import numpy as np

from hashsvc_index.errors import EntryNotFoundError
from hashsvc_index.index import Index
from hashsvc_index.reader import Reader
from hashsvc_index.records import ChangeKind, DamagedError, EntryRecord, decode_document, digest_prefix, key_number
from hashsvc_index.snapshot import Snapshot
from hashsvc_index.store import Store

_INDEX_WAIT_SECONDS = 30.0
_PIECE = 256


class _GrowthError(Exception):
    """The map has to grow, for which this long read must end."""


def verify(store: Store, index: Index | None) -> list[str]:
    """One sentence for each fault, none when store and index are whole and agree.

    Reads one state of the store while others go on writing. With an `index`, waits up to 30 s until it has caught up,
    and checks that it holds the vectors of every live entry, byte for byte, and nothing else.

    The decision log is read apart from that, a piece at a time. LMDB's own pages have no checksums, so damage to one of
    them may also end in StoreCorruptError.
    """
    while True:
        faults: list[str] = []
        snapshot = None
        if index is not None:
            revision = store.revision()
            if not index.wait_for(revision, _INDEX_WAIT_SECONDS):
                faults.append(f"The index is at revision {index.revision}, the store at {revision}.")
            snapshot = index.snapshot if index.ready else None
        try:
            with store.environment.read() as transaction:
                check = _Check(store, Reader(store.environment, transaction))
                faults.extend(check.faults())
                if snapshot is not None:
                    faults.extend(check.index_faults(snapshot))
            return faults + store.verify_decisions()
        except _GrowthError:
            continue


class _Check:
    """One state of the store, being checked. The methods yield sentences; they may be run in the order given only."""

    def __init__(self, store: Store, reader: Reader) -> None:
        self._store = store
        self._reader = reader
        self._counters = reader.counters()
        self._entries: dict[int, EntryRecord] = {}
        """Every entry, without its payload."""

    def faults(self) -> Iterator[str]:
        """What is wrong within the store."""
        parts = (
            self._banks, self._changes, self._all_entries, self._totals, self._digests, self._blobs, self._documents,
            self._exhibits, self._events,
        )  # fmt: skip
        for part in parts:
            try:
                yield from part()
            except DamagedError as error:
                yield f"The check of {part.__name__.strip('_').replace('_', ' ')} cannot go on: {error}."

    def index_faults(self, snapshot: Snapshot) -> Iterator[str]:
        """What differs between the store and a snapshot taken before."""
        # What changed between the snapshot and the state read here may differ rightly.
        recent = self._reader.changes(snapshot.revision, self._counters.revision)
        moving = {change.number for change in recent if change.kind is not ChangeKind.BANK_PUT}
        wanted = {number for number, record in self._entries.items() if record.live and record.vector_count} - moving
        found = {number for slab in snapshot.slabs for number in slab.numbers.tolist()}
        found -= set(snapshot.withdrawn.tolist()) | moving
        for number in sorted(found - wanted):
            yield f"The index has entry {number}, which is not live in the store."
        for number in sorted(wanted - found):
            yield f"The index lacks the live entry {number}."
        both = found & wanted
        for slab in snapshot.slabs:
            for number, vectors in slab.contents():
                self._give_way()
                if number not in both:
                    continue
                try:
                    stored = self._reader.vectors(number)
                except (DamagedError, EntryNotFoundError):
                    continue  # Said already.
                if not np.array_equal(vectors, stored):
                    yield f"The index has other vectors of entry {number} than the store."
        held = sum(slab.rows for slab in snapshot.slabs) - _rows_of(snapshot, set(snapshot.withdrawn.tolist()))
        if held != snapshot.hashes:
            yield f"The index counts {snapshot.hashes} hashes and has {held}."

    def _banks(self) -> Iterator[str]:
        banks = self._reader.banks("", self._reader.count(b"banks") + 1)
        numbers = sorted(bank.number for bank in banks)
        if numbers != list(range(1, self._counters.last_bank + 1)):
            yield f"The banks have the numbers {numbers}, the counters say 1 to {self._counters.last_bank}."
        for bank in banks:
            change = self._reader.find_change(bank.revision)
            if change is None or (change.kind, change.number) != (ChangeKind.BANK_PUT, bank.number):
                yield f"Bank {bank.bank!r} is at revision {bank.revision}, which the change log does not say."

    def _changes(self) -> Iterator[str]:
        seen = 0
        while changes := self._reader.changes(seen, _PIECE):
            self._give_way()
            for change in changes:
                if change.revision != seen + 1:
                    yield f"The change log goes from revision {seen} to {change.revision}."
                seen = change.revision
                of_bank = change.kind is ChangeKind.BANK_PUT
                last = self._counters.last_bank if of_bank else self._counters.last_entry
                if not 0 < change.number <= last:
                    yield f"Change {change.revision} is of number {change.number}, the last one is {last}."
        if seen != self._counters.revision:
            yield f"The change log ends at revision {seen}, the counters say {self._counters.revision}."

    def _all_entries(self) -> Iterator[str]:
        after = 0
        while records := self._reader.entries(after, _PIECE):
            for record in records:
                self._give_way()
                yield from self._entry(record)
                self._entries[record.number] = dataclasses.replace(record, payload=b"")
            after = records[-1].number
        current = sum(not record.replaced for record in self._entries.values())
        for table, expected in ((b"names", current), (b"members", current), (b"vectors", len(self._entries))):
            rows = self._reader.count(table)
            if rows != expected:
                yield f"Table {table.decode()} has {rows} rows for {expected} entries."

    def _entry(self, record: EntryRecord) -> Iterator[str]:
        reader, what = self._reader, f"Entry {record.number} ({record.bank}/{record.entry})"
        bank = reader.find_bank(record.bank)
        if bank is None or bank.number != record.bank_number:
            yield f"{what} is of a bank that is not there."
        named = reader.find_number(record.bank_number, record.entry) or 0
        if record.replaced and named <= record.number:
            yield f"{what} is replaced, and its name leads to no later number."
        if not record.replaced and named != record.number:
            yield f"{what} is not found under its name."
        if reader.is_member(record.bank_number, record.number) is record.replaced:
            yield f"{what} is {'still' if record.replaced else 'not'} in its bank's list."
        change = reader.find_change(record.revision)
        if change is None or (change.number, change.live) != (record.number, record.live):
            yield f"{what} is at revision {record.revision}, which the change log does not say."
        made = reader.find_change(record.created_revision)
        if made is None or (made.number, made.kind) != (record.number, ChangeKind.ENTRY_ADDED):
            yield f"{what} was made at revision {record.created_revision}, which the change log does not say."
        for digest in record.digests:
            if record.number not in reader.digest_numbers(digest):
                yield f"{what} is not found under its digest {digest.hex()}."
        try:
            count = len(reader.vectors(record.number))
        except (DamagedError, EntryNotFoundError) as error:
            yield f"{what} has no whole vectors: {error}."
        else:
            if count != record.vector_count:
                yield f"{what} has {count} vectors, its record says {record.vector_count}."

    def _totals(self) -> Iterator[str]:
        live = [record for record in self._entries.values() if record.live]
        for what, counted, said in (
            ("entries", len(self._entries), self._counters.last_entry),
            ("live entries", len(live), self._counters.live_entries),
            ("live vectors", sum(record.vector_count for record in live), self._counters.live_vectors),
        ):
            if counted != said:
                yield f"There are {counted} {what}, the counters say {said}."

    def _digests(self) -> Iterator[str]:
        for key, _ in self._reader.rows(b"digests"):
            self._give_way()
            record = self._entries.get(key_number(key))
            if record is None or key[:-8] not in {digest_prefix(digest) for digest in record.digests}:
                yield f"Digest {key[1:-8].hex()} leads to entry {key_number(key)}, which does not have it."

    def _blobs(self) -> Iterator[str]:
        counts = dict.fromkeys(self._entries, 0)
        for key, _ in self._reader.rows(b"blobs"):
            self._give_way()
            number = key_number(key[:8])
            if number not in counts:
                yield f"Blob {key[8:].decode()!r} is of entry {number}, which is not there."
            else:
                counts[number] += 1
        for number, count in counts.items():
            if count != self._entries[number].blob_count:
                yield f"Entry {number} has {count} blobs, its record says {self._entries[number].blob_count}."

    def _documents(self) -> Iterator[str]:
        journal, seen = self._reader.journal(), 0
        for key, body in self._reader.rows(b"documents"):
            self._give_way()
            seen += 1
            document = decode_document(key, body)
            if not 0 < document.revision <= journal.last_document:
                yield (
                    f"{document.kind.capitalize()} {document.name!r} is at revision {document.revision}, the last of a "
                    f"document is {journal.last_document}."
                )
        if seen != journal.documents:
            yield f"There are {seen} documents, the counters say {journal.documents}."

    def _exhibits(self) -> Iterator[str]:
        sizes: dict[bytes, int] = {}
        for key, body in self._reader.rows(b"exhibits"):
            self._give_way()
            sizes[key] = len(body)
            if hashlib.sha256(body).digest() != key:
                yield f"Exhibit {key.hex()} is something else."
        uses = self._reader.exhibit_uses()
        for use in uses:
            if sizes.get(use.digest) != use.size or self._reader.exhibit_use_of(use.digest) != use.number:
                yield f"Use {use.number} of exhibits is of one that is not kept."
        counts = self._reader.exhibit_counts()
        kept = (len(sizes), sum(sizes.values()))
        if kept != (counts.exhibits, counts.bytes) or {use.digest for use in uses} != set(sizes):
            yield f"{kept[0]} exhibits of {kept[1]} bytes are kept, the counters say {counts.exhibits} of {counts.bytes}."

    def _events(self) -> Iterator[str]:
        journal = self._reader.journal()
        seen = journal.first_event - 1
        for key, _ in self._reader.rows(b"events"):
            self._give_way()
            if key_number(key) != seen + 1:
                yield f"The events go from {seen} to {key_number(key)}."
            seen = key_number(key)
        if seen != journal.last_event:
            yield f"The events end at {seen}, the counters say {journal.last_event}."

    def _give_way(self) -> None:
        """End this read when the map has to grow; it then begins again."""
        if self._store.environment.growth_waits:
            raise _GrowthError


def _rows_of(snapshot: Snapshot, numbers: set[int]) -> int:
    places = (snapshot.row_range(number) for number in numbers)
    return sum(last - first for _, first, last in filter(None, places))
