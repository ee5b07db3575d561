"""videohash: 64 bits a video."""

from pathlib import Path

import numpy as np

from benchmarks.robustness.metrics import NOTHING
from benchmarks.robustness.peers.hamming import distances
from benchmarks.robustness.peers.protocol import Hashes, PeerError
from hashsvc.fingerprint.videohash_adapter import available, videohash_of


class VideoHash:
    """Minus the bits in which two hashes differ; `is_similar` of the package takes 15 %, rounded up: 10 of 64."""

    name = "videohash"
    about = "videohash, 64 bits a video, match up to distance 10 (its is_similar)"
    default = -10.0

    def missing(self) -> str:
        return "" if available() else "the extra hashsvc[videohash] is not installed"

    def hash(self, path: Path) -> Hashes:
        hashed = videohash_of(path)
        if not hashed:
            raise PeerError("videohash makes nothing of it")
        return np.frombuffer(bytes.fromhex(hashed.removeprefix("0x")), np.uint8).reshape(1, -1)

    def score(self, query: Hashes, reference: Hashes) -> float:
        return -float(distances(query, reference).min()) if len(query) and len(reference) else NOTHING
