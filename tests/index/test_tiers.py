"""An index that moves entries to the cold tier while it is searched, added to, killed and opened again."""

import contextlib
import logging
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from hashsvc_index import Index, IndexSettings, Store, checkpoint, verify
from hashsvc_index.checkpoint import CheckpointDirectory
from hashsvc_index.cold import ColdSlab
from hashsvc_index.cold_writer import ColdWriter
from hashsvc_index.records import Vectors

from .conftest import Add, OpenIndex, Spawn
from .footage import copy, video

FRAMES = 300
WAIT = 30.0

ADDER = """
import os, signal, sys, time
from pathlib import Path
from hashsvc_index import Index, IndexSettings, Store
from hashsvc_index import checkpoint, cold_writer
from tests.index.footage import video
path, point, first = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
def die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)
if point == "while rows are placed":
    cold_writer.ColdWriter._kept_pieces = die
elif point == "when a cold slab is written":
    checkpoint.ColdSlab = die
elif point == "when all slabs are saved":
    checkpoint.Manifest = die
elif point == "when the manifest is in place":
    checkpoint.CheckpointDirectory._remove_all_but = die
store = Store.open(path)
index = Index(store, path, IndexSettings(hot_hashes=1000, checkpoint_hashes=1500))
index.start()
index.wait_ready(60)
for number in range(first, first + 1000):
    store.add_entry("b", str(number), b"", vectors=video(number, 300), blobs={}, digests=[])
    index.notify()
    print(number, flush=True)
    index.wait_for(store.revision(), 60)
# On a busy machine the thread that moves and saves, which claims little of it, may come to the point only now.
time.sleep(60)
"""
POINTS = (
    "while rows are placed", "when a cold slab is written", "when all slabs are saved", "when the manifest is in place",
)  # fmt: skip


def cold_hashes(index: Index) -> int:
    """Vectors in the cold tier."""
    return sum(slab.rows for slab in index.snapshot.slabs if isinstance(slab, ColdSlab))


def wait_until(done: Callable[[], object]) -> None:
    """Wait for what the keeper does in its own time."""
    deadline = time.monotonic() + WAIT
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def fill(add: Add, store: Store, numbers: range) -> int:
    """Add videos named by their numbers; the last revision."""
    for number in numbers:
        add(str(number), video(number, FRAMES))
    return store.revision()


def found(index: Index, vectors: Vectors) -> int:
    """How many of the vectors are found."""
    return len(index.search(vectors, radius=0, limit=1))


def test_moves_and_answers_the_same_when_opened_again(store: Store, add: Add, open_index: OpenIndex) -> None:
    """What is beyond `hot_hashes` goes cold; the answers of a closed and opened index are the very same."""
    index = open_index(hot_hashes=1000)
    assert index.wait_for(fill(add, store, range(30)), WAIT)
    wait_until(lambda: index.hashes - cold_hashes(index) <= 1000)
    assert cold_hashes(index) >= 8000
    assert verify(store, index) == []
    queries = copy(np.concatenate([video(number, FRAMES)[::20] for number in range(30)]), 0.1)
    before = index.search(queries, radius=84, limit=20)
    assert len(np.unique(before.query)) >= 0.99 * len(queries)
    index.close()
    index = open_index(hot_hashes=1000)
    after = index.search(queries, radius=84, limit=20)
    assert cold_hashes(index) >= 8000
    for column in ("query", "entry", "position", "distance"):
        assert np.array_equal(getattr(before, column), getattr(after, column))


def test_one_hash_in_the_cold_tier(store: Store, add: Add, open_index: OpenIndex) -> None:
    """A bank of one hash is searched as well when nothing at all may be hot."""
    index = open_index(hot_hashes=0)
    vectors = video(1, 1)
    assert index.wait_for(add("e", vectors).revision, WAIT)
    wait_until(lambda: cold_hashes(index) == 1)
    hits = index.search(vectors ^ np.packbits(np.arange(256) < 84), radius=84, limit=5)
    assert (hits.entry.tolist(), hits.position.tolist(), hits.distance.tolist()) == ([1], [0], [84])


def test_searches_and_adds_while_it_moves(store: Store, add: Add, open_index: OpenIndex) -> None:
    """While cold slabs are made over and over, nothing that is there is missed, and an add is searchable at once."""
    index = open_index(hot_hashes=500)
    lasting, gone = video(1000, FRAMES), video(1001, FRAMES)
    add("lasting", lasting)
    add("gone", gone)
    assert index.wait_for(store.update_entry("b", "gone", b"", live=False).revision, WAIT)
    stop = threading.Event()
    wrong: list[object] = []
    searches = 0

    def search() -> None:
        nonlocal searches
        while not stop.is_set():
            answer = found(index, lasting), found(index, gone)
            searches += 1
            if answer != (FRAMES, 0):
                wrong.append(answer)

    threads = [threading.Thread(target=search) for _ in range(2)]
    for thread in threads:
        thread.start()
    delays = []
    for number in range(60):
        vectors = video(number, FRAMES)
        revision = add(str(number), vectors).revision
        began = time.monotonic()
        index.notify()
        assert index.wait_for(revision, WAIT)
        delays.append(time.monotonic() - began)
        assert found(index, vectors) == FRAMES
        if number % 4 == 0:
            store.update_entry("b", str(number), b"", live=False)
    stop.set()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert searches > 5
    assert sorted(delays)[-2] < 1.0
    wait_until(lambda: index.hashes - cold_hashes(index) <= 500)
    assert verify(store, index) == []


