"""An entry that gets other vectors: under the same name, at once, and never gone in between."""

import threading
import time
from pathlib import Path

import numpy as np
import pytest

from hashsvc_index import Index, Store, verify
from hashsvc_index.errors import EntryNotFoundError, EntryWithdrawnError, RevisionConflictError

from .conftest import Add, OpenIndex, Random, Spawn

FOLLOWER = """
import sys
from pathlib import Path
import numpy as np
from hashsvc_index import Index, Store
path, probe = Path(sys.argv[1]), np.full((1, 32), 7, np.uint8)
with Store.open(path) as store:
    index = Index(store, path)
    index.start()
    index.wait_ready(30)
    print("ready", flush=True)
    missed = searches = 0
    numbers = set()
    while index.revision < int(sys.argv[2]):
        hits = index.search(probe, radius=0, limit=9)
        missed += len(hits) == 0
        searches += 1
        numbers.update(hits.entry.tolist())
    print(missed, searches > 0, len(numbers) > 1, index.hashes, flush=True)
    index.close()
"""

REPLACER = """
import sys
from pathlib import Path
import numpy as np
from hashsvc_index import Store
with Store.open(Path(sys.argv[1])) as store:
    for turn in range(1, 100_000):
        vectors = np.random.default_rng(turn).integers(0, 256, (500 + turn, 32), np.uint8)
        store.replace_entry("b", "e", b"%d" % turn, vectors=vectors, blobs={"t": b"%d" % turn * 2000})
        print(turn, flush=True)
"""


def test_replaced(store: Store, add: Add, random: Random) -> None:
    """Name and digests lead to the new record alone; the old one keeps its vectors and blobs, and the figures follow."""
    old = add("e", 3, blobs={"t": b"old"}, digests=[b"d" * 16])
    add("f", 2)
    vectors = random(5)
    new = store.replace_entry("b", "e", b"new", vectors=vectors, blobs={"t": b"new", "u": b""})
    assert (new.number, new.live, new.payload, new.revision, new.digests) == (3, True, b"new", 4, (b"d" * 16,))
    assert store.get_entry("b", "e") == new
    assert store.find_digest(b"d" * 16) == [new]
    assert [record.number for record in store.list_entries("b", "", 9)] == [2, 3]
    assert np.array_equal(store.vectors(3), vectors)
    assert (store.blob(3, "t"), store.blob(1, "t"), len(store.vectors(1))) == (b"new", b"old", 3)
    kept = store.get_entry_by_number(1)
    assert (kept.live, kept.replaced, kept.revision, kept.digests) == (False, True, 5, ())
    assert kept.created_revision == old.created_revision
    stats = store.stats()
    assert (stats.live_entries, stats.live_vectors, stats.revision) == (2, 7, 5)
    assert list(store.live_entries()) == [(2, 2), (3, 5)]
    assert verify(store, None) == []


def test_replaced_again_and_withdrawn(store: Store, add: Add, random: Random) -> None:
    """An entry may be replaced many times, and withdrawn after that."""
    add("e", 3)
    for count in (4, 0, 6):
        store.replace_entry("b", "e", b"", vectors=random(count), blobs={})
    store.update_entry("b", "e", b"gone", live=False)
    assert (store.stats().live_entries, store.stats().live_vectors) == (0, 0)
    assert verify(store, None) == []


def test_refused(store: Store, add: Add, random: Random) -> None:
    """What is withdrawn, unknown or changed meanwhile is left alone."""
    record = add("e", 3)
    with pytest.raises(EntryNotFoundError):
        store.replace_entry("b", "none", b"", vectors=random(1), blobs={})
    with pytest.raises(RevisionConflictError):
        store.replace_entry("b", "e", b"", vectors=random(1), blobs={}, expected_revision=record.revision + 1)
    with pytest.raises(ValueError, match="uint8"):
        store.replace_entry("b", "e", b"", vectors=np.zeros((1, 31), np.uint8), blobs={})
    store.update_entry("b", "e", b"", live=False)
    revision = store.revision()
    with pytest.raises(EntryWithdrawnError) as error:
        store.replace_entry("b", "e", b"", vectors=random(1), blobs={})
    assert error.value.reason == "ENTRY_WITHDRAWN"
    assert store.revision() == revision
    assert verify(store, None) == []


