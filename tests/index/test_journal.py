"""The decision log and the events: appended with a change or alone, in order, and checked."""

import hashlib
import struct
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lmdb
import numpy as np
import pytest

from hashsvc_index import Index, Store, records, verify
from hashsvc_index.errors import BankExistsError, DecisionNotFoundError, EntryExistsError

from .conftest import Add, Random, Spawn

WRITER = """
import sys
from pathlib import Path
import numpy as np
from hashsvc_index import Store
store, start = Store.open(Path(sys.argv[1])), int(sys.argv[2])
for number in range(start, start + 100_000):
    name = str(number)
    told = dict(decisions=[b"d" + name.encode()], events=[b"e" + name.encode()])
    vectors = np.zeros((100, 32), np.uint8)
    if number % 3 == 0:
        store.add_entry("b", name, b"", vectors=vectors, blobs={}, digests=[], **told)
    elif number % 3 == 1:
        store.put_document("incident", name, b"", create=True, **told)
    else:
        store.append(**told)
    print(number, flush=True)
"""


def test_appends_alone(store: Store) -> None:
    """Several at once are numbered in order, and say the store's revision."""
    first = store.append(decisions=[b"one", b"two"], events=[b"told"])
    second = store.append(decisions=[b"three"])
    assert (list(first.decisions), list(first.events)) == ([1, 2], [1])
    assert (list(second.decisions), list(second.events)) == ([3], [])
    assert [(one.number, one.payload, one.revision) for one in store.decisions(0, 9)] == [
        (1, b"one", 1), (2, b"two", 1), (3, b"three", 1)
    ]  # fmt: skip
    assert [one.number for one in store.decisions(1, 1)] == [2]
    assert store.decision(3).payload == b"three"
    assert [(one.number, one.payload) for one in store.events(0, 9)] == [(1, b"told")]
    assert (store.decisions(1 << 64, 9), store.events(-1, 9)) == ([], [])
    for number in (0, 4, 1 << 64):
        with pytest.raises(DecisionNotFoundError):
            store.decision(number)


def test_hash_chain(store: Store) -> None:
    """The hash of a record is the SHA-256 of previous hash, number, revision and payload, as the format says."""
    store.append(decisions=[b"one", b"two"])
    one, two = store.decisions(0, 2)
    assert one.previous == bytes(32)
    assert two.previous == hashlib.sha256(bytes(32) + struct.pack(">QQ", 1, 1) + b"one").digest()
    assert store.decision_head() == (2, hashlib.sha256(two.previous + struct.pack(">QQ", 2, 1) + b"two").digest())


def test_every_write_appends(store: Store, random: Random) -> None:
    """Each call that writes appends its decisions and events, which say the revision of that very change."""
    arguments: dict[str, Any] = {"vectors": random(2), "blobs": {}}

    def told(name: str) -> Any:
        return {"decisions": [b"d-" + name.encode()], "events": [b"e-" + name.encode()]}

    store.put_bank("c", b"", create=True, **told("bank"))
    store.add_entry("b", "e", b"", **arguments, digests=[b"d"], **told("add"))
    store.add_entry("b", "f", b"", **arguments, digests=[b"d"], unless=lambda known: True, **told("unless"))
    store.update_entry("b", "e", b"", live=True, **told("update"))
    store.replace_entry("b", "e", b"", **arguments, **told("replace"))
    store.put_document("k", "n", b"", create=True, **told("put"))
    store.delete_document("k", "n", **told("delete"))
    expected = [(b"bank", 2), (b"add", 3), (b"update", 4), (b"replace", 6), (b"put", 6), (b"delete", 6)]
    assert [(one.payload, one.revision) for one in store.decisions(0, 9)] == [(b"d-" + n, r) for n, r in expected]
    assert [(one.payload, one.revision) for one in store.events(0, 9)] == [(b"e-" + n, r) for n, r in expected]
    assert verify(store, None) == []


def test_nothing_of_a_refused_write(store: Store, add: Add, random: Random) -> None:
    """A write that is refused appends nothing."""
    add("e")
    with pytest.raises(EntryExistsError):
        store.add_entry("b", "e", b"", vectors=random(1), blobs={}, digests=[], decisions=[b"no"])
    with pytest.raises(BankExistsError):
        store.put_bank("b", b"", create=True, decisions=[b"no"], events=[b"no"])
    assert store.decision_head() == (0, bytes(32))


