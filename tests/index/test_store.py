"""The store: banks, entries, digests, blobs, the change log."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from hashsvc_index import ChangeKind, EntryRecord, Store, verify
from hashsvc_index.errors import (
    BankExistsError,
    BankNotFoundError,
    EntryExistsError,
    EntryNotFoundError,
    RevisionConflictError,
)

from .conftest import Add, Random


class TestBanks:
    """Creating, reading, replacing and listing banks."""

    def test_new_store_has_revision_0(self, data: Path) -> None:
        """Nothing has changed in a new store, and it has an identity of its own."""
        with Store.open(data) as store:
            assert store.revision() == 0
            assert len(store.store_id) == 32
            assert store.list_banks("", 10) == []

    def test_round_trip(self, store: Store) -> None:
        """A bank comes back as put, with the revision of the put."""
        revision = store.put_bank("second", b"payload", create=True)
        record = store.get_bank("second")
        assert (record.payload, record.revision, record.number) == (b"payload", revision, 2)

    def test_replaces(self, store: Store) -> None:
        """An update changes payload and revision and keeps the number."""
        revision = store.put_bank("b", b"new", create=False, expected_revision=1)
        record = store.get_bank("b")
        assert (record.payload, record.revision, record.number) == (b"new", revision, 1)

    def test_refuses(self, store: Store) -> None:
        """A bank twice, one that is not there, and a lost update are told apart, and change nothing."""
        with pytest.raises(BankExistsError) as exists:
            store.put_bank("b", b"", create=True)
        assert (exists.value.reason, exists.value.metadata) == ("BANK_EXISTS", {"bank": "b"})
        with pytest.raises(BankNotFoundError):
            store.put_bank("none", b"", create=False)
        with pytest.raises(BankNotFoundError):
            store.get_bank("none")
        with pytest.raises(RevisionConflictError) as conflict:
            store.put_bank("b", b"", create=False, expected_revision=7)
        assert conflict.value.metadata == {"expected": "7", "actual": "1", "bank": "b"}
        assert store.revision() == 1

    def test_lists_by_name_in_pages(self, store: Store) -> None:
        """Pages follow one another in byte order without a gap, also after a name that is another's beginning."""
        for name in ("c", "a", "bb", "a-long-name"):
            store.put_bank(name, b"", create=True)
        seen: list[str] = []
        while page := store.list_banks(seen[-1] if seen else "", 2):
            seen.extend(record.bank for record in page)
        assert seen == ["a", "a-long-name", "b", "bb", "c"]


