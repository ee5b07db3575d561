"""Lines read off a comparison, compiled.

The plain statement is `lines.refined` and what it calls, where everything is explained; this gives the same, to the bit, so it
rounds where numpy rounds and adds up in numpy's order.
"""

import math

import numpy as np
import numpy.typing as npt
from numba import types

from hashsvc.match import lines as plain
from hashsvc.match.comparison import REACH, SLOT, Floats
from hashsvc.match.lines import FASTEST, SLOWEST, Lines
from hashsvc_index.arrays import Numbers
from hashsvc_index.kernels import compiled, part, readable

Times = npt.NDArray[np.float64]
Found = tuple[Lines, Numbers, Numbers, Numbers, Times]
"""Lines, slots, firsts, lasts and totals, as `lines.Walks` has them."""

_COST, _PLATEAU = np.float32(plain.COST), np.float32(1e-4)
_STRONG, _OTHER_SPEED, _ROUGHLY = np.float32(plain.STRONG), plain.OTHER_SPEED, plain._ROUGHLY
_MOST_CELLS, _MOST_LINES, _FEW_BACKWARDS = plain._MOST_CELLS, plain._MOST_LINES, plain._FEW_BACKWARDS
_MOST_REFINED, _REFITS, _NEAR = plain._MOST_REFINED, plain._REFITS, int(plain._NEAR[-1])
_STEP = 641
"""Places by which neighbouring speeds are apart in a table of bins: four minutes of a reference."""


def _bin(speed: float) -> int:
    return round((math.log(speed) + 1) / 0.02)


def _end(number: int) -> float:
    """The first speed after a bin."""
    speed = math.exp((number + 0.5) * 0.02 - 1)
    while _bin(speed) > number:
        speed = math.nextafter(speed, 0.0)
    while _bin(speed) <= number:
        speed = math.nextafter(speed, math.inf)
    return speed


# A logarithm of each of thousands of pairs takes longer than any other step with them.
_CELLS, _LEAST_BIN = 256, _bin(SLOWEST)
_ENDS = np.array([_end(number) for number in range(_LEAST_BIN, _bin(FASTEST) + 1)])
"""Where the bins of `lines._votes` end, of speeds forwards."""
_FIRST = np.array([max(_bin(max(cell, 1) / _CELLS), _LEAST_BIN) for cell in range(int(FASTEST * _CELLS) + 1)])
"""The bin at the beginning of each 256th of speed."""

_PLACES, _TIMES = readable(types.int64, 1), readable(types.float64, 1)
_GAINS, _LINES = readable(types.float32, 2), readable(types.float64, 2)


@part
def _summed_few(values: Times, first: int, count: int) -> float:
    """The sum of up to 128 of them as numpy adds them up: eight sums side by side."""
    total, place = 0.0, first
    if count >= 8:
        sums = np.empty(8)
        for lane in range(8):
            sums[lane] = values[first + lane]
        place += 8
        while place + 8 <= first + count:
            for lane in range(8):
                sums[lane] += values[place + lane]
            place += 8
        total = ((sums[0] + sums[1]) + (sums[2] + sums[3])) + ((sums[4] + sums[5]) + (sums[6] + sums[7]))
    while place < first + count:
        total += values[place]
        place += 1
    return total


@part
def _summed(values: Times) -> float:
    """Their sum as numpy adds them up: more than 128 as the sum of two halves. (What calls itself cannot be kept.)"""
    asked, sums = np.empty((128, 2), np.int64), np.empty(64)
    asked[0, 0], asked[0, 1] = 0, len(values)
    asks, found = 1, 0
    while asks:
        asks -= 1
        first, count = asked[asks]
        if count < 0:  # both halves are there
            found -= 1
            sums[found - 1] += sums[found]
        elif count <= 128:
            sums[found] = _summed_few(values, first, count)
            found += 1
        else:
            half = count // 2 - count // 2 % 8
            asked[asks, 1] = -1
            asked[asks + 1, 0], asked[asks + 1, 1] = first + half, count - half
            asked[asks + 2, 0], asked[asks + 2, 1] = first, half
            asks += 3
    return float(sums[0])


@part
def _least_strong(frames: Numbers) -> Floats:
    """What a cell of each column gains at least where it may propose lines; infinite where its frame is the one before."""
    least = np.full(len(frames), np.float32(np.inf))
    for column in range(len(frames)):
        if column == 0 or frames[column] != frames[column - 1]:
            least[column] = _STRONG
    return least


@part
def _drop_weakest(columns: Numbers, weights: Floats, first: int, after: int, kept: int) -> None:
    """Keep the heaviest so many from `first` on, the earlier of equals, in order."""
    taken = np.zeros(after - first, np.bool_)
    for _ in range(kept):
        best = -1
        for place in range(first, after):
            if not taken[place - first] and (best < 0 or weights[place] > weights[best]):
                best = place
        taken[best - first] = True
    to = first
    for place in range(first, after):
        if taken[place - first]:
            columns[to], weights[to] = columns[place], weights[place]
            to += 1


