"""The data directory: made whole or not at all, and looked at before LMDB maps it."""

import contextlib
import errno
import os
import shutil
import struct
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import lmdb

from hashsvc_index.errors import DataDirectoryReadOnlyError, NotADataDirectoryError, StoreCorruptError
from hashsvc_index.records import (
    FORMAT,
    KEY_COUNTERS,
    KEY_FORMAT,
    KEY_STORE_ID,
    TABLES,
    Counters,
    encode_counters,
    number_key,
    seal,
)
from hashsvc_index.trouble import translate

STORE = "store"
INDEX = "index"
_NEW = f".{STORE}-"
_NEUTRAL = frozenset(("lost+found",))

# LMDB's meta page, data version 1: a page header of 16 bytes, then magic, version, address, map size, two database
# records of 48 bytes (the first begins with the page size), last page number, transaction number.
_META = struct.Struct("=16xII8x8xI44x48xQQ")
_META_MAGIC = 0xBEEFC0DE
_META_VERSION = 1


def prepare(path: Path, *, create: bool) -> Path:
    """Return the directory of LMDB's files in data directory `path`, made first if there is none and `create` is set.

    Raises NotADataDirectoryError, DataDirectoryReadOnlyError, StoreFullError, StoreCorruptError.
    """
    with translated(path):
        store = path / STORE
        if path.exists() and not path.is_dir():
            raise NotADataDirectoryError(f"{path} is not a directory", path=path)
        if not store.exists():
            _refuse_foreign(path, create=create)
            _create(path)
        if not (store / "data.mdb").is_file():
            raise StoreCorruptError(f"{store} has no data.mdb", path=path)
        check_length(store / "data.mdb")
        return store


def _refuse_foreign(path: Path, *, create: bool) -> None:
    """Raise unless a store may be made in `path`."""
    names = {child.name for child in path.iterdir()} if path.exists() else set()
    if INDEX in names:
        raise StoreCorruptError(f"{path} has an index but its store is gone", path=path)
    foreign = sorted(name for name in names - _NEUTRAL if not name.startswith(_NEW))
    if foreign:
        raise NotADataDirectoryError(f"{path} has other content, {foreign[0]!r} for one", path=path)
    if not create:
        raise NotADataDirectoryError(f"{path} is not a data directory", path=path)


def _create(path: Path) -> None:
    """Make an empty store."""
    path.mkdir(parents=True, exist_ok=True)
    make_whole(path / STORE, _write_empty)


def make_whole(place: Path, write: Callable[[Path], None]) -> None:
    """Have `write` fill a directory beside `place` and rename it, so that a crash leaves all of it or none."""
    path = place.parent
    new = path / f".{place.name}-{os.getpid()}-{uuid.uuid4().hex}"
    new.mkdir()
    try:
        write(new)
        sync_directory(new)
        try:
            new.rename(place)
        except OSError as error:
            if error.errno not in (errno.EEXIST, errno.ENOTEMPTY):
                raise
            # Another process was first; what it made is as good.
        sync_directory(path)
        sync_directory(path.parent)
    finally:
        shutil.rmtree(new, ignore_errors=True)


def _write_empty(directory: Path) -> None:
    environment = lmdb.open(str(directory), map_size=1 << 20, max_dbs=len(TABLES), lock=False)
    try:
        with environment.begin(write=True) as transaction:
            tables = {name: environment.open_db(name, txn=transaction) for name in TABLES}
            for key, body in (
                (KEY_FORMAT, number_key(FORMAT)),
                (KEY_STORE_ID, uuid.uuid4().bytes),
                (KEY_COUNTERS, encode_counters(Counters())),
            ):
                transaction.put(key, seal(key, body), db=tables[b"meta"])
    finally:
        environment.close()


def check_length(data: Path) -> None:
    """Raise StoreCorruptError if the file ends before its last page: reading past the end would kill the process."""
    with data.open("rb") as file:
        first = file.read(_META.size)
        if len(first) < _META.size:
            raise StoreCorruptError(f"{data} is cut off: {len(first)} bytes", path=data)
        magic, version, page_bytes, last_page, turn = _META.unpack(first)
        if magic != _META_MAGIC:
            raise StoreCorruptError(f"{data} is not an LMDB file", path=data)
        if version != _META_VERSION:
            return  # LMDB knows better which versions it reads.
        file.seek(page_bytes)
        second = file.read(_META.size)
        if len(second) == _META.size:
            _, _, _, other_last_page, other_turn = _META.unpack(second)
            last_page = other_last_page if other_turn > turn else last_page
        # The length is read after the meta pages: a writer extends the file before it says so there.
        length = os.fstat(file.fileno()).st_size
    if length < (last_page + 1) * page_bytes:
        raise StoreCorruptError(f"{data} is cut off: {length} bytes of {(last_page + 1) * page_bytes}", path=data)


def sync_directory(path: Path) -> None:
    """Make the names in a directory durable."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextlib.contextmanager
def translated(path: Path) -> Iterator[None]:
    """Turn what fails while a directory is made into our errors."""
    try:
        yield
    except (NotADirectoryError, FileExistsError) as error:
        raise NotADataDirectoryError(f"{path}: {error}", path=path) from error
    except FileNotFoundError as error:
        # Its parents were made just now, so this is a file system in which nothing can be made.
        raise DataDirectoryReadOnlyError(f"{path}: {error}", path=path) from error
    except (OSError, lmdb.Error) as error:
        raise translate(path, error, short_of_room=True) from error