class TestEntries:
    """Adding, reading, withdrawing and listing entries."""

    def test_round_trip(self, store: Store, random: Random) -> None:
        """An entry comes back whole: payload, vectors, blobs, digests, numbers."""
        vectors = random(1000)
        added = store.add_entry(
            "b", "e", b"payload", vectors=vectors, blobs={"times": b"t" * 10_000}, digests=[b"m" * 16, b"s" * 32]
        )
        assert store.get_entry("b", "e") == added == store.get_entry_by_number(added.number)
        assert added == EntryRecord(
            number=1, bank="b", bank_number=1, entry="e", payload=b"payload", live=True, revision=2,
            created_revision=2, vector_count=1000, blob_count=1, digests=(b"m" * 16, b"s" * 32),
        )  # fmt: skip
        assert np.array_equal(store.vectors(1), vectors)
        assert store.blob(1, "times") == b"t" * 10_000
        assert store.blob(1, "other") == b""

    def test_survives_reopening(self, data: Path, random: Random) -> None:
        """What was added is there when the directory is opened again, and the numbering goes on."""
        vectors = random(5)
        with Store.open(data) as store:
            store.put_bank("b", b"", create=True)
            store.add_entry("b", "e", b"", vectors=vectors, blobs={}, digests=[])
            identity = store.store_id
        with Store.open(data, create=False) as store:
            assert (store.store_id, store.revision()) == (identity, 2)
            assert np.array_equal(store.vectors(1), vectors)
            assert store.add_entry("b", "f", b"", vectors=vectors, blobs={}, digests=[]).number == 2

    def test_without_vectors(self, store: Store, add: Add) -> None:
        """An entry may have no vectors at all."""
        assert store.vectors(add("e", 0).number).shape == (0, 32)

    def test_refuses(self, store: Store, add: Add) -> None:
        """An entry twice, one of no bank, and one that is not there are told apart, and change nothing."""
        add("e")
        with pytest.raises(EntryExistsError):
            add("e")
        with pytest.raises(BankNotFoundError):
            store.add_entry("none", "e", b"", vectors=np.zeros((1, 32), np.uint8), blobs={}, digests=[])
        with pytest.raises(EntryNotFoundError) as missing:
            store.update_entry("b", "none", b"", live=False)
        assert missing.value.metadata == {"bank": "b", "entry": "none"}
        for number in (0, 2, -1, 1 << 64):
            with pytest.raises(EntryNotFoundError):
                store.get_entry_by_number(number)
            with pytest.raises(EntryNotFoundError):
                store.vectors(number)
            with pytest.raises(EntryNotFoundError):
                store.blob(number, "times")
        assert store.revision() == 2

    @pytest.mark.parametrize(
        "wrong",
        [
            {"vectors": np.zeros((1, 31), np.uint8)},
            {"vectors": np.zeros((1, 32), np.int8)},
            {"vectors": np.zeros(32, np.uint8)},
            {"entry": ""},
            {"entry": "é" * 128},
            {"payload": b"x" * 65_537},
            {"digests": [b""]},
            {"digests": [b"x" * 65]},
            {"digests": [bytes((n, 1)) for n in range(256)]},
            {"blobs": {"": b""}},
        ],
        ids=str,
    )
    def test_wrong_arguments(self, store: Store, wrong: dict[str, object]) -> None:
        """What no state could make right is a ValueError and leaves no trace."""
        right = {"entry": "e", "payload": b"", "vectors": np.zeros((1, 32), np.uint8), "blobs": {}, "digests": []}
        with pytest.raises(ValueError, match=r"bytes|uint8|digests"):
            store.add_entry("b", **{**right, **wrong})  # type: ignore[arg-type]
        assert store.revision() == 1

    def test_withdraw_and_restore(self, store: Store, add: Add) -> None:
        """A withdrawn entry keeps its vectors and can come back; the figures follow."""
        added = add("e", 3)
        withdrawn = store.update_entry("b", "e", b"why", live=False, expected_revision=added.revision)
        assert (withdrawn.live, withdrawn.payload, withdrawn.revision) == (False, b"why", 3)
        assert len(store.vectors(added.number)) == 3
        assert (store.stats().live_entries, store.stats().live_vectors) == (0, 0)
        with pytest.raises(RevisionConflictError):
            store.update_entry("b", "e", b"", live=True, expected_revision=added.revision)
        store.update_entry("b", "e", b"", live=True)
        assert (store.stats().live_entries, store.stats().live_vectors, store.stats().entries) == (1, 3, 1)
        assert list(store.live_entries()) == [(1, 3)]
        assert verify(store, None) == []

    def test_lists_in_the_order_added(self, store: Store, add: Add) -> None:
        """Pages hold the bank's entries only, oldest first, withdrawn ones too."""
        store.put_bank("other", b"", create=True)
        for name in ("z", "y", "x"):
            add(name)
            store.add_entry("other", name, b"", vectors=np.zeros((1, 32), np.uint8), blobs={}, digests=[])
        store.update_entry("b", "y", b"", live=False)
        first = store.list_entries("b", "", 2)
        second = store.list_entries("b", str(first[-1].number), 2)
        assert [record.entry for record in first + second] == ["z", "y", "x"]
        assert store.list_entries("b", str(second[-1].number), 2) == []
        with pytest.raises(ValueError, match="invalid literal"):
            store.list_entries("b", "not a number", 2)
        with pytest.raises(BankNotFoundError):
            store.list_entries("none", "", 2)


