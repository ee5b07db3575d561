"""Activity curves compared: the road to a match that does not care what the picture was made to look like.

A curve is sampled eight times a second and averaged over three samples, which evens out frame rates. Two curves are
compared by their correlation after slow changes are taken off, as they are and as square roots, of which the lower counts: so
neither one burst alone nor a common murmur carries it.
"""

import dataclasses
import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from hashsvc.fingerprint.model import ACTIVITY_RATE
from hashsvc.match.align import MOST_BONUS
from hashsvc.match.comparison import Line, distinct
from hashsvc.match.lines import FASTEST, SLOWEST

_HALF = 1.5 / ACTIVITY_RATE
"""Half of the span that is averaged, seconds."""
_SLOW = 17
"""Samples over which slow changes are taken off: two seconds."""
WINDOW = 64
"""Samples of a piece of the query that is looked for: eight seconds."""
_SHORTEST = 32
_STRIDE = 24
_MOST_PIECES = 24
_SPEEDS = (0.5, 0.57, 0.66, 0.75, 0.8, 0.86, 0.93, 1.0, 1.07, 1.15, 1.25, 1.35, 1.5, 1.65, 1.8, 2.0)
_LIKELY = 0.5
"""A piece that agrees no better than this proposes no line."""
_MOST_LINES = 6
_MOST_SAMPLES = 240

LEAST = 0.3
"""Agreement that counts for nothing."""
_STRENGTH, _SAMPLES, _GROWTH = 3.4, 40, 1 / 3
"""Evidence of agreement r over n samples is STRENGTH x (n / SAMPLES) ^ GROWTH x r decades, measured on 4.1 million pairs of
windows of unrelated clips: it is at most log10 of how often r or more was seen, for 40, 80 and 160 samples."""

Curve = npt.NDArray[np.float64]
Samples = npt.NDArray[np.float32]
Load = Callable[[int], npt.NDArray[np.float32]]
"""The activity curve (m,) of an entry by number."""


@dataclasses.dataclass(frozen=True, slots=True)
class Agreement:
    """How well two curves agree along a line."""

    correlation: float
    """-1 to 1."""
    samples: int

    @property
    def decades(self) -> float:
        """-log10 of how often unrelated curves agree so well at one offset."""
        if self.correlation < LEAST or self.samples < _SHORTEST:
            return 0.0
        return strength(self.samples) * self.correlation


def strength(samples: int) -> float:
    """Decades of perfect agreement over so many samples."""
    decades: float = _STRENGTH * (min(samples, _MOST_SAMPLES) / _SAMPLES) ** _GROWTH
    return decades


def agreements(queries: Samples, reference: Samples, line: Line, start: float, end: float) -> list[Agreement]:
    """Agreement of each of some curves (k, n) with a curve (m,) along `line` between two query times, seconds."""
    first, last = math.ceil(start * ACTIVITY_RATE), min(math.floor(end * ACTIVITY_RATE), queries.shape[1])
    where = line.speed * (np.arange(first, last) + 0.5) / ACTIVITY_RATE + line.offset
    inside = np.flatnonzero((where > 0) & (where < len(reference) / ACTIVITY_RATE))
    if len(inside) < _SHORTEST:
        return [Agreement(0.0, len(inside))] * len(queries)
    left = _levelled(_evenly_averaged(queries)[:, first + inside])
    right = _levelled(averaged(reference, where[inside], line.speed))
    nearest = np.minimum(*(_normal(a) @ _normal(b) for a, b in zip(left, right, strict=True)))
    return [Agreement(correlation, len(inside)) for correlation in nearest.tolist()]


def lines(queries: Samples, reference: Samples) -> list[Line]:
    """Lines on which some row of `queries` (rows, n) agrees best with the reference (m,); the best few, best first."""
    length = min(WINDOW, queries.shape[1], len(reference) - 8)
    if length < _SHORTEST:
        return []
    begins = np.arange(0, queries.shape[1] - length + 1, _STRIDE)
    if len(begins) > _MOST_PIECES:
        begins = begins[np.round(np.linspace(0, len(begins) - 1, _MOST_PIECES)).astype(int)]
    pieces = _pieces(queries, begins, length)
    found: list[tuple[float, Line]] = []
    for speed in _SPEEDS:
        steps = np.arange(int(len(reference) / speed)) + 0.5
        if len(steps) < length:
            continue
        resampled = _levelled(averaged(reference, steps * speed / ACTIVITY_RATE, speed))
        for sign in (1, -1) if speed == 1 else (1,):
            scores = np.minimum(*(_sliding(piece, one[::sign]) for piece, one in zip(pieces, resampled, strict=True)))
            found += _peaks(scores, begins, len(queries), speed, sign, len(reference) / ACTIVITY_RATE)
    found.sort(key=lambda one: -one[0])
    return distinct((line for _, line in found), _MOST_LINES)