@pytest.mark.parametrize("wrong", [{"decisions": [bytes(1 << 21)]}, {"events": [b""] * 5000}], ids=["long", "many"])
def test_bounds(store: Store, wrong: dict[str, Any]) -> None:
    """Too long or too many is a ValueError, and nothing is appended."""
    with pytest.raises(ValueError, match="at most"):
        store.append(**wrong)
    assert store.events(0, 1) == []


def test_trims_events(store: Store) -> None:
    """Trimmed events are gone, their numbers are not used again, and to trim what is not there does nothing."""
    for _ in range(3):
        store.append(events=[b"x"] * 4000)
    store.trim_events(9_000)
    assert store.events(0, 1)[0].number == 9_001
    store.trim_events(5)
    store.trim_events(1 << 70)
    assert store.events(0, 1) == []
    assert verify(store, None) == []
    assert list(store.append(events=[b"next"]).events) == [12_001]


def test_exhibits(store: Store) -> None:
    """An exhibit is found by its SHA-256."""
    store.append(decisions=[b"refers"], exhibits=[b"fingerprint"])
    assert store.exhibit(hashlib.sha256(b"fingerprint").digest()) == b"fingerprint"
    assert store.exhibit(bytes(32)) == b""


def altered(number: int, payload: bytes, previous: bytes | None = None) -> "Harm":
    """Write another payload into a decision, with a right checksum."""

    def harm(transaction: "lmdb.Transaction[bytes]", table: Callable[[bytes], Any]) -> None:
        key = records.number_key(number)
        known = records.decode_decision(
            number, records.unseal(key, transaction.get(key, db=table(b"decisions")) or b"")
        )
        body = (previous or known.previous) + struct.pack(">Q", known.revision) + payload
        transaction.put(key, records.seal(key, body), db=table(b"decisions"))

    return harm


def removed(*numbers: int) -> "Harm":
    """Delete decisions."""

    def harm(transaction: "lmdb.Transaction[bytes]", table: Callable[[bytes], Any]) -> None:
        for number in numbers:
            assert transaction.delete(records.number_key(number), db=table(b"decisions"))

    return harm


def swapped(transaction: "lmdb.Transaction[bytes]", table: Callable[[bytes], Any]) -> None:
    """Exchange decisions 4 and 5, with right checksums."""
    keys = [records.number_key(number) for number in (4, 5)]
    bodies = [bytes(records.unseal(key, transaction.get(key, db=table(b"decisions")) or b"")) for key in keys]
    for key, body in zip(keys, reversed(bodies), strict=True):
        transaction.put(key, records.seal(key, body), db=table(b"decisions"))


def spoiled(transaction: "lmdb.Transaction[bytes]", table: Callable[[bytes], Any]) -> None:
    """Flip a bit of decision 3 and leave its checksum."""
    value = transaction.get(records.number_key(3), db=table(b"decisions")) or b""
    transaction.put(records.number_key(3), value[:-1] + bytes((value[-1] ^ 1,)), db=table(b"decisions"))


def added(transaction: "lmdb.Transaction[bytes]", table: Callable[[bytes], Any]) -> None:
    """Write a decision 11 that the store does not count."""
    key = records.number_key(11)
    transaction.put(key, records.seal(key, bytes(40)), db=table(b"decisions"))


def uncounted(transaction: "lmdb.Transaction[bytes]", table: Callable[[bytes], Any]) -> None:
    """Take the count away."""
    transaction.delete(records.KEY_JOURNAL, db=table(b"meta"))


