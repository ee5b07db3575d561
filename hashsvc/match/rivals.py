"""Which of several findings is about the picture: one picture is one video's.

Where the whole picture of an upload is plainly one entry's, another entry that merely looks a little like it, as two dark
scenes do, is explained away. A picture found inside the picture may be another video's and is left alone.
"""

from collections.abc import Sequence

from hashsvc.fingerprint.deep import WINDOWS
from hashsvc.fingerprint.pdq import FULL
from hashsvc.fingerprint.rectangles import overlap
from hashsvc.match.extend import Finding, covered
from hashsvc.match.model import Segment

_PLAIN = 48
"""Bits of 256 up to which a segment shows the entry itself,"""
_VAGUE = 56
"""and from which on it may show anything like it."""
_STRONGER = 10.0
"""How many times as strong the evidence for the one must be as that for the other."""
_COVERED = 0.9
"""Share of the vague finding's part of the upload that the plain one must explain."""
_FOUND = ("moving", "busy", "inside")
"""What the names of views begin with that were found in the upload, and show a part of the picture; `area` and `framed` are all
of it inside borders that show nothing."""
_HALVES = frozenset(view.name for view in WINDOWS if overlap(view.rect, FULL) <= 0.5)
"""Fixed views of so small a part that another video may be beside it: of a split screen each picture is plainly one video's."""


def explained_away(found: Sequence[Finding | None]) -> list[bool]:
    """For each finding whether another one explains it; never for None."""
    return [one is not None and any(other is not None and _explains(other, one) for other in found) for one in found]


def _explains(plain: Finding, vague: Finding) -> bool:
    if plain.evidence > _STRONGER * min(vague.evidence, -1.0):
        return False
    if vague.mean_distance < _VAGUE or any(_of_a_part(one) for one in vague.segments):
        return False
    shown = [one for one in plain.segments if one.mean_distance <= _PLAIN and _of_the_whole(one)]
    both = [
        (max(one.query_start, other.query_start), min(one.query_end, other.query_end))
        for one in shown
        for other in vague.segments
    ]
    claimed = covered([(one.query_start, one.query_end) for one in vague.segments])
    return covered([pair for pair in both if pair[1] > pair[0]]) >= _COVERED * claimed


def _of_a_part(segment: Segment) -> bool:
    """Whether a segment is about a picture that was found inside the upload's."""
    return segment.view.startswith(_FOUND)


def _of_the_whole(segment: Segment) -> bool:
    """Whether what a segment shows leaves no room for another picture."""
    return not _of_a_part(segment) and segment.view.partition("/")[0] not in _HALVES
