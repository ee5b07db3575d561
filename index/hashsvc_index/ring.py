"""The ring: what came last, in blocks, in an LMDB environment of its own beside the store.

It is no part of the truth. The last second of it may be lost with the machine; nothing of it is ever half there.
"""

import dataclasses
import struct
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Self

import lmdb
import numpy as np
import numpy.typing as npt

from hashsvc_index.directory import check_length, make_whole, translated
from hashsvc_index.environment import Environment, StoreSettings
from hashsvc_index.errors import DataFormatTooNewError, StoreCorruptError
from hashsvc_index.records import (
    KEY_FORMAT,
    DamagedError,
    Vectors,
    checked_vectors,
    decode_vectors,
    encode_vectors,
    key_number,
    number_key,
    seal,
    unseal,
)

RING = "recent"
FORMAT = 1
_TABLES = (b"meta", b"heads", b"rows", b"bodies")
_KEY_COUNTERS, _KEY_MARK = b"counters", b"mark"
_COUNTERS = struct.Struct(">QQQ")
_HEAD = struct.Struct(">ddI")
_PAGE_BYTES = 4096
_SETTINGS = StoreSettings(last_may_go=True)
_MOST_EVICTED = 256
"""Blocks that one write lets go: a short one must not wait for a long one."""

Counts = npt.NDArray[np.uint32]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Item:
    """Hashes that are searched, and all the rest."""

    rows: Vectors
    """uint8 (n, 32)."""
    body: bytes


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Block:
    """Items that were written together."""

    number: int
    """Given out in order from 1, never reused."""
    written: float
    """Seconds since 1970."""
    expires: float
    """From then on it is as good as gone, seconds since 1970."""
    rows: Counts
    """Rows of each item, uint32 (items,)."""
    sizes: Counts
    """Bytes of each item's body, uint32 (items,)."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class RingStats:
    """The ring in figures."""

    items: int
    bytes: int
    """On the disk, whole pages counted."""


class Ring:
    """Thread-safe; any number of processes may have the same ring open.

    Any method may raise StoreCorruptError and StoreUnavailableError; those that write, StoreFullError and
    DataDirectoryReadOnlyError too.
    """

    def __init__(self, path: Path, environment: Environment) -> None:
        self.path = path
        self._environment = environment

    @classmethod
    def make(cls, data: Path, mark: int) -> "Ring":
        """The ring of data directory `data`, made first if there is none, then with `mark`.

        Raises DataFormatTooNewError, DataDirectoryReadOnlyError, StoreFullError.
        """
        place = data / RING
        with translated(place):
            if not place.exists():
                make_whole(place, partial(_write_empty, mark=mark))
        return cls._opened(place)

    @classmethod
    def open(cls, data: Path) -> "Ring | None":
        """The ring of data directory `data`; None where there is none. Raises DataFormatTooNewError."""
        place = data / RING
        return cls._opened(place) if place.exists() else None

    @classmethod
    def _opened(cls, place: Path) -> "Ring":
        with translated(place):
            if not (place / "data.mdb").is_file():
                raise StoreCorruptError(f"{place} has no data.mdb", path=place)
            check_length(place / "data.mdb")
        ring = cls(place, Environment.acquire(place, _SETTINGS, _TABLES))
        try:
            ring._check_format()
        except BaseException:
            ring.close()
            raise
        return ring

    def close(self) -> None:
        """Let go of it; to be called once."""
        self._environment.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def append(self, items: Sequence[Item], *, written: float, expires: float, max_bytes: int) -> int:
        """Write a block; what has expired by `written`, and the oldest beyond `max_bytes`, goes. Returns items gone.

        Raises ValueError for no items or rows that are not uint8 (n, 32).
        """
        if not items:
            raise ValueError("a block has at least one item")
        rows = encode_vectors(checked_vectors(np.concatenate([one.rows for one in items])))
        counts = np.array([len(one.rows) for one in items], np.uint32)
        need = len(rows) + sum(len(one.body) + 4 for one in items) + 32 * _PAGE_BYTES

        def change(transaction: "lmdb.Transaction[bytes]") -> int:
            writer = _Transaction(self._environment, transaction)
            writer.add(items, counts, rows, written, expires)
            return writer.evict(written, max_bytes)

        return self._environment.write(need, change)

    def evict(self, now: float, max_bytes: int) -> int:
        """Let go what has expired, and the oldest beyond `max_bytes`; returns items gone. May leave some for the next call."""
        return self._environment.write(
            _PAGE_BYTES, lambda transaction: _Transaction(self._environment, transaction).evict(now, max_bytes)
        )

    def blocks(self, after: int, limit: int, now: float) -> list[Block]:
        """At most `limit` blocks with numbers above `after`, in order, those that have expired by `now` left out."""
        found: list[Block] = []
        with self._environment.read() as transaction:
            cursor = transaction.cursor(self._environment.table(b"heads"))
            more = cursor.set_range(number_key(after + 1))
            while more and len(found) < limit:
                block = _block(cursor.key(), cursor.value())
                if block.expires > now:
                    found.append(block)
                more = cursor.next()
        return found

    def rows(self, number: int) -> Vectors:
        """The rows of a block's items, one after another, uint8 (n, 32); none where it is gone."""
        with self._environment.read() as transaction:
            value = transaction.get(number_key(number), db=self._environment.table(b"rows"))
            return np.zeros((0, 32), np.uint8) if value is None else decode_vectors(unseal(number_key(number), value))

    def bodies(self, block: Block, places: Sequence[int]) -> list[bytes] | None:
        """The bodies of the items at `places` of a block; None where it is gone."""
        ends = np.cumsum(block.sizes.astype(np.int64))
        with self._environment.peek() as transaction:
            value = transaction.get(number_key(block.number), db=self._environment.table(b"bodies"))
            if value is None:
                return None
            pieces = [
                (place, bytes(value[int(ends[place] - block.sizes[place]) : int(ends[place])])) for place in places
            ]
        try:
            return [bytes(unseal(_body_key(block.number, place), piece)) for place, piece in pieces]
        except DamagedError as error:
            raise StoreCorruptError(f"{self.path}: {error}", path=self.path) from error

    def stats(self) -> RingStats:
        """Counted, not estimated; what has expired is counted until it is let go."""
        with self._environment.read() as transaction:
            counters = _Transaction(self._environment, transaction).counters
        return RingStats(items=counters.items, bytes=counters.bytes)

    def mark(self) -> int:
        """The number that somebody left here last."""
        with self._environment.read() as transaction:
            body = _Transaction(self._environment, transaction).required(_KEY_MARK)
        return key_number(body)

    def set_mark(self, mark: int) -> None:
        """Leave a number here; a lower one than is here changes nothing."""

        def change(transaction: "lmdb.Transaction[bytes]") -> None:
            writer = _Transaction(self._environment, transaction)
            if key_number(writer.required(_KEY_MARK)) < mark:
                writer.put(b"meta", _KEY_MARK, number_key(mark))

        self._environment.write(_PAGE_BYTES, change)

    def _check_format(self) -> None:
        with self._environment.read() as transaction:
            found = key_number(_Transaction(self._environment, transaction).required(KEY_FORMAT))
        if found > FORMAT:
            raise DataFormatTooNewError(
                f"{self.path} has format {found}, this version reads up to {FORMAT}",
                path=self.path, format=found, supported=FORMAT,
            )  # fmt: skip


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Counters:
    last: int
    """The highest block number given out."""
    items: int
    bytes: int


