"""The queries of one pass over a snapshot, and what its slabs would otherwise each find out about them."""

import numpy as np

from hashsvc_index.arrays import Distances, Numbers, Words, as_words
from hashsvc_index.centroids import Centroids
from hashsvc_index.records import Vectors


class Queries:
    """Used by one thread."""

    def __init__(self, vectors: Vectors) -> None:
        """`vectors` is uint8 (m, 32)."""
        self.vectors: Vectors = np.ascontiguousarray(vectors)
        """uint8 (m, 32), contiguous."""
        self.words: Words = as_words(self.vectors)
        """The same, uint64 (m, 4)."""
        self._probed: dict[str, tuple[Numbers, Distances]] = {}

    def __len__(self) -> int:
        return len(self.vectors)

    def probed(self, centroids: Centroids) -> tuple[Numbers, Distances]:
        """`Centroids.probed`, found once for all slabs that share the centroids."""
        if centroids.name not in self._probed:
            self._probed[centroids.name] = centroids.probed(self.vectors)
        return self._probed[centroids.name]
