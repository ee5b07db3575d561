"""What several videos have in common: intros and end cards, which say nothing of any of them.

An entry that was matched only where it begins or ends shares that part, perhaps, with other entries that go on otherwise.
Such a part loses its weight by how many share it. An excerpt from the middle keeps its weight, however many
compilations hold it, and so do the variants of one video, which go on alike.
"""

import dataclasses
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from hashsvc.fingerprint.model import Fingerprint
from hashsvc.fingerprint.pdq import hamming
from hashsvc.match.extend import Finding
from hashsvc.match.model import Segment

_EDGE = 2.0
"""A part begins or ends an entry when it comes so close to its border, seconds."""
_MINOR = 0.5
"""A larger share of an entry than this is not its intro."""
_FRAMES = 12
"""Frames beside the shared part that are compared."""
_SAME = 48
"""Bits of 256 within which they show the same."""
_ALIKE = 0.5
"""Share of those frames from which on two videos go on alike."""

Found = tuple[Finding, Fingerprint]
"""A finding, and the reference it is in."""


def weighed(found: Sequence[Found], gate: int) -> list[Finding]:
    """The findings, in order; where k others share an intro or end card with one, its evidence is divided by (1 + k) ^ 2.

    `gate` is the quality under which a hash is no evidence.
    """
    edges = [place for place, one in enumerate(found) if _is_edge(*one)]
    findings = [finding for finding, _ in found]
    for place in edges:
        sharing = sum(
            _overlap(findings[place], findings[other]) and not _goes_on(found[place], found[other], gate)
            for other in edges
            if other != place
        )
        if sharing:
            finding, _ = found[place]
            findings[place] = dataclasses.replace(finding, evidence=finding.evidence / (1 + sharing) ** 2)
    return findings


def _is_edge(finding: Finding, reference: Fingerprint) -> bool:
    """Whether only the beginning or only the end of a reference was matched."""
    if finding.reference_coverage >= _MINOR:
        return False
    first = min(one.reference_start for one in finding.segments)
    last = max(one.reference_end for one in finding.segments)
    if last - first >= _MINOR * reference.duration:
        return False
    return first <= _EDGE or last >= reference.duration - _EDGE


def _overlap(one: Finding, other: Finding) -> bool:
    """Whether two findings are about the same part of the upload."""
    left, right = _longest(one), _longest(other)
    shared = min(left.query_end, right.query_end) - max(left.query_start, right.query_start)
    return shared >= 0.5 * min(left.query_end - left.query_start, right.query_end - right.query_start)


def _goes_on(one: Found, other: Found, gate: int) -> bool:
    """Whether two references show the same beside the part that both share; so, too, where too little is left to tell."""
    left, right = _longest(one[0]), _longest(other[0])
    times = _beside(one[0], one[1])
    # Through the upload's time from one reference to the other, and on along the same line.
    query = left.query_start + (times - _at_start(left)) / left.speed
    where = _at_start(right) + right.speed * (query - right.query_start)
    inside = (where >= 0) & (where < other[1].duration)
    times, where = times[inside], where[inside]
    if len(times) < _FRAMES // 4:
        return True
    alike = sum(
        _nearest(one[1], time, other[1], place, gate) <= _SAME for time, place in zip(times, where, strict=True)
    )
    return bool(alike >= _ALIKE * len(times))


def _longest(finding: Finding) -> Segment:
    return max(finding.segments, key=lambda one: one.query_end - one.query_start)


def _at_start(segment: Segment) -> float:
    """Reference time at the beginning of the query's interval: the later end where the copy runs backwards."""
    return segment.reference_start if segment.speed > 0 else segment.reference_end


def _beside(finding: Finding, reference: Fingerprint) -> npt.NDArray[np.float64]:
    """Times of some frames of a reference outside its matched part, nearest to it, seconds."""
    first = min(one.reference_start for one in finding.segments) - 1.0
    last = max(one.reference_end for one in finding.segments) + 1.0
    times = reference.starts[(reference.starts < first) | (reference.starts > last)]
    distance = np.maximum(first - times, times - last)
    near = np.sort(times[np.argsort(distance, kind="stable")[: 4 * _FRAMES]])
    some: npt.NDArray[np.float64] = near[np.round(np.linspace(0, len(near) - 1, min(len(near), _FRAMES))).astype(int)]
    return some


def _nearest(one: Fingerprint, time: float, other: Fingerprint, where: float, gate: int) -> int:
    """Smallest distance between the readings of a frame and of the frames about `where` in another reference; 256 for none."""
    at = int(np.searchsorted(one.starts, time, side="right")) - 1
    about = int(np.searchsorted(other.starts, where, side="right")) - 1
    frames = np.unique(np.clip(np.arange(about - 1, about + 2), 0, other.frames - 1))
    mine = one.hashes[at][one.quality[at] >= gate]
    theirs = other.hashes[frames][other.quality[frames] >= gate]
    return int(hamming(mine[:, None], theirs[None]).min()) if len(mine) and len(theirs) else 256