def test_adds_while_one_slab_is_made(
    store: Store, add: Add, open_index: OpenIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However long a cold slab takes, what is added, withdrawn and restored meanwhile is so at once, and afterwards."""
    going, finish = threading.Event(), threading.Event()
    write = ColdWriter.write

    def slow(self: ColdWriter, path: Path) -> object:
        going.set()
        assert finish.wait(WAIT)
        return write(self, path)

    monkeypatch.setattr(ColdWriter, "write", slow)
    index = open_index(hot_hashes=1000)
    fill(add, store, range(5))
    assert going.wait(WAIT)
    revision = fill(add, store, range(5, 40))
    for name, live in (("0", False), ("1", False), ("1", True), ("39", False)):
        revision = store.update_entry("b", name, b"", live=live).revision
    assert index.wait_for(revision, WAIT)
    for _ in range(2):
        assert [found(index, video(number, FRAMES)) for number in (0, 1, 2, 38, 39)] == [0, 300, 300, 300, 0]
        finish.set()
        wait_until(lambda: cold_hashes(index) > 5000)
    assert verify(store, index) == []


def test_restored_while_a_slab_without_it_is_made(
    store: Store, add: Add, open_index: OpenIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A slab that leaves out an entry which is live again by then is thrown away, and made once more with it."""
    write = ColdWriter.write
    restored: list[int] = []

    def late(self: ColdWriter, path: Path) -> object:
        if not restored:
            restored.append(store.update_entry("b", "0", b"", live=True).revision)
            index.notify()
            assert index.wait_for(restored[0], WAIT)
        return write(self, path)

    fill(add, store, range(5))
    store.update_entry("b", "0", b"", live=False)
    monkeypatch.setattr(ColdWriter, "write", late)
    index = Index(store, store.path, IndexSettings(hot_hashes=100))
    # Held back by the merge of the flat slab, which would drop the entry before.
    monkeypatch.setattr("hashsvc_index.keeper.step", lambda *_: None)
    index.start()
    assert index.wait_ready(WAIT)
    wait_until(lambda: restored and cold_hashes(index) >= 1500)
    assert found(index, video(0, FRAMES)) == FRAMES
    assert verify(store, index) == []
    index.close()


def test_withdrawn_are_compacted(store: Store, add: Add, open_index: OpenIndex) -> None:
    """A cold slab much of which is withdrawn is made anew in the background, and the mask is empty again."""
    index = open_index(hot_hashes=100)
    fill(add, store, range(10))
    wait_until(lambda: index.ready and cold_hashes(index) == 3000)
    for number in range(6):
        store.update_entry("b", str(number), b"", live=False)
    assert index.wait_for(store.revision(), WAIT)
    assert found(index, video(3, FRAMES)) == 0
    wait_until(lambda: cold_hashes(index) == 1200 and not len(index.snapshot.withdrawn))
    assert found(index, video(7, FRAMES)) == FRAMES
    assert verify(store, index) == []


def test_second_process_takes_them_over(store: Store, data: Path, add: Add, open_index: OpenIndex) -> None:
    """An index that may not save has the cold slabs of the one that may, and all changes since."""
    first = open_index(hot_hashes=1000)
    second = open_index(hot_hashes=1000)
    fill(add, store, range(20))
    for index in (first, second):
        assert index.wait_for(store.revision(), WAIT)
        wait_until(lambda index=index: cold_hashes(index) >= 3000)  # type: ignore[misc]
        assert verify(store, index) == []
    first.close()
    fill(add, store, range(20, 40))
    assert second.wait_for(store.revision(), WAIT)
    wait_until(lambda: second.hashes - cold_hashes(second) <= 1000)
    assert verify(store, second) == []


def test_what_is_open_is_not_read_again(
    store: Store, data: Path, add: Add, open_index: OpenIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A checkpoint of cold slabs that are open already is loaded without a look into them."""
    index = open_index(hot_hashes=1000)
    fill(add, store, range(20))
    wait_until(lambda: cold_hashes(index) >= 3000)
    assert index.checkpoint()
    directory = CheckpointDirectory(data / "index")
    opened = directory.load(lambda _: None)
    monkeypatch.setattr(checkpoint, "crc_of", None)
    again = directory.load(lambda _: None, opened.slabs)
    cold = [slab for slab in again.slabs if isinstance(slab, ColdSlab)]
    assert cold and all(slab in opened.slabs for slab in cold)
    assert again.hashes == opened.hashes
    with pytest.raises(TypeError):
        directory.load(lambda _: None)


def test_one_that_may_not_save(store: Store, data: Path, add: Add, open_index: OpenIndex) -> None:
    """Where no other process does, it leaves no file, and keeps all its hashes hot."""
    index = open_index(hot_hashes=1000, saves=False)
    fill(add, store, range(20))
    assert index.wait_for(store.revision(), WAIT)
    assert not index.checkpoint()
    index.close()
    assert cold_hashes(index) == 0 and not (data / "index").exists()


DAMAGES: dict[str, tuple[str, Callable[[Path], object], str]] = {
    "gone": ("cold", lambda path: path.unlink(), "No such file"),
    "empty": ("cold", lambda path: path.write_bytes(b""), "cut off"),
    "cut off in its tables": ("cold", lambda path: path.write_bytes(path.read_bytes()[:100]), "cut off"),
    "cut off": ("cold", lambda path: path.write_bytes(path.read_bytes()[:-8]), "cut off or too long"),
    "too long": ("cold", lambda path: path.write_bytes(path.read_bytes() + bytes(8)), "cut off or too long"),
    "header flipped": ("cold", lambda path: flip(path, 9), "header"),
    "count flipped": ("cold", lambda path: flip(path, 16), "impossible"),
    "count huge": ("cold", lambda path: flip(path, 22), "cut off"),
    "vector flipped": ("cold", lambda path: flip(path, 5000), "checksum"),
    "row flipped": ("cold", lambda path: flip(path, -7), "checksum"),
    "centroids gone": ("centroids", lambda path: path.unlink(), "No such file"),
    "centroids cut off": ("centroids", lambda path: path.write_bytes(path.read_bytes()[:40]), "cut off"),
    "centroid flipped": ("centroids", lambda path: flip(path, 40), "checksum"),
}


def flip(file: Path, place: int) -> None:
    """Flip one bit of the file."""
    content = bytearray(file.read_bytes())
    content[place] ^= 16
    file.write_bytes(content)


@pytest.fixture
def saved(data: Path) -> int:
    """A closed data directory of 20 entries, most of them cold; how many hashes."""
    with Store.open(data) as store:
        store.put_bank("b", b"", create=True)
        index = Index(store, data, IndexSettings(hot_hashes=1000))
        index.start()
        for number in range(20):
            store.add_entry("b", str(number), b"", vectors=video(number, FRAMES), blobs={}, digests=[])
        assert index.wait_for(store.revision(), WAIT)
        wait_until(lambda: index.hashes - cold_hashes(index) <= 1000)
        index.close()
    return 20 * FRAMES


@pytest.mark.parametrize("damage", DAMAGES)
def test_damage(saved: int, data: Path, damage: str, caplog: pytest.LogCaptureFixture) -> None:
    """Damage to the files of the cold tier is named in the log with its cause, and the index is whole all the same."""
    suffix, spoil, cause = DAMAGES[damage]
    spoil(min((data / "index").glob(f"*.{suffix}")))
    with Store.open(data) as store:
        with caplog.at_level(logging.WARNING, "hashsvc_index"):
            index = Index(store, data, IndexSettings(hot_hashes=1000))
            index.start()
            assert index.wait_ready(WAIT)
        assert index.hashes == saved
        assert verify(store, index) == []
        index.close()
    assert cause in caplog.records[0].message
    assert "rebuilt" in caplog.records[0].message


@pytest.mark.parametrize("point", POINTS)
def test_killed(store: Store, data: Path, spawn: Spawn, point: str) -> None:
    """Killed while a cold slab or a checkpoint is written, what was acknowledged is found, and the rests are cleared."""
    acknowledged: list[int] = []
    for turn in range(2):
        process = spawn(ADDER, data, point, turn * 1000)
        out, errors = communicate(process)
        assert (process.returncode, "Traceback" in errors) == (-signal.SIGKILL, False), errors
        acknowledged += map(int, out.split())
    index = Index(store, data, IndexSettings(hot_hashes=1000))
    index.start()
    assert index.wait_ready(WAIT)
    assert verify(store, index) == []
    assert all(found(index, video(number, FRAMES)[:1]) == 1 for number in acknowledged)
    wait_until(lambda: index.hashes - cold_hashes(index) <= 1000)
    assert index.checkpoint()
    assert not list((data / "index").glob("*.new"))
    index.close()
    cold = [slab.name for slab in index.snapshot.slabs if isinstance(slab, ColdSlab)]
    assert sorted(path.stem for path in (data / "index").glob("*.cold")) == sorted(cold)


def communicate(process: "subprocess.Popen[str]") -> tuple[str, str]:
    """Output and errors of a process that kills itself."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        return process.communicate(timeout=120)
    process.kill()
    return process.communicate()
