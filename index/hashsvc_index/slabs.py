"""Slabs: the immutable pieces that a search goes through."""

import uuid
from collections.abc import Iterator
from typing import Any, NamedTuple, Protocol

import faiss
import numpy as np

from hashsvc_index.arrays import Distances, Numbers, Words
from hashsvc_index.compilation import SCAN
from hashsvc_index.layers import LAYERS, Layers, LayersOf, layers_of_rows, no_layers
from hashsvc_index.queries import Queries
from hashsvc_index.records import VECTOR_BYTES, Vectors

BLOCK_ROWS = 1 << 15
"""Rows of one FAISS index: 1 MiB, which stays in a core's cache while every query passes over it. It also bounds what
one search call can return, however wide the radius."""
_TILE_ROWS = 1 << 12
"""Rows that several queries are compared with before the next ones are: 128 KiB, a share of a core's cache."""
_LAYERED_ROWS = BLOCK_ROWS
"""Rows of a slab that lie by layer as well, which takes as much memory again: no more than the hot tier has for long."""


class Piece(NamedTuple):
    """Some rows of a slab."""

    rows: Numbers
    """int64 (n,)."""
    vectors: Vectors
    """uint8 (n, 32)."""


class Slab(Protocol):
    """Vectors of whole entries; row r belongs to the entry whose `starts` is the last one at or below r."""

    @property
    def name(self) -> str:
        """32 hex digits, unique to the content."""

    @property
    def numbers(self) -> Numbers:
        """Entry numbers, int64 (entries,), each once; no entry has 0 rows."""

    @property
    def starts(self) -> Numbers:
        """First row of each entry, then the number of rows: int64 (entries + 1,)."""

    @property
    def rows(self) -> int:
        """Number of vectors."""

    @property
    def met(self) -> int:
        """Vectors that each query is compared with, about."""

    def near(self, queries: Queries, radius: int) -> Iterator[tuple[Numbers, Numbers, Distances]]:
        """(query, row, distance) of vectors within `radius` bits, the border included, piece by piece."""

    def pieces(self) -> Iterator[Piece]:
        """Every row once, in an order of the slab's own, the same each time."""

    def contents(self) -> Iterator[tuple[int, Vectors]]:
        """(entry number, its vectors in order) of every entry, withdrawn or not, in the order of `numbers`."""


