"""What a peer can do."""

from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

Hashes = npt.NDArray[np.uint8]
"""One hash a row, (n, bytes); no rows for a video of which nothing could be hashed."""


class PeerError(Exception):
    """A peer could not hash a file."""


class Peer(Protocol):
    """Thread-safe."""

    name: str
    about: str
    """How it is used, for the report."""
    default: float
    """A pair with this score or a higher one is a match, by the peer's own default."""

    def missing(self) -> str:
        """Why it cannot run here; empty when it can."""

    def hash(self, path: Path) -> Hashes:
        """Hash a video, the same way as copy and as reference. Raises PeerError."""

    def score(self, query: Hashes, reference: Hashes) -> float:
        """How alike two videos are; higher is more. `metrics.NOTHING` where there is nothing to compare or in common."""
