"""Which view of the upload goes with which view of the reference."""

import functools
import math
import re
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from hashsvc.fingerprint.model import Fingerprint
from hashsvc.fingerprint.pdq import hamming
from hashsvc.match.comparison import SLOT, Line
from hashsvc.match.score import SURPRISE, excused
from hashsvc.match.seeds import COMPILED_SEEDS, Nomination
from hashsvc_index.arrays import Numbers

Pair = tuple[int, int]
"""Query view, reference view."""

_MOST_NOMINATED = 4
_KEPT = 3
_FEW, _MANY = 3, 6
_NEARLY, _HALF = 0.8, 0.5
"""What a nominated pair must gain of what the best pair does, to be among few and among many."""
_FRAMES = 16
"""Query frames that are looked at along a line."""
_CORNER = re.compile("(top|bottom)-(left|right)-[0-9]+")
_STRIP = re.compile("(top|bottom|left|right)-(72|half)|(top|bottom)-(left|right)-quarter")
_ODD = 0.01
"""The share of the chance of error that is spent on pairs of a strip, half or quarter of the upload and a corner of the
reference: it takes a crop and a picture put together. In heavily edited copies three of 301 findings of the right entry rested
on such a pair, and 27 of 138 of other entries, some of which share footage with them. (As shares of speeds and stretches are spent, see `evidence`.)"""


def nominated(nomination: Nomination, reference: Fingerprint, gate: int) -> list[Pair]:
    """The pairs whose seeds gained the most; full against full is always among them."""
    count = len(reference.views)
    order = _strongest(nomination, reference, gate).tolist()
    if 0 not in order:
        order = [*order[: _MOST_NOMINATED - 1], 0]
    return [divmod(one, count) for one in order]


def _strongest(nomination: Nomination, reference: Fingerprint, gate: int) -> Numbers:
    """The pairs that gain the most, query view x views of the reference + view there, of equals the first."""
    query_views, positions, seeds = nomination.query_views, nomination.positions, nomination.gains
    if COMPILED_SEEDS.module is not None:
        found: Numbers = COMPILED_SEEDS.module.strongest(
            reference.quality, positions, query_views, seeds, gate, _MOST_NOMINATED
        )
        return found
    # An entry's vectors are the hashes that reach the gate, in order.
    views = np.flatnonzero(reference.quality.ravel() >= gate)[positions] % len(reference.views)
    gains = np.bincount(query_views * len(reference.views) + views, seeds)
    order = np.argsort(-gains, kind="stable")[:_MOST_NOMINATED]
    return order[gains[order] > 0]


@functools.lru_cache(1024)
def log10_kinds(query_view: str, reference_view: str) -> float:
    """log10 of what a segment pays for the kind of view pair that it gains the most in, by the names of the views."""
    odd = _STRIP.fullmatch(query_view) and _CORNER.fullmatch(reference_view)
    return -math.log10(_ODD if odd else 1 - _ODD)


def widened(
    query: Fingerprint, reference: Fingerprint, pairs: Sequence[Pair], lines: Sequence[Line], gate: int
) -> list[list[Pair]]:
    """Few pairs and many, of which the better are to be believed: those of all pairs that gain the most along one of `lines`.

    A frame pays for the pairs among which it takes the nearest: where one pair is right, few are better, where a camera
    moves about, many. Of `pairs` are kept those that hold their own along the lines; all of them where no pair gains.
    """
    best = np.zeros((len(query.views), len(reference.views)), np.float32)
    for line in lines:
        best = np.maximum(best, _gains(query, reference, line, gate))
    order = [divmod(int(one), best.shape[1]) for one in np.argsort(-best, axis=None)[:_MANY] if best.flat[one] > 0]
    if not order:
        return [list(pairs)]
    found = []
    for most, share in ((_FEW, _NEARLY), (_MANY, _HALF)):
        kept = [pair for pair in pairs[:_KEPT] if best[pair] >= share * best[order[0]]]
        found.append(list(dict.fromkeys([*kept, *order[:most]])))
    return found


def _gains(query: Fingerprint, reference: Fingerprint, line: Line, gate: int) -> npt.NDArray[np.float32]:
    """What each pair of views gains along a line, float32 (query views, reference views)."""
    where = line.speed * query.starts + line.offset
    rows = np.flatnonzero((where >= 0) & (where < reference.duration))
    if len(rows) < 2:
        return np.zeros((len(query.views), len(reference.views)), np.float32)
    rows = rows[np.round(np.linspace(0, len(rows) - 1, min(len(rows), _FRAMES))).astype(int)]
    frames = np.searchsorted(reference.starts, where[rows] + SLOT, side="right") - 1
    frames = np.clip(frames, 0, reference.frames - 1)
    # What the same frames come to when they are put beside the wrong ones says what the two share at any time.
    usual = np.median(_distances(query, reference, rows, np.roll(frames, len(frames) // 2)), axis=0)
    distances = _distances(query, reference, rows, frames)
    fine = (query.quality[rows] >= gate)[:, :, None] & (reference.quality[frames] >= gate)[:, None, :]
    gains = SURPRISE[excused(distances, np.broadcast_to(usual, distances.shape))]
    total: npt.NDArray[np.float32] = np.where(fine, gains, 0).sum(axis=0)
    return total


def _distances(
    query: Fingerprint, reference: Fingerprint, rows: npt.NDArray[np.intp], frames: npt.NDArray[np.intp]
) -> npt.NDArray[np.int32]:
    """Distances of frames side by side in every pair of views, int32 (n, query views, reference views)."""
    return hamming(query.hashes[rows][:, :, None], reference.hashes[frames][:, None])
