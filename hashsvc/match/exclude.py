"""What an entry's exclusions take from a match: frames that are no evidence, and parts of segments."""

import dataclasses
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import numpy.typing as npt

from hashsvc.bank.model import Interval
from hashsvc.fingerprint.model import Fingerprint
from hashsvc.match.model import Segment

_MOMENT = 0.5
"""Seconds of a reference that a segment may reach past an exclusion: two frames of a reference, whose picture at the border is
shown on both sides of it."""
_SHORTEST = 1e-3
"""Seconds that a frame is shown at least, so that one without a span lies somewhere too."""


def hidden(reference: Fingerprint, exclusions: Sequence[Interval]) -> npt.NDArray[np.bool_]:
    """Which frames of a reference are no evidence, bool (frames,): those shown within exclusions for half of their span.

    A still shot is kept as one frame, so where an exclusion ends in it, the larger part decides.
    """
    starts = reference.starts
    if not exclusions:
        return np.zeros(len(starts), bool)
    ends = np.maximum(reference.ends, starts + _SHORTEST)
    within = np.zeros(len(starts))
    for one in exclusions:
        within += np.clip(np.minimum(ends, one.end) - np.maximum(starts, one.start), 0, None)
    return (within > 0) & (2 * within >= ends - starts)


def silenced(reference: Fingerprint, exclusions: Sequence[Interval]) -> Fingerprint:
    """The reference with its hidden frames under every quality gate; itself where there are no exclusions."""
    if not exclusions:
        return reference
    quality = np.where(hidden(reference, exclusions)[:, None], 0, reference.quality).astype(np.uint8)
    return dataclasses.replace(reference, quality=quality)


def outside(segment: Segment, exclusions: Sequence[Interval]) -> list[Segment]:
    """The parts of a segment that lie in no exclusion of its reference; none where all of it does, but for a moment at a border."""
    begin, end = segment.reference_start, segment.reference_end
    touched = [one for one in exclusions if one.start <= end and begin < one.end]
    if not touched:
        return [segment]
    pieces = []
    for one in touched:
        pieces.append((begin, one.start))
        begin = one.end
    pieces.append((begin, end))
    return [_part(segment, first, last) for first, last in pieces if last - first > _MOMENT]


def excluded_seconds(segments: Iterable[Segment], exclusions: Sequence[Interval]) -> float:
    """Seconds of the upload in which segments show what the exclusions hold."""
    parts = (_part(segment, *both) for segment in segments for both in _inside(segment, exclusions))
    return sum((part.query_end - part.query_start for part in parts), 0.0)


def _inside(segment: Segment, exclusions: Sequence[Interval]) -> Iterator[tuple[float, float]]:
    """Reference times of the parts of a segment that lie in exclusions."""
    for one in exclusions:
        first, last = max(one.start, segment.reference_start), min(one.end, segment.reference_end)
        if first < last:
            yield first, last


def _part(segment: Segment, first: float, last: float) -> Segment:
    """The part of a segment between two times of its reference; backwards ones begin with the later of them."""
    length = segment.reference_end - segment.reference_start
    shares = (first - segment.reference_start) / length, (last - segment.reference_start) / length
    if segment.speed < 0:
        shares = 1 - shares[1], 1 - shares[0]
    start, seconds = segment.query_start, segment.query_end - segment.query_start
    return dataclasses.replace(
        segment,
        query_start=start + shares[0] * seconds,
        query_end=start + shares[1] * seconds,
        reference_start=first,
        reference_end=last,
    )