class TestDigests:
    """Finding entries by exact digest."""

    def test_finds_live_entries(self, store: Store, add: Add) -> None:
        """Every live entry with the digest is found, and none with a longer digest that begins with it."""
        digest = b"d" * 16
        first, _, third = add("1", digests=[digest]), add("2", digests=[digest + b"x" * 16]), add("3", digests=[digest])
        assert [record.number for record in store.find_digest(digest)] == [first.number, third.number]
        store.update_entry("b", "1", b"", live=False)
        assert [record.number for record in store.find_digest(digest)] == [third.number]
        assert store.find_digest(b"e" * 16) == []

    def test_add_unless_there(self, store: Store, add: Add) -> None:
        """A repeated add gives the entry back that it accepts, and adds where it accepts none."""
        first = add("1", digests=[b"d"])
        revision = store.revision()
        assert add("2", digests=[b"d"], unless=lambda known: known.entry == "1") == first
        assert store.revision() == revision
        assert add("3", digests=[b"d"], unless=lambda known: known.entry == "other").number == 2
        store.update_entry("b", "1", b"", live=False)
        assert add("4", digests=[b"d"], unless=lambda known: known.entry == "1").number == 3


class TestChanges:
    """The change log."""

    def test_says_what_happened(self, store: Store, add: Add) -> None:
        """Every change has its line, in order, numbered without a gap, and a mark of its own."""
        add("e")
        store.update_entry("b", "e", b"", live=False)
        changes = store.changes(0, 10)
        assert [(change.revision, change.kind, change.number, change.live) for change in changes] == [
            (1, ChangeKind.BANK_PUT, 1, True),
            (2, ChangeKind.ENTRY_ADDED, 1, True),
            (3, ChangeKind.ENTRY_UPDATED, 1, False),
        ]
        assert len({change.mark for change in changes}) == 3
        assert [change.revision for change in store.changes(1, 1)] == [2]
        assert store.changes(3, 10) == []


def test_opened_twice_in_a_process(store: Store, data: Path, add: Add) -> None:
    """Two stores on one directory share it; closing one leaves the other at work."""
    second = Store.open(data.parent / "data" / ".." / "data")
    added = add("e")
    assert second.get_entry("b", "e") == added
    second.close()
    second.close()
    assert store.get_entry("b", "e") == added
    with pytest.raises(ValueError, match="closed"):
        second.revision()


def test_last_write(store: Store, data: Path, add: Add) -> None:
    """The same as long as nothing is written; another after a change, a document, and what another process wrote."""
    seen = [store.last_write()]
    add("e")
    seen.append(store.last_write())
    store.list_entries("b", "", 9)
    assert store.last_write() == seen[-1]
    store.put_document("token", "a", b"one", create=True)
    seen.append(store.last_write())
    other = "import sys; from pathlib import Path; from hashsvc_index import Store; " + (
        "Store.open(Path(sys.argv[1])).put_bank('other', b'', create=True)"
    )
    subprocess.run([sys.executable, "-c", other, str(data)], check=True)
    seen.append(store.last_write())
    assert len(set(seen)) == len(seen) == 4


def test_last_write_is_not_ahead_of_what_is_read(store: Store, data: Path) -> None:
    """Who has read after asking for it has seen that write: whoever looks again only at another one misses nothing."""
    other = (
        "import sys; from pathlib import Path; from hashsvc_index import Store, StoreSettings\n"
        "with Store.open(Path(sys.argv[1]), settings=StoreSettings(sync=False)) as store:\n"
        "    for _ in range(6000): store.put_bank('b', b'', create=False)\n"
    )
    # Each of its writes is one change.
    ahead = store.last_write() - store.revision()
    writer = subprocess.Popen([sys.executable, "-c", other, str(data)])
    while writer.poll() is None:
        written = store.last_write()
        assert store.revision() >= written - ahead
    assert writer.returncode == 0
    assert store.revision() == store.last_write() - ahead >= 6000