def _pieces(queries: Samples, begins: npt.NDArray[np.intp], length: int) -> list[Samples]:
    """Pieces of all rows, linear and as roots, each (rows x pieces, length), normal."""
    kinds = (curve[:, begins[:, None] + np.arange(length)] for curve in _levelled(_evenly_averaged(queries)))
    return [_normal(kind.reshape(-1, length)).astype(np.float32) for kind in kinds]


def _sliding(pieces: Samples, curve: Curve) -> Samples:
    """Correlation of normal pieces (p, length) with each stretch of a curve (m,): (p, m - length + 1)."""
    length = pieces.shape[1]
    count = len(curve) - length + 1
    sums, squares = (np.concatenate([[0.0], np.cumsum(one)]) for one in (curve, curve * curve))
    variance = squares[length:] - squares[:count] - (sums[length:] - sums[:count]) ** 2 / length
    scale = np.where(variance > 1e-12, 1 / np.sqrt(np.maximum(variance, 1e-12)), 0.0).astype(np.float32)
    # A piece has mean 0, so the stretch's own mean does not matter. Scaled before the product, which has far more of them.
    stretches = np.lib.stride_tricks.sliding_window_view(curve.astype(np.float32), length) * scale[:, None]
    found: Samples = pieces @ stretches.T
    return found


def _peaks(
    scores: Samples, begins: npt.NDArray[np.intp], rows: int, speed: float, sign: int, duration: float
) -> list[tuple[float, Line]]:
    """The best line of each piece (rows x pieces, offsets)."""
    best = scores.argmax(axis=1)
    top = scores[np.arange(len(scores)), best]
    found = []
    for place in np.flatnonzero(top > _LIKELY).tolist():
        begin = begins[place % len(begins)] / ACTIVITY_RATE
        at = float(best[place]) * speed / ACTIVITY_RATE
        line = Line(speed, at - speed * begin) if sign > 0 else Line(-speed, duration - at + speed * begin)
        found.append((float(top[place]) - 0.1 * (speed != 1.0 or sign < 0), line))
    return found


def windows(
    curve: npt.NDArray[np.float32], times: Curve, speed: float, begins: npt.NDArray[np.intp]
) -> npt.NDArray[np.float32]:
    """WINDOW samples of a curve (n,) at `times`, seconds, from each of `begins` (w,) on: float32 (w, 2 x WINDOW).

    The inner product of two of them is the mean of their two correlations.
    """
    places = begins[:, None] + np.arange(WINDOW)
    both = [_normal(one[places]) for one in _levelled(averaged(curve, times, speed))]
    return (np.concatenate(both, axis=1) / math.sqrt(2)).astype(np.float32)


def _evenly_averaged(curves: Samples) -> Curve:
    """`averaged` of curves (k, n) at their own samples and speed 1: (k, n)."""
    sums = np.zeros((len(curves), curves.shape[1] + 1))
    np.cumsum(curves, axis=1, out=sums[:, 1:])
    places = np.arange(curves.shape[1])
    first, last = np.maximum(places - 1, 0), np.minimum(places + 2, curves.shape[1])
    mean: Curve = (sums[:, last] - sums[:, first]) / (last - first)
    return mean


def averaged(curve: npt.NDArray[np.float32], times: Curve, speed: float) -> Curve:
    """Mean of a curve (n,) over a span around each of `times`, seconds; the span is as long as what passes in it at `speed`."""
    sums = np.concatenate([[0.0], np.cumsum(curve, dtype=np.float64)])
    half = _HALF * abs(speed)
    grid = np.arange(len(sums)) / ACTIVITY_RATE
    # At its ends a curve is averaged over less, or a constant one would seem to fall off.
    first, last = (np.clip(times + side, 0.0, grid[-1]) for side in (-half, half))
    mean: Curve = (np.interp(last, grid, sums) - np.interp(first, grid, sums)) / np.maximum(last - first, 1e-6)
    return mean


def _levelled(curve: Curve) -> tuple[Curve, Curve]:
    """The curve and its square root without their slow changes."""
    positive = np.maximum(curve, 0.0)
    return _without_slow(positive), _without_slow(np.sqrt(positive))


def _without_slow(curve: Curve) -> Curve:
    from scipy.ndimage import uniform_filter1d  # not at the top: 20 MB that most uploads have no use for

    fast: Curve = curve - uniform_filter1d(curve, _SLOW, mode="nearest")
    return fast


def _normal(pieces: Curve) -> Curve:
    """Rows (n, length) with mean 0 and length 1; rows that hardly move become 0."""
    centred = pieces - pieces.mean(axis=-1, keepdims=True)
    size = np.sqrt((centred * centred).sum(axis=-1, keepdims=True))
    normal: Curve = np.where(size > 1e-6, centred / np.maximum(size, 1e-9), 0.0)
    return normal


assert _SPEEDS[0] >= SLOWEST and _SPEEDS[-1] <= FASTEST and strength(_MOST_SAMPLES) <= MOST_BONUS
