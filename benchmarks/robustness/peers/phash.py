"""imagehash's pHash, a frame a second, as people put image hashes together for videos."""

from pathlib import Path

import av
import imagehash
import numpy as np
from PIL import Image

from benchmarks.robustness.peers.hamming import share_within
from benchmarks.robustness.peers.protocol import Hashes, PeerError

_DISTANCE = 10
"""Bits of 64 that two frames of a match may differ in."""
_BYTES = 8


class PHash:
    """Share of the copy's frames that have a frame of the reference within 10 of 64 bits; half of them make a match."""

    name = "phash"
    about = "imagehash.phash, 1 frame/s, distance <= 10 of 64, match from 50 % of the copy's frames"
    default = 0.5

    def missing(self) -> str:
        return ""

    def hash(self, path: Path) -> Hashes:
        """The first frame of each second."""
        rows: list[Hashes] = []
        try:
            with av.open(str(path)) as container:
                container.streams.video[0].thread_type = "AUTO"
                first = None
                for frame in container.decode(video=0):
                    if frame.time is None:
                        continue
                    first = frame.time if first is None else first
                    if frame.time - first >= len(rows):
                        rows.append(
                            np.packbits(imagehash.phash(Image.fromarray(frame.to_ndarray(format="rgb24"))).hash)
                        )
        except (av.FFmpegError, IndexError) as error:
            raise PeerError(f"{type(error).__name__}: {error}") from error
        return np.array(rows, np.uint8).reshape(-1, _BYTES)

    def score(self, query: Hashes, reference: Hashes) -> float:
        return share_within(query, reference, _DISTANCE)
