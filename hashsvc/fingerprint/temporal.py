"""The temporal fingerprint: how much the picture changes, eight times a second.

One number each 1/8 s, the mean absolute change of a 32 x 32 luma picture. It is blind to geometry (crop, mirror, rotation,
border) and sees timing, which frame hashes do not. Neighbours in the literature: TMK (Poullot et al. 2015, "Temporal
matching kernel with explicit feature maps") and 3D-DCT video hashes (Coskun et al. 2006).
"""

import numpy as np
import numpy.typing as npt

from hashsvc.fingerprint.model import ACTIVITY_RATE

RATE = ACTIVITY_RATE
"""Samples a second."""
SIDE = 32


def thumbnails(lumas: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """Block means of lumas uint8 (n, side, side): float32 (n, 32, 32)."""
    count, side = lumas.shape[:2]
    block = side // SIDE
    means: npt.NDArray[np.float32] = lumas.reshape(count, SIDE, block, SIDE, block).mean(axis=(2, 4), dtype=np.float32)
    return means


def activity(
    times: npt.NDArray[np.float64], thumbs: npt.NDArray[np.float32], duration: float
) -> npt.NDArray[np.float32]:
    """Activity curve float32 (floor(duration x 8),) of thumbnails (n, rows, columns) shown from `times` (n,), seconds.

    Sample i is the mean absolute luma change (0-255) between what is on screen at i/8 s and at (i+1)/8 s, give or take half
    a sample: frames are taken as they come after each eighth. Where a video has fewer frames a second the picture
    stands still in between, as a player shows it.
    """
    instants = np.arange(int(duration * RATE) + 1) / RATE
    shown = np.clip(np.searchsorted(times, instants + 0.5 / RATE, side="right") - 1, 0, len(times) - 1)
    curve = np.zeros(max(len(instants) - 1, 0), np.float32)
    moved = np.flatnonzero(np.diff(shown))
    for block in np.array_split(moved, max(1, len(moved) // 512)):
        change = thumbs[shown[block + 1]] - thumbs[shown[block]]
        curve[block] = np.abs(change).mean(axis=(1, 2))
    return curve
