"""The queries of one pass over a snapshot, and what its slabs would otherwise each find out about them."""

import numpy as np

from hashsvc_index.arrays import Distances, Numbers, Words, as_words
from hashsvc_index.centroids import Centroids
from hashsvc_index.compilation import NEAREST
from hashsvc_index.layers import LAYERS, Layers
from hashsvc_index.records import Vectors

_ALIKE = 24
"""Bits in which queries may differ that go through the same lists, those that are nearest to the first of them. Frames of one
shot are so near to each other, and what is near to one is as near, give or take so much, to the others."""


class Queries:
    """Used by one thread."""

    def __init__(self, vectors: Vectors, reach: Layers) -> None:
        """`vectors` is uint8 (m, 32), `reach` uint8 (m,)."""
        self.vectors: Vectors = np.ascontiguousarray(vectors)
        """uint8 (m, 32), contiguous."""
        self.words: Words = as_words(self.vectors)
        """The same, uint64 (m, 4)."""
        self.reach: Layers = np.minimum(reach, LAYERS - 1)
        """The deepest layer that each is compared with, uint8 (m,)."""
        self._probed: dict[str, tuple[Numbers, Distances]] = {}

    def __len__(self) -> int:
        return len(self.vectors)

    def probed(self, centroids: Centroids) -> tuple[Numbers, Distances]:
        """`Centroids.probed`, found once for all slabs that share the centroids, and for queries that are alike."""
        if centroids.name not in self._probed:
            leading, followed = self._leaders()
            lists, distances = centroids.probed(self.vectors[leading])
            self._probed[centroids.name] = lists[followed], distances[followed]
        return self._probed[centroids.name]

    def _leaders(self) -> tuple[Numbers, Numbers]:
        """As `nearest.leaders`: those that follow none, and the place among them of the one that each query follows."""
        if NEAREST.module is not None:
            found: tuple[Numbers, Numbers] = NEAREST.module.leaders(self.words, _ALIKE)
            return found
        alike = np.bitwise_count(self.words[:, None] ^ self.words).sum(axis=2) <= _ALIKE
        leaders = np.arange(len(self))
        for query in range(len(self)):
            leads = alike[query, :query] & (leaders[:query] == np.arange(query))
            leaders[query] = np.flatnonzero(leads)[0] if leads.any() else query
        return np.unique(leaders, return_inverse=True)
