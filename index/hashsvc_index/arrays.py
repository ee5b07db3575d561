"""Names for the arrays that go to and fro."""

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.int64]
"""Entry numbers, rows, lists, places."""
Distances = npt.NDArray[np.int32]
"""Hamming distances, bits."""
Words = npt.NDArray[np.uint64]
"""Vectors of 256 bits as four words each, (n, 4)."""
