"""A quick look at many uploads: do the frames that come near a reference lie on a line in time, and does that say much?

What comes near it by chance does so in any view, at any time, and often with one still picture. What `find` would call
a match has different pictures on a line, in few pairs of views, and is nearer there than at any other time. Here the same is
asked of seeding frames only, and of coarse lines.
"""

import dataclasses
import math
from collections.abc import Sequence

import faiss
import numpy as np
import numpy.typing as npt

from hashsvc.fingerprint.model import HASH_BYTES, Fingerprint
from hashsvc.fingerprint.pdq import hamming
from hashsvc.match import seeds
from hashsvc.match.comparison import Line
from hashsvc.match.evidence import NONE, excesses, usual_distances
from hashsvc.match.score import FLOOR, SURPRISE, discounted, excused, fading, log10_chance, novelty, relief
from hashsvc.retro.packing import Seeding
from hashsvc.retro.sieve import COMPILED, FAR, Mask
from hashsvc_index.arrays import as_words

PAIRS = 4
"""Pairs of views that are looked at, those in which the hashes of the upload gain the most, each by its nearest."""
SPEEDS = (1.0, 0.5, 0.63, 0.8, 0.9, 1.1, 1.25, 1.5, 1.75, 2.0, -1.0)
OTHER_SPEED = 0.5
"""Decades that a line of another speed than 1 pays."""
WIDTH = 1.5
"""Seconds within which a frame is on a line; two bands overlap by half."""
LINES = 3
"""Lines of an upload that are weighed, those on which the most is gained."""
FRAMES = 16
"""Frames of a line that are weighed, the nearest."""
STEERING = 2.0
"""Decades that a frame must gain to speak for a line,"""
CHOICES = 0.8
"""and that it pays for having been the nearest in several pairs of views."""
Places = npt.NDArray[np.intp]
Floats = npt.NDArray[np.float32]
Times = npt.NDArray[np.float64]


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Found:
    """The best line of each upload."""

    evidence: Times
    """log10 of the chance of it, float64 (n,); 0 where there is none."""
    distances: Times
    """Median Hamming distance of its frames, float64 (n,); FAR where there is none."""


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class _Tables:
    """An upload and the reference in the best pairs of views."""

    times: Times
    """When each seeding frame is shown, seconds, (frames,)."""
    pairs: Places
    """View of the upload and of the reference, (pairs, 2)."""
    stack: npt.NDArray[np.int16]
    """Hamming distances, (pairs, frames, reference frames); NONE where either hash is missing."""
    nearest: npt.NDArray[np.int32]
    """The least discounted ones, (frames, reference frames)."""


