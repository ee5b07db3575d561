"""The index follows its store: this process's changes, other processes', and its own restarts."""

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hashsvc_index import Index, Store, tiers, verify
from hashsvc_index import index as index_module
from hashsvc_index.errors import IndexLoadingError, StoreUnavailableError
from hashsvc_index.reader import Reader

from .conftest import Add, OpenIndex, Random, Spawn

WRITER = """
import sys, time
from pathlib import Path
import numpy as np
from hashsvc_index import Store
with Store.open(Path(sys.argv[1])) as store:
    print("open", flush=True)
    for line in sys.stdin:
        number = int(line)
        if number < 0:
            revision = store.update_entry("b", str(-number), b"", live=False).revision
        else:
            vectors = np.full((200, 32), number, np.uint8)
            revision = store.add_entry("b", str(number), b"", vectors=vectors, blobs={}, digests=[]).revision
        print(time.time(), revision, flush=True)
"""

FOLLOWER = """
import sys, time
from pathlib import Path
import numpy as np
from hashsvc_index import Index, Store
path = Path(sys.argv[1])
with Store.open(path) as store:
    index = Index(store, path)
    index.start()
    index.wait_ready(30)
    print("ready", flush=True)
    while index.revision < int(sys.argv[2]):
        revision = index.revision
        if index.wait_for(revision + 1, 30):
            print(time.time(), index.revision, flush=True)
    index.close()
"""


def test_not_ready_is_an_error(store: Store, data: Path, random: Random) -> None:
    """Before it has loaded the index refuses to search instead of finding nothing."""
    index = Index(store, data)
    assert not index.ready
    with pytest.raises(IndexLoadingError) as error:
        index.search(random(1), radius=31, limit=1)
    assert error.value.reason == "INDEX_LOADING"
    assert not index.wait_ready(0.01)
    assert (index.revision, index.hashes) == (0, 0)
    index.close()


def test_follows_own_changes(store: Store, add: Add, open_index: OpenIndex, random: Random) -> None:
    """What this process adds, withdraws and restores is so in the index once it has the revision."""
    index = open_index(poll_seconds=30.0)
    vectors = random(50)

    def hits_at(revision: int) -> int:
        index.notify()
        assert index.wait_for(revision, 5)
        hits = index.search(vectors, radius=0, limit=5)
        assert hits.revision >= revision
        return len(hits)

    assert hits_at(add("e", vectors).revision) == 50
    assert hits_at(store.update_entry("b", "e", b"", live=False).revision) == 0
    assert index.hashes == 0
    assert hits_at(store.update_entry("b", "e", b"x", live=False).revision) == 0
    assert hits_at(store.update_entry("b", "e", b"", live=True).revision) == 50
    assert hits_at(store.put_bank("b", b"", create=False)) == 50
    assert verify(store, index) == []


