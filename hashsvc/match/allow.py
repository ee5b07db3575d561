"""What allow banks take from matches: what a harmless entry explains at least as well is no evidence for another.

That is settled hash by hash of the upload, each of one view at one moment: how near does the entry come that was found, and
how near the harmless one, each where its own segments say that the upload is at? So a harmless film explains the
picture that it fills, and not the attack that plays in a corner of it; and the moments that it is at, and not those after
it. What is left of the upload without such hashes has to be a match by itself.
"""

import dataclasses
from collections.abc import Callable, Iterable, Sequence

import numpy as np
import numpy.typing as npt

from hashsvc.bank.model import Entry, Interval
from hashsvc.fingerprint.model import ACTIVITY_RATE, Fingerprint
from hashsvc.fingerprint.pdq import hamming
from hashsvc.match import exclude
from hashsvc.match.extend import Finding, covered, share_of
from hashsvc.match.model import ALLOWED, Excused, Match, Segment

_SLACK, _LESS = 28.0, 4.0
"""Bits of 256 by which the harmless entry may be further away, less one for each _LESS bits that the other is away: two
encodings of one film, sampled at other moments, differ so much, the less the more the upload differs from both. Footage that
merely looks alike is thirty bits further away than a copy; an unrelated film comes to 95 bits by chance."""
_NEAR = 72.0
"""Within so many bits the upload shows the entry, whatever else there is."""
_LIKE = 88.0
"""A harmless entry that is further away explains nothing: it shows something else, and so may the other at that moment."""
_AROUND = 1.0
"""Seconds around a moment in which an entry may show what the upload shows then."""
_SMOOTHED = 2
"""Frames before and after one, whose differences are averaged with its own."""
_NEVER = 257.0
_COVERED = 0.9
"""Share of a segment that must be explained for all of it to be so."""

Nearness = npt.NDArray[np.float64]
Cells = npt.NDArray[np.bool_]


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Compared:
    """An entry that was found in an upload."""

    entry: Entry
    reference: Fingerprint
    """With what it excludes under every gate."""
    finding: Finding
    find: Callable[[Fingerprint], Finding | None]
    """Finds it in what is left of the upload."""


def without(
    query: Fingerprint, one: Compared, harmless: Sequence[Compared], gate: int
) -> tuple[Finding | None, list[Excused]]:
    """What is left of an entry's finding without what harmless entries explain, and which parts each of them took."""
    near = nearness(query, one, gate)
    cells = np.zeros(near.shape, bool)
    taken: list[Excused] = []
    for other in harmless:
        explained = as_near(near, nearness(query, other, gate))
        parts = _inside(one.finding.segments, _stretches(query, explained.any(axis=1)))
        if parts:
            cells |= explained
            taken.append(excused(one.entry, other.entry, parts))
    if not taken:
        return one.finding, []
    # A frame that shows the entry in yet another view stays where it is.
    whole = cells.any(axis=1) & ~((near <= _NEAR) & ~cells).any(axis=1)
    stretches = _stretches(query, whole)
    rest = one.find(_silenced(query, cells, stretches))
    return None if rest is None else _cut(rest, cells, query, one), taken


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


def share_beside(query: Fingerprint, segments: Sequence[Segment], harmless: Sequence[Compared]) -> float:
    """Share of the upload in these segments, 0-1, not counting what harmless entries show beside them.

    Else whoever plays a harmless film before an attack would make the attack a small part of the upload. A film that runs
    while the entry is seen counts as ever.
    """
    matched = [(one.query_start, one.query_end) for one in segments]
    shown = [one for other in harmless for one in other.finding.segments]
    beside = [one for one in shown if covered(_overlaps(one, segments)) <= _AROUND]
    aside = covered([*matched, *((one.query_start, one.query_end) for one in beside)]) - covered(matched)
    return share_of(matched, query.duration - aside)


def is_explained(match: Match, by: Excused, *, in_any_view: bool) -> bool:
    """Whether all of a match, which another reading of the upload gave, lies in what was excused of its entry.

    With `in_any_view` the reading that excused it has read all views of the other one and more; else only the same view
    of the upload counts.
    """
    if (match.bank, match.entry) != (by.bank, by.entry) or match.digest:
        return False
    return all(
        covered(
            _overlaps(segment, (one for one in by.segments if in_any_view or _query_view(one) == _query_view(segment)))
        )
        >= _COVERED * (segment.query_end - segment.query_start)
        for segment in match.segments
    )


