"""A store as it was: the banks and entries of an earlier revision, from what the log says of every change since."""

import dataclasses
from collections.abc import Iterator, Sequence

from hashsvc.bank import decisions as changes
from hashsvc.bank import records
from hashsvc.bank.model import EntryState
from hashsvc_index import BankRecord, EntryRecord, Hits, Index, Store, exact
from hashsvc_index.errors import BankNotFoundError, EntryNotFoundError
from hashsvc_index.layers import Layers
from hashsvc_index.reader import Reader
from hashsvc_index.records import Vectors
from hashsvc_index.snapshot import Keep, Snapshot

_SCAN = 500
Place = tuple[str, str]
"""Bank and entry; of a bank, its name and nothing."""


class PastStore(Store):
    """The store at `revision`, for reading banks and entries only. Vectors and blobs of an entry never change."""

    def __init__(self, store: Store, revision: int) -> None:
        super().__init__(store.path, store.environment, store.store_id)
        self._at = revision
        self._before = _before(store, revision)
        self._numbers: dict[Place, int] = {}
        """Of every entry that there was, its number then."""
        self._counts: dict[int, int] = {}
        """Of those that were live, how many vectors they have."""
        for record in self._everything():
            self._numbers[record.bank, record.entry] = record.number
            if record.live:
                self._counts[record.number] = record.vector_count

    def close(self) -> None:
        """The files are the other store's."""

    def revision(self) -> int:
        """The one that this is of."""
        return self._at

    def get_bank(self, bank: str) -> BankRecord:
        """As it was. Raises BankNotFoundError."""
        record = self._bank_then(super().get_bank(bank))
        if record is None:
            raise BankNotFoundError(f"there was no bank {bank!r}", bank=bank)
        return record

    def list_banks(self, after: str, limit: int) -> list[BankRecord]:
        """As they were; a page may be short only at the end."""
        found: list[BankRecord] = []
        while page := super().list_banks(after, limit):
            found += [then for then in map(self._bank_then, page) if then is not None]
            if len(found) >= limit:
                return found[:limit]
            after = page[-1].bank
        return found

    def get_entry(self, bank: str, entry: str) -> EntryRecord:
        """As it was. Raises BankNotFoundError, EntryNotFoundError."""
        self.get_bank(bank)
        if (bank, entry) not in self._numbers:
            raise EntryNotFoundError(f"bank {bank!r} had no entry {entry!r}", bank=bank, entry=entry)
        return self.get_entry_by_number(self._numbers[bank, entry])

    def get_entry_by_number(self, number: int) -> EntryRecord:
        """As it was. Raises EntryNotFoundError."""
        record = self._then(super().get_entry_by_number(number))
        if record is None:
            raise EntryNotFoundError(f"there was no entry number {number}", number=number)
        return record

    def find_digests(self, digests: Sequence[bytes]) -> list[list[EntryRecord]]:
        """For each digest the entries with it that were live, oldest first."""
        return [self._with_digest(digest) for digest in digests]

    def live_entries(self) -> Iterator[tuple[int, int]]:
        """(number, vector count) of every entry that was live, in order."""
        yield from self._counts.items()

    def _with_digest(self, digest: bytes) -> list[EntryRecord]:
        with self.environment.read() as transaction:
            numbers = Reader(self.environment, transaction).digest_numbers(digest)
        # An entry that was replaced since has its digests under its later number.
        now = [super(PastStore, self).get_entry_by_number(number) for number in numbers]
        then = {self._numbers[one.bank, one.entry] for one in now if (one.bank, one.entry) in self._numbers}
        return [self.get_entry_by_number(number) for number in sorted(then) if number in self._counts]

    def _everything(self) -> Iterator[EntryRecord]:
        """Every entry that there was, as it was, under its number then."""
        after = 0
        while True:
            with self.environment.read() as transaction:
                piece = Reader(self.environment, transaction).entries(after, _SCAN)
            if not piece:
                return
            then = (self._then(record) for record in piece)
            yield from (record for record in then if record is not None and not record.replaced)
            after = piece[-1].number

    def _bank_then(self, record: BankRecord) -> BankRecord | None:
        payload = self._before.get((record.bank, ""), record.payload)
        revision = min(record.revision, self._at)
        return dataclasses.replace(record, payload=payload, revision=revision) if payload else None

    def _then(self, record: EntryRecord) -> EntryRecord | None:
        if record.created_revision > self._at:
            return None
        replaced = record.replaced and record.revision <= self._at
        payload = self._before.get((record.bank, record.entry), record.payload)
        then = dataclasses.replace(
            record, payload=payload, replaced=replaced, revision=min(record.revision, self._at)
        )  # fmt: skip
        live = not replaced and records.entry_of(then).state is not EntryState.WITHDRAWN
        return dataclasses.replace(then, live=live)


class PastIndex(Index):
    """Searches the vectors that were live in a store as it was, exactly and slowly; nothing of it runs."""

    def __init__(self, past: PastStore) -> None:
        # Not the other's: it would prepare to follow a store, and this one does not change.
        self._past = past
        self._counts = dict(past.live_entries())

    @property
    def snapshot(self) -> Snapshot:
        """Its revision and number of vectors; it has no slabs."""
        return Snapshot(revision=self._past.revision(), hashes=self.hashes)

    @property
    def hashes(self) -> int:
        """Vectors that were live."""
        return sum(self._counts.values())

    def search(
        self, queries: Vectors, *, radius: int, limit: int, keep: Keep | None = None, reach: Layers | None = None
    ) -> Hits:
        """As `Index.search`, and nothing is missed, whatever the `reach`."""
        found = exact.search(self._past, list(self._counts), queries, radius=radius, limit=limit, keep=keep)
        return dataclasses.replace(found, revision=self._past.revision())


def _before(store: Store, revision: int) -> dict[Place, bytes]:
    """Of every bank and entry that was changed after `revision` the payload before the first such change; empty where
    there was none."""
    before: dict[Place, bytes] = {}
    after = _last_at(store, revision)
    while page := store.decisions(after, _SCAN):
        for record in page:
            if changes.is_change(record):
                change = changes.change_of(record)
                if change.bank:  # an incident changes neither a bank nor an entry
                    before.setdefault((change.bank, change.entry), change.before)
        after = page[-1].number
    return before


def _last_at(store: Store, revision: int) -> int:
    """The last decision of a revision at or before `revision`; 0 where there is none. Revisions do not decrease."""
    low, high = 0, store.decision_head()[0]
    while low < high:
        middle = (low + high + 1) // 2
        if store.decision(middle).revision <= revision:
            low = middle
        else:
            high = middle - 1
    return low
