"""Seeds picked, and what they point at, compiled.

The plain statements are in `seeds` and `pairs`, where everything is explained; these give the same, to the bit.
"""

import numpy as np
import numpy.typing as npt
from numba import types

from hashsvc.match.score import SURPRISE
from hashsvc_index.arrays import Distances, Numbers, Words
from hashsvc_index.kernels import compiled, part, readable

Floats = npt.NDArray[np.float32]
Qualities = npt.NDArray[np.uint8]


@compiled(readable(types.uint64, 3), readable(types.uint8, 2), types.int64, types.int64)
def picked(hashes: Words, quality: Qualities, gate: int, wanted: int) -> tuple[Words, Numbers, Numbers]:
    """The fields of `seeds.Seeds` for `seeds.pick`, hashes as uint64 (m, 4), of at most so many `wanted` frames."""
    good, usable = quality >= gate, np.empty(quality.shape[0], np.int64)
    count = 0
    for frame in range(quality.shape[0]):
        if good[frame].any():
            usable[count] = frame
            count += 1
    taken = min(count, wanted)
    if taken < count:
        step = (count - 1) / (taken - 1)
        for place in range(taken - 1):
            usable[place] = usable[round(place * step)]  # never one that was overwritten: steps are longer than 1
        usable[taken - 1] = usable[count - 1]
    most = taken * quality.shape[1]
    seeds, frames, views = np.empty((most, 4), np.uint64), np.empty(most, np.int64), np.empty(most, np.int64)
    found = 0
    for frame in usable[:taken]:
        for view in range(quality.shape[1]):
            if good[frame, view]:
                for word in range(4):
                    seeds[found, word] = hashes[frame, view, word]
                frames[found], views[found] = frame, view
                found += 1
    return seeds[:found], frames[:found], views[:found]


@compiled(
    readable(types.int64, 1), readable(types.int64, 1), readable(types.int32, 1), readable(types.int32, 1), types.float64
)  # fmt: skip
def promising(
    entry: Numbers, frames: Numbers, query: Distances, distance: Distances, least: float
) -> tuple[Numbers, Numbers]:  # fmt: skip
    """As `seeds._promising`; these are all that are worth `least`, by sums in another order."""
    order = np.argsort(entry, kind="mergesort")
    best = np.zeros(frames.max() + 1)
    bounds, found = np.empty((len(order), 2), np.int64), 0
    begin = 0
    while begin < len(order):
        end, worth = begin, 0.0
        while end < len(order) and entry[order[end]] == entry[order[begin]]:
            frame, gain = frames[query[order[end]]], np.float64(SURPRISE[distance[order[end]]])
            worth += max(gain - best[frame], 0.0)
            best[frame] = max(gain, best[frame])
            end += 1
        for place in range(begin, end):
            best[frames[query[order[place]]]] = 0.0
        if worth >= least:
            bounds[found, 0], bounds[found, 1] = begin, end
            found += 1
        begin = end
    return order, bounds[:found]


@part
def _views_at(quality: Qualities, positions: Numbers, gate: int) -> Numbers:
    """The view of each of these rows of a reference's vectors."""
    # How many hashes reach the gate before each frame.
    before, passed = np.empty(quality.shape[0], np.int64), 0
    for frame in range(quality.shape[0]):
        before[frame] = passed
        several = 0
        for view in range(quality.shape[1]):
            several += quality[frame, view] >= gate
        passed += several
    found = np.empty(len(positions), np.int64)
    for place in range(len(positions)):
        if not 0 <= positions[place] < passed:
            raise IndexError("the reference has no such vector")
        frame = np.searchsorted(before, positions[place], side="right") - 1
        left, view = positions[place] - before[frame], 0
        while left or quality[frame, view] < gate:
            left -= quality[frame, view] >= gate
            view += 1
        found[place] = view
    return found


@compiled(
    readable(types.uint8, 2), readable(types.int64, 1), readable(types.int64, 1), readable(types.float32, 1), types.int64,
    types.int64,
)  # fmt: skip
def strongest(
    quality: Qualities, positions: Numbers, query_views: Numbers, gains: Floats, gate: int, most: int
) -> Numbers:
    """As `pairs._strongest`, of a nomination and a reference with this quality (frames, views): at most so many."""
    views, count, pairs = _views_at(quality, positions, gate), quality.shape[1], 0
    for place in range(len(positions)):
        pairs = max(pairs, query_views[place] * count + views[place] + 1)
    sums, chosen = np.zeros(pairs), np.empty(most, np.int64)
    for place in range(len(positions)):
        sums[query_views[place] * count + views[place]] += gains[place]
    for turn in range(most):
        best = -1
        for pair in range(pairs):
            if sums[pair] > 0 and (best < 0 or sums[pair] > sums[best]):
                best = pair
        if best < 0:
            return chosen[:turn]
        chosen[turn], sums[best] = best, 0.0
    return chosen
