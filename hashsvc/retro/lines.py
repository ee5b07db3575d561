"""A quick look at many uploads at once: do the frames that come near a reference lie on a line in time?

What comes near it by chance does so in any view, at any time, and often with one still picture. What `find` would call
a match has different pictures on a line, in few pairs of views; here the lines are coarse, and only seeding frames are
looked at.
"""

import dataclasses
from collections.abc import Iterator, Sequence

import faiss
import numpy as np
import numpy.typing as npt

from hashsvc.fingerprint.model import HASH_BYTES, Fingerprint
from hashsvc.fingerprint.pdq import hamming
from hashsvc.match import seeds
from hashsvc.match.score import (
    FLOOR,
    FRESH_LEAST,
    FRESH_MOST,
    FRESH_OVER,
    FRESH_SLOPE,
    LEAST_FRESH,
    SURPRISE,
    log10_chance,
    relief,
)
from hashsvc.retro.packing import Seeding
from hashsvc.retro.sieve import Mask

_PAIRS = 4
"""Pairs of views that are looked at, those with the most near hashes."""
_SPEEDS = (1.0, 0.5, 0.63, 0.8, 0.9, 1.1, 1.25, 1.5, 1.75, 2.0, -1.0)
_OTHER_SPEED = 0.5
"""Decades that a line of another speed than 1 pays."""
_WIDTH = 1.5
"""Seconds within which a frame is on a line; two bands overlap by half."""
_LINES = 3
"""Lines of an upload that are weighed, those on which the most is gained."""
_FRAMES = 16
"""Frames of a line that are weighed, the nearest."""
_FAR = 256
_STEERING = 2.0
"""Decades that a frame must gain to speak for a line,"""
_CHOICES = 0.8
"""and that it pays for having been the nearest in several pairs of views."""
_MOST_PAIRS, _MOST_CELLS = 1 << 23, 1 << 22
"""Pairs of hashes, and cells of lines and frames, that are dealt with at once: some hundred MB where all of them are near."""

Places = npt.NDArray[np.intp]


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class _Hits:
    """Hashes of uploads that are near hashes of the reference; arrays have an element a hit."""

    owners: Places
    """The upload, by its place among those that were asked for."""
    rows: Places
    """Place of the hash among those of all uploads,"""
    others: Places
    """and of the one that it is near to."""
    frames: Places
    times: npt.NDArray[np.float64]
    where: npt.NDArray[np.float64]
    """When the other one is shown in the reference, seconds."""
    pairs: Places
    """Of views, as one number."""
    distances: npt.NDArray[np.int32]

    def at(self, chosen: npt.NDArray[np.intp] | Mask) -> "_Hits":
        return _Hits(*(getattr(self, one.name)[chosen] for one in dataclasses.fields(self)))


