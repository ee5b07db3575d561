"""Which stretches of a video are edited."""

import math

import numpy as np
import numpy.typing as npt

from hashsvc.fingerprint.model import Fingerprint
from hashsvc.fingerprint.pdq import hamming

_EACH = 120.0
"""Seconds of video for which there is one stretch."""
_FRESH = 64.0
"""Bits by which a frame differs from the one before to count whole."""
_ENOUGH = 6.0
"""Whole frames that a stretch should have: from a black or still one nothing can be learnt."""

Windows = list[tuple[float, float]]


def windows(reference: Fingerprint, gate: int, seconds: float, most: int) -> Windows:
    """(start, length) of up to `most` stretches of `seconds`: the middle of each part of the video, or, where too
    little happens there, where most does."""
    count = min(most, max(1, math.ceil(reference.duration / _EACH)))
    part = reference.duration / count
    length = min(seconds, part)
    times, weights = _happens(reference, gate)
    so_far = np.append(0.0, np.cumsum(weights))
    chosen = []
    for number in range(count):
        first, last = number * part, (number + 1) * part - length
        inside = times[(times >= first) & (times < first + part)]
        starts = np.append(np.clip(inside, first, last), (first + last) / 2)
        seen = so_far[np.searchsorted(times, starts + length)] - so_far[np.searchsorted(times, starts)]
        best = int(seen.argmax())
        if seen[-1] >= min(_ENOUGH, seen[best]):
            best = -1
        if seen[best] or number == 0:
            chosen.append((max(float(starts[best]), 0.0), length))
    return chosen


def _happens(reference: Fingerprint, gate: int) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Times of the frames that pass the gate, and how far each has moved on from the one before, 0-1."""
    usable = reference.quality[:, 0] >= gate
    hashes = np.ascontiguousarray(reference.hashes[usable, 0])
    moved = hamming(hashes[1:], hashes[:-1]) / _FRESH
    return reference.starts[usable], np.append(np.ones(min(len(hashes), 1)), np.minimum(moved, 1.0))
