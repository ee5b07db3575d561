"""What allow banks take from matches: the stretches of an upload that a harmless entry explains at least as well.

A stretch is compared on its own: all but it is silenced in the upload, and both entries are found anew in what is left.
Only what both show in the same view is compared, since a harmless film may play beside the attack, or around it. What
is left of the upload without the stretches then has to be a match by itself.
"""

import dataclasses
from collections.abc import Callable, Iterable, Sequence

import numpy as np

from hashsvc.bank.model import Entry, Interval
from hashsvc.fingerprint.model import ACTIVITY_RATE, Fingerprint
from hashsvc.match import exclude
from hashsvc.match.extend import Finding, covered, share_of
from hashsvc.match.model import ALLOWED, Excused, Match, Segment

_AS_STRONG = 0.85
"""Share of the evidence for an entry that the evidence for a harmless one must reach,"""
_AS_NEAR = 12.0
"""and bits of 256 by which it may be further away: so much differs between two encodings of one film, sampled at other
moments. Footage that merely looks alike is thirty bits further away than a copy."""
_SHORTEST = 1.0
"""Seconds that two segments share at least to be compared."""
_COVERED = 0.9
"""Share of a segment that must be explained for all of it to be so."""


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Compared:
    """An entry that was found in an upload."""

    entry: Entry
    reference: Fingerprint
    finding: Finding
    find: Callable[[Fingerprint], Finding | None]
    """Finds it in what is left of the upload where parts are silenced."""


def without(query: Fingerprint, one: Compared, harmless: Sequence[Compared]) -> tuple[Finding | None, list[Excused]]:
    """What is left of an entry's finding without the stretches that harmless entries explain, and what they took."""
    stretches: list[Interval] = []
    taken: list[Excused] = []
    for other in harmless:
        explained = [
            stretch
            for stretch in shared(one.finding.segments, other.finding.segments)
            if _as_well(query, stretch, one, other)
        ]
        if explained:
            stretches += explained
            parts = [part for stretch in explained for part in _inside(one.finding.segments, stretch)]
            taken.append(excused(one.entry, other.entry, parts))
    if not stretches:
        return one.finding, []
    rest = one.find(_silenced(query, stretches))
    return None if rest is None else _cut(rest, stretches, query, one), taken


def excused(entry: Entry | Match, by: Entry, segments: Sequence[Segment]) -> Excused:
    """These parts of an entry, explained by another one."""
    return Excused(
        bank=entry.bank,
        entry=entry.entry,
        external_id=entry.external_id,
        reason=ALLOWED,
        seconds=covered([(one.query_start, one.query_end) for one in segments]),
        by_bank=by.bank,
        by_entry=by.entry,
        by_external_id=by.external_id,
        segments=tuple(segments),
    )


def is_explained(match: Match, by: Excused) -> bool:
    """Whether all of a match, which another reading of the upload gave, lies in what was excused of its entry."""
    if (match.bank, match.entry) != (by.bank, by.entry) or match.digest:
        return False
    return all(
        covered(_overlaps(segment, (one for one in by.segments if _query_view(one) == _query_view(segment))))
        >= _COVERED * (segment.query_end - segment.query_start)
        for segment in match.segments
    )


def shared(segments: Sequence[Segment], harmless: Sequence[Segment]) -> list[Interval]:
    """Stretches of the upload that both show in the same view of it, and the first in no other view, in order."""
    found: list[Interval] = []
    for one in segments:
        for start, end in _overlaps(one, (other for other in harmless if _query_view(other) == _query_view(one))):
            elsewhere = _overlaps(
                dataclasses.replace(one, query_start=start, query_end=end),
                (other for other in segments if _query_view(other) != _query_view(one)),
            )
            if end - start >= _SHORTEST and covered(elsewhere) < _SHORTEST:
                found.append(Interval(start, end))
    return sorted(found)


def _as_well(query: Fingerprint, stretch: Interval, one: Compared, other: Compared) -> bool:
    """Whether `other` explains the stretch at least as well as `one`."""
    outside = [Interval(0.0, stretch.start), Interval(stretch.end, query.duration)]
    alone = _silenced(query, [part for part in outside if part.start < part.end])
    theirs = other.find(alone)
    if theirs is None or theirs.evidence >= 0:
        return False
    mine = one.find(alone)
    if mine is None:
        return True
    return theirs.evidence <= _AS_STRONG * mine.evidence and theirs.mean_distance <= mine.mean_distance + _AS_NEAR


def _silenced(query: Fingerprint, stretches: Sequence[Interval]) -> Fingerprint:
    """The upload without what it shows in the stretches: no picture of them passes a gate, and nothing moves in them."""
    activity = query.activity.copy()
    times = (np.arange(activity.shape[1]) + 0.5) / ACTIVITY_RATE
    for one in stretches:
        activity[:, (one.start <= times) & (times < one.end)] = 0
    return dataclasses.replace(exclude.silenced(query, stretches), activity=activity)


def _cut(rest: Finding, stretches: Sequence[Interval], query: Fingerprint, one: Compared) -> Finding | None:
    """What was found in the rest of the upload, without the stretches that its segments run over."""
    merged = _merged(stretches)
    segments = [_turned(part) for found in rest.segments for part in exclude.outside(_turned(found), merged)]
    if not segments:
        return None
    return dataclasses.replace(
        rest,
        query_coverage=share_of([(part.query_start, part.query_end) for part in segments], query.duration),
        reference_coverage=share_of(
            [(part.reference_start, part.reference_end) for part in segments], one.reference.duration
        ),
        segments=tuple(segments),
    )


def _turned(segment: Segment) -> Segment:
    """The segment with its sides exchanged: what `exclude` does to references is then done to the upload."""
    return dataclasses.replace(
        segment,
        query_start=segment.reference_start,
        query_end=segment.reference_end,
        reference_start=segment.query_start,
        reference_end=segment.query_end,
    )


def _inside(segments: Iterable[Segment], stretch: Interval) -> list[Segment]:
    """The parts of segments that lie in a stretch of the upload."""
    others = [Interval(-1.0, stretch.start), Interval(stretch.end, float("inf"))]
    return [_turned(part) for one in segments for part in exclude.outside(_turned(one), others)]


def _merged(stretches: Sequence[Interval]) -> list[Interval]:
    """In order, those that overlap or touch made one."""
    merged: list[Interval] = []
    for one in sorted(stretches):
        if merged and one.start <= merged[-1].end:
            merged[-1] = Interval(merged[-1].start, max(merged[-1].end, one.end))
        else:
            merged.append(one)
    return merged


def _overlaps(segment: Segment, others: Iterable[Segment]) -> list[tuple[float, float]]:
    """Times of the upload that a segment shares with others."""
    both = [(max(segment.query_start, other.query_start), min(segment.query_end, other.query_end)) for other in others]
    return [(start, end) for start, end in both if start < end]


def _query_view(segment: Segment) -> str:
    return segment.view.partition("/")[0]
