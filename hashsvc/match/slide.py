"""Lines that neither seeds nor activity name: views of the same thing on both sides, slid along each other.

A seed is one frame within 84 bits. Stickers over a fifth of a nearly still picture leave every frame at 100 bits, which says
next to nothing of one frame and much of forty: at the right offset their gains stand out from those at all others.
"""

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt

from hashsvc.fingerprint.model import Fingerprint
from hashsvc.match.comparison import SLOT, Comparison, Line, distinct
from hashsvc.match.lines import COST, OTHER_SPEED
from hashsvc.match.pairs import Pair

_SAME = ("full", "top-72", "bottom-72", "left-72", "right-72", "centre-60")
_CROPPED = ("mirror", "centre-84", "centre-76", "centre-84-mirror", "centre-76-mirror", "middle-third")
"""Views of the reference that the whole picture of a copy may be."""
_FOUND = ("area", "framed", "moving", "busy", "inside-1", "inside-2", "inside-3")
"""Views that were found in the upload: each may be all of the reference."""
_SPEEDS = (1.0, 1.1, 1.25, 1.5, 2.0, 0.8, 0.66, 0.5, -1.0)
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
    names += [(name, "full") for name in _FOUND]
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
        frames, slots = np.nonzero(comparison.gains > COST)
        if len(frames):
            gains = comparison.gains[frames, slots] - COST
            found += _peaks(gains, comparison.times[frames], slots, comparison)
    found.sort(key=lambda one: -one[0])
    return distinct((line for _, line in found), _MOST_LINES)


def _peaks(
    gains: npt.NDArray[np.float32], times: npt.NDArray[np.float64], slots: npt.NDArray[np.intp], comparison: Comparison
) -> Iterator[tuple[float, Line]]:
    """What stands out most at each speed, and its line, of cells with gains (n,) at query `times` (n,) and `slots` (n,)."""
    count, middle = comparison.gains.shape[1], float(np.median(comparison.times))
    for speed in _SPEEDS if count <= _MOST_SLOTS else _SPEEDS[:1]:
        offsets = slots - np.round(speed * times / SLOT).astype(np.intp)
        lowest = int(offsets.min())
        sums = np.bincount(offsets - lowest, gains)
        best = int(sums.argmax())
        # Offsets at which the middle of the upload lies in the reference, most of them with no gain at all.
        begin = round(-speed * middle / SLOT)
        whole = sums[max(begin - lowest, 0) : max(begin + count - lowest, 0)]
        above = float(sums[best]) - float(whole.sum()) / count
        yield above - OTHER_SPEED * (speed != 1.0), Line(speed, (best + lowest + 0.5) * SLOT)