class FlatSlab:
    """A slab searched exactly, row by row, with FAISS's IndexBinaryFlat; 32 bytes a vector, 73 of a small one with layers."""

    def __init__(
        self,
        name: str,
        numbers: Numbers,
        counts: Numbers,
        blocks: tuple[faiss.IndexBinaryFlat, ...],
        layers_of: LayersOf = no_layers,
    ) -> None:
        """`layers_of` is asked here, and only for a slab of _LAYERED_ROWS or less: of a larger one, which is soon to be cold,
        every query meets all rows."""
        self.name = name
        self.numbers = numbers
        self.starts = np.concatenate((np.zeros(1, np.int64), np.cumsum(counts, dtype=np.int64)))
        self.rows = int(self.starts[-1])
        self._blocks = blocks
        self._layered = None
        if self.rows <= _LAYERED_ROWS:
            layers = layers_of_rows(numbers, self.starts, layers_of)
            self._layered = _Layered(blocks[0], layers) if layers.any() else None

    @property
    def met(self) -> int:
        """See `Slab.met`."""
        return self.rows

    def near(self, queries: Queries, radius: int) -> Iterator[tuple[Numbers, Numbers, Distances]]:
        """See `Slab.near`; all of them that are in layers that a query reaches."""
        if self._layered is not None and SCAN.module is not None:
            yield from self._layered.near(queries, radius)
            return
        everyone = np.arange(len(queries))
        for number, block in enumerate(self._blocks):
            if SCAN.module is not None:
                begins, ends, lists = _tiles(block.ntotal, len(queries))
                query, row, found = SCAN.module.near(
                    _words(block), begins, ends, lists, queries.reach, queries.words, radius
                )
                if len(query):
                    yield query, row + number * BLOCK_ROWS, found
                continue
            # FAISS returns what is nearer than its radius, not what is on it.
            limits, distances, rows = block.range_search(queries.vectors, radius + 1)
            if len(rows):
                query, row = np.repeat(everyone, np.diff(limits.astype(np.int64))), rows.astype(np.int64)
                if self._layered is not None:
                    reached = self._layered.layers[row] <= queries.reach[query]
                    query, row, distances = query[reached], row[reached], distances[reached]
                yield query, row + number * BLOCK_ROWS, distances.astype(np.int32)

    def pieces(self) -> Iterator[Piece]:
        """See `Slab.pieces`; the rows in order."""
        first = 0
        for block in self._blocks:
            yield Piece(np.arange(first, first + block.ntotal), block.reconstruct_n(0, block.ntotal))
            first += block.ntotal

    def contents(self) -> Iterator[tuple[int, Vectors]]:
        """See `Slab.contents`."""
        for number, first, last in zip(
            self.numbers.tolist(), self.starts[:-1].tolist(), self.starts[1:].tolist(), strict=True
        ):
            yield number, self.read(first, last)

    def read(self, first: int, last: int) -> Vectors:
        """Rows `first` to `last` - 1, uint8 (last - first, 32)."""
        found = [np.zeros((0, VECTOR_BYTES), np.uint8)]
        for number in range(first // BLOCK_ROWS, -(-last // BLOCK_ROWS)):
            low, high = max(first - number * BLOCK_ROWS, 0), min(last - number * BLOCK_ROWS, BLOCK_ROWS)
            found.append(self._blocks[number].reconstruct_n(low, high - low))
        return np.concatenate(found)


class _Layered:
    """A block's rows once more, those of each tile by layer, so that a query stops where it does not reach any deeper."""

    def __init__(self, block: faiss.IndexBinaryFlat, layers: Layers) -> None:
        """`layers` is uint8 (n,), the layer of each of the block's n rows."""
        self.layers = layers
        tiles = np.arange(len(layers)) // _TILE_ROWS
        self._rows = np.lexsort((layers, tiles))
        self._words: Words = _words(block)[self._rows]
        self._begins = np.arange(0, len(layers), _TILE_ROWS)
        sizes = np.bincount(tiles * LAYERS + layers, minlength=len(self._begins) * LAYERS)
        self._ends = np.cumsum(sizes).reshape(-1, LAYERS)

    def near(self, queries: Queries, radius: int) -> Iterator[tuple[Numbers, Numbers, Distances]]:
        """See `Slab.near`; compiled only. The rows of each query in ascending order."""
        query, place, found = SCAN.module.near(
            self._words,
            self._begins,
            self._ends,
            _all_tiles(len(self._begins), len(queries)),
            queries.reach,
            queries.words,
            radius,
        )
        if len(query):
            row = self._rows[place]
            order = np.lexsort((row, query))
            yield query[order], row[order], found[order]


def _words(block: faiss.IndexBinaryFlat) -> Words:
    """The rows that FAISS holds, valid as long as the block."""
    held: Any = block  # FAISS's stubs leave out where the rows are.
    words: Words = faiss.rev_swig_ptr(held.xb.data(), block.ntotal * VECTOR_BYTES).view(np.uint64)
    return words.reshape(-1, VECTOR_BYTES // 8)


def _tiles(rows: int, queries: int) -> tuple[Numbers, Numbers, Numbers]:
    """So many rows as lists of one layer: their first rows, where each ends, and that every query meets all of them."""
    begins = np.arange(0, rows, _TILE_ROWS)
    return begins, np.minimum(begins + _TILE_ROWS, rows)[:, None], _all_tiles(len(begins), queries)


def _all_tiles(tiles: int, queries: int) -> Numbers:
    """That each query meets every tile, int64 (queries, tiles)."""
    return np.arange(tiles)[None].repeat(queries, axis=0)


class SlabBuilder:
    """Collects entries and their rows into a FlatSlab; every block but the last is full."""

    def __init__(self, layers_of: LayersOf = no_layers) -> None:
        self._layers_of = layers_of
        self._numbers: list[Numbers] = []
        self._counts: list[Numbers] = []
        self._blocks: list[faiss.IndexBinaryFlat] = []
        # A block is filled here first: FAISS would grow its own copy by doubling.
        self._rows = np.empty((BLOCK_ROWS, VECTOR_BYTES), np.uint8)
        self._filled = 0
        self.rows = 0

    def add(self, number: int, vectors: Vectors) -> None:
        """One entry with its rows; an entry without rows is passed over."""
        if len(vectors):
            self.add_entries(np.array([number], np.int64), np.array([len(vectors)], np.int64))
            self.add_rows(vectors)

    def add_entries(self, numbers: Numbers, counts: Numbers) -> None:
        """Entries whose rows come, in the same order, through `add_rows`."""
        self._numbers.append(numbers)
        self._counts.append(counts)

    def add_rows(self, rows: Vectors) -> None:
        """The next rows, uint8 (n, 32)."""
        done = 0
        while done < len(rows):
            taken = min(len(rows) - done, BLOCK_ROWS - self._filled)
            self._rows[self._filled : self._filled + taken] = rows[done : done + taken]
            self._filled += taken
            done += taken
            if self._filled == BLOCK_ROWS:
                self._end_block()
        self.rows += len(rows)

    def finish(self, name: str = "") -> FlatSlab | None:
        """The slab, or None if nothing was added. Without a `name` it gets a new one."""
        if self._filled:
            self._end_block()
        if not self.rows:
            return None
        numbers, counts = np.concatenate(self._numbers), np.concatenate(self._counts)
        if int(counts.sum()) != self.rows:
            raise ValueError(f"{self.rows} rows for entries that have {int(counts.sum())}")
        return FlatSlab(name or uuid.uuid4().hex, numbers, counts, tuple(self._blocks), self._layers_of)

    def _end_block(self) -> None:
        block = faiss.IndexBinaryFlat(VECTOR_BYTES * 8)
        block.add(self._rows[: self._filled])
        self._blocks.append(block)
        self._filled = 0
