"""Looks at many uploads, compiled: the nearest representative of each hash, and lines of what is near.

The plain statements are in `sieve` and `lines`, where everything is explained; these give the same.
"""

import math

import numpy as np
import numpy.typing as npt
from numba import types

from hashsvc.match import score
from hashsvc.match.compiled import compared, counted, novelty, on_line, paid_for, usual_distances
from hashsvc.match.seeds import RADIUS
from hashsvc.retro import lines
from hashsvc.retro.lines import FRAMES, LINES, PAIRS, WIDTH, Floats, Times
from hashsvc.retro.sieve import FAR
from hashsvc_index.arrays import Numbers, Words
from hashsvc_index.kernels import compiled, eight_beyond, ones, part, readable

Nearest = npt.NDArray[np.int32]
Stack = npt.NDArray[np.int16]
Bytes = npt.NDArray[np.uint8]
Flags = npt.NDArray[np.bool_]
Found = tuple[Floats, Times, Times, Times]

_FLOOR, _FEW, _MOST_EXCESS, _OFTEN_NEAR = score.FLOOR, score._FEW, score._MOST_EXCESS, score._OFTEN_NEAR
_SURPRISE, _SPEEDS, _OTHER_SPEED = score.SURPRISE, np.array(lines.SPEEDS), lines.OTHER_SPEED
_STEERING, _CHOICES = np.float32(lines.STEERING), np.float32(lines.CHOICES)
_ALL = ~np.uint64(0)
_AT_ONCE = 8

_WORDS, _NUMBERS, _TIMES = readable(types.uint64, 2), readable(types.int64, 1), readable(types.float64, 1)


@compiled(_WORDS, _WORDS, types.int64)
def nearest(rows: Words, others: Words, radius: int) -> Nearest:
    """As `sieve.Sieve._nearest`; `others`, uint64 (4, n), are word by word, so that many are compared at once."""
    found = np.full(len(rows), FAR, np.int32)
    for one in range(len(rows)):
        a, b, c, d = rows[one, 0], rows[one, 1], rows[one, 2], rows[one, 3]
        least = np.uint64(FAR)
        for other in range(others.shape[1]):
            least = min(
                least,
                ones(a ^ others[0, other])
                + ones(b ^ others[1, other])
                + ones(c ^ others[2, other])
                + ones(d ^ others[3, other]),
            )
        if least <= radius:
            found[one] = least
    return found


@part
def _distance(left: Words, one: int, right: Words, other: int) -> np.int64:
    distance = np.int64(0)
    for word in range(4):
        distance += np.int64(ones(left[one, word] ^ right[other, word]))
    return distance


@part
def _pair_gains(
    hashes: Words, views: Numbers, looked: Flags, others: Words, their_views: Numbers, gains: Times
) -> None:
    """Add up what hashes gain by their nearest in each pair of views, float64 (views, their views)."""
    best = np.empty(gains.shape[1], np.float32)
    whole = len(others) // _AT_ONCE * _AT_ONCE
    for one in range(len(hashes)):
        if not looked[one]:
            continue
        best[:] = 0
        row = (hashes[one, 0], hashes[one, 1], hashes[one, 2], hashes[one, 3])
        for first in range(0, len(others), _AT_ONCE):
            if first < whole and eight_beyond(others, first, row, (_ALL, _ALL, _ALL, _ALL), RADIUS):
                continue
            for other in range(first, min(first + _AT_ONCE, len(others))):
                distance = _distance(hashes, one, others, other)
                if distance <= RADIUS:
                    best[their_views[other]] = max(best[their_views[other]], _SURPRISE[distance])
        for view in range(len(best)):
            gains[views[one], view] += best[view]


@part
def _best_pairs(gains: Times) -> Numbers:
    """The pairs of views that gain the most, (pairs, 2)."""
    pairs, count = np.empty((PAIRS, 2), np.int64), 0
    for _ in range(PAIRS):
        best, at = 0.0, -1
        for one in range(gains.size):
            if gains.flat[one] > best:
                best, at = gains.flat[one], one
        if at < 0:
            break
        gains.flat[at] = 0.0
        pairs[count, 0], pairs[count, 1] = at // gains.shape[1], at % gains.shape[1]
        count += 1
    return pairs[:count]


@part
def _band(where: float, time: float, speed: float, phase: float) -> int:
    return math.floor((where - speed * time) / WIDTH + phase)


