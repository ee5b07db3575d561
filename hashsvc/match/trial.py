"""Would an upload be found if a reference had other views? Answered without touching store or index."""

from collections.abc import Sequence

import numpy as np

from hashsvc.bank.model import Interval
from hashsvc.fingerprint.model import Fingerprint
from hashsvc.fingerprint.pdq import hamming
from hashsvc.match import seeds
from hashsvc.match.extend import Finding, find

_BLOCK = 1 << 14
"""Reference hashes compared at once."""


def would_match(
    query: Fingerprint, reference: Fingerprint, gate: int, indexed: int, exclusions: Sequence[Interval] = ()
) -> Finding | None:
    """What `Matcher` would find of `reference` alone in an index of `indexed` hashes; None where that is nothing."""
    picked = seeds.pick(query, gate)
    vectors = reference.hashes[reference.quality >= gate]
    hits: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
    for first in range(0, len(vectors), _BLOCK):
        distances = hamming(picked.hashes[:, None], vectors[None, first : first + _BLOCK])
        row, place = np.nonzero(distances <= seeds.RADIUS)
        hits.append((row, place + first, distances[row, place]))
    if not hits:
        return None
    row, place, distance = (np.concatenate(column) for column in zip(*hits, strict=True))
    order = np.lexsort((distance, row))
    row, place, distance = row[order], place[order], distance[order]
    nearest = np.arange(len(row)) - np.searchsorted(row, row) < seeds.PER_QUERY
    nominated = seeds.nominate(
        picked,
        row[nearest].astype(np.int32),
        np.zeros(int(nearest.sum()), np.int32),
        place[nearest].astype(np.int32),
        distance[nearest].astype(np.int32),
    )
    return find(query, reference, nominated[0], gate, indexed, exclusions) if nominated else None
