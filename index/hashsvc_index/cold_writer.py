"""Writing a cold slab: the rows of some slabs, sorted into lists and layers, in a file of a size known beforehand."""

import os
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from hashsvc_index.arrays import Numbers
from hashsvc_index.centroids import Centroids
from hashsvc_index.cold import MOST_ROWS, ColdSlab, Layout
from hashsvc_index.layers import LAYERS, LayersOf, layers_of_rows
from hashsvc_index.records import VECTOR_BYTES, Vectors
from hashsvc_index.slabs import Piece, Slab

_CRC_BYTES = 1 << 20


class ColdWriter:
    """Goes twice through the rows: to find each one's place, and to put it there. Holds four bytes a row meanwhile."""

    def __init__(
        self,
        centroids: Centroids,
        slabs: Sequence[Slab],
        withdrawn: Numbers,
        layers_of: LayersOf,
        give_way: Callable[[], None],
    ) -> None:
        """Takes the rows of `slabs` but for the entries in `withdrawn`.

        `give_way` is called every few milliseconds and may raise, which leaves a file that is of no use.
        """
        self._layers_of = layers_of
        self._centroids = centroids
        self._slabs = slabs
        self._give_way = give_way
        self._kept = [~np.isin(slab.numbers, withdrawn) for slab in slabs]
        self._cells: list[np.ndarray[tuple[int], np.dtype[np.int32]]] = []
        """List x LAYERS + layer of each kept row, piece by piece."""

    def write(self, path: Path) -> tuple[Layout, int] | None:
        """Write the file and sync it; its layout and CRC-32, or None, and no file, if no row is left.

        Raises OSError, ValueError for more than MOST_ROWS rows.
        """
        layout = self._assign()
        if not layout.rows:
            return None
        if layout.rows > MOST_ROWS:
            raise ValueError(f"{layout.rows} vectors are more than fit one slab")
        with path.open("w+b") as file:
            # A hole that the disk has no room for would kill the process that writes to it through memory.
            os.posix_fallocate(file.fileno(), 0, layout.file_bytes)
            file.write(layout.head())
            file.flush()
            self._place(np.memmap(file, np.uint8, "r+"), layout)
            os.fsync(file.fileno())
        return layout, crc_of(path, self._give_way)

    def _assign(self) -> Layout:
        sizes = np.zeros(len(self._centroids) * LAYERS, np.int64)
        for slab, kept in zip(self._slabs, self._kept, strict=True):
            layers = layers_of_rows(slab.numbers, slab.starts, self._layers_of, self._give_way)
            for piece, lists in self._listed(slab):
                self._give_way()
                held = kept[_entries(slab, piece)]
                cells = (lists[held] * LAYERS + layers[piece.rows[held]]).astype(np.int32)
                sizes += np.bincount(cells, minlength=len(sizes))
                self._cells.append(cells)
        pairs = list(zip(self._slabs, self._kept, strict=True))
        return Layout(
            centroids=self._centroids.name,
            numbers=np.concatenate([slab.numbers[kept] for slab, kept in pairs]),
            counts=np.concatenate([np.diff(slab.starts)[kept] for slab, kept in pairs]),
            sizes=sizes.reshape(-1, LAYERS),
        )

    def _listed(self, slab: Slab) -> Iterator[tuple[Piece, Numbers]]:
        if isinstance(slab, ColdSlab) and slab.centroids is self._centroids:
            yield from slab.listed()
        else:
            for piece in slab.pieces():
                yield piece, self._centroids.assigned(piece.vectors, self._give_way)

    def _place(self, content: Vectors, layout: Layout) -> None:
        vectors = content[layout.vectors_at : layout.counted_at].reshape(-1, VECTOR_BYTES)
        rows = content[layout.rows_at :].view("<u4")
        content[layout.counted_at : layout.rows_at].view("<i8")[:] = np.arange(layout.counted)
        free = np.cumsum(layout.sizes) - layout.sizes.ravel()
        """The next free place of each cell."""
        for piece, cells in zip(self._kept_pieces(), self._cells, strict=True):
            self._give_way()
            order = np.argsort(cells, kind="stable")
            ordered = cells[order]
            places = free[ordered] + np.arange(len(ordered)) - np.searchsorted(ordered, ordered, side="left")
            vectors[places] = piece.vectors[order]
            rows[places] = piece.rows[order]
            free += np.bincount(cells, minlength=len(free))

    def _kept_pieces(self) -> Iterator[Piece]:
        """The pieces as `_assign` saw them, without what was withdrawn, the rows numbered as in the new slab."""
        first = 0
        for slab, kept in zip(self._slabs, self._kept, strict=True):
            counts = np.where(kept, np.diff(slab.starts), 0)
            begins = first + np.cumsum(counts) - counts
            for piece in slab.pieces():
                entries = _entries(slab, piece)
                held = kept[entries]
                moved = (begins - slab.starts[:-1])[entries] + piece.rows
                yield Piece(moved[held], piece.vectors[held])
            first += int(counts.sum())


def crc_of(path: Path, give_way: Callable[[], None] = lambda: None) -> int:
    """CRC-32 of a file. It is read, not mapped, so that it does not count as this process's memory. Raises OSError."""
    crc = 0
    with path.open("rb", 0) as file:
        while piece := file.read(_CRC_BYTES):
            give_way()
            crc = zlib.crc32(piece, crc)
    return crc


def _entries(slab: Slab, piece: Piece) -> Numbers:
    """Which of the slab's entries each row is of: index into `numbers`."""
    return np.asarray(np.searchsorted(slab.starts, piece.rows, side="right") - 1)
