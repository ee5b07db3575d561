"""Comparing binary hashes."""

import numpy as np
import numpy.typing as npt

from benchmarks.robustness.metrics import NOTHING
from benchmarks.robustness.peers.protocol import Hashes


def distances(query: Hashes, reference: Hashes) -> npt.NDArray[np.int64]:
    """Bits in which each hash of the one differs from each of the other, (n, m)."""
    differing = np.bitwise_count(query[:, None, :] ^ reference[None, :, :])
    counted: npt.NDArray[np.int64] = differing.sum(axis=2, dtype=np.int64)
    return counted


def share_within(query: Hashes, reference: Hashes, distance: int) -> float:
    """Share of the query's hashes that have one of the reference's within `distance` bits, 0-1; NOTHING for none."""
    if not len(query) or not len(reference):
        return NOTHING
    return float((distances(query, reference).min(axis=1) <= distance).mean()) or NOTHING
