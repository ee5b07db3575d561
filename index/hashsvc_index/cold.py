"""Cold slabs: files in which vectors lie by list, searched where they are, through FAISS, a few lists at a time.

`index/README.md` gives the bytes.
"""

import dataclasses
import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import faiss
import numpy as np

from hashsvc_index.arrays import Distances, Numbers
from hashsvc_index.centroids import Centroids
from hashsvc_index.compilation import SCAN
from hashsvc_index.queries import Queries
from hashsvc_index.records import VECTOR_BYTES, Vectors
from hashsvc_index.slabs import Piece

FORMAT = 1
"""Part of the format, do not change; likewise the magic, the header and the alignments."""
_MAGIC = b"HSVCCOLD"
_HEADER = struct.Struct("<8sIIQQQQ16s")
_PAGE = 4096
_ALIGNED = 4
"""Places that a list's beginning is a multiple of, see `Layout.capacities`."""
_ROW_BYTES = 8
_CHUNK = 1 << 15
_GATHERED = 1 << 21
"""Rows put in order at once by `contents`: 64 MiB."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Layout:
    """Where things are in a cold slab's file."""

    centroids: str
    """Name of the centroids, 32 hex digits."""
    numbers: Numbers
    """Entry numbers, int64 (e,)."""
    counts: Numbers
    """Rows of each entry, int64 (e,)."""
    sizes: Numbers
    """Rows of each list, int64 (l,)."""

    @property
    def begins(self) -> Numbers:
        """First place of each list, then the number of places: int64 (l + 1,)."""
        padded = -(-self.sizes // _ALIGNED) * _ALIGNED
        return np.concatenate((np.zeros(1, np.int64), np.cumsum(padded)))

    @property
    def rows(self) -> int:
        """Number of vectors."""
        return int(self.sizes.sum())

    @property
    def vectors_at(self) -> int:
        """Offset of the first vector."""
        tables = _HEADER.size + 8 * (2 * len(self.numbers) + len(self.sizes))
        return -(-tables // _PAGE) * _PAGE

    @property
    def rows_at(self) -> int:
        """Offset of the first row number."""
        return self.vectors_at + int(self.begins[-1]) * VECTOR_BYTES

    @property
    def file_bytes(self) -> int:
        """Length of the file."""
        return self.rows_at + int(self.begins[-1]) * _ROW_BYTES

    @property
    def capacities(self) -> Numbers:
        """What FAISS is told of each list's capacity, int64 (l,).

        It looks for a list's row numbers so many vectors behind the list's first. All vectors come first in the file
        and all row numbers then, so that the numbers, of which few are ever read, do not lie between the vectors: the
        capacity is what leads there, a whole number since lists begin at multiples of four places.
        """
        begins = self.begins
        behind = int(begins[-1]) * VECTOR_BYTES + begins[:-1] * (_ROW_BYTES - VECTOR_BYTES)
        return np.asarray(behind // VECTOR_BYTES)

    def head(self) -> bytes:
        """All before the vectors."""
        head = _HEADER.pack(
            _MAGIC, FORMAT, VECTOR_BYTES, len(self.numbers), self.rows, len(self.sizes), int(self.begins[-1]),
            bytes.fromhex(self.centroids),
        )  # fmt: skip
        tables = (table.astype("<i8").tobytes() for table in (self.numbers, self.counts, self.sizes))
        return b"".join((head, *tables)).ljust(self.vectors_at, b"\0")

    @classmethod
    def read(cls, file: BinaryIO) -> "Layout":
        """Raises ValueError for what is not the beginning of a cold slab's file."""
        head = file.read(_HEADER.size)
        if len(head) != _HEADER.size:
            raise ValueError("the file is cut off")
        magic, version, width, entries, rows, lists, places, centroids = _HEADER.unpack(head)
        if (magic, version, width) != (_MAGIC, FORMAT, VECTOR_BYTES):
            raise ValueError("the header is not the one expected")
        if os.fstat(file.fileno()).st_size < _HEADER.size + 8 * (2 * entries + lists):
            raise ValueError("the file is cut off")
        table = np.frombuffer(file.read(8 * (2 * entries + lists)), "<i8").astype(np.int64)
        numbers, counts, sizes = np.split(table, [entries, 2 * entries])
        layout = cls(centroids=centroids.hex(), numbers=numbers, counts=counts, sizes=sizes)
        if (counts < 1).any() or (sizes < 0).any() or int(counts.sum()) != rows:
            raise ValueError("an entry or a list has an impossible number of rows")
        if (layout.rows, int(layout.begins[-1])) != (rows, places):
            raise ValueError("the lists do not have the rows that the header says")
        return layout


class ColdSlab:
    """A slab on disk, mapped into memory; a search goes through the lists whose centroids are nearest to the query.

    FAISS holds the only mapping: another would count the same pages twice as resident.
    """

    def __init__(self, name: str, centroids: Centroids, layout: Layout, path: Path, crc32: int) -> None:
        """`path` is the whole file with this layout and CRC-32; it may be removed afterwards.

        Raises ValueError, OSError where there is no such file.
        """
        if layout.centroids != centroids.name or len(layout.sizes) != len(centroids):
            raise ValueError("it belongs to other centroids")
        if path.stat().st_size != layout.file_bytes:
            raise ValueError("the file is cut off or too long")
        self.name = name
        self.centroids = centroids
        self.crc32 = crc32
        self.numbers = layout.numbers
        self.starts = np.concatenate((np.zeros(1, np.int64), np.cumsum(layout.counts)))
        self.rows = layout.rows
        self._begins, self._sizes = layout.begins, layout.sizes
        self._lists = _mapped(layout, path)
        self._index = faiss.IndexBinaryIVF(centroids.flat, VECTOR_BYTES * 8, len(centroids))
        self._index.replace_invlists(self._lists, False)
        self._index.nprobe = centroids.probes
        self._index.ntotal = self.rows
        self.content = faiss.rev_swig_ptr(self._lists.ptr, layout.file_bytes)
        """The file, uint8 (bytes,), read-only; valid as long as the slab."""
        self._vectors = self.content[layout.vectors_at : layout.rows_at].reshape(-1, VECTOR_BYTES)
        self._words = self._vectors.view(np.uint64)
        self._rows = self.content[layout.rows_at :].view("<i8")

    @property
    def met(self) -> int:
        """See `Slab.met`."""
        return self.rows * self.centroids.probes // len(self.centroids)

    def near(self, queries: Queries, radius: int) -> Iterator[tuple[Numbers, Numbers, Distances]]:
        """See `Slab.near`; those in the lists searched."""
        lists, distances = queries.probed(self.centroids)
        if SCAN.module is not None:
            query, place, found = SCAN.module.near(self._words, self._begins, self._sizes, lists, queries.words, radius)
            if len(query):
                yield query, self._rows[place], found
            return
        # FAISS returns what is nearer than its radius, not what is on it.
        limits, distances, rows = self._index.range_search_preassigned(queries.vectors, radius + 1, lists, distances)
        if len(rows):
            query = np.repeat(np.arange(len(queries)), np.diff(limits.astype(np.int64)))
            yield query, rows, distances.astype(np.int32)

    def pieces(self) -> Iterator[Piece]:
        """See `Slab.pieces`; list by list."""
        for piece, _ in self.listed():
            yield piece

    def listed(self) -> Iterator[tuple[Piece, Numbers]]:
        """`pieces`, and the list of each of a piece's rows, int64 (n,)."""
        for first in range(0, len(self._rows), _CHUNK):
            rows = self._rows[first : first + _CHUNK]
            held = rows >= 0
            lists = np.searchsorted(self._begins[:-1], first + np.flatnonzero(held), side="right") - 1
            yield Piece(rows[held], self._vectors[first : first + _CHUNK][held]), lists

    def contents(self) -> Iterator[tuple[int, Vectors]]:
        """See `Slab.contents`; it goes through the whole slab for every two million rows."""
        group = 0
        while group < len(self.numbers):
            first = int(self.starts[group])
            after = max(group + 1, int(np.searchsorted(self.starts, first + _GATHERED, side="right")) - 1)
            gathered = np.empty((int(self.starts[after]) - first, VECTOR_BYTES), np.uint8)
            for rows, vectors in self.pieces():
                inside = (rows >= first) & (rows < first + len(gathered))
                gathered[rows[inside] - first] = vectors[inside]
            for place in range(group, after):
                yield int(self.numbers[place]), gathered[self.starts[place] - first : self.starts[place + 1] - first]
            group = after


def _mapped(layout: Layout, path: Path) -> faiss.OnDiskInvertedLists:
    """FAISS's view of the file."""
    table = np.empty((len(layout.sizes), 3), np.uint64)
    table[:, 0] = layout.sizes
    table[:, 1] = layout.capacities
    table[:, 2] = layout.vectors_at + layout.begins[:-1] * VECTOR_BYTES
    lists = faiss.OnDiskInvertedLists()
    lists.nlist, lists.code_size, lists.read_only = len(layout.sizes), VECTOR_BYTES, True
    lists.filename, lists.totsize = str(path), layout.file_bytes
    # A list is three size_t: rows, capacity, offset of its first vector. FAISS's stubs take the vector for a Python list.
    described: Any = lists.lists
    described.resize(len(table))
    faiss.memcpy(described.data(), faiss.swig_ptr(table), table.nbytes)
    try:
        lists.do_mmap()
    except RuntimeError as error:
        raise OSError(f"{path} cannot be mapped: {error}") from error
    return lists
