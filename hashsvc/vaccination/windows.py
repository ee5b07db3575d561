"""Which stretches of a video are edited."""

import math

import numpy as np

from hashsvc.fingerprint.model import Fingerprint

_EACH = 120.0
"""Seconds of video for which there is one stretch."""
_ENOUGH = 8
"""Usable frames that a stretch should have: from a black or still one nothing can be learnt."""

Windows = list[tuple[float, float]]


def windows(reference: Fingerprint, gate: int, seconds: float, most: int) -> Windows:
    """(start, length) of up to `most` stretches of `seconds`: the middle of each part of the video, or, where too
    little can be seen there, where most can."""
    count = min(most, max(1, math.ceil(reference.duration / _EACH)))
    part = reference.duration / count
    length = min(seconds, part)
    usable = reference.starts[reference.quality[:, 0] >= gate]
    chosen = []
    for number in range(count):
        first, last = number * part, (number + 1) * part - length
        middle = (first + last) / 2
        starts = np.append(np.clip(usable[(usable >= first) & (usable < first + part)], first, last), middle)
        seen = np.searchsorted(usable, starts + length) - np.searchsorted(usable, starts)
        best = int(seen.argmax())
        start = middle if seen[-1] >= min(_ENOUGH, seen[best]) else float(starts[best])
        if seen.max() or number == 0:
            chosen.append((max(start, 0.0), length))
    return chosen
