"""Verification finds each kind of fault, and none where there is none."""

from collections.abc import Callable
from typing import Any

import lmdb
import numpy as np
import pytest

from hashsvc_index import Index, Store, records, verify
from hashsvc_index.records import ChangeKind, Counters
from hashsvc_index.slabs import SlabBuilder
from hashsvc_index.snapshot import Snapshot

from .conftest import Add, OpenIndex, Random

Tables = Callable[[bytes], Any]
Harm = Callable[["lmdb.Transaction[bytes]", Tables], object]


@pytest.fixture
def filled(store: Store, add: Add) -> Store:
    """A store with three entries, one withdrawn."""
    for name in ("one", "two", "three"):
        add(name, 5, digests=[name.encode()], blobs={"times": b"t" * 100})
    store.update_entry("b", "two", b"", live=False)
    return store


def put(table: bytes, key: bytes, body: bytes) -> Harm:
    """Write a row with a right checksum."""
    return lambda transaction, tables: transaction.put(key, records.seal(key, body), db=tables(table))


def delete(table: bytes, key: bytes) -> Harm:
    """Delete a row."""
    return lambda transaction, tables: transaction.delete(key, db=tables(table))


def spoil(table: bytes, key: bytes) -> Harm:
    """Flip the last bit of a row."""

    def harm(transaction: "lmdb.Transaction[bytes]", tables: Tables) -> None:
        value = transaction.get(key, db=tables(table))
        assert value is not None
        transaction.put(key, value[:-1] + bytes((value[-1] ^ 1,)), db=tables(table))

    return harm


ONE, TWO, FOUR = (records.number_key(number) for number in (1, 2, 4))
CHANGE = records.encode_change(
    records.Change(revision=2, kind=ChangeKind.ENTRY_ADDED, number=77, live=True, mark=b"12345678")
)
FAULTS: dict[str, tuple[Harm, str]] = {
    "vectors gone": (delete(b"vectors", ONE), "Entry 1 (b/one) has no whole vectors"),
    "vectors spoiled": (spoil(b"vectors", ONE), "Entry 1 (b/one) has no whole vectors"),
    "vectors fewer": (put(b"vectors", ONE, bytes(32)), "has 1 vectors, its record says 5"),
    "vectors of nobody": (put(b"vectors", FOUR, bytes(32)), "Table vectors has 4 rows for 3 entries"),
    "entry spoiled": (spoil(b"entries", TWO), "The check of all entries cannot go on"),
    "entry gone": (delete(b"entries", TWO), "There are 2 entries, the counters say 3"),
    "name gone": (delete(b"names", records.name_key(1, "one")), "not found under its name"),
    "not listed": (delete(b"members", records.member_key(1, 1)), "not in its bank's list"),
    "digest gone": (delete(b"digests", records.digest_key(b"one", 1)), "not found under its digest 6f6e65"),
    "digest of nobody": (put(b"digests", records.digest_key(b"four", 1), b""), "leads to entry 1, which does not"),
    "blob gone": (delete(b"blobs", records.blob_key(1, "times")), "Entry 1 has 0 blobs, its record says 1"),
    "blob spoiled": (spoil(b"blobs", records.blob_key(1, "times")), "The check of blobs cannot go on"),
    "blob of nobody": (put(b"blobs", records.blob_key(9, "times"), b"x"), "is of entry 9, which is not there"),
    "bank gone": (delete(b"banks", b"b"), "The banks have the numbers []"),
    "change gone": (delete(b"changes", TWO), "goes from revision 1 to 3"),
    "change of nobody": (put(b"changes", TWO, CHANGE), "Change 2 is of number 77, the last one is 3"),
    "counters": (
        put(b"meta", records.KEY_COUNTERS, records.encode_counters(
            Counters(revision=6, last_bank=1, last_entry=3, live_entries=3, live_vectors=15))),
        "There are 10 live vectors, the counters say 15",
    ),
}  # fmt: skip


def test_clean(filled: Store, open_index: OpenIndex) -> None:
    """Nothing is said of a whole store and index."""
    assert verify(filled, None) == []
    assert verify(filled, open_index()) == []


@pytest.mark.parametrize("fault", FAULTS)
def test_store_faults(filled: Store, fault: str) -> None:
    """Each kind of fault in the tables is told in a sentence."""
    harm, sentence = FAULTS[fault]
    filled.environment.write(0, lambda transaction: harm(transaction, filled.environment.table))
    assert any(sentence in said for said in verify(filled, None)), verify(filled, None)


def snapshot_of(entries: dict[int, Any], revision: int) -> Snapshot:
    """A snapshot of the entries."""
    builder = SlabBuilder()
    for number, vectors in entries.items():
        builder.add(number, vectors)
    return Snapshot(revision=revision).advanced(revision, builder.finish(), {})


def test_index_faults(filled: Store, open_index: OpenIndex, random: Random) -> None:
    """An index that lacks an entry, has one too many, or has other vectors is found out."""
    index: Index = open_index()
    index.close()
    one, two, three = (filled.vectors(number) for number in (1, 2, 3))
    revision = filled.revision()
    for entries, sentence in (
        ({1: one}, "The index lacks the live entry 3."),
        ({1: one, 2: two, 3: three}, "The index has entry 2, which is not live in the store."),
        ({1: one, 3: three ^ np.uint8(1)}, "The index has other vectors of entry 3 than the store."),
        ({1: one, 3: three[:4]}, "The index has other vectors of entry 3 than the store."),
        ({1: one, 3: three, 8: random(2)}, "The index has entry 8, which is not live in the store."),
    ):
        index._latest.replace(index.snapshot, snapshot_of(entries, revision))
        assert verify(filled, index) == [sentence]
    index._latest.replace(index.snapshot, snapshot_of({1: one, 3: three}, revision - 1))
    assert verify(filled, index) == [f"The index is at revision {revision - 1}, the store at {revision}."]


def test_begins_again_when_the_map_must_grow(filled: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A verification that is in the way of growth ends its read and begins anew, with the same result."""
    environment = filled.environment
    turns = 0

    class Waiting:
        """Says once that somebody waits."""

        def __get__(self, *_: object) -> bool:
            nonlocal turns
            turns += 1
            return turns == 3

    monkeypatch.setattr(type(environment), "growth_waits", Waiting())
    assert verify(filled, None) == []
    assert turns > 6
