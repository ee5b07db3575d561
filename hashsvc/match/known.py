"""Entries and banks as the store has them, remembered until anything in it changes."""

from collections.abc import Sequence

from hashsvc.bank import records
from hashsvc.bank.model import Bank, Entry
from hashsvc_index import Store
from hashsvc_index.errors import EntryNotFoundError

_MOST_ENTRIES = 1024
_PAGE = 200


class Known:
    """What a store said at `revision` or later, each entry and bank read when it is first asked for. Thread-safe."""

    def __init__(self, store: Store, revision: int = -1) -> None:
        self._store = store
        self._revision = revision
        self._entries: dict[int, Entry | None] = {}
        self._named: dict[tuple[str, str], Entry] = {}
        self._banks: dict[str, Bank] = {}
        self._every_bank: Sequence[Bank] | None = None

    def latest(self) -> "Known":
        """This, or where the store has changed since, one that remembers nothing yet."""
        # Not the last write: a logged verdict is one as well, and changes no entry.
        revision = self._store.revision()
        return self if revision == self._revision else Known(self._store, revision)

    def entry(self, number: int) -> Entry | None:
        """An entry, unless it is withdrawn; under a later number where it was replaced."""
        if number in (held := self._entries):
            return held[number]
        if len(held) >= _MOST_ENTRIES:
            held = self._entries = {}
        held[number] = found = self._read(number)
        return found

    def named(self, bank: str, entry: str) -> Entry:
        """An entry by its names, live or not. Raises BankNotFoundError, EntryNotFoundError."""
        name = bank, entry
        if (found := self._named.get(name)) is None:
            if len(self._named) >= _MOST_ENTRIES:
                self._named = {}
            found = self._named[name] = records.entry_of(self._store.get_entry(bank, entry))
        return found

    def bank(self, name: str) -> Bank:
        """Raises BankNotFoundError."""
        if name not in self._banks:
            self._banks[name] = records.bank_of(self._store.get_bank(name))
        return self._banks[name]

    def every_bank(self) -> Sequence[Bank]:
        """All banks."""
        if self._every_bank is None:
            found: list[Bank] = []
            while page := self._store.list_banks(found[-1].bank if found else "", _PAGE):
                found.extend(map(records.bank_of, page))
            self._every_bank = found
        return self._every_bank

    def _read(self, number: int) -> Entry | None:
        try:
            record = self._store.get_entry_by_number(number)
            if record.replaced:
                record = self._store.get_entry(record.bank, record.entry)
        except EntryNotFoundError:
            return None
        return records.entry_of(record) if record.live else None
