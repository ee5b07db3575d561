"""Opening what is not a data directory, or no longer a whole one."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import lmdb
import numpy as np
import pytest

from hashsvc_index import Store, StoreError, verify
from hashsvc_index.errors import (
    DataDirectoryReadOnlyError,
    DataFormatTooNewError,
    NotADataDirectoryError,
    StoreCorruptError,
)
from hashsvc_index.records import FORMAT, KEY_FORMAT, number_key, seal

from .conftest import Spawn

VECTORS = np.zeros((100, 32), np.uint8)
READ_ONLY = """
import sys
from pathlib import Path
from hashsvc_index import Store, StoreError
try:
    Store.open(Path(sys.argv[1]))
except StoreError as error:
    print(error.reason)
"""


def filled(path: Path) -> Path:
    """A data directory with a few entries, closed; returns its data file."""
    with Store.open(path) as store:
        store.put_bank("b", b"", create=True)
        for number in range(20):
            store.add_entry("b", str(number), b"%04d" % number * 750, vectors=VECTORS, blobs={}, digests=[])
    return path / "store" / "data.mdb"


def test_makes_parents(tmp_path: Path) -> None:
    """A new data directory may lie as deep as it likes, and leaves no temporary files."""
    Store.open(tmp_path / "a" / "b").close()
    assert [file.name for file in (tmp_path / "a" / "b").iterdir()] == ["store"]


def test_create_is_asked_for(tmp_path: Path) -> None:
    """Without `create` neither a missing nor an empty directory becomes a store."""
    for path in (tmp_path, tmp_path / "missing"):
        with pytest.raises(NotADataDirectoryError):
            Store.open(path, create=False)
    assert not (tmp_path / "missing").exists()


def test_a_file(tmp_path: Path) -> None:
    """A file is not a data directory, nor is a path below one, and it keeps its content."""
    path = tmp_path / "file"
    path.write_text("mine")
    for wrong in (path, path / "below"):
        with pytest.raises(NotADataDirectoryError) as error:
            Store.open(wrong)
        assert error.value.reason == "NOT_A_DATA_DIRECTORY"
    assert path.read_text() == "mine"


def test_foreign_content(tmp_path: Path) -> None:
    """A directory with somebody's files is left alone."""
    (tmp_path / "letter.txt").write_text("mine")
    with pytest.raises(NotADataDirectoryError, match=r"letter\.txt"):
        Store.open(tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["letter.txt"]


def test_foreign_lmdb(tmp_path: Path) -> None:
    """Another program's LMDB environment is not taken for a store."""
    (tmp_path / "store").mkdir()
    with lmdb.open(str(tmp_path / "store"), max_dbs=1) as environment, environment.begin(write=True) as transaction:
        transaction.put(b"key", b"value", db=environment.open_db(b"theirs", txn=transaction))
    with pytest.raises(NotADataDirectoryError, match="other program"):
        Store.open(tmp_path)


def test_newer_format(data: Path) -> None:
    """A directory of a later version is refused and not touched."""
    file = filled(data)
    with lmdb.open(str(data / "store"), max_dbs=9) as environment, environment.begin(write=True) as transaction:
        table = environment.open_db(b"meta", txn=transaction)
        transaction.put(KEY_FORMAT, seal(KEY_FORMAT, number_key(FORMAT + 1)), db=table)
    before = file.read_bytes()
    with pytest.raises(DataFormatTooNewError) as error:
        Store.open(data)
    assert error.value.metadata == {"path": str(data), "format": str(FORMAT + 1), "supported": str(FORMAT)}
    assert file.read_bytes() == before


@pytest.mark.parametrize("kept", [0, 100, 5000, 100_000])
def test_truncated(data: Path, kept: int) -> None:
    """A data file that was cut off anywhere is an error, not a new store and not a crash."""
    file = filled(data)
    os.truncate(file, kept)
    with pytest.raises(StoreCorruptError) as error:
        Store.open(data)
    assert error.value.reason == "STORE_CORRUPT"
    assert file.stat().st_size == kept


def test_garbage(data: Path) -> None:
    """A data file of anything else is an error."""
    file = filled(data)
    file.write_bytes(b"not a database " * 10_000)
    with pytest.raises(StoreCorruptError):
        Store.open(data)


@pytest.mark.parametrize("gone", ["store/data.mdb", "store"])
def test_lost_store(data: Path, gone: str) -> None:
    """A directory that had a store is never silently given a new, empty one."""
    filled(data)
    (data / "index").mkdir()
    path = data / gone
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    with pytest.raises(StoreCorruptError):
        Store.open(data)


def test_flipped_bits_are_noticed(data: Path) -> None:
    """A change of any stored value fails its checksum when it is read and when it is verified."""
    file = filled(data)
    content = file.read_bytes()
    payload = b"%04d" % 7 * 750
    assert payload in content
    file.write_bytes(content.replace(payload, payload[:1000] + b"!" + payload[1001:]))
    with Store.open(data) as store:
        assert any("checksum" in fault for fault in verify(store, None))
        with pytest.raises(StoreCorruptError):
            store.get_entry("b", "7")
        assert store.get_entry("b", "8").payload == b"%04d" % 8 * 750


def test_pseudo_file_system() -> None:
    """Where nothing can be made the error says so."""
    with pytest.raises(DataDirectoryReadOnlyError) as error:
        Store.open(Path("/proc/hashsvc-test"))
    assert error.value.reason == "DATA_DIRECTORY_READ_ONLY"


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes anywhere")
@pytest.mark.parametrize("existing", [True, False])
def test_no_permission(data: Path, existing: bool) -> None:
    """A directory without write permission is a clear error, with a store in it or without."""
    data.mkdir()
    if existing:
        filled(data)
        (data / "store").chmod(0o555)
        for file in (data / "store").iterdir():
            file.chmod(0o444)
    data.chmod(0o555)
    try:
        with pytest.raises(DataDirectoryReadOnlyError):
            Store.open(data)
    finally:
        for path in (data, data / "store"):
            if path.exists():
                path.chmod(0o755)


@pytest.mark.parametrize("existing", [True, False])
def test_read_only_mount(data: Path, existing: bool) -> None:
    """On a file system mounted read-only the error says so, with a store in it or without."""
    data.mkdir()
    if existing:
        filled(data)
    mount = f"mount --bind {data} {data} && mount -o remount,bind,ro {data}"
    able = subprocess.run(["unshare", "-m", "sh", "-c", mount], capture_output=True, check=False)
    if able.returncode:
        pytest.skip("this user cannot mount")
    command = ["unshare", "-m", "sh", "-c", f'{mount} && exec "$0" -c "$1" "$2"', sys.executable, READ_ONLY, str(data)]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "DATA_DIRECTORY_READ_ONLY\n"


def test_made_by_two_at_once(data: Path, spawn: Spawn) -> None:
    """Processes that make the same directory at the same moment end up with one store."""
    script = "import sys, pathlib, hashsvc_index as h; print(h.Store.open(pathlib.Path(sys.argv[1])).store_id)"
    identities = {process.communicate()[0] for process in [spawn(script, data) for _ in range(4)]}
    assert len(identities) == 1
    assert identities.pop().strip()
    assert [file.name for file in data.iterdir()] == ["store"]


def test_every_error_has_its_reason() -> None:
    """Reasons are upper snake case and no two errors share one."""
    reasons = [kind.reason for kind in StoreError.__subclasses__()]
    assert len(set(reasons)) == len(reasons) == 16
    assert all(reason.replace("_", "").isalpha() and reason.isupper() for reason in reasons)