class Lines:
    """One reference. Thread-safe."""

    def __init__(self, reference: Fingerprint, gate: int) -> None:
        places = np.flatnonzero((reference.quality >= gate).ravel())
        self._views = len(reference.views)
        self._view = places % self._views
        self._where = reference.starts[places // self._views]
        self._hashes = np.ascontiguousarray(reference.hashes.reshape(-1, HASH_BYTES)[places])
        self._index = faiss.IndexBinaryFlat(HASH_BYTES * 8)
        self._index.add(self._hashes)

    def evidence(self, uploads: Sequence[Seeding], looked: Sequence[Mask]) -> npt.NDArray[np.float64]:
        """log10 of the chance of the best line of each upload, float64 (n,); `looked` says at which hashes to look, (m,) each."""
        found = np.zeros(len(uploads))
        for first, last in self._batches([int(one.sum()) for one in looked]):
            hashes, hits = self._hits(uploads[first:last], looked[first:last])
            lines, owners, prices = _best_lines(hits, last - first)
            found[first:last] = self._chances(hashes, lines, owners, prices, last - first)
        return found

    def _batches(self, counts: Sequence[int]) -> Iterator[tuple[int, int]]:
        """Ranges of uploads that are dealt with at once."""
        first, rows = 0, 0
        for place, count in enumerate(counts):
            if place > first and (rows + count) * len(self._hashes) > _MOST_PAIRS:
                yield first, place
                first, rows = place, 0
            rows += count
        if counts:
            yield first, len(counts)

    def _hits(self, uploads: Sequence[Seeding], looked: Sequence[Mask]) -> tuple[npt.NDArray[np.uint8], _Hits]:
        """Near hashes of uploads, uint8 (n, 32), and what they hit in the best pairs of views."""
        hashes = np.concatenate([one.hashes[mask] for one, mask in zip(uploads, looked, strict=True)])
        owners = np.repeat(np.arange(len(uploads)), [int(mask.sum()) for mask in looked])
        frames, times, views = (
            np.concatenate([getattr(one, name)[mask] for one, mask in zip(uploads, looked, strict=True)])
            for name in ("frames", "times", "views")
        )
        limits, distances, others = self._index.range_search(hashes, seeds.RADIUS + 1)
        rows = np.repeat(np.arange(len(hashes)), np.diff(limits.astype(np.int64)))
        pairs = views[rows] * self._views + self._view[others]
        distances = distances.astype(np.int32)
        hits = _Hits(owners[rows], rows, others, frames[rows], times[rows], self._where[others], pairs, distances)
        return hashes, hits.at(_in_best_pairs(hits, len(uploads), max(one.of for one in uploads) * self._views))

    def _chances(
        self, hashes: npt.NDArray[np.uint8], lines: _Hits, owners: Places, prices: npt.NDArray[np.float32], uploads: int
    ) -> npt.NDArray[np.float64]:
        """log10 of the chance of each upload's best line, float64 (uploads,); `lines` are the hits of lines, by their number.

        The nearest hit of each frame counts, and less where its picture was there before.
        """
        found = np.zeros(uploads)
        hits = _nearest(lines)
        count = len(owners)
        gains = np.zeros((count, _FRAMES), np.float32)
        fresh = np.ones((count, _FRAMES))
        sides = np.zeros((2, count, _FRAMES, HASH_BYTES), np.uint8)
        ranks = np.arange(len(hits.owners)) - np.searchsorted(hits.owners, hits.owners)
        gains[hits.owners, ranks] = SURPRISE[hits.distances] - np.float32(_CHOICES)
        fresh[hits.owners, ranks] = np.clip(FRESH_SLOPE * hits.distances + FRESH_OVER, FRESH_LEAST, FRESH_MOST)
        sides[0, hits.owners, ranks], sides[1, hits.owners, ranks] = hashes[hits.rows], self._hashes[hits.others]
        weights = _novelties(sides, gains, fresh)
        totals = ((gains - FLOOR) * weights).sum(axis=1) - prices
        order = np.lexsort((-totals, owners))
        for line in order[np.unique(owners[order], return_index=True)[1]]:
            price, mine = float(prices[line]), weights[line]
            found[owners[line]] = min(0.0, log10_chance(gains[line], mine) - relief(mine) + price)
        return found


def _nearest(lines: _Hits) -> _Hits:
    """The nearest hit of each frame of a line, the nearest _FRAMES of them, in order of line and distance."""
    order = np.lexsort((lines.distances, lines.frames, lines.owners))
    lines = lines.at(order)
    fresh = np.ones(len(order), bool)
    fresh[1:] = (np.diff(lines.owners) != 0) | (np.diff(lines.frames) != 0)
    lines = lines.at(np.flatnonzero(fresh))
    lines = lines.at(np.lexsort((lines.distances, lines.owners)))
    return lines.at(np.arange(len(lines.owners)) - np.searchsorted(lines.owners, lines.owners) < _FRAMES)


def _novelties(
    sides: npt.NDArray[np.uint8], gains: npt.NDArray[np.float32], fresh: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """The weights of `hashsvc.match.score.novelty` for many lines at once, (lines, frames), nearest frames first.

    `sides` are the hashes of uploads and of the reference, (2, lines, frames, 32); `fresh` is by how many bits each frame
    must differ from every one counted before to count whole.
    """
    apart = np.minimum(*(hamming(side[:, :, None], side[:, None]) for side in sides))
    weights = np.zeros(gains.shape)
    for frame in range(gains.shape[1]):
        nearest = np.where(weights[:, :frame] > 0, apart[:, frame, :frame], _FAR).min(axis=1, initial=_FAR)
        weight = np.minimum(nearest / fresh[:, frame], 1.0)
        weights[:, frame] = np.where((gains[:, frame] > FLOOR) & (weight >= LEAST_FRESH), weight, 0.0)
    return weights


def _in_best_pairs(hits: _Hits, uploads: int, pairs: int) -> Mask:
    """Which hits are in the pairs of views that gain the most in their upload, as `hashsvc.match.pairs.nominated` has it."""
    keys = hits.owners * pairs + hits.pairs
    gains = np.bincount(keys, SURPRISE[hits.distances], minlength=uploads * pairs).reshape(uploads, pairs)
    least = np.partition(gains, max(pairs - _PAIRS, 0), axis=1)[:, max(pairs - _PAIRS, 0)]
    chosen: Mask = gains.ravel()[keys] >= least[hits.owners]
    return chosen


def _best_lines(hits: _Hits, uploads: int) -> tuple[_Hits, Places, npt.NDArray[np.float32]]:
    """The lines on which the most is gained, _LINES of each upload: their hits, which have the line for an owner, and of each
    line the upload and the price, (lines,)."""
    gains = np.maximum(SURPRISE[hits.distances] - _STEERING, 0)
    bands, best, totals, prices = [], [], [], []
    for speed in _SPEEDS:
        for phase in (0.0, 0.5):
            bands.append(np.floor((hits.where - speed * hits.times) / _WIDTH + phase).astype(np.intp))
            chosen, total = _best_bands(hits, bands[-1], gains, uploads)
            best.append(chosen)
            prices.append(np.float32(0.0 if speed == 1 else _OTHER_SPEED))
            totals.append(total - prices[-1])
    order = np.argsort(-np.array(totals), axis=0, kind="stable")[:_LINES]
    parts = []
    for rank, turns in enumerate(order):
        turn = turns[hits.owners]
        on = np.array(bands)[turn, np.arange(len(turn))] == np.array(best)[turn, hits.owners]
        parts.append(dataclasses.replace(hits.at(on), owners=hits.owners[on] * _LINES + rank))
    lines = _Hits(*(np.concatenate([getattr(one, field.name) for one in parts]) for field in dataclasses.fields(_Hits)))
    return lines, np.repeat(np.arange(uploads), _LINES), np.array(prices)[order.T.ravel()]


def _best_bands(
    hits: _Hits, bands: Places, gains: npt.NDArray[np.float32], uploads: int
) -> tuple[Places, npt.NDArray[np.float32]]:
    """The band in which the frames of each upload gain the most, the best hit of each frame counted, and how much."""
    if not len(bands):
        return np.zeros(uploads, np.intp), np.zeros(uploads, np.float32)
    lowest, frames = int(bands.min()), int(hits.frames.max()) + 1
    count = int(bands.max()) - lowest + 1
    best, totals = np.zeros(uploads, np.intp), np.zeros(uploads, np.float32)
    step = max(1, _MOST_CELLS // (count * frames))
    for first in range(0, uploads, step):
        last = min(first + step, uploads)
        begin, end = np.searchsorted(hits.owners, (first, last))
        part = slice(begin, end)
        cells = np.zeros((last - first) * count * frames, np.float32)
        places = ((hits.owners[part] - first) * count + bands[part] - lowest) * frames + hits.frames[part]
        np.maximum.at(cells, places, gains[part])
        sums = cells.reshape(last - first, count, frames).sum(axis=2)
        best[first:last] = sums.argmax(axis=1) + lowest
        totals[first:last] = sums.max(axis=1)
    return best, totals