def test_nothing_is_looked_for_where_nothing_has_changed(
    add: Add, open_index: OpenIndex, random: Random, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No change is read, and nothing planned, until there is one; then it is found by itself."""
    looks: list[str] = []
    for module, name in ((index_module, "advance"), (tiers, "plan")):
        monkeypatch.setattr(module, name, _noted(looks, name, getattr(module, name)))
    index = open_index(poll_seconds=0.01)
    assert index.wait_for(add("e", 10).revision, 5)
    deadline = time.monotonic() + 10
    while index._keeper._settled is not index.snapshot:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    time.sleep(0.1)  # the follower's last look at that change
    looks.clear()
    time.sleep(0.3)
    assert looks == []
    assert index.wait_for(add("f", 10).revision, 5)
    while "plan" not in looks:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert "advance" in looks


def _noted(looks: list[str], name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, and a note of each call."""

    def call(*given: Any) -> Any:
        looks.append(name)
        return function(*given)

    return call


def test_restored_after_merging_dropped_it(store: Store, add: Add, open_index: OpenIndex, random: Random) -> None:
    """An entry that merging has dropped comes back from the store when it is live again."""
    index = open_index()
    vectors = random(500)
    add("e", vectors)
    index.wait_for(store.update_entry("b", "e", b"", live=False).revision, 5)
    deadline = time.monotonic() + 5
    while index.snapshot.slabs and time.monotonic() < deadline:
        time.sleep(0.01)
    assert index.snapshot.slabs == ()
    assert index.wait_for(store.update_entry("b", "e", b"", live=True).revision, 5)
    assert len(index.search(vectors, radius=0, limit=1)) == 500
    assert verify(store, index) == []


def test_added_and_withdrawn_in_one_piece(store: Store, add: Add, open_index: OpenIndex) -> None:
    """Changes that are replayed together end in the last state of each entry."""
    for name in "abc":
        add(name, 10)
    store.update_entry("b", "a", b"", live=False)
    store.update_entry("b", "b", b"", live=False)
    store.update_entry("b", "b", b"", live=True)
    index = open_index()
    assert index.hashes == 20
    for name in "def":
        add(name, 10)
    index.wait_for(store.update_entry("b", "e", b"", live=False).revision, 5)
    assert index.hashes == 40
    assert verify(store, index) == []


def test_sees_another_process_within_a_second(store: Store, data: Path, open_index: OpenIndex, spawn: Spawn) -> None:
    """Another process's adds and withdrawals are searchable here well within a second of being acknowledged."""
    index = open_index()
    writer = spawn(WRITER, data)
    assert writer.stdin is not None
    assert writer.stdout is not None
    assert writer.stdout.readline() == "open\n"
    delays = []
    for number in [*range(1, 41), *range(-1, -21, -1)]:
        writer.stdin.write(f"{number}\n")
        writer.stdin.flush()
        at, revision = writer.stdout.readline().split()
        assert index.wait_for(int(revision), 5)
        delays.append(time.time() - float(at))
        hits = index.search(np.full((1, 32), abs(number), np.uint8), radius=0, limit=1000)
        assert len(hits) == (200 if number > 0 else 0)
    assert max(delays) < 1.0
    assert verify(store, index) == []


def test_another_process_follows(store: Store, data: Path, add: Add, spawn: Spawn) -> None:
    """A second process on the same directory has every change of this one within a second."""
    follower = spawn(FOLLOWER, data, 31)
    assert follower.stdout is not None
    assert follower.stdout.readline() == "ready\n"
    acknowledged = {}
    for number in range(30):
        acknowledged[add(str(number), 100).revision] = time.time()
        time.sleep(0.02)
    seen = [line.split() for line in follower.stdout.read().splitlines()]
    assert int(seen[-1][1]) == 31
    applied = 1
    for at, revision in seen:
        for earlier in range(applied + 1, int(revision) + 1):
            assert float(at) - acknowledged[earlier] < 1.0
        applied = int(revision)


def test_searches_while_adding(store: Store, add: Add, open_index: OpenIndex, random: Random) -> None:
    """While entries come and go, a search always finds what is there throughout, and never what was withdrawn before."""
    index = open_index()
    lasting, gone = random(20), random(20)
    add("gone", gone)
    store.update_entry("b", "gone", b"", live=False)
    assert index.wait_for(add("lasting", lasting).revision, 5)
    stop = threading.Event()
    wrong: list[int] = []
    searches = 0

    def search() -> None:
        nonlocal searches
        while not stop.is_set():
            found = len(index.search(lasting, radius=0, limit=1)), len(index.search(gone, radius=0, limit=1))
            searches += 1
            if found != (20, 0):
                wrong.append(found[0])

    threads = [threading.Thread(target=search) for _ in range(3)]
    for thread in threads:
        thread.start()
    for number in range(150):
        revision = add(str(number), 100).revision
        index.notify()
        if number % 3 == 0:
            revision = store.update_entry("b", str(number), b"", live=False).revision
    assert index.wait_for(revision, 5)
    stop.set()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert searches > 10
    assert len(index.snapshot.slabs) < 10
    assert verify(store, index) == []


def test_failure_is_told_and_tried_again(
    store: Store, add: Add, open_index: OpenIndex, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A follower that cannot read says so once, answers from what it has, and goes on when it can."""
    index = open_index()
    changes = Reader.changes

    def broken(*_: object) -> None:
        raise StoreUnavailableError("told to")

    monkeypatch.setattr(Reader, "changes", broken)
    revision = add("e").revision
    deadline = time.monotonic() + 5
    while index.failure is None and time.monotonic() < deadline:
        time.sleep(0.01)
    assert isinstance(index.failure, StoreUnavailableError)
    assert not index.wait_for(revision, 0.1)
    assert len(index.search(np.zeros((1, 32), np.uint8), radius=256, limit=1)) == 0
    with caplog.at_level(logging.INFO, "hashsvc_index"):
        monkeypatch.setattr(Reader, "changes", changes)
        assert index.wait_for(revision, 5)
        deadline = time.monotonic() + 5
        while index.failure is not None and time.monotonic() < deadline:
            time.sleep(0.01)
    assert index.failure is None
    assert [record.message for record in caplog.records if "cannot follow" in record.message] != []
    assert "follows its store again" in caplog.records[-1].message


def test_answers_after_closing(store: Store, add: Add, open_index: OpenIndex, random: Random) -> None:
    """A closed index still searches what it had, and waits for nothing."""
    index = open_index()
    vectors = random(1)
    index.wait_for(add("e", vectors).revision, 5)
    index.close()
    assert len(index.search(vectors, radius=0, limit=1)) == 1
    began = time.monotonic()
    assert not index.wait_for(99, 10)
    assert time.monotonic() - began < 1
