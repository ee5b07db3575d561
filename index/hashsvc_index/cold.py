"""Cold slabs: files in which vectors lie by list, searched where they are, through FAISS, a few lists at a time.

In a list they lie by layer, those first that every query is compared with. `index/README.md` gives the bytes.
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
from hashsvc_index.layers import LAYERS
from hashsvc_index.queries import Queries
from hashsvc_index.records import VECTOR_BYTES, Vectors
from hashsvc_index.slabs import Piece

FORMAT = 2
"""Part of the format, do not change; likewise the magic, the header and the alignment."""
_MAGIC = b"HSVCCOLD"
_HEADER = struct.Struct("<8sIIQQQQ16s")
_PAGE = 4096
_ROW_BYTES = 4
_COUNTED_BYTES = 8
MOST_ROWS = 1 << 8 * _ROW_BYTES
"""Rows that can be told apart."""
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
    """Rows of each list in each layer, int64 (l, LAYERS)."""

    @property
    def begins(self) -> Numbers:
        """First place of each list, then the number of places: int64 (l + 1,)."""
        return np.concatenate((np.zeros(1, np.int64), np.cumsum(self.sizes.sum(axis=1))))

    @property
    def ends(self) -> Numbers:
        """Place after each list's layer, int64 (l, LAYERS)."""
        return np.asarray(np.cumsum(self.sizes).reshape(-1, LAYERS))

    @property
    def rows(self) -> int:
        """Number of vectors."""
        return int(self.sizes.sum())

    @property
    def vectors_at(self) -> int:
        """Offset of the first vector."""
        tables = _HEADER.size + 8 * (2 * len(self.numbers) + self.sizes.size)
        return -(-tables // _PAGE) * _PAGE

    @property
    def counted_at(self) -> int:
        """Offset of the numbers from 0 on, int64, as many as the longest list has rows."""
        return self.vectors_at + self.rows * VECTOR_BYTES

    @property
    def counted(self) -> int:
        """How many numbers there are."""
        return int(self.sizes.sum(axis=1).max(initial=0))

    @property
    def rows_at(self) -> int:
        """Offset of the first row number. All of them come after all vectors: few are ever read."""
        return self.counted_at + self.counted * _COUNTED_BYTES

    @property
    def file_bytes(self) -> int:
        """Length of the file."""
        return self.rows_at + self.rows * _ROW_BYTES

    @property
    def capacities(self) -> Numbers:
        """What FAISS is told of each list's capacity, int64 (l,).

        It looks for a list's row numbers, of eight bytes, so many vectors behind the list's first: there are numbers from 0
        on, so that it tells places in the list.
        """
        return np.asarray(self.rows - self.begins[:-1])

    def head(self) -> bytes:
        """All before the vectors."""
        head = _HEADER.pack(
            _MAGIC, FORMAT, VECTOR_BYTES, len(self.numbers), self.rows, len(self.sizes), LAYERS,
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
        magic, version, width, entries, rows, lists, layers, centroids = _HEADER.unpack(head)
        if (magic, version, width, layers) != (_MAGIC, FORMAT, VECTOR_BYTES, LAYERS):
            raise ValueError("the header is not the one expected")
        if os.fstat(file.fileno()).st_size < _HEADER.size + 8 * (2 * entries + LAYERS * lists):
            raise ValueError("the file is cut off")
        table = np.frombuffer(file.read(8 * (2 * entries + LAYERS * lists)), "<i8").astype(np.int64)
        numbers, counts, sizes = np.split(table, [entries, 2 * entries])
        layout = cls(centroids=centroids.hex(), numbers=numbers, counts=counts, sizes=sizes.reshape(-1, LAYERS))
        if (counts < 1).any() or (sizes < 0).any() or int(counts.sum()) != rows:
            raise ValueError("an entry or a list has an impossible number of rows")
        if layout.rows != rows:
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
        self._begins, self._ends = layout.begins, layout.ends
        self._lists = _mapped(layout, path)
        self._index = faiss.IndexBinaryIVF(centroids.flat, VECTOR_BYTES * 8, len(centroids))
        self._index.replace_invlists(self._lists, False)
        self._index.nprobe = 1  # one list after the other, see `_met`
        self._index.ntotal = self.rows
        self.content = faiss.rev_swig_ptr(self._lists.ptr, layout.file_bytes)
        """The file, uint8 (bytes,), read-only; valid as long as the slab."""
        self._vectors = self.content[layout.vectors_at : layout.counted_at].reshape(-1, VECTOR_BYTES)
        self._words = self._vectors.view(np.uint64)
        self._rows = self.content[layout.rows_at :].view("<u4")

    @property
    def met(self) -> int:
        """See `Slab.met`."""
        return self.rows * self.centroids.probes // len(self.centroids)

    def near(self, queries: Queries, radius: int) -> Iterator[tuple[Numbers, Numbers, Distances]]:
        """See `Slab.near`; those in the lists searched, and there in the layers that a query reaches."""
        lists, distances = queries.probed(self.centroids)
        if SCAN.module is not None:
            query, place, found = SCAN.module.near(
                self._words, self._begins, self._ends, lists, queries.reach, queries.words, radius
            )
        else:
            query, place, found = self._met(queries, radius, lists, distances)
        if len(query):
            yield query, self._rows[place].astype(np.int64), found

    def _met(
        self, queries: Queries, radius: int, lists: Numbers, distances: Distances
    ) -> tuple[Numbers, Numbers, Distances]:
        """Query, place and distance of what FAISS finds, which goes through each list to its end."""
        every, parts = np.arange(len(queries)), []
        for turn in range(lists.shape[1]):
            first, ends = self._begins[lists[:, turn]], self._ends[lists[:, turn], queries.reach]
            # FAISS returns what is nearer than its radius, not what is on it.
            limits, near, places = self._index.range_search_preassigned(
                queries.vectors, radius + 1, lists[:, turn : turn + 1], distances[:, turn : turn + 1]
            )
            query = np.repeat(every, np.diff(limits.astype(np.int64)))
            place = first[query] + places
            reached = place < ends[query]
            parts.append((query[reached], place[reached], near[reached].astype(np.int32)))
        query, place, found = map(np.concatenate, zip(*parts, strict=True))
        order = np.argsort(query, kind="stable")
        return query[order], place[order], found[order]

    def pieces(self) -> Iterator[Piece]:
        """See `Slab.pieces`; list by list."""
        for piece, _ in self.listed():
            yield piece

    def listed(self) -> Iterator[tuple[Piece, Numbers]]:
        """`pieces`, and the list of each of a piece's rows, int64 (n,)."""
        for first in range(0, self.rows, _CHUNK):
            rows = self._rows[first : first + _CHUNK].astype(np.int64)
            lists = np.searchsorted(self._begins, np.arange(first, first + len(rows)), side="right") - 1
            yield Piece(rows, self._vectors[first : first + _CHUNK]), lists

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
    table[:, 0] = np.diff(layout.begins)
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
