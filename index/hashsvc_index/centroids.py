"""Centroids: the points that the cold tier's lists gather around, and which of them are near a vector."""

import uuid
from collections.abc import Callable

import faiss
import numpy as np
import numpy.typing as npt

from hashsvc_index.arrays import Distances, Numbers, as_words
from hashsvc_index.compilation import NEAREST
from hashsvc_index.records import VECTOR_BYTES, Vectors

_ITERATIONS = 3
_SAMPLE = 32
"""Sampled vectors for each centroid; more, or more iterations, found no more on real hashes."""
_CHUNK = 1 << 14
_ASSIGNED_AT_ONCE = 1 << 10
"""Vectors between which others may have their turn: some ten milliseconds with nine thousand centroids."""
_SEED = 1


class Centroids:
    """Points in Hamming space, never changed once made. Which is near what is the same in every process."""

    def __init__(self, name: str, vectors: Vectors, rows: int, probes: int) -> None:
        """`vectors` is uint8 (l, 32); `rows` is how many vectors they were chosen for; `probes` how many of the lists
        a search goes through, at most l."""
        self.name = name
        self.vectors = vectors
        self.rows = rows
        self.probes = min(probes, len(vectors))
        self.flat = faiss.IndexBinaryFlat(VECTOR_BYTES * 8)
        self.flat.add(vectors)
        self._tiles: npt.NDArray[np.uint8] | None = None

    def __len__(self) -> int:
        return len(self.vectors)

    def probed(self, queries: Vectors) -> tuple[Numbers, Distances]:
        """The lists to search for each query, int64 (m, probes), nearest first, and how far their centroids are, int32."""
        return self._nearest(queries, self.probes)

    def assigned(self, vectors: Vectors, give_way: Callable[[], None] = lambda: None) -> Numbers:
        """The list that each vector belongs to, int64 (n,). `give_way` is called every few milliseconds and may raise.

        It is the nearest one: through groups of centroids, as FAISS would go through thousands, a third of the vectors
        come to it, and a quarter more rows have to be searched for the same recall.
        """
        lists = np.empty(len(vectors), np.int64)
        for first in range(0, len(vectors), _ASSIGNED_AT_ONCE):
            give_way()
            some = slice(first, first + _ASSIGNED_AT_ONCE)
            lists[some] = self._nearest(vectors[some], 1)[0][:, 0]
        return lists

    def _nearest(self, vectors: Vectors, wanted: int) -> tuple[Numbers, Distances]:
        """Of equally near ones the first."""
        if NEAREST.module is None:
            distances, lists = self.flat.search(vectors, wanted)
            return lists, distances
        if self._tiles is None:
            self._tiles = NEAREST.module.tiles(as_words(self.vectors))
        found: tuple[Numbers, Distances] = NEAREST.module.nearest(self._tiles, len(self), as_words(vectors), wanted)
        return found


def train(sample: Vectors, lists: int, rows: int, probes: int, give_way: Callable[[], None]) -> Centroids:
    """`lists` centroids, or as many as there are vectors in the `sample`, for `rows` vectors that are like it.

    `give_way` is called every few milliseconds and may raise. FAISS's own training takes real-valued k-means: two
    minutes for 4,000 lists, where this takes seconds.
    """
    return Centroids(uuid.uuid4().hex, _refined(sample, min(lists, len(sample)), give_way), rows, probes)


def sample_size(lists: int) -> int:
    """Vectors that `train` should be given."""
    return lists * _SAMPLE


def _refined(sample: Vectors, count: int, give_way: Callable[[], None]) -> Vectors:
    """k-means in Hamming space, where the mean of a cluster is each bit's majority."""
    random = np.random.default_rng(_SEED)
    centroids = sample[random.choice(len(sample), count, replace=False)]
    for _ in range(_ITERATIONS):
        ones, sizes = np.zeros((count, VECTOR_BYTES * 8), np.int32), np.zeros(count, np.int64)
        near = faiss.IndexBinaryFlat(VECTOR_BYTES * 8)
        near.add(centroids)
        for first in range(0, len(sample), _CHUNK):
            give_way()
            piece = sample[first : first + _CHUNK]
            lists = near.search(piece, 1)[1][:, 0]
            order = np.argsort(lists, kind="stable")
            present, begins = np.unique(lists[order], return_index=True)
            ones[present] += np.add.reduceat(np.unpackbits(piece[order], axis=1), begins, axis=0, dtype=np.int32)
            sizes += np.bincount(lists, minlength=count)
        centroids = np.packbits(2 * ones > sizes[:, None], axis=1)
        empty = np.flatnonzero(sizes == 0)
        centroids[empty] = sample[random.choice(len(sample), len(empty), replace=False)]
    return centroids
