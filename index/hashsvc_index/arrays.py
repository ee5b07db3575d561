"""Names for the arrays that go to and fro."""

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.int64]
"""Entry numbers, rows, lists, places."""
Distances = npt.NDArray[np.int32]
"""Hamming distances, bits."""
Words = npt.NDArray[np.uint64]
"""Vectors of 256 bits as four words each, (n, 4)."""


def as_words(vectors: npt.NDArray[np.uint8]) -> Words:
    """Vectors, uint8 (..., 32), as words, uint64 (..., 4), contiguous and where words may lie; a copy only where they do not."""
    words: Words = np.ascontiguousarray(vectors).view(np.uint64)
    return words if words.flags.aligned else words.copy()
