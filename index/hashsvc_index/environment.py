"""One LMDB environment, shared by every store of this process on the same files: transactions, growth, errors."""

import contextlib
import dataclasses
import errno
import gc
import os
import resource
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Generic, TypeVar

import lmdb

from hashsvc_index.errors import NotADataDirectoryError, StoreError, StoreFullError, StoreUnavailableError
from hashsvc_index.gate import Gate
from hashsvc_index.records import FORMAT, KEY_FORMAT, LATER_TABLES, TABLES, DamagedError, number_key, seal
from hashsvc_index.trouble import error_code, translate

Result = TypeVar("Result")
Value = TypeVar("Value", bytes, memoryview)

_ATTEMPTS = 8
_READER_WAIT = 0.05
_READER_CHECK_SECONDS = 60.0
_CURABLE = (lmdb.MapFullError, lmdb.MapResizedError, lmdb.PanicError, lmdb.ReadersFullError)
_TROUBLE = (lmdb.Error, DamagedError, OSError)
"""What becomes an error of the store."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class StoreSettings:
    """How LMDB is opened. Stores of one process on the same directory share the settings of the first."""

    initial_map_bytes: int = 256 << 20
    """Address space reserved at first; disk is used only as it fills."""
    growth: float = 2.0
    """How many times larger the map becomes when it is short of room."""
    headroom_bytes: int = 16 << 20
    """Room that must be left in the map after a change, else it grows first."""
    max_readers: int = 512
    """Read transactions at once, over all processes; the first process to open decides."""
    sync: bool = True
    """Whether a change is on the disk when the call returns. False is for throw-away data only."""
    last_may_go: bool = False
    """True saves a wait for the disk: when the machine stops, the last change may be undone. Nothing is ever damaged."""


class Environment:
    """LMDB's environment with the rules that its users would otherwise each have to know.

    Growing the map needs every transaction of this process to have ended, so each one passes a gate. Never begin a
    transaction inside another on the same thread.
    """

    _shared: "dict[tuple[int, int, int], Environment]" = {}  # noqa: RUF012 - guarded by _sharing
    _sharing = threading.Lock()

    def __init__(self, path: Path, settings: StoreSettings, names: Sequence[bytes] = TABLES) -> None:
        self.path = path
        self._settings = settings
        self._names = names
        self._gate = Gate()
        self._writing = threading.Lock()
        self._users = 0
        self._checked = time.monotonic()
        with self._translated(0):
            self._open()
            self._lmdb.reader_check()

    @classmethod
    def acquire(cls, path: Path, settings: StoreSettings, names: Sequence[bytes] = TABLES) -> "Environment":
        """The environment in directory `path` with the databases `names`, opened or shared; give it back with `release`."""
        with cls._sharing:
            key = _identity(path)
            environment = cls._shared.get(key)
            if environment is None:
                environment = cls(path, settings, names)
                cls._shared[key] = environment
            environment._users += 1
            return environment

    def release(self) -> None:
        """End one use; the last one closes the environment."""
        with self._sharing:
            self._users -= 1
            if self._users:
                return
            for key in [key for key, other in self._shared.items() if other is self]:
                del self._shared[key]
        with self._gate.exclusive():
            self._lmdb.close()

    def table(self, name: bytes) -> "lmdb._Database":
        """The handle of a named database; valid inside a transaction only."""
        return self._tables[name]

    @property
    def growth_waits(self) -> bool:
        """True while somebody waits for this process's transactions to end; long readers should then end theirs."""
        return self._gate.wanted

    def read(self) -> "_Reading[bytes]":
        """A read transaction: one state of the store, whatever is written meanwhile."""
        return _Reading(self, buffers=False)

    def peek(self) -> "_Reading[memoryview]":
        """A read transaction whose values are views of the map, so that only the pages that are looked at are read.

        They end with it.
        """
        return _Reading(self, buffers=True)

    def write(self, need: int, change: "Callable[[lmdb.Transaction[bytes]], Result]") -> Result:
        """Run `change` in a write transaction and commit it; on any exception nothing is written.

        `need` is the bytes that the change may add. `change` may run again when the map had to grow, so it must have
        no effect outside its transaction.
        """
        with self._writing, self._translated(need):
            self._make_room(need)
            for _ in range(_ATTEMPTS):
                self._gate.enter()
                try:
                    with self._lmdb.begin(write=True) as transaction:
                        return change(transaction)
                except _CURABLE as error:
                    trouble = type(error)
                finally:
                    self._gate.leave()
                self._cure(trouble, need)
            raise StoreFullError(f"{self.path}: the map cannot grow fast enough", path=self.path)

    def clear_stale_readers(self, *, every: float = _READER_CHECK_SECONDS) -> None:
        """Free the reader slots of processes that died, at most once in `every` seconds."""
        now = time.monotonic()
        if now - self._checked >= every:
            self._checked = now
            with self._gate.shared(), self._translated(0):
                self._lmdb.reader_check()

    def give_back(self) -> None:
        """Let the pages that reads have brought into memory no longer count as this process's; the system may keep them.

        Waits, as growth does, until the transactions that run have ended.
        """
        with self._gate.exclusive(), self._translated(0):
            self._remap(self._size()[0])

    def size(self) -> tuple[int, int]:
        """(bytes of the map, bytes of it in use)."""
        with self._gate.shared(), self._translated(0):
            return self._size()

    def last_write(self) -> int:
        """Number of the last transaction of any process that wrote and that one that reads would see; as long as it is the
        same, all else is.

        What `info` says of the environment is ahead of that for an instant in each write: whoever read in it would take what was
        there before for what there is.
        """
        with self.read() as transaction:
            return int(transaction.id())

    def _size(self) -> tuple[int, int]:
        info = self._lmdb.info()
        return int(info["map_size"]), (int(info["last_pgno"]) + 1) * self._page_bytes

    def _open(self) -> None:
        lock = self.path / "lock.mdb"
        if not lock.exists():
            self._open_files().close()
        _fill_holes(lock)
        environment = self._open_files()
        try:
            self._page_bytes = int(environment.stat()["psize"])
            for _ in range(_ATTEMPTS):
                try:
                    self._tables = self._open_tables(environment)
                    break
                except lmdb.MapResizedError:  # Another process has grown it since.
                    environment.set_mapsize(0)
        except BaseException:
            environment.close()
            raise
        self._lmdb = environment

    def _open_files(self) -> lmdb.Environment:
        data_bytes = (self.path / "data.mdb").stat().st_size
        size = max(self._settings.initial_map_bytes, data_bytes + self._settings.headroom_bytes)
        return lmdb.open(
            str(self.path), map_size=_whole_mebibytes(size), max_dbs=len(self._names), create=False,
            max_readers=self._settings.max_readers, sync=self._settings.sync,
            metasync=self._settings.sync and not self._settings.last_may_go,
        )  # fmt: skip

    def _open_tables(self, environment: lmdb.Environment) -> "dict[bytes, lmdb._Database]":
        tables: dict[bytes, lmdb._Database] = {}
        # A write transaction, though it writes nothing: handles opened in py-lmdb's read transactions do not last.
        with environment.begin(write=True) as transaction:
            ours = False
            for name in self._names:
                try:
                    # What an earlier version of the same format has not made yet is made, in nothing of anybody else.
                    missing = ours and name in LATER_TABLES
                    tables[name] = environment.open_db(name, txn=transaction, create=missing)
                except lmdb.NotFoundError:
                    # A later format may have other tables; whoever reads `meta` finds that out.
                    if name == self._names[0]:
                        raise NotADataDirectoryError(
                            f"{self.path} holds an LMDB environment of some other program", path=self.path
                        ) from None
                if name == self._names[0]:
                    ours = transaction.get(KEY_FORMAT, db=tables[name]) == seal(KEY_FORMAT, number_key(FORMAT))
        return tables

    def _begin_read(self, buffers: bool) -> "lmdb.Transaction[Any]":
        for attempt in range(_ATTEMPTS):
            self._gate.enter()
            try:
                return self._lmdb.begin(buffers=True) if buffers else self._lmdb.begin()
            except _CURABLE as error:
                self._gate.leave()
                # Not the error itself: its traceback would keep this frame and the transaction that it returns.
                trouble = type(error)
            except BaseException:
                self._gate.leave()
                raise
            if trouble is lmdb.ReadersFullError:
                gc.collect()
                self.clear_stale_readers(every=0.0)
                time.sleep(_READER_WAIT * attempt)
            else:
                self._cure(trouble, 0)
        raise StoreUnavailableError(f"{self.path}: no read transaction can begin: {trouble.__name__}", path=self.path)

    def _cure(self, trouble: type[Exception], need: int) -> None:
        """Do what makes it worth beginning a transaction again."""
        if issubclass(trouble, lmdb.MapFullError):
            self._grow(need)
        elif issubclass(trouble, lmdb.MapResizedError):
            with self._gate.exclusive():
                self._remap(0)
        else:
            # LMDB refuses everything after it failed to write its meta page; a fresh environment reads the older one.
            with self._gate.exclusive():
                self._lmdb.close()
                self._open()

    def _make_room(self, need: int) -> None:
        with self._gate.shared():
            size, used = self._size()
        if used + need + self._settings.headroom_bytes > size:
            self._grow(need)

    def _grow(self, need: int) -> None:
        with self._gate.exclusive():
            size, used = self._size()
            wanted = max(int(size * self._settings.growth), used + need + 2 * self._settings.headroom_bytes)
            self._remap(_whole_mebibytes(wanted))

    def _remap(self, size: int) -> None:
        """Set the map to `size` bytes, or to what another process made it when 0. The gate must be closed."""
        try:
            self._lmdb.set_mapsize(size)
        except lmdb.Error as error:
            # The failed call took the old map away.
            self._lmdb.close()
            self._open()
            raise StoreFullError(f"{self.path}: the map cannot grow: {error}", path=self.path) from error

    @contextlib.contextmanager
    def _translated(self, need: int) -> Iterator[None]:
        """Turn LMDB's errors into ours."""
        try:
            yield
        except _TROUBLE as error:
            raise self._translation(error, need) from error

    def _translation(self, error: Exception, need: int) -> StoreError:
        short = error_code(error) == errno.EIO and self._short_of_room(need)
        return translate(self.path, error, short_of_room=short)

    def _short_of_room(self, need: int) -> bool:
        """Whether the disk or the file size limit has no room for `need` bytes: LMDB calls a short write EIO."""
        data = self.path / "data.mdb"
        disk = os.statvfs(data)
        limit = resource.getrlimit(resource.RLIMIT_FSIZE)[0]
        if limit != resource.RLIM_INFINITY and data.stat().st_size + need >= limit:
            return True
        return disk.f_bavail * disk.f_frsize <= need


