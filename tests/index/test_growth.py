"""The map grows under readers, writers and other processes."""

import sys
import threading
from pathlib import Path

import lmdb
import numpy as np
import pytest

from hashsvc_index import Store, StoreSettings, verify
from hashsvc_index.environment import Environment
from hashsvc_index.gate import Gate

from .conftest import Random, Spawn

SMALL = StoreSettings(initial_map_bytes=1 << 20, headroom_bytes=1 << 16)

WRITER = """
import sys
from pathlib import Path
import numpy as np
from hashsvc_index import Store, StoreSettings
settings = StoreSettings(initial_map_bytes=1 << 20, headroom_bytes=1 << 16)
with Store.open(Path(sys.argv[1]), settings=settings) as store:
    for number in range(40):
        vectors = np.full((10_000, 32), number, np.uint8)
        store.add_entry("b", f"{sys.argv[2]}-{number}", b"", vectors=vectors, blobs={}, digests=[])
"""

NO_ADDRESS_SPACE = """
import resource, sys
from pathlib import Path
import numpy as np
from hashsvc_index import Store, StoreError, StoreSettings
settings = StoreSettings(initial_map_bytes=1 << 20, headroom_bytes=1 << 16, growth=1000.0)
with Store.open(Path(sys.argv[1]), settings=settings) as store:
    store.put_bank("b", b"", create=True)
    vectors = np.zeros((100_000, 32), np.uint8)
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    limits = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (used + (100 << 20), limits[1]))
    try:
        store.add_entry("b", "large", b"", vectors=vectors, blobs={}, digests=[])
    except StoreError as error:
        print(error.reason)
    print(store.revision())
    resource.setrlimit(resource.RLIMIT_AS, limits)
    print(store.add_entry("b", "large", b"", vectors=vectors, blobs={}, digests=[]).revision)
"""


@pytest.fixture
def small(data: Path) -> Store:
    """A store whose map has room for a few entries only."""
    store = Store.open(data, settings=SMALL)
    store.put_bank("b", b"", create=True)
    return store


def test_grows_under_concurrent_readers(small: Store, random: Random) -> None:
    """Adding eighty times what the map held at first disturbs no reader, and nobody reads anything wrong."""
    vectors = random(10_000)
    small.add_entry("b", "0", b"", vectors=vectors, blobs={}, digests=[b"d"])
    stop = threading.Event()
    trouble: list[BaseException] = []
    reads = 0

    def read() -> None:
        nonlocal reads
        try:
            while not stop.is_set():
                assert np.array_equal(small.vectors(1), vectors)
                assert [record.number for record in small.find_digest(b"d")] == [1]
                reads += 1
        except BaseException as error:  # noqa: BLE001 - told to the main thread
            trouble.append(error)

    readers = [threading.Thread(target=read) for _ in range(4)]
    for reader in readers:
        reader.start()
    for number in range(1, 80):
        small.add_entry("b", str(number), b"", vectors=vectors, blobs={}, digests=[])
    stop.set()
    for reader in readers:
        reader.join()
    assert trouble == []
    assert reads > 80
    assert small.stats().map_bytes > 25 << 20
    assert small.stats().used_bytes + SMALL.headroom_bytes <= small.stats().map_bytes
    assert verify(small, None) == []
    small.close()


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_gives_pages_back(small: Store, random: Random) -> None:
    """What reads have brought into memory can be let go, while others read, and everything is still there."""
    vectors = random(200_000)
    small.add_entry("b", "0", b"", vectors=vectors, blobs={}, digests=[])
    stop = threading.Event()
    reads: list[bool] = []

    def read() -> None:
        while not stop.is_set():
            reads.append(small.revision() == 2)

    reader = threading.Thread(target=read)
    reader.start()
    assert np.array_equal(small.vectors(1), vectors)
    before = resident(small)
    small.environment.give_back()
    after = resident(small)
    stop.set()
    reader.join()
    assert before >= vectors.nbytes
    assert after < 1 << 20
    assert reads
    assert all(reads)
    assert np.array_equal(small.vectors(1), vectors)
    small.close()


def resident(store: Store) -> int:
    """Bytes of the store's map that are in this process's memory."""
    lines = iter(Path("/proc/self/smaps").read_text().splitlines())
    for line in lines:
        if line.endswith(str(store.path / "store" / "data.mdb")):
            return sum(
                int(line.split()[1]) * 1024 for line in (next(lines) for _ in range(8)) if line.startswith("Rss:")
            )
    return 0


def test_one_change_larger_than_the_map(small: Store, random: Random) -> None:
    """An entry many times the size of the map goes in at once."""
    vectors = random(300_000)
    number = small.add_entry("b", "large", b"", vectors=vectors, blobs={"b": b"x" * 9_000_000}, digests=[]).number
    assert np.array_equal(small.vectors(number), vectors)
    small.close()


def test_processes_grow_together(small: Store, data: Path, spawn: Spawn) -> None:
    """Two processes that both write and grow see each other's entries, and this one, which did not grow, sees all."""
    writers = [spawn(WRITER, data, name) for name in ("one", "two")]
    small.add_entry("b", "mine", b"", vectors=np.zeros((1, 32), np.uint8), blobs={}, digests=[])
    for writer in writers:
        assert writer.communicate() == ("", "")
    assert small.revision() == 1 + 1 + 80
    assert len(small.list_entries("b", "", 1000)) == 81
    assert verify(small, None) == []
    small.close()


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_no_address_space(data: Path, spawn: Spawn) -> None:
    """Where the map cannot grow the change fails with STORE_FULL, reading goes on, and later there is room again."""
    out, errors = spawn(NO_ADDRESS_SPACE, data).communicate()
    assert (out.split(), errors) == (["STORE_FULL", "1", "2"], "")


def test_recovers_from_panic(small: Store, random: Random) -> None:
    """After LMDB refuses to go on, as it does when its meta page could not be written, the environment is reopened."""
    environment = small.environment
    before = environment._lmdb
    panics = 0

    def change(_: object) -> int:
        nonlocal panics
        panics += 1
        if panics == 1:
            raise lmdb.PanicError("told to", 0)
        return panics

    assert environment.write(0, change) == 2
    assert environment._lmdb is not before
    assert small.add_entry("b", "e", b"", vectors=random(3), blobs={}, digests=[]).revision == 2
    small.close()


def test_reader_slots_run_out(data: Path, random: Random) -> None:
    """More readers at once than there are slots wait their turn instead of failing."""
    settings = StoreSettings(max_readers=2)
    with Store.open(data, settings=settings) as store:
        environment: Environment = store.environment
        done: list[int] = []

        def read() -> None:
            with environment.read():
                done.append(store.path.stat().st_ino)
                threading.Event().wait(0.02)

        threads = [threading.Thread(target=read) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(done) == 6


def test_gate_lets_the_exclusive_in_first() -> None:
    """Who wants to be alone gets in although sharers keep coming, and is alone."""
    gate = Gate()
    inside = 0
    alone: list[int] = []
    stop = threading.Event()

    def share() -> None:
        nonlocal inside
        while not stop.is_set():
            with gate.shared():
                inside += 1
                inside -= 1

    sharers = [threading.Thread(target=share) for _ in range(4)]
    for sharer in sharers:
        sharer.start()
    for _ in range(50):
        with gate.exclusive():
            assert gate.wanted
            alone.append(inside)
    stop.set()
    for sharer in sharers:
        sharer.join()
    assert alone == [0] * 50
    assert not gate.wanted