@part
def _steering(near: Nearest) -> tuple[Numbers, Numbers, Floats]:
    """Row, column and gain of the cells that speak for lines, row after row."""
    count = 0
    for row in range(near.shape[0]):
        for column in range(near.shape[1]):
            count += near[row, column] <= RADIUS
    rows, columns, gains = np.empty(count, np.int64), np.empty(count, np.int64), np.empty(count, np.float32)
    count = 0
    for row in range(near.shape[0]):
        for column in range(near.shape[1]):
            if near[row, column] <= RADIUS:
                rows[count], columns[count] = row, column
                gains[count] = max(_SURPRISE[near[row, column]] - _STEERING, np.float32(0))
                count += 1
    return rows, columns, gains


@part
def _best_band(
    rows: Numbers, columns: Numbers, gains: Floats, times: Times, starts: Times, speed: float, phase: float
) -> tuple[float, int]:
    """What the frames gain in the band in which they gain the most, and which that is."""
    bands = np.empty(len(rows), np.int64)
    for cell in range(len(rows)):
        bands[cell] = _band(starts[columns[cell]], times[rows[cell]], speed, phase)
    lowest = bands.min()
    sums = np.zeros(bands.max() - lowest + 1, np.float32)
    cell = 0
    # Columns are in order of time, so the cells of a row that are in one band follow one another.
    while cell < len(rows):
        best, after = gains[cell], cell + 1
        while after < len(rows) and rows[after] == rows[cell] and bands[after] == bands[cell]:
            best, after = max(best, gains[after]), after + 1
        sums[bands[cell] - lowest] += best
        cell = after
    at = sums.argmax()
    return np.float64(sums[at]), at + lowest