class _Reading(Generic[Value]):
    """A read transaction for a `with`; no generator, since every upload has several and each would cost as much again."""

    __slots__ = ("_buffers", "_environment", "_transaction")

    def __init__(self, environment: Environment, *, buffers: bool) -> None:
        self._environment = environment
        self._buffers = buffers

    def __enter__(self) -> "lmdb.Transaction[Value]":
        try:
            self._transaction: lmdb.Transaction[Value] = self._environment._begin_read(self._buffers)
        except _TROUBLE as error:
            raise self._environment._translation(error, 0) from error
        return self._transaction

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._transaction.abort()
        finally:
            # py-lmdb keeps the reader slot as long as the object, which a traceback may keep long.
            del self._transaction
            self._environment._gate.leave()
        if isinstance(error, _TROUBLE):
            raise self._environment._translation(error, 0) from error


def _fill_holes(lock: Path) -> None:
    """Give LMDB's reader table its room on the disk: it is written through memory, and on a full disk that would kill
    the process that begins to read. To be called before the environment is open, since closing the file here would
    drop the locks that this process has on it.
    """
    with lock.open("r+b") as file:
        os.posix_fallocate(file.fileno(), 0, max(1, os.fstat(file.fileno()).st_size))


def _identity(path: Path) -> tuple[int, int, int]:
    """What tells one environment from another; the process, because LMDB's handles do not survive a fork."""
    found = (path / "data.mdb").stat()
    return os.getpid(), found.st_dev, found.st_ino


def _whole_mebibytes(size: int) -> int:
    return -(-size // (1 << 20)) << 20
