"""Vectors that lie as those of footage do: shots that drift, far from each other, and copies with some bits flipped."""

import numpy as np

from hashsvc_index.records import Vectors

SHOT = 40
"""Frames of a shot."""
_DRIFT = 0.02
"""Share of bits that change from one frame to the next."""


def video(seed: int, frames: int) -> Vectors:
    """uint8 (frames, 32)."""
    random = np.random.default_rng(seed)
    shots = []
    for first in range(0, frames, SHOT):
        length = min(SHOT, frames - first)
        changed = np.packbits(random.random((length, 256)) < _DRIFT, axis=1)
        shots.append(np.bitwise_xor.accumulate(changed, axis=0) ^ random.integers(0, 256, 32, np.uint8))
    return np.concatenate(shots)


def copy(vectors: Vectors, flipped: float, seed: int = 0) -> Vectors:
    """The vectors with this share of the bits flipped at random."""
    random = np.random.default_rng(seed)
    return vectors ^ np.packbits(random.random((len(vectors), 256)) < flipped, axis=1)
