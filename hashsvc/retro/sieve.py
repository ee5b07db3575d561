"""Which of many uploads are worth comparing with a reference: a few hashes stand for all of it.

A million uploads have some eighty million seeding hashes, and a minute of reference twelve thousand; comparing all pairs is out of
the question. A few hundred representatives, and at first one scout in four hashes, lose little, since an upload that shows
the reference comes near it in many frames.
"""

import faiss
import numpy as np
import numpy.typing as npt

from hashsvc.fingerprint.model import HASH_BYTES, Fingerprint
from hashsvc.match.score import SURPRISE
from hashsvc_index.arrays import as_words
from hashsvc_index.compilation import Compiled
from hashsvc_index.records import Vectors

COMPILED = Compiled("hashsvc.retro.compiled")
"""The looks at many uploads, once they are compiled."""

_MOST = 640
"""Representatives."""
_CONSIDERED = 12_000
"""Hashes of a long reference that representatives are chosen from, evenly spread."""
_REACH = 56
"""Hamming distance within which a representative stands for another hash of the reference."""
_WEIGHTS = {"full": 4, "mirror": 2, "centre-92": 2, "centre-84": 2, "top-72": 2, "bottom-72": 2}
"""How much a hash counts by its view; one of another view counts 1."""
_SCOUTED = 80
"""Hamming distance within which one scout is enough for a closer look."""
_RADIUS = 76
"""Hamming distance within which a hash of an upload speaks for the reference,"""
_WORTH = 8.0
"""and so much -log10 P all of them must come to: two hashes at least."""
NEAR = 84
"""Hamming distance from a representative within which a hash may be near something that it stands for."""
FAR = 256
"""Of what is near nothing."""

Counts = npt.NDArray[np.integer]
Mask = npt.NDArray[np.bool_]


class Sieve:
    """The representatives of one reference."""

    def __init__(self, reference: Fingerprint, gate: int) -> None:
        chosen = representatives(reference, gate)
        self._words = np.ascontiguousarray(as_words(chosen).T)
        self._index = faiss.IndexBinaryFlat(HASH_BYTES * 8)
        self._index.add(chosen)

    def scouted(self, rows: Vectors, counts: Counts) -> npt.NDArray[np.intp]:
        """Places of the uploads worth a closer look; `rows` are the scouts of all, `counts` how many each one has."""
        return np.unique(_owners(counts)[self._nearest(rows, _SCOUTED) <= _SCOUTED])

    def passing(self, rows: Vectors, counts: Counts) -> tuple[npt.NDArray[np.intp], Mask]:
        """Places of the uploads worth a comparison, and which of `rows`, their seeding hashes, are NEAR, (n,)."""
        nearest = self._nearest(rows, NEAR)
        gains = np.where(nearest <= _RADIUS, SURPRISE[nearest], 0)
        worth = np.bincount(_owners(counts), gains, minlength=len(counts))
        return np.flatnonzero(worth >= _WORTH), nearest <= NEAR

    def _nearest(self, rows: Vectors, radius: int) -> npt.NDArray[np.int32]:
        """Distance of each row from the nearest representative, int32 (n,); FAR beyond the radius."""
        if COMPILED.module is not None:
            found: npt.NDArray[np.int32] = COMPILED.module.nearest(as_words(rows), self._words, radius)
            return found
        limits, distances, _ = self._index.range_search(rows, radius + 1)
        hit = np.flatnonzero(np.diff(limits.astype(np.int64)))
        nearest = np.full(len(rows), FAR, np.int32)
        if len(hit):
            nearest[hit] = np.minimum.reduceat(distances, limits[:-1][hit].astype(np.intp))
        return nearest


def _owners(counts: Counts) -> npt.NDArray[np.intp]:
    """The upload of each row."""
    return np.repeat(np.arange(len(counts)), counts)


def representatives(reference: Fingerprint, gate: int) -> Vectors:
    """At most _MOST hashes, uint8 (n, 32): each next one is near the most hashes that none before is near.

    What uploads show most often counts more; among equals chance decides, so that they are spread over the video.
    """
    places = np.flatnonzero((reference.quality >= gate).ravel())
    if len(places) > _CONSIDERED:
        places = places[np.round(np.linspace(0, len(places) - 1, _CONSIDERED)).astype(int)]
    places = np.random.default_rng(0).permutation(places)
    weights = np.array([_WEIGHTS.get(view, 1) for view in reference.views])[places % len(reference.views)]
    hashes = np.ascontiguousarray(reference.hashes.reshape(-1, HASH_BYTES)[places])
    index = faiss.IndexBinaryFlat(HASH_BYTES * 8)
    index.add(hashes)
    limits, _, near = index.range_search(hashes, _REACH + 1)
    bounds = limits.astype(np.int64)
    owner = np.repeat(np.arange(len(hashes)), np.diff(bounds))
    gains = np.bincount(owner, weights[near], minlength=len(hashes))
    covered = np.zeros(len(hashes), bool)
    chosen: list[int] = []
    while len(chosen) < _MOST and len(hashes) and gains.max() > 0:
        best = int(gains.argmax())
        chosen.append(best)
        fresh = near[bounds[best] : bounds[best + 1]]
        fresh = fresh[~covered[fresh]]
        covered[fresh] = True
        for one in fresh.tolist():
            gains[near[bounds[one] : bounds[one + 1]]] -= weights[one]
    return hashes[chosen]
