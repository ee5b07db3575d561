"""Where a segment begins and ends, in the time of the upload."""

import dataclasses

import numpy as np
import numpy.typing as npt

from hashsvc.fingerprint.model import Fingerprint
from hashsvc.match.comparison import SLOT, Alignment
from hashsvc.match.pairs import Pair

_KEPT = 0.3
"""What a frame at the end of a segment must gain on average, all told; unrelated ones gain less."""
_BLANK = 2.0
"""Seconds that a segment runs on at most where both sides show nothing: black tells as little for the copy as against it."""


def trimmed(one: Alignment, rows: npt.NDArray[np.intp], gains: npt.NDArray[np.float32]) -> Alignment:
    """The part of an alignment in which its frames' final gains (n,), of query frames `rows`, exceed what chance gives.

    An alignment is found by raw distances, and may run on into footage that is merely as dark or as still.
    """
    sums = np.concatenate([[0.0], np.cumsum(gains - _KEPT)])
    last = int(np.argmax(sums[1:] - np.minimum.accumulate(sums)[:-1]))
    first = int(np.argmin(sums[: last + 1]))
    if rows[first] == rows[0] and rows[last] == rows[-1]:
        return one
    return part(one, int(rows[first]), int(rows[last]))


def part(one: Alignment, first: int, last: int) -> Alignment:
    """The part of an alignment from one of its query frames to another, inclusive."""
    if (first, last) == (one.first, one.last):
        return one
    return dataclasses.replace(one, first=first, last=last, slots=one.slots[first - one.first : last - one.first + 1])


def borders(query: Fingerprint, reference: Fingerprint, one: Alignment, pair: Pair, gate: int) -> tuple[float, float]:
    """Query times at which a segment begins and ends: halfway to the first frame that does not belong to it.

    Frames next to it in which neither side reaches the quality `gate` in the view pair belong to it, for _BLANK seconds.
    At the ends of the upload it runs on, but never past where the reference itself begins or ends.
    """
    times, line = query.starts, one.line
    first, last = _through_blank(query, reference, one, pair, gate)
    start = 0.0 if first == 0 else (times[first - 1] + times[first]) / 2
    end = query.duration if last + 1 == len(times) else (times[last] + times[last + 1]) / 2
    begins, ends = sorted((time - line.offset) / line.speed for time in (0.0, reference.duration))
    start = min(max(start, begins), times[one.first])
    end = max(min(end, ends), times[one.last] + SLOT)
    return float(max(start, 0.0)), float(min(end, query.duration))


def _through_blank(
    query: Fingerprint, reference: Fingerprint, one: Alignment, pair: Pair, gate: int
) -> tuple[int, int]:
    """The first and the last query frame of an alignment and of the blank ones beside it."""
    first, last = one.first, one.last
    while first > 0 and _is_blank(query, reference, one, pair, gate, first - 1):
        first -= 1
    while last + 1 < query.frames and _is_blank(query, reference, one, pair, gate, last + 1):
        last += 1
    return first, last


def _is_blank(query: Fingerprint, reference: Fingerprint, one: Alignment, pair: Pair, gate: int, frame: int) -> bool:
    """Whether a query frame near an alignment, and what its line puts beside it, show nothing."""
    times, (left, right) = query.starts, pair
    if query.quality[frame, left] >= gate:
        return False
    time = times[frame]
    shown = one.line.speed * time + one.line.offset
    if not 0 <= shown < reference.duration:
        return False
    if not times[one.first] - _BLANK <= time <= times[one.last] + _BLANK:
        return False
    place = int(np.clip(np.searchsorted(reference.starts, shown, side="right") - 1, 0, reference.frames - 1))
    return bool(reference.quality[place, right] < gate)
