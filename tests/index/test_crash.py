"""A process killed in the middle, and a disk that is full."""

import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from hashsvc_index import Index, Store, verify

from .conftest import Spawn

ADDER = """
import sys
from pathlib import Path
import numpy as np
import pytest
from hashsvc_index import Index, IndexSettings, Store
path, start = Path(sys.argv[1]), int(sys.argv[2])
store = Store.open(path)
index = Index(store, path, IndexSettings(checkpoint_hashes=2000))
index.start()
for number in range(start, start + 100_000):
    vectors = np.random.default_rng(number).integers(0, 256, (1000, 32), np.uint8)
    store.add_entry("b", str(number), b"", vectors=vectors, blobs={"t": b"t" * 9000}, digests=[b"%032d" % number])
    index.notify()
    print(number, flush=True)
"""

FULL_DISK = """
import json, resource, sys
from pathlib import Path
import numpy as np
import pytest
from hashsvc_index import Store, StoreError, verify
store = Store.open(Path(sys.argv[1]))
vectors = np.zeros((10_000, 32), np.uint8)
size = (Path(sys.argv[1]) / "store" / "data.mdb").stat().st_size
limits = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (size + 1_000_000 + int(sys.argv[2]), limits[1]))
reasons, acknowledged = [], []
for number in range(8):
    try:
        store.add_entry("b", str(number), b"", vectors=vectors, blobs={}, digests=[])
        acknowledged.append(number)
    except StoreError as error:
        reasons.append(error.reason)
readable = all(len(store.vectors(record.number)) == 10_000 for record in store.list_entries("b", "", 100))
full = verify(store, None)
resource.setrlimit(resource.RLIMIT_FSIZE, limits)
store.add_entry("b", "later", b"", vectors=vectors, blobs={}, digests=[])
names = [record.entry for record in store.list_entries("b", "", 100)]
print(json.dumps([reasons, acknowledged, readable, full, names, verify(store, None), store.revision()]))
"""


def test_kill_loses_nothing_acknowledged(store: Store, data: Path, spawn: Spawn) -> None:
    """Killed at any moment of adding, saving and merging, every acknowledged entry is there, whole, and found."""
    acknowledged: list[int] = []
    generator = np.random.default_rng()
    for turn in range(6):
        process = spawn(ADDER, data, turn * 1_000_000)
        assert process.stdout is not None
        acknowledged.extend(int(process.stdout.readline()) for _ in range(generator.integers(1, 15)))
        time.sleep(float(generator.uniform(0.0, 0.05)))
        process.kill()
        # Not communicate(): it would pass over what readline has read ahead.
        rest = process.stdout.read()
        assert process.stderr is not None
        assert "Traceback" not in process.stderr.read()
        acknowledged.extend(int(line) for line in rest.split("\n")[:-1])
    for number in acknowledged:
        record = store.get_entry("b", str(number))
        assert store.find_digest(b"%032d" % number) == [record]
    # At most the one entry of each turn that was written but not yet said to be.
    assert len(acknowledged) <= store.stats().entries <= len(acknowledged) + 6
    index = Index(store, data)
    index.start()
    assert index.wait_ready(10)
    assert verify(store, index) == []
    queries = np.concatenate(
        [np.random.default_rng(n).integers(0, 256, (1000, 32), np.uint8)[:1] for n in acknowledged]
    )
    found = index.search(queries, radius=0, limit=1)
    assert [store.get_entry_by_number(n).entry for n in found.entry.tolist()] == [str(n) for n in acknowledged]
    index.close()


@pytest.mark.parametrize("offset", [0, 1, 4096 * 3 + 7])
def test_full_disk(store: Store, data: Path, spawn: Spawn, offset: int) -> None:
    """With no room a change fails with STORE_FULL and leaves nothing; reading goes on, and writing once there is room."""
    out, errors = spawn(FULL_DISK, data, offset).communicate()
    assert errors == ""
    reasons, acknowledged, readable, full, names, later, revision = json.loads(out)
    assert reasons
    assert set(reasons) == {"STORE_FULL"}
    assert names == [*map(str, acknowledged), "later"]
    assert (readable, full, later) == (True, [], [])
    assert revision == store.revision() == 1 + len(names)


def test_full_disk_at_the_beginning(tmp_path: Path, spawn: Spawn) -> None:
    """A store that cannot be made for want of room leaves nothing behind that would be taken for one."""
    script = """
import resource, sys
from pathlib import Path
from hashsvc_index import Store, StoreError
resource.setrlimit(resource.RLIMIT_FSIZE, (5000, resource.RLIM_INFINITY))
try:
    Store.open(Path(sys.argv[1]))
except StoreError as error:
    print(error.reason)
"""
    assert spawn(script, tmp_path).communicate() == ("STORE_FULL\n", "")
    assert list(tmp_path.iterdir()) == []


FULL_FILE_SYSTEM = """
import json, sys, threading
from pathlib import Path
import numpy as np
from hashsvc_index import Index, Store, StoreError, verify
root = Path(sys.argv[1])
store = Store.open(root / "data")
store.put_bank("b", b"", create=True)
index = Index(store, root / "data")
index.start()
index.wait_ready(10)
vectors = np.random.default_rng(0).integers(0, 256, (5000, 32), np.uint8)
said = []
def attempt(action):
    try:
        said.append(bool(action()))
    except StoreError as error:
        said.append(error.reason)
def add(name):
    return store.add_entry("b", name, b"", vectors=vectors, blobs={}, digests=[]).number
added = 0
while not said:
    try:
        added = add(str(added))
    except StoreError as error:
        said.append(error.reason)
try:
    with (root / "filler").open("wb", 0) as filler:
        while filler.write(bytes(1024)):
            pass
except OSError:
    pass
attempt(index.checkpoint)
together = threading.Barrier(200)
def read():
    with store.environment.read():
        together.wait()
readers = [threading.Thread(target=read) for _ in range(200)]
for reader in readers:
    reader.start()
for reader in readers:
    reader.join()
index.wait_for(store.revision(), 10)
said.append(len(index.search(vectors, radius=0, limit=1)) == 5000)
(root / "filler").unlink()
(root / "room").unlink()
attempt(lambda: add("later"))
attempt(index.checkpoint)
said.append(index.wait_for(store.revision(), 10) and verify(store, index) == [])
said.append(store.stats().entries == added + 1)
index.close()
print(json.dumps(said))
"""


def test_full_file_system(tmp_path: Path) -> None:
    """On a file system without a free byte reading, by many at once, and searching go on; with room again all works."""
    mount = f"mount -t tmpfs -o size=12m tmpfs {tmp_path} && head -c 8000000 /dev/zero > {tmp_path}/room"
    if subprocess.run(["unshare", "-m", "sh", "-c", mount], capture_output=True, check=False).returncode:
        pytest.skip("this user cannot mount")
    script = ["-c", f'{mount} && exec "$0" -c "$1" "$2"', sys.executable, FULL_FILE_SYSTEM, str(tmp_path)]
    done = subprocess.run(["unshare", "-m", "sh", *script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == ["STORE_FULL", "STORE_FULL", True, True, True, True, True]