@part
def strong_cells(gains: Floats, frames: Numbers) -> tuple[Numbers, Numbers, Floats, int]:
    """As `lines.strong_cells`, and how many there are."""
    least, counts = _least_strong(frames), np.empty(gains.shape[0], np.int64)
    total, several = 0, 0
    for row in range(gains.shape[0]):
        strong = 0
        for column in range(gains.shape[1]):
            strong += gains[row, column] >= least[column]
        counts[row] = strong
        total += strong
        several += strong > 0
    each = max(2, _MOST_CELLS // several) if total > _MOST_CELLS else total
    rows, columns, weights = np.empty(total, np.int64), np.empty(total, np.int64), np.empty(total, np.float32)
    found = 0
    for row in range(gains.shape[0]):
        if not counts[row]:
            continue
        first = found
        for column in range(gains.shape[1]):
            if gains[row, column] >= least[column]:
                rows[found], columns[found], weights[found] = row, column, gains[row, column]
                found += 1
        if found - first > each:
            _drop_weakest(columns, weights, first, found, each)
            found = first + each
    return rows, columns, weights, min(found, _MOST_CELLS)


@part
def _fullest(votes: Times, keys: Numbers, count: int, most: int) -> Numbers:
    """The places of the bins with the most votes, of equals the one with the lowest key first."""
    chosen = np.empty(min(most, count), np.int64)
    held = 0
    for one in range(count):
        if held == len(chosen) and votes[one] < votes[chosen[held - 1]]:
            continue
        place = held
        while place and (
            votes[chosen[place - 1]] < votes[one]
            or (votes[chosen[place - 1]] == votes[one] and keys[chosen[place - 1]] > keys[one])
        ):
            if place < len(chosen):
                chosen[place] = chosen[place - 1]
            place -= 1
        if place < len(chosen):
            chosen[place] = one
        held = min(held + 1, len(chosen))
    return chosen


@part
def _across(speed: float) -> int:
    """Which bin of speeds one is in: in each cell of the table at most one bin ends."""
    size = abs(speed)
    across = int(_FIRST[int(size * _CELLS)])
    if size >= _ENDS[across - _LEAST_BIN]:
        across += 1
    return across if speed > 0 else -across


@part
def _keys(speed: Times, offset: Times, count: int, middle: float) -> Numbers:
    """The keys of the first so many lines in `lines._votes`."""
    keys = np.empty(count, np.int64)
    for one in range(count):
        across = _across(speed[one])
        along = round((offset[one] + speed[one] * middle) / 0.4)
        keys[one] = across * (1 << 32) + along
    return keys


@part
def _binned(keys: Numbers, speed: Times, offset: Times, weight: Floats) -> tuple[Numbers, Lines, int]:
    """Keys of the bins of `lines._votes`, in no order, their sums of weights, speeds and offsets, and how many there are.

    Bins are found by hashing the `keys` of the lines, so that each adds up in the order of the lines without any being sorted.
    """
    size = 16
    while size < 2 * len(keys):
        size *= 2
    table, names, sums, bins = np.full(size, -1, np.int32), np.empty(len(keys), np.int64), np.empty((len(keys), 3)), 0
    for one in range(len(keys)):
        place = ((keys[one] >> 32) * _STEP + keys[one]) & (size - 1)
        while table[place] >= 0 and names[table[place]] != keys[one]:
            place = (place + 1) & (size - 1)
        if table[place] < 0:
            table[place], names[bins] = bins, keys[one]
            sums[bins, 0] = sums[bins, 1] = sums[bins, 2] = 0.0
            bins += 1
        into = table[place]
        sums[into, 0] += weight[one]
        sums[into, 1] += weight[one] * speed[one]
        sums[into, 2] += weight[one] * offset[one]
    return names, sums, bins


@part
def _vote(
    speed: Times, offset: Times, weight: Floats, count: int, middle: float, most: int, lines: Lines, found: int
) -> int:
    """Add to `lines`, of which so many were found, those of `lines._votes`, at most so many; how many there are then.

    `middle` is the mean time of the cells.
    """
    keys, sums, bins = _binned(_keys(speed, offset, count, middle), speed, offset, weight)
    for one in _fullest(sums[:, 0], keys, bins, most):
        lines[found, 0], lines[found, 1] = sums[one, 1] / sums[one, 0], sums[one, 2] / sums[one, 0]
        found += 1
    return found


@part
def placed(times: Times, rows: Numbers, columns: Numbers, count: int) -> tuple[Times, Times, float]:
    """Where the first so many cells are in the query and in the reference, seconds, and the mean of the former."""
    when, where = np.empty(count), np.empty(count)
    for cell in range(count):
        when[cell], where[cell] = times[rows[cell]], (columns[cell] + 0.5) * SLOT
    return when, where, _summed(when) / count


@part
def straight(when: Times, where: Times, weights: Floats, middle: float, lines: Lines) -> int:
    """Put what `lines.straight` makes of these cells into `lines`; how many lines that is."""
    count, found = len(when), 0
    offsets = np.empty(count)
    for direction, several in ((1.0, _MOST_LINES), (-1.0, _FEW_BACKWARDS)):
        for cell in range(count):
            offsets[cell] = where[cell] - direction * when[cell]
        found = _vote(np.full(count, direction), offsets, weights, count, middle, several, lines, found)
    return found


@part
def _proposals(gains: Floats, frames: Numbers, times: Times) -> tuple[Lines, int]:
    """As `lines._proposals`, and how many there are."""
    rows, columns, weights, count = strong_cells(gains, frames)
    lines = np.empty((2 * _MOST_LINES + _FEW_BACKWARDS, 2))
    if not count:
        return lines, 0
    when, where, middle = placed(times, rows, columns, count)
    found = straight(when, where, weights, middle, lines)
    most = count * (count - 1) // 2
    speeds, offsets, least = np.empty(most), np.empty(most), np.empty(most, np.float32)
    paired = 0
    # Without branches, which no processor could foresee: what is not to be kept is overwritten by the next.
    for early in range(count):
        for late in range(early + 1, count):
            gap = when[late] - when[early]
            speed = (where[late] - where[early]) / gap
            speeds[paired], offsets[paired] = speed, where[early] - speed * when[early]
            least[paired] = min(weights[early], weights[late])
            paired += (abs(gap) > 0.7) & (abs(speed) >= SLOWEST) & (abs(speed) <= FASTEST)
    return lines, _vote(speeds, offsets, least, paired, middle, _MOST_LINES, lines, found)


@part
def walk(gains: Floats, times: Times, lines: Lines, several: int) -> Found:
    """As `lines.walk`, the first so many lines."""
    count = gains.shape[1]
    slots, totals = np.empty((several, len(times)), np.int64), np.empty(several)
    firsts, lasts = np.empty(several, np.int64), np.empty(several, np.int64)
    for one in range(several):
        speed, offset = lines[one, 0], lines[one, 1]
        # The least of the sums so far is where the stretch that ends here would best begin.
        summed, lowest, lowest_at, most, least = np.float32(0), 0.0, 0, -np.inf, 0.0
        for row in range(len(times)):
            slot = math.floor((speed * times[row] + offset) / SLOT)
            if -REACH <= slot < count + REACH:
                slots[one, row] = min(max(slot, 0), count - 1)
                summed += gains[row, slots[one, row]] - _COST
            else:
                slots[one, row] = -1
                summed += np.float32(0) - _COST
            total = np.float64(summed)
            if total - lowest > most:
                most, lasts[one], firsts[one], totals[one], least = total - lowest, row, lowest_at, total, lowest
            if total < lowest:
                lowest, lowest_at = total, row + 1
        totals[one] -= least
        totals[one] -= _OTHER_SPEED * (abs(speed - 1) > 0.015)
    return lines, slots, firsts, lasts, totals


@part
def _levelled(times: Times, walks: Found, several: int) -> Lines:
    """As `lines._levelled`, of the first so many."""
    lines, _, firsts, lasts, _ = walks
    sums = np.zeros(len(times) + 1)
    for row in range(len(times)):
        sums[row + 1] = sums[row] + times[row]
    levelled = np.empty((several, 2))
    for one in range(several):
        middle = (sums[lasts[one] + 1] - sums[firsts[one]]) / (lasts[one] + 1 - firsts[one])
        even = math.copysign(1.0, lines[one, 0])
        levelled[one, 0], levelled[one, 1] = even, (lines[one, 0] - even) * middle + lines[one, 1]
    return levelled


@part
def _best_near(gains: Floats, row: int, slot: int) -> tuple[float, float]:
    """The best gain about a slot, and the middle of where it is gained, seconds."""
    count = gains.shape[1]
    top = np.float32(-np.inf)
    for beside in range(-_NEAR, _NEAR + 1):
        top = max(top, gains[row, min(max(slot + beside, 0), count - 1)])
    where, several = 0.0, 0
    for beside in range(-_NEAR, _NEAR + 1):
        at = min(max(slot + beside, 0), count - 1)
        if gains[row, at] >= top - _PLATEAU:
            where += (at + 0.5) * SLOT  # exact, in whatever order: sixteenths
            several += 1
    return np.float64(top), where / several


@part
def _fitted(weights: Times, times: Times, where: Times) -> tuple[float, float]:
    """Speed and offset of the line through `where` at `times` that weighted least squares give."""
    count = len(times)
    terms, apart = np.empty(count), np.empty(count)
    whole = max(_summed(weights), 1e-9)
    for row in range(count):
        terms[row] = weights[row] * times[row]
    mean = _summed(terms) / whole
    for row in range(count):
        apart[row] = times[row] - mean
        terms[row] = weights[row] * where[row]
    middle = _summed(terms) / whole
    for row in range(count):
        terms[row] = weights[row] * (apart[row] * apart[row])
    spread = max(_summed(terms), 1e-9)
    for row in range(count):
        terms[row] = weights[row] * apart[row] * (where[row] - middle)
    speed = _summed(terms) / spread
    return speed, middle - speed * mean


@part
def _refitted(gains: Floats, times: Times, walks: Found, several: int) -> Lines:
    """As `lines._refitted`, of the first so many."""
    lines, slots, firsts, lasts, _ = walks
    count = len(times)
    refitted, weights, where = np.empty((several, 2)), np.empty(count), np.empty(count)
    for one in range(several):
        good, earliest, latest = 0, np.inf, -np.inf
        for row in range(count):
            top, where[row] = _best_near(gains, row, slots[one, row])
            fits = top > 2.0 and slots[one, row] >= 0 and firsts[one] <= row <= lasts[one]
            weights[row] = top if fits else 0.0
            if fits:
                good, earliest, latest = good + 1, min(earliest, times[row]), max(latest, times[row])
        speed, offset = _fitted(weights, times, where)
        usable = good >= 3 and latest - earliest >= 1.0 and speed * lines[one, 0] >= 0
        if not (usable and SLOWEST <= abs(speed) <= FASTEST):
            speed, offset = lines[one, 0], lines[one, 1]
        refitted[one, 0], refitted[one, 1] = speed, offset
    return refitted


@part
def _put(walks: Found, one: int, into: Found, place: int) -> int:
    """Copy one of them to a place among others; the place after that."""
    for column in range(2):
        into[0][place, column] = walks[0][one, column]
    for row in range(walks[1].shape[1]):
        into[1][place, row] = walks[1][one, row]
    into[2][place], into[3][place], into[4][place] = walks[2][one], walks[3][one], walks[4][one]
    return place + 1


@part
def _room(several: int, frames: int) -> Found:
    return (
        np.empty((several, 2)), np.empty((several, frames), np.int64), np.empty(several, np.int64),
        np.empty(several, np.int64), np.empty(several),
    )  # fmt: skip


@part
def _put_best(walks: Found, several: int, into: Found) -> int:
    """Copy the best few that are worthwhile, best first, the earlier of equals; how many those are."""
    count = 0
    taken = np.zeros(several, np.bool_)
    for _ in range(min(_MOST_REFINED, several)):
        best = -1
        for one in range(several):
            if not taken[one] and (best < 0 or walks[4][one] > walks[4][best]):
                best = one
        taken[best] = True
        if walks[4][best] > 0:
            count = _put(walks, best, into, count)
    return count


@part
def _put_worthwhile(walks: Found, several: int, into: Found, place: int) -> int:
    for one in range(several):
        if walks[4][one] > 0:
            place = _put(walks, one, into, place)
    return place


@compiled(_GAINS, _PLACES, _TIMES, _LINES, types.float64)
def refined(gains: Floats, frames: Numbers, times: Times, lines: Lines, least: float) -> Found:
    """The lines among which `align._best` takes the strongest, walked; none where none comes near gaining `least`.

    `gains`, `frames` and `times` are those of a `comparison.Comparison`, `lines` further ones to try.
    """
    proposed, several = _proposals(gains, frames, times)
    tried = walk(gains, times, proposed, several)
    paying = _room(_MOST_REFINED + len(lines), len(times))
    count = _put_best(tried, several, paying)
    if not len(lines) and (not count or paying[4][0] < _ROUGHLY * least):
        return _room(0, len(times))
    count = _put_worthwhile(walk(gains, times, lines, len(lines)), len(lines), paying, count)
    found = _room(3 * count, len(times))
    total = _put_worthwhile(paying, count, found, 0)
    total = _put_worthwhile(walk(gains, times, _levelled(times, paying, count), count), count, found, total)
    for _ in range(_REFITS):
        better = walk(gains, times, _refitted(gains, times, paying, count), count)
        improved = 0
        for one in range(count):
            if better[4][one] > paying[4][one]:
                improved = _put(better, one, paying, improved)
            else:
                total = _put(paying, one, found, total)
        count = improved
    for one in range(count):
        total = _put(paying, one, found, total)
    return found[0][:total], found[1][:total], found[2][:total], found[3][:total], found[4][:total]