class _Transaction:
    """One transaction."""

    def __init__(self, environment: Environment, transaction: "lmdb.Transaction[bytes]") -> None:
        self._environment = environment
        self._transaction = transaction
        self.counters = _Counters(
            **dict(zip(("last", "items", "bytes"), _unpacked(self.required(_KEY_COUNTERS)), strict=True))
        )

    def required(self, key: bytes) -> memoryview:
        value = self._transaction.get(key, db=self._environment.table(b"meta"))
        if value is None:
            raise DamagedError(f"meta has no {key.decode()}")
        return unseal(key, value)

    def put(self, table: bytes, key: bytes, body: bytes | memoryview) -> int:
        """Write a sealed value; returns the bytes that it takes."""
        value = seal(key, body)
        self._transaction.put(key, value, db=self._environment.table(table))
        return _footprint(len(value))

    def add(self, items: Sequence[Item], rows: Counts, vectors: memoryview, written: float, expires: float) -> None:
        number = self.counters.last + 1
        bodies = [seal(_body_key(number, place), one.body) for place, one in enumerate(items)]
        sizes = np.array([len(one) for one in bodies], np.uint32)
        key, joined = number_key(number), b"".join(bodies)
        self._transaction.put(key, joined, db=self._environment.table(b"bodies"))
        taken = self.put(b"rows", key, vectors) + _footprint(len(joined))
        head = _HEAD.pack(written, expires, len(items)) + rows.astype(">u4").tobytes() + sizes.astype(">u4").tobytes()
        taken += self.put(b"heads", key, head)
        self._count(number, len(items), taken)

    def evict(self, now: float, max_bytes: int) -> int:
        gone, heads = 0, self._environment.table(b"heads")
        for _ in range(_MOST_EVICTED):
            cursor = self._transaction.cursor(heads)
            if not cursor.first():
                break
            key, value = cursor.key(), cursor.value()
            block = _block(key, value)
            if block.expires > now and self.counters.bytes <= max_bytes:
                break
            taken = _footprint(len(value)) + _footprint(int(block.sizes.sum()))
            taken += _footprint(4 + 32 * int(block.rows.sum()))
            for table in (b"heads", b"rows", b"bodies"):
                self._transaction.delete(key, db=self._environment.table(table))
            self._count(self.counters.last, -len(block.rows), -taken)
            gone += len(block.rows)
        return gone

    def _count(self, last: int, items: int, taken: int) -> None:
        before = self.counters
        self.counters = _Counters(last=last, items=before.items + items, bytes=before.bytes + taken)
        body = _COUNTERS.pack(self.counters.last, self.counters.items, self.counters.bytes)
        self.put(b"meta", _KEY_COUNTERS, body)