def test_index_follows(store: Store, add: Add, open_index: OpenIndex, random: Random) -> None:
    """The index has the new vectors and not the old, live and after a restart with and without a checkpoint."""
    index = open_index()
    old, new = random(40), random(60)
    add("e", old)
    store.replace_entry("b", "e", b"", vectors=new, blobs={})
    assert index.wait_for(store.revision(), 5)
    assert len(index.search(old, radius=0, limit=1)) == 0
    assert set(index.search(new, radius=0, limit=1).entry.tolist()) == {2}
    assert (index.hashes, verify(store, index)) == (60, [])
    assert index.checkpoint()
    store.replace_entry("b", "e", b"", vectors=old, blobs={})
    index.close()
    again = open_index()
    assert set(again.search(old, radius=0, limit=1).entry.tolist()) == {3}
    assert (again.hashes, verify(store, again)) == (40, [])
    again.close()
    for path in (store.path / "index").iterdir():
        path.unlink()
    rebuilt = open_index()
    assert (rebuilt.hashes, verify(store, rebuilt)) == (40, [])


def test_replaced_while_rebuilding(store: Store, data: Path, add: Add, random: Random) -> None:
    """A replacement in the middle of a rebuild is neither lost nor doubled."""
    for number in range(600):
        add(str(number), 2)
    index = Index(store, data)
    replaced = threading.Thread(
        target=lambda: [
            store.replace_entry("b", str(number), b"", vectors=random(3), blobs={}) for number in range(0, 600, 20)
        ]
    )
    replaced.start()
    index.start()
    replaced.join()
    assert index.wait_ready(10)
    assert index.wait_for(store.revision(), 10)
    assert index.hashes == 570 * 2 + 30 * 3
    assert verify(store, index) == []
    index.close()


def test_never_gone_for_a_follower(store: Store, data: Path, add: Add, spawn: Spawn, random: Random) -> None:
    """Another process that searches while the entry is replaced thirty times finds it every single time."""
    probe = np.full((1, 32), 7, np.uint8)
    add("e", np.concatenate([probe, random(20)]))
    last = store.revision() + 60
    follower = spawn(FOLLOWER, data, last)
    assert follower.stdout is not None
    assert follower.stdout.readline() == "ready\n"
    for turn in range(30):
        store.replace_entry("b", "e", b"", vectors=np.concatenate([random(turn), probe]), blobs={})
        time.sleep(0.02)
    assert store.revision() == last
    missed, searched, moved, hashes = follower.stdout.readline().split()
    assert (missed, searched, moved, hashes) == ("0", "True", "True", "30")


def test_killed_while_replacing(store: Store, data: Path, add: Add, spawn: Spawn, random: Random) -> None:
    """Killed at any moment of replacing, the last acknowledged vectors, or the next ones, are there and whole."""
    add("e", 500, digests=[b"d" * 16], blobs={"t": b"0" * 2000})
    generator = np.random.default_rng()
    for _ in range(4):
        process = spawn(REPLACER, data)
        assert process.stdout is not None
        assert process.stderr is not None
        for _ in range(int(generator.integers(1, 8))):
            process.stdout.readline()
        time.sleep(float(generator.uniform(0.0, 0.02)))
        process.kill()
        said = process.stdout.read().split()
        assert process.stderr.read() == ""
        record = store.get_entry("b", "e")
        turn = int(record.payload)
        if said:
            assert turn - int(said[-1]) in (0, 1)
        assert record.vector_count == 500 + turn
        assert np.array_equal(
            store.vectors(record.number), np.random.default_rng(turn).integers(0, 256, (500 + turn, 32), np.uint8)
        )
        assert store.blob(record.number, "t") == b"%d" % turn * 2000
        assert store.find_digest(b"d" * 16) == [record]
        assert verify(store, None) == []
    assert store.stats().live_entries == 1
