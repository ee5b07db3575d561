"""Which of several findings is about the picture: one picture is one video's.

Where the whole picture of an upload, or the part in question, is plainly one entry's, another entry that merely looks a little
like it, as two dark scenes do, is explained away. Another part of the picture may be another video's and is left alone.
"""

from collections.abc import Sequence
from typing import Protocol

from hashsvc.fingerprint.deep import WINDOWS
from hashsvc.match.extend import covered
from hashsvc.match.model import Segment

_PLAIN = 48
"""Bits of 256 up to which a segment shows the entry itself,"""
_VAGUE = 56
"""and from which on it may show anything like it;"""
_FARTHER = 24
"""so it may where it is so much farther than the plain one: entries that share footage are about as far from a copy of it."""
_STRONGER = 10.0
"""How many times as strong the evidence for the one must be as that for the other."""
_COVERED = 0.9
"""Share of the vague finding's part of the upload that the plain one must explain."""
_WEAK = -4.0
"""Evidence above which the whole picture says nothing where a part of it is plainly another entry's."""
_FOUND = ("moving", "busy", "inside")
"""What the names of views begin with that were found in the upload, and show a part of the picture; `area` and `framed` are all
of it inside borders that show nothing."""
_BESIDE = frozenset(
    view.name
    for view in WINDOWS
    if any(high <= 0.5 or low >= 0.5 for low, high in zip(view.rect[:2], view.rect[2:], strict=True))
)
"""Fixed views beside which another video may be: of a split screen each picture is plainly one video's."""


class Found(Protocol):
    """A finding, or the match made of it."""

    @property
    def evidence(self) -> float: ...
    @property
    def mean_distance(self) -> float: ...
    @property
    def segments(self) -> tuple[Segment, ...]: ...


def explained_away(found: Sequence[Found | None]) -> list[bool]:
    """For each finding whether another one explains it; never for None."""
    return [one is not None and any(other is not None and explains(other, one) for other in found) for one in found]


def explains(plain: Found, vague: Found, *, of_one_reading: bool = True) -> bool:
    """Whether what one finding plainly shows leaves no room for the other, which is vague.

    Of two readings of an upload each names the parts that it found anew, so that equal names are not the same part.
    """
    if plain.evidence > _STRONGER * min(vague.evidence, -1.0):
        return False
    if vague.mean_distance < min(_VAGUE, plain.mean_distance + _FARTHER):
        return False
    both = [
        (max(one.query_start, other.query_start), min(one.query_end, other.query_end))
        for one in plain.segments
        for other in vague.segments
        if one.mean_distance <= _PLAIN
        and (
            (of_one_reading and _part(one) == _part(other)) or _leaves_no_room(one, other, weak=vague.evidence > _WEAK)
        )
    ]
    claimed = covered([(one.query_start, one.query_end) for one in vague.segments])
    return covered([pair for pair in both if pair[1] > pair[0]]) >= _COVERED * claimed


def _leaves_no_room(plain: Segment, vague: Segment, *, weak: bool) -> bool:
    """Whether there is no other part that the vague segment may be about while the plain one is shown."""
    if _part(vague).startswith(_FOUND):
        return False
    # A window in the picture is in the whole picture, too, which then looks like whatever has such a window.
    return _is_whole(plain) or (weak and _is_whole(vague))


def _part(segment: Segment) -> str:
    """The view of the upload."""
    return segment.view.partition("/")[0]


def _is_whole(segment: Segment) -> bool:
    return not _part(segment).startswith(_FOUND) and _part(segment) not in _BESIDE