def _write_empty(directory: Path, mark: int) -> None:
    environment = lmdb.open(str(directory), map_size=1 << 20, max_dbs=len(_TABLES), lock=False)
    try:
        with environment.begin(write=True) as transaction:
            tables = {name: environment.open_db(name, txn=transaction) for name in _TABLES}
            for key, body in (
                (KEY_FORMAT, number_key(FORMAT)),
                (_KEY_COUNTERS, _COUNTERS.pack(0, 0, 0)),
                (_KEY_MARK, number_key(mark)),
            ):
                transaction.put(key, seal(key, body), db=tables[b"meta"])
    finally:
        environment.close()


def _block(key: bytes, value: bytes) -> Block:
    body = unseal(key, value)
    if len(body) < _HEAD.size:
        raise DamagedError("the head of a block is cut off")
    written, expires, items = _HEAD.unpack_from(body)
    if len(body) != _HEAD.size + 8 * items:
        raise DamagedError(f"the head of a block of {items} items has {len(body)} bytes")
    numbers = np.frombuffer(body, ">u4", offset=_HEAD.size).astype(np.uint32)
    return Block(
        number=key_number(key), written=written, expires=expires, rows=numbers[:items], sizes=numbers[items:]
    )  # fmt: skip


def _unpacked(body: memoryview) -> tuple[int, ...]:
    if len(body) != _COUNTERS.size:
        raise DamagedError(f"the counters have {len(body)} bytes")
    return _COUNTERS.unpack(body)


def _body_key(number: int, place: int) -> bytes:
    """What the checksum of a body covers besides: that it is this item's."""
    return number_key(number) + number_key(place)


def _footprint(size: int) -> int:
    """Bytes on the disk of a value: a large one has pages of its own, with a header."""
    return size + 64 if size < _PAGE_BYTES // 2 else -(-(size + 16) // _PAGE_BYTES) * _PAGE_BYTES