class Lines:
    """One reference. Thread-safe."""

    def __init__(self, reference: Fingerprint, gate: int) -> None:
        places = np.flatnonzero((reference.quality >= gate).ravel())
        self._reference = reference.hashes
        self._passed = (reference.quality >= gate).astype(np.uint8)
        self._starts = reference.starts
        self._view = (places % len(reference.views)).astype(np.int64)
        self._hashes = np.ascontiguousarray(reference.hashes.reshape(-1, HASH_BYTES)[places])
        self._index = faiss.IndexBinaryFlat(HASH_BYTES * 8)
        self._index.add(self._hashes)

    def find(self, uploads: Sequence[Seeding], looked: Sequence[Mask]) -> Found:
        """The best line of each upload; `looked` says which hashes name the pairs of views, (m,) each."""
        if not uploads or not len(self._hashes):
            return Found(np.zeros(len(uploads)), np.full(len(uploads), float(FAR)))
        gains, weights, prices, distances = self._best(uploads, looked)
        evidence = [
            min(0.0, log10_chance(mine, news) - relief(news) + float(price))
            for mine, news, price in zip(gains, weights, prices, strict=True)
        ]
        return Found(np.array(evidence), distances)

    def _best(self, uploads: Sequence[Seeding], looked: Sequence[Mask]) -> tuple[Floats, Times, Times, Times]:
        """Gains and weights of the frames of each upload's best line, (n, FRAMES), its price and its median distance, (n,)."""
        if COMPILED.module is None:
            gains, weights = np.zeros((len(uploads), FRAMES), np.float32), np.zeros((len(uploads), FRAMES))
            prices, distances = np.zeros(len(uploads)), np.full(len(uploads), float(FAR))
            for place, (upload, mask) in enumerate(zip(uploads, looked, strict=True)):
                tables = self._tables(upload, mask)
                if tables is not None:
                    gains[place], weights[place], prices[place], distances[place] = self._line(upload, tables)
            return gains, weights, prices, distances
        found: tuple[Floats, Times, Times, Times] = COMPILED.module.best_lines(
            as_words(np.concatenate([one.hashes for one in uploads])),
            np.concatenate([one.frames for one in uploads]).astype(np.int64),
            np.concatenate([one.times for one in uploads]),
            np.concatenate([one.views for one in uploads]).astype(np.int64),
            np.concatenate(looked).astype(bool),
            np.cumsum([len(one.hashes) for one in uploads]),
            max(one.of for one in uploads),
            as_words(self._reference),
            self._passed,
            self._starts,
            as_words(self._hashes),
            self._view,
        )
        return found

    def _tables(self, upload: Seeding, looked: Mask) -> _Tables | None:
        """The distances that count; None where nothing is near."""
        limits, distances, others = self._index.range_search(upload.hashes[looked], seeds.RADIUS + 1)
        rows = np.repeat(np.flatnonzero(looked), np.diff(limits.astype(np.int64)))
        views = self._reference.shape[1]
        best = np.zeros((len(upload.hashes), views), np.float32)
        np.maximum.at(best, (rows, self._view[others]), SURPRISE[distances.astype(np.int32)])
        gains = np.zeros((upload.of, views))
        np.add.at(gains, upload.views, best)
        pairs = [int(one) for one in np.argsort(-gains, axis=None, kind="stable")[:PAIRS] if gains.flat[one] > 0]
        if not pairs:
            return None
        hashes, passed, times = _dense(upload)
        stack = np.stack([self._distances(hashes, passed, *divmod(one, views)) for one in pairs])
        nearest = np.stack([discounted(one) for one in stack]).min(axis=0)
        return _Tables(times, np.array([divmod(one, views) for one in pairs]), stack, nearest)

    def _distances(self, hashes: npt.NDArray[np.uint8], passed: Mask, left: int, right: int) -> npt.NDArray[np.int16]:
        distances = hamming(hashes[:, None, left], self._reference[None, :, right])
        missing = ~(passed[:, left, None] & (self._passed[None, :, right] > 0))
        return np.where(missing, NONE, distances).astype(np.int16)

    def _line(self, upload: Seeding, tables: _Tables) -> tuple[Floats, Times, float, float]:
        """Gains, weights, price and median distance of the best line."""
        hashes, _, _ = _dense(upload)
        found, most = (np.zeros(FRAMES, np.float32), np.zeros(FRAMES), 0.0, float(FAR)), -math.inf
        for speed, phase, band in _best_bands(tables, self._starts):
            price = 0.0 if speed == 1 else OTHER_SPEED
            rows, frames, distance = _on_band(tables, self._starts, speed, phase, band)
            which = tables.stack[:, rows, frames].argmin(axis=0)
            apart = tables.stack[which, rows, frames].astype(np.int32)
            line = Line(speed, (band - phase + 0.5) * WIDTH)
            excess = excesses(tables.stack, tables.times, self._starts, line)
            usual = usual_distances(tables.stack, tables.times, rows, frames, which)
            mine = SURPRISE[excused(apart, usual)] - np.float32(CHOICES) - fading(apart) * excess[which]
            mine = np.maximum(mine, np.float32(0))
            left, right = tables.pairs[which].T
            news = novelty(hashes[rows, left], self._reference[frames, right], apart, mine)
            total = float(((mine - FLOOR) * news).sum()) - price
            if total > most:
                most, left_over = total, (0, FRAMES - len(rows))
                found = (np.pad(mine, left_over), np.pad(news, left_over), price, distance)
        return found


def _dense(upload: Seeding) -> tuple[npt.NDArray[np.uint8], Mask, Times]:
    """Hashes, uint8 (frames, views, 32), which of them there are, (frames, views), and when frames are shown, (frames,)."""
    frames = int(upload.frames.max()) + 1
    hashes, passed = np.zeros((frames, upload.of, HASH_BYTES), np.uint8), np.zeros((frames, upload.of), bool)
    hashes[upload.frames, upload.views], passed[upload.frames, upload.views] = upload.hashes, True
    times = np.zeros(frames)
    times[upload.frames] = upload.times
    return hashes, passed, times


def _best_bands(tables: _Tables, starts: Times) -> list[tuple[float, float, int]]:
    """Speed, phase and band of the lines on which the most is gained, the best first; at most one of each speed and phase."""
    near = np.where(tables.nearest <= seeds.RADIUS, SURPRISE[np.minimum(tables.nearest, FAR)], 0)
    steering = np.maximum(near - np.float32(STEERING), np.float32(0))
    rows, frames = np.nonzero(steering)
    if not len(rows):
        return []
    found = []
    for speed in SPEEDS:
        for phase in (0.0, 0.5):
            bands = np.floor((starts[frames] - speed * tables.times[rows]) / WIDTH + phase).astype(np.intp)
            lowest = int(bands.min())
            cells = np.zeros((len(tables.times), int(bands.max()) - lowest + 1), np.float32)
            np.maximum.at(cells, (rows, bands - lowest), steering[rows, frames])
            sums = cells.sum(axis=0)
            best = int(sums.argmax())
            found.append((float(sums[best]) - (0.0 if speed == 1 else OTHER_SPEED), speed, phase, best + lowest))
    found.sort(key=lambda one: -one[0])
    return [(speed, phase, band) for _, speed, phase, band in found[:LINES]]


def _on_band(tables: _Tables, starts: Times, speed: float, phase: float, band: int) -> tuple[Places, Places, float]:
    """Seeding frames on a line, the nearest FRAMES of them, the nearest first, the reference frame of each, and the median
    distance."""
    bands = np.floor((starts[None, :] - speed * tables.times[:, None]) / WIDTH + phase)
    distances = np.where((bands == band) & (tables.nearest <= seeds.RADIUS), tables.nearest, FAR)
    frames = distances.argmin(axis=1)
    least = distances[np.arange(len(frames)), frames]
    rows = np.argsort(least, kind="stable")[: min(FRAMES, int((least < FAR).sum()))]
    return rows, frames[rows], float(least[rows[len(rows) // 2]])