@part
def _best_bands(near: Nearest, times: Times, starts: Times) -> Times:
    """What is gained, speed, phase and band of the best bands, (lines, 4)."""
    rows, columns, gains = _steering(near)
    found, count = np.empty((LINES + 1, 4)), 0
    if not len(rows):
        return found[:0]
    for turn in range(2 * len(_SPEEDS)):
        speed, phase = _SPEEDS[turn // 2], 0.5 * (turn % 2)
        total, band = _best_band(rows, columns, gains, times, starts, speed, phase)
        total -= 0.0 if speed == 1 else _OTHER_SPEED
        place = count
        while place and found[place - 1, 0] < total:
            found[place] = found[place - 1]
            place -= 1
        found[place, 0], found[place, 1], found[place, 2], found[place, 3] = total, speed, phase, band
        count = min(count + 1, LINES)
    return found[:count]


@part
def _on_band(near: Nearest, times: Times, starts: Times, line: Times) -> tuple[Numbers, Numbers, float]:
    """As `lines._on_band`."""
    least, columns = np.full(near.shape[0], FAR), np.zeros(near.shape[0], np.int64)
    for row in range(near.shape[0]):
        for column in range(near.shape[1]):
            if not (near[row, column] <= RADIUS and near[row, column] < least[row]):
                continue
            if _band(starts[column], times[row], line[1], line[2]) == line[3]:
                least[row], columns[row] = near[row, column], column
    rows = np.argsort(least, kind="mergesort")[:FRAMES]
    count = 0
    while count < len(rows) and least[rows[count]] < FAR:
        count += 1
    rows = rows[:count]
    return rows, columns[rows], np.float64(least[rows[count // 2]])


@part
def _everywhere(stack: Stack) -> Numbers:
    """The same for each pair of views, on the line or not, int64 (pairs, 2)."""
    counts = np.zeros((stack.shape[0], 2), np.int64)
    for pair in range(stack.shape[0]):
        for row in range(stack.shape[1]):
            count, seen = counted(stack, pair, row, 0, stack.shape[2])
            counts[pair, 0] += count
            counts[pair, 1] += seen
    return counts


@part
def _excess(stack: Stack, counts: Numbers, times: Times, starts: Times, speed: float, offset: float) -> Floats:
    """As `evidence.excesses`; `counts` are those of `_everywhere`, made once for all lines."""
    beside = counts.copy()
    for row in range(len(times)):
        first, after = on_line(starts, speed * times[row] + offset)
        for pair in range(len(counts)):
            count, seen = counted(stack, pair, row, first, after)
            beside[pair, 0] -= count
            beside[pair, 1] -= seen
    found = np.empty(len(counts), np.float32)
    for pair in range(len(counts)):
        often = math.log10((beside[pair, 1] + _FEW) / (beside[pair, 0] * _OFTEN_NEAR + _FEW))
        found[pair] = min(max(often, 0.0), _MOST_EXCESS)
    return found


@part
def _weighed(
    query: Words, others: Words, pairs: Numbers, stack: Stack, counts: Numbers, near: Nearest, times: Times,
    starts: Times, line: Times,
) -> tuple[Floats, Times, float]:  # fmt: skip
    """Gains and weights of the frames of a line, (n,), and their median distance."""
    rows, columns, distance = _on_band(near, times, starts, line)
    count = len(rows)
    aligned, apart = np.empty((count, 3), np.int64), np.empty(count, np.int64)
    mine, theirs = np.empty((count, 4), np.uint64), np.empty((count, 4), np.uint64)
    paid = np.empty(count, np.float32)
    excess = _excess(stack, counts, times, starts, line[1], (line[3] - line[2] + 0.5) * WIDTH)
    for one in range(count):
        which = stack[:, rows[one], columns[one]].argmin()
        aligned[one, 0], aligned[one, 1], aligned[one, 2] = rows[one], columns[one], which
        apart[one], paid[one] = stack[which, rows[one], columns[one]], excess[which]
        mine[one] = query[rows[one], pairs[which, 0]]
        theirs[one] = others[columns[one], pairs[which, 1]]
    usual, poor = usual_distances(stack, times, aligned), np.zeros(count, np.bool_)
    gains = np.maximum(paid_for(apart, usual, poor, paid, _CHOICES), np.float32(0))
    return gains, novelty(mine, theirs, apart, gains), distance


@part
def _placed(
    hashes: Words, frames: Numbers, times: Times, views: Numbers, of: int
) -> tuple[npt.NDArray[np.uint64], Bytes, Times]:
    """As `lines._dense`."""
    count = frames.max() + 1
    query, passed, shown = np.zeros((count, of, 4), np.uint64), np.zeros((count, of), np.uint8), np.zeros(count)
    for row in range(len(hashes)):
        query[frames[row], views[row]] = hashes[row]
        passed[frames[row], views[row]], shown[frames[row]] = 1, times[row]
    return query, passed, shown


@compiled(
    _WORDS, _NUMBERS, _TIMES, _NUMBERS, readable(types.boolean, 1), _NUMBERS, types.int64,
    readable(types.uint64, 3), readable(types.uint8, 2), _TIMES, _WORDS, _NUMBERS,
)  # fmt: skip
def best_lines(
    hashes: Words, frames: Numbers, times: Times, views: Numbers, looked: Flags, ends: Numbers, of: int,
    reference: Words, passed: Bytes, starts: Times, others: Words, their_views: Numbers,
) -> Found:  # fmt: skip
    """As `lines.Lines._best`, of uploads whose hashes, uint64 (m, 4), end at these places; `of` views at most.

    `reference`, uint64 (frames, views, 4), and `passed`, uint8 (frames, views), are all of the reference, `others`, uint64
    (n, 4), and `their_views` those of its hashes that pass the gate.
    """
    gains, weights = np.zeros((len(ends), FRAMES), np.float32), np.zeros((len(ends), FRAMES))
    prices, distances = np.zeros(len(ends)), np.full(len(ends), np.float64(FAR))
    hidden = np.zeros(len(starts), np.bool_)
    for upload in range(len(ends)):
        own = slice(ends[upload - 1] if upload else 0, ends[upload])
        pair_gains = np.zeros((of, reference.shape[1]))
        _pair_gains(hashes[own], views[own], looked[own], others, their_views, pair_gains)
        pairs = _best_pairs(pair_gains)
        if not len(pairs):
            continue
        query, there, shown = _placed(hashes[own], frames[own], times[own], views[own], of)
        stack, near = compared(query, there, reference, passed, pairs, 1, hidden)
        counts, most = _everywhere(stack), -np.inf
        for line in _best_bands(near, shown, starts):
            mine, news, distance = _weighed(query, reference, pairs, stack, counts, near, shown, starts, line)
            price = 0.0 if line[1] == 1 else _OTHER_SPEED
            total = ((mine - np.float32(_FLOOR)) * news).sum() - price
            if total > most:
                most, prices[upload], distances[upload] = total, price, distance
                gains[upload], weights[upload] = 0, 0
                gains[upload, : len(mine)], weights[upload, : len(mine)] = mine, news
    return gains, weights, prices, distances