Harm = Callable[["lmdb.Transaction[bytes]", Callable[[bytes], Any]], object]
FAULTS: dict[str, tuple[Harm, list[str]]] = {
    "altered": (altered(5, b"other"), ["Decision 6 does not follow from decision 5: one of them was altered."]),
    "first altered": (
        altered(1, b"1", b"x" * 32),
        [
            "Decision 1 does not follow from the beginning: one of them was altered.",
            "Decision 2 does not follow from decision 1: one of them was altered.",
        ],
    ),
    "last altered": (altered(10, b"other"), ["The log should end with another decision 10 than it does."]),
    "removed": (removed(4), ["Decision 4 is missing."]),
    "several removed": (removed(1, 2, 3, 7), ["Decisions 1 to 3 are missing.", "Decision 7 is missing."]),
    "cut off": (removed(9, 10), ["Decisions 9 to 10 are missing."]),
    "reordered": (
        swapped,
        [f"Decision {n} does not follow from decision {n - 1}: one of them was altered." for n in (4, 5, 6)],
    ),
    "spoiled": (spoiled, ["Decision 3 is damaged."]),
    "added": (added, ["The log goes on to 11, the store counts 10."]),
    "uncounted": (uncounted, ["The log goes on to 10, the store counts 0."]),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_verify_decisions(store: Store, fault: str) -> None:
    """Each way to falsify the log is told in a sentence, by the whole verification too."""
    store.append(decisions=[b"%d" % number for number in range(1, 11)])
    assert store.verify_decisions() == []
    harm, sentences = FAULTS[fault]
    store.environment.write(0, lambda transaction: harm(transaction, store.environment.table))
    assert store.verify_decisions() == sentences
    assert set(sentences) <= set(verify(store, None))


def put(table: bytes, key: bytes, body: bytes) -> Harm:
    """Write a row with a right checksum."""
    return lambda transaction, tables: transaction.put(key, records.seal(key, body), db=tables(table))


@pytest.mark.parametrize(
    ("harm", "sentence"),
    [
        (put(b"exhibits", bytes(32), b"x"), f"Exhibit {'00' * 32} is something else."),
        (put(b"documents", b"\x05tokenz", bytes(8)), "Token 'z' is at revision 0, the last of a document is 1."),
        (put(b"documents", b"\x05tokenz", bytes(8)), "There are 2 documents, the counters say 1."),
        (put(b"events", records.number_key(9), bytes(8)), "The events go from 3 to 9."),
        (put(b"events", records.number_key(9), bytes(8)), "The events end at 9, the counters say 3."),
    ],
)
def test_verify_tables(store: Store, harm: Harm, sentence: str) -> None:
    """What is wrong in the other tables is told too."""
    store.put_document("token", "a", b"", create=True)
    store.append(events=[b"x"] * 3, exhibits=[b"y"])
    assert verify(store, None) == []
    store.environment.write(0, lambda transaction: harm(transaction, store.environment.table))
    assert sentence in verify(store, None)


def test_store_of_before(data: Path) -> None:
    """A data directory of before there were these tables opens, gets them, and keeps what it has."""
    with Store.open(data) as store:
        store.put_bank("b", b"kept", create=True)
    with (
        lmdb.open(str(data / "store"), max_dbs=len(records.TABLES)) as environment,
        environment.begin(write=True) as old,
    ):
        for name in records.LATER_TABLES:
            old.drop(environment.open_db(name, txn=old), delete=True)
    with Store.open(data, create=False) as store:
        assert store.get_bank("b").payload == b"kept"
        assert store.decision_head() == (0, bytes(32))
        assert verify(store, None) == []
        store.append(decisions=[b"one"], events=[b"two"])
    with Store.open(data, create=False) as store:
        assert [one.payload for one in store.decisions(0, 9)] == [b"one"]


def test_index_goes_on(store: Store, add: Add, data: Path) -> None:
    """What is appended or documented is no change that an index has to follow."""
    index = Index(store, data)
    index.start()
    store.append(decisions=[b"x"], events=[b"y"])
    store.put_document("k", "n", b"", create=True)
    entry = add("e", np.ones((3, 32), np.uint8))
    assert index.wait_for(entry.revision, 10)
    assert verify(store, index) == []
    index.close()


def test_kill_leaves_log_and_state_agreeing(store: Store, data: Path, spawn: Spawn) -> None:
    """Killed at any moment, what was done has its decision and its event, and what has those was done."""
    acknowledged: list[int] = []
    generator = np.random.default_rng()
    for turn in range(5):
        process = spawn(WRITER, data, turn * 1_000_000)
        assert process.stdout is not None
        acknowledged.extend(int(process.stdout.readline()) for _ in range(generator.integers(1, 30)))
        time.sleep(float(generator.uniform(0.0, 0.05)))
        process.kill()
        rest = process.stdout.read()
        acknowledged.extend(int(line) for line in rest.split("\n")[:-1])
    decided = [int(one.payload[1:]) for one in store.decisions(0, 100_000)]
    told = [int(one.payload[1:]) for one in store.events(0, 100_000)]
    done = {int(one.entry) for one in store.list_entries("b", "", 100_000)}
    done |= {int(one.name) for one in store.list_documents("incident", "", 100_000)}
    assert decided == told == sorted(decided)
    assert set(acknowledged) <= set(decided)
    assert {number for number in decided if number % 3 != 2} == done
    assert len(decided) <= len(acknowledged) + 5
    assert verify(store, None) == []
