"""Lines that neither seeds nor activity name: views of the same thing on both sides, slid along each other.

A seed is one frame within 84 bits. Stickers over a fifth of a nearly still picture leave every frame at 100 bits, which says
next to nothing of one frame and much of forty: at the right offset their gains stand out from those at all others.
"""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import numpy.typing as npt

from hashsvc.fingerprint.model import Fingerprint
from hashsvc.match.align import SLOT, Comparison, Line, distinct
from hashsvc.match.pairs import Pair

_SAME = ("full", "top-72", "bottom-72", "left-72", "right-72", "centre-60")
_CROPPED = ("full", "mirror", "half-turn", "inverted", "centre-84", "centre-76", "centre-84-mirror", "centre-76-mirror",
            "middle-columns", "middle-third")  # fmt: skip
"""Views of the reference that the whole picture of a copy may be."""
_FOUND = ("area", "framed", "moving", "busy", "inside")
"""What the names of views begin with that were found in the upload: each may be all of the reference."""
_SPEEDS = (1.0, 1.1, 1.25, 1.5, 2.0, 0.8, 0.66, 0.5, -1.0)
_OTHER_SPEED = 2.0
"""What a speed other than 1 must gain on top."""
_COST = 1.3
"""Gain of a frame that counts for nothing, as in `align`."""
_STEP = 2
"""Slots between the offsets that are tried."""
_MOST_FRAMES = 40
_MOST_SLOTS = 4800
"""Ten minutes of reference; a longer one is tried at the upload's own speed only."""
_MOST_LINES = 6

Compare = Callable[[Pair, npt.NDArray[np.intp]], Comparison]
"""The comparison of some query frames in one pair of views."""


def counterparts(query: Fingerprint, reference: Fingerprint) -> list[Pair]:
    """Pairs of views that show the same where the upload is the reference with something over it, cropped or inside."""
    shown = {name: place for place, name in enumerate(query.views)}
    known = {name: place for place, name in enumerate(reference.views)}
    names = [(name, name) for name in _SAME]
    names += [("full", name) for name in _CROPPED]
    names += [(name, "full") for name in shown if name.startswith(_FOUND)]
    pairs = ((shown[left], known[right]) for left, right in names if left in shown and right in known)
    return list(dict.fromkeys(pairs))


def slid(query: Fingerprint, reference: Fingerprint, compare: Compare) -> list[Line]:
    """The lines along which some pair of counterparts gains the most over what it gains anywhere, best first."""
    rows = np.arange(query.frames)
    if len(rows) > _MOST_FRAMES:
        rows = rows[np.round(np.linspace(0, len(rows) - 1, _MOST_FRAMES)).astype(int)]
    found: list[tuple[float, Line]] = []
    for pair in counterparts(query, reference):
        comparison = compare(pair, rows)
        # At the end a slot that nothing is in, for what lies outside the reference.
        gains = np.pad(np.maximum(comparison.gains - _COST, 0), ((0, 0), (0, 1)))
        if gains.any():
            found += _peaks(gains, comparison.times)
    found.sort(key=lambda one: -one[0])
    return distinct((line for _, line in found), _MOST_LINES)


def _peaks(gains: npt.NDArray[np.float32], times: npt.NDArray[np.float64]) -> Iterator[tuple[float, Line]]:
    """What stands out most at each speed, and its line, of gains (frames, slots + 1)."""
    frames, slots = gains.shape[0], gains.shape[1] - 1
    speeds: Sequence[float] = _SPEEDS if slots <= _MOST_SLOTS else _SPEEDS[:1]
    for speed in speeds:
        along = speed * times / SLOT
        offsets = np.arange(int(-along.max()), int(slots - along.min()) + 1, _STEP)
        places = np.floor(along + offsets[:, None] + 0.5).astype(np.intp)
        inside = (places >= 0) & (places < slots)
        sums = gains[np.arange(frames), np.where(inside, places, slots)].sum(axis=1)
        whole = sums[inside.sum(axis=1) > frames // 2]
        best = int(sums.argmax())
        above = float(sums[best]) - (float(np.median(whole)) if len(whole) else 0.0)
        yield above - _OTHER_SPEED * (speed != 1.0), Line(speed, (float(offsets[best]) + 0.5) * SLOT)