def nearness(query: Fingerprint, one: Compared, gate: int) -> Nearness:
    """Bits between each hash of the upload and the nearest of what the entry shows then, float64 (frames, views).

    257 outside of the entry's segments, and where either fails the gate.
    """
    nearest = np.full(query.quality.shape, _NEVER)
    reference = one.reference
    for segment in one.finding.segments:
        inside = (segment.query_start <= query.starts) & (query.starts <= segment.query_end)
        for frame in np.flatnonzero(inside).tolist():
            moment = _moment(segment, float(query.starts[frame]))
            shown = (reference.ends >= moment - _AROUND) & (reference.starts <= moment + _AROUND)
            hashes = reference.hashes[shown][reference.quality[shown] >= gate]
            if len(hashes):
                bits = hamming(query.hashes[frame][:, None], hashes[None]).min(axis=1)
                nearest[frame] = np.minimum(nearest[frame], bits)
    nearest[query.quality < gate] = _NEVER
    return nearest


def as_near(near: Nearness, harmless: Nearness) -> Cells:
    """Which hashes the harmless entry explains as well, bool (frames, views): on average over a few frames of a view."""
    both = (near < _NEVER) & (harmless <= _LIKE)
    further = np.where(both, harmless - near - np.maximum(_SLACK - near / _LESS, 0.0), 0.0)
    window = np.ones(2 * _SMOOTHED + 1)
    sums = np.stack([np.convolve(column, window, "same") for column in further.T], axis=1)
    explained: Cells = both & (sums <= 0)
    return explained


def _moment(segment: Segment, time: float) -> float:
    """Where in the entry the upload is at a time."""
    share = (time - segment.query_start) / max(segment.query_end - segment.query_start, 1e-9)
    length = segment.reference_end - segment.reference_start
    return segment.reference_start + (share if segment.speed > 0 else 1 - share) * length


def _stretches(query: Fingerprint, frames: npt.ArrayLike) -> list[Interval]:
    """The times at which these frames, bool (frames,), are shown, one after the other made one."""
    changes = np.flatnonzero(np.diff(np.concatenate([[False], np.asarray(frames, bool), [False]]).astype(np.int8)))
    return [
        Interval(float(query.starts[first]), float(query.ends[last - 1]))
        for first, last in changes.reshape(-1, 2).tolist()
    ]


def _silenced(query: Fingerprint, cells: Cells, stretches: Sequence[Interval]) -> Fingerprint:
    """The upload without these hashes, which pass no gate, and without what moves in the stretches."""
    activity = query.activity.copy()
    times = (np.arange(activity.shape[1]) + 0.5) / ACTIVITY_RATE
    for one in stretches:
        activity[:, (one.start <= times) & (times < one.end)] = 0
    quality = np.where(cells, 0, query.quality).astype(np.uint8)
    return dataclasses.replace(query, quality=quality, activity=activity)


def _cut(rest: Finding, cells: Cells, query: Fingerprint, one: Compared) -> Finding | None:
    """What was found in the rest of the upload, without what its segments run over that is explained in their view."""
    segments: list[Segment] = []
    for found in rest.segments:
        stretches = _stretches(query, cells[:, query.views.index(_query_view(found))])
        segments += [_turned(part) for part in exclude.outside(_turned(found), stretches)]
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


def _inside(segments: Iterable[Segment], stretches: Sequence[Interval]) -> list[Segment]:
    """The parts of segments that lie in stretches of the upload."""
    borders = [-1.0, *(time for one in stretches for time in (one.start, one.end)), float("inf")]
    others = [Interval(*pair) for pair in zip(borders[::2], borders[1::2], strict=True)]
    return [_turned(part) for one in segments for part in exclude.outside(_turned(one), others)]


def _overlaps(segment: Segment, others: Iterable[Segment]) -> list[tuple[float, float]]:
    """Times of the upload that a segment shares with others."""
    both = [(max(segment.query_start, other.query_start), min(segment.query_end, other.query_end)) for other in others]
    return [(start, end) for start, end in both if start < end]


def _query_view(segment: Segment) -> str:
    """The view of the upload that a segment is seen in."""
    return segment.view.partition("/")[0]
