"""Distances between two videos, compiled: all of them, what they gain where, and what of a line is news.

The plain statements are in `extend`, `score` and `align`, where everything is explained; these give the same, to the bit.
"""

import numpy as np
import numpy.typing as npt
from numba import types

from hashsvc.match import score
from hashsvc.match.align import REACH, Floats
from hashsvc_index.arrays import Numbers, Words
from hashsvc_index.kernels import compiled, ones, part, readable

Times = npt.NDArray[np.float64]
Qualities = npt.NDArray[np.uint8]
Distances = npt.NDArray[np.int16]

_NONE = 257
_UNRELATED, _SAME, _OTHER = score._UNRELATED, score._SAME, score._OTHER
_SMALLER = np.array([np.float32(0.2 * shift) for shift in range(REACH + 1)])

_HASHES, _QUALITIES = readable(types.uint64, 3), readable(types.uint8, 2)
_PAIRS, _PLACES, _TIMES = readable(types.int64, 2), readable(types.int64, 1), readable(types.float64, 1)


@part
def _measured(
    query: Words, query_quality: Qualities, left: int, reference: Words, reference_quality: Qualities, right: int,
    gate: int, distances: Distances, turned: Distances,
) -> None:  # fmt: skip
    """Fill in the distances of one view pair, (query frames, reference frames), and the same the other way around."""
    for row in range(distances.shape[0]):
        usable = query_quality[row, left] >= gate
        a, b, c, d = query[row, left, 0], query[row, left, 1], query[row, left, 2], query[row, left, 3]
        for column in range(distances.shape[1]):
            distance = np.int16(_NONE)
            if usable and reference_quality[column, right] >= gate:
                distance = np.int16(
                    ones(a ^ reference[column, right, 0])
                    + ones(b ^ reference[column, right, 1])
                    + ones(c ^ reference[column, right, 2])
                    + ones(d ^ reference[column, right, 3])
                )
            distances[row, column] = turned[column, row] = distance


@part
def _low_medians(distances: Distances) -> Times:
    """As `score._low_medians`."""
    count = distances.shape[1]
    medians = np.empty(distances.shape[0])
    often = np.zeros(_NONE + 1, np.int64)
    for row in range(distances.shape[0]):
        low, medians[row] = 0, _UNRELATED
        for column in range(count):
            low += distances[row, column] < _UNRELATED
        if low <= (count - 1) // 2:
            continue
        for value in range(_NONE + 1):
            often[value] = 0
        for column in range(count):
            often[distances[row, column]] += 1
        lower = _in_place(often, (count - 1) // 2)
        medians[row] = min((lower + _in_place(often, count // 2)) / 2, _UNRELATED)
    return medians


@part
def _in_place(often: Numbers, place: int) -> int:
    """The value at a place of the sorted values, of which each occurs so often."""
    value, passed = 0, often[0]
    while passed <= place:
        value += 1
        passed += often[value]
    return value


@part
def _lower_excused(distances: Distances, turned: Distances, nearest: npt.NDArray[np.int32]) -> None:
    """Lower `nearest` to `score.discounted` where that is less."""
    rows, columns = _low_medians(distances), _low_medians(turned)
    for row in range(distances.shape[0]):
        for column in range(distances.shape[1]):
            excess = max(_UNRELATED - min(rows[row], columns[column]), 0.0)
            distance = distances[row, column]
            share = min(max((distance - _SAME) / (_OTHER - _SAME), 0.0), 1.0)
            moved = np.int32(min(distance + excess * share, 256.0))
            nearest[row, column] = min(nearest[row, column], moved)


@compiled(_HASHES, _QUALITIES, _HASHES, _QUALITIES, _PAIRS, types.int64, readable(types.boolean, 1))
def compared(
    query: Words, query_quality: Qualities, reference: Words, reference_quality: Qualities, pairs: Numbers, gate: int,
    hidden: npt.NDArray[np.bool_],
) -> tuple[Distances, npt.NDArray[np.int32]]:  # fmt: skip
    """Distances int16 (pairs, query frames, reference frames) of two videos, and the least discounted ones, int32.

    Hashes are uint64 (frames, views, 4), qualities uint8 (frames, views), `pairs` int64 (pairs, 2), `hidden` bool (reference
    frames,).
    """
    frames, others = query.shape[0], reference.shape[0]
    stack, turned = np.empty((len(pairs), frames, others), np.int16), np.empty((others, frames), np.int16)
    nearest = np.empty((frames, others), np.int32)
    for row in range(frames):
        for column in range(others):
            nearest[row, column] = 256
    for turn in range(len(pairs)):
        left, right = pairs[turn, 0], pairs[turn, 1]
        _measured(query, query_quality, left, reference, reference_quality, right, gate, stack[turn], turned)
        _lower_excused(stack[turn], turned, nearest)
    for column in range(others):
        if hidden[column]:
            for row in range(frames):
                nearest[row, column] = _NONE
                for turn in range(len(pairs)):
                    stack[turn, row, column] = _NONE
    return stack, nearest


@compiled(readable(types.int32, 2), _PLACES, readable(types.float32, 1))
def spread(distances: npt.NDArray[np.int32], frames: Numbers, table: Floats) -> Floats:
    """Gains of `align.Comparison`, float32 (query frames, slots), from distances (query frames, reference frames).

    `frames` says which reference frame is shown in each slot, `table` what each distance gains.
    """
    count = len(frames)
    best = np.empty((distances.shape[0], count), np.float32)
    gains = np.empty(count, np.float32)
    for row in range(distances.shape[0]):
        for slot in range(count):
            gains[slot] = best[row, slot] = table[distances[row, frames[slot]]]
        for shift in range(1, REACH + 1):
            for slot in range(shift, count):
                best[row, slot] = max(best[row, slot], gains[slot - shift] - _SMALLER[shift])
                best[row, slot - shift] = max(best[row, slot - shift], gains[slot] - _SMALLER[shift])
    return best


@compiled(readable(types.uint64, 2), readable(types.uint64, 2), _TIMES, readable(types.float32, 1))
def novelty(query: Words, reference: Words, fresh: Times, gains: Floats) -> Times:
    """As `score.novelty`; `fresh` says how many bits apart a frame counts whole, float64 (n,)."""
    weights, counted, several = np.zeros(len(gains)), np.empty(len(gains), np.int64), 0
    for place in range(len(gains)):
        if not gains[place] > score.FLOOR:
            continue
        apart = np.int64(_NONE)
        for turn in range(several):
            mine, theirs = np.int64(0), np.int64(0)
            for word in range(4):
                mine += np.int64(ones(query[place, word] ^ query[counted[turn], word]))
                theirs += np.int64(ones(reference[place, word] ^ reference[counted[turn], word]))
            apart = min(apart, mine, theirs)
        weight = min(1.0, apart / fresh[place]) if several else 1.0
        if weight >= score.LEAST_FRESH:
            weights[place], counted[several] = weight, place
            several += 1
    return weights
