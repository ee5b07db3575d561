"""Two videos compared, compiled: distances between them, what they gain where, and what the frames on a line prove.

The plain statements are in `extend`, `score`, `comparison` and `evidence`, where everything is explained; these give the same, to
the bit.
"""

import numpy as np
import numpy.typing as npt
from numba import types

from hashsvc.match import borders, comparison, evidence, score
from hashsvc.match.comparison import REACH, SLOT, Floats
from hashsvc_index.arrays import Numbers, Words
from hashsvc_index.kernels import compiled, ones, part, readable

Times = npt.NDArray[np.float64]
Qualities = npt.NDArray[np.uint8]
Distances = npt.NDArray[np.int16]

_NONE = 257
_UNRELATED, _SAME, _OTHER = score._UNRELATED, score._SAME, score._OTHER
_STEERING, _SURPRISE, _SURPRISE_RICH = comparison._STEERING, score.SURPRISE, score._SURPRISE_RICH
_APART, _KEPT = evidence.APART, np.float32(borders._KEPT)
_SMALLER = np.array([np.float32(0.2 * shift) for shift in range(REACH + 1)])

_HASHES, _QUALITIES = readable(types.uint64, 3), readable(types.uint8, 2)
_PAIRS, _PLACES, _TIMES = readable(types.int64, 2), readable(types.int64, 1), readable(types.float64, 1)
_STACK, _GAINS = readable(types.int16, 3), readable(types.float32, 1)


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
def _excused(distance: int, usual: float) -> int:
    """As `score.excused`, of one."""
    excess = max(_UNRELATED - usual, 0.0)
    share = min(max((distance - _SAME) / (_OTHER - _SAME), 0.0), 1.0)
    return int(min(distance + excess * share, 256.0))


@part
def _lower_excused(distances: Distances, turned: Distances, nearest: npt.NDArray[np.int32]) -> None:
    """Lower `nearest` to `score.discounted` where that is less."""
    rows, columns = _low_medians(distances), _low_medians(turned)
    for row in range(distances.shape[0]):
        for column in range(distances.shape[1]):
            moved = _excused(distances[row, column], min(rows[row], columns[column]))
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


@compiled(readable(types.int32, 2), _TIMES, types.int64)
def spread(distances: npt.NDArray[np.int32], starts: Times, count: int) -> tuple[Floats, Numbers]:
    """Gains and frames of `comparison.Comparison` with so many slots, from distances (query frames, reference frames)."""
    frames, shown = np.empty(count, np.int64), 0
    for slot in range(count):
        while shown < len(starts) and starts[shown] <= (slot + 0.5) * SLOT + SLOT:
            shown += 1
        frames[slot] = min(max(shown - 1, 0), len(starts) - 1)
    best = np.empty((distances.shape[0], count), np.float32)
    gains = np.empty(count, np.float32)
    for row in range(distances.shape[0]):
        for slot in range(count):
            gains[slot] = best[row, slot] = _STEERING[distances[row, frames[slot]]]
        for shift in range(1, REACH + 1):
            for slot in range(shift, count):
                best[row, slot] = max(best[row, slot], gains[slot - shift] - _SMALLER[shift])
                best[row, slot - shift] = max(best[row, slot - shift], gains[slot] - _SMALLER[shift])
    return best, frames


@part
def on_line(starts: Times, at: float) -> tuple[int, int]:
    """The first of the frames that start within evidence.APART of a time, and the first after them: they are in order."""
    first = 0
    while first < len(starts) and starts[first] < at and abs(starts[first] - at) > _APART:
        first += 1
    after = first
    while after < len(starts) and not abs(starts[after] - at) > _APART:
        after += 1
    return first, after


@part
def counted(stack: Distances, pair: int, row: int, first: int, after: int) -> tuple[int, int]:
    """How many cells of a row from column `first` on are evidence, and how many of them are near."""
    several, near = 0, 0
    for column in range(first, after):
        several += stack[pair, row, column] < _NONE
        near += stack[pair, row, column] <= score.NEAR
    return several, near


@compiled(_STACK, _TIMES, _TIMES, types.float64, types.float64)
def beside(stack: Distances, times: Times, starts: Times, speed: float, offset: float) -> Numbers:
    """As `evidence._beside`, int64 (pairs, 2)."""
    counts = np.zeros((stack.shape[0], 2), np.int64)
    for row in range(len(times)):
        first, after = on_line(starts, speed * times[row] + offset)
        for turn in range(stack.shape[0]):
            for begin, end in ((0, first), (after, len(starts))):
                several, near = counted(stack, turn, row, begin, end)
                counts[turn, 0] += several
                counts[turn, 1] += near
    return counts


@part
def _nearest(stack: Distances, row: int, slot: int, shown: Numbers) -> tuple[int, int, int]:
    """As `evidence._aligned`, of one query frame: view pair, reference frame and distance."""
    which, frame, distance = 0, 0, _NONE + 1
    for turn in range(stack.shape[0]):
        for side in (0, -1, 1):
            column = shown[min(max(slot + side, 0), len(shown) - 1)]
            if stack[turn, row, column] < distance:
                which, frame, distance = turn, column, int(stack[turn, row, column])
    return which, frame, distance


@part
def _middle(often: Numbers, count: int) -> float:
    """The median of so many values that occur so often each; infinite where there is none."""
    if not count:
        return np.inf
    return (_in_place(often, (count - 1) // 2) + _in_place(often, count // 2)) / 2


@part
def usual_distances(stack: Distances, times: Times, aligned: Numbers) -> Times:
    """As `evidence.usual_distances`, from rows, frames and view pairs (n, 3)."""
    count = len(aligned)
    often, other = np.empty(_NONE + 1, np.int64), np.empty(_NONE + 1, np.int64)
    usual = np.empty(count)
    for one in range(count):
        for value in range(_NONE + 1):
            often[value] = other[value] = 0
        several, others = 0, 0
        for two in range(count):
            if abs(times[aligned[one, 0]] - times[aligned[two, 0]]) > _APART:
                mine = stack[aligned[one, 2], aligned[one, 0], aligned[two, 1]]
                theirs = stack[aligned[two, 2], aligned[two, 0], aligned[one, 1]]
                often[mine] += mine < _NONE
                several += mine < _NONE
                other[theirs] += theirs < _NONE
                others += theirs < _NONE
        usual[one] = min(_middle(often, several), _middle(other, others)) if several and others else 128.0
    return usual


@part
def paid_for(
    distances: Numbers, usual: Times, rich: npt.NDArray[np.bool_], excess: Floats, choices: np.float32
) -> Floats:
    """What frames at these distances gain, float32 (n,), as `evidence._weighed` has it; `excess` (n,) is that of their pairs."""
    gains = np.empty(len(distances), np.float32)
    for place in range(len(distances)):
        distance = _excused(min(distances[place], 256), usual[place])
        gain = _SURPRISE_RICH[distance] if rich[place] else _SURPRISE[distance]
        fading = np.float32(min(max((distances[place] - score._FADES) / (score._FADED - score._FADES), 0.0), 1.0))
        gains[place] = gain - fading * excess[place] - choices
    return gains


@part
def novelty(query: Words, reference: Words, distances: Numbers, gains: Floats) -> Times:
    """As `score.novelty`, of hashes uint64 (n, 4)."""
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
        fresh = min(max(score.FRESH_SLOPE * distances[place] + score.FRESH_OVER, score.FRESH_LEAST), score.FRESH_MOST)
        weight = min(1.0, apart / fresh) if several else 1.0
        if weight >= score.LEAST_FRESH:
            weights[place], counted[several] = weight, place
            several += 1
    return weights


@part
def _trimmed(gains: Floats) -> tuple[int, int]:
    """The first and the last place of the part that `borders.trimmed` leaves."""
    # The least of the sums so far is where the stretch that ends here would best begin.
    summed, lowest, lowest_at, most = np.float32(0), 0.0, 0, -np.inf
    first, last = 0, 0
    for place in range(len(gains)):
        summed += gains[place] - _KEPT
        total = np.float64(summed)
        if total - lowest > most:
            most, first, last = total - lowest, lowest_at, place
        if total < lowest:
            lowest, lowest_at = total, place + 1
    return first, last


@part
def _favourite(which: Numbers, gains: Floats, several: int) -> int:
    """The view pair that gains the most."""
    sums = np.zeros(several)
    for place in range(len(which)):
        sums[which[place]] += max(gains[place], np.float32(0))
    return int(sums.argmax())


@compiled(
    _STACK, _PLACES, _TIMES, _PLACES, types.int64, _HASHES, _QUALITIES, _HASHES, _QUALITIES, _PAIRS, _GAINS, types.float32
)  # fmt: skip
def weighed(
    stack: Distances, shown: Numbers, times: Times, slots: Numbers, first: int, query: Words, query_quality: Qualities,
    reference: Words, reference_quality: Qualities, pairs: Numbers, excess: Floats, choices: np.float32,
) -> tuple[Floats, Times, int, int, int, float]:  # fmt: skip
    """The fields of `evidence._Weighed`, of an alignment that begins at query frame `first` and has these `slots`.

    `stack`, `pairs` and the hashes and qualities are as in `compared`, `shown` are the frames of the comparison, `times` those
    of the query; `excess` is of each pair, `choices` what each frame pays.
    """
    rows = first + np.flatnonzero(slots >= 0)
    count = len(rows)
    aligned, distances = np.empty((count, 3), np.int64), np.empty(count, np.int64)
    mine, theirs = np.empty((count, 4), np.uint64), np.empty((count, 4), np.uint64)
    rich, paid = np.empty(count, np.bool_), np.empty(count, np.float32)
    total, good = 0, 0
    for place in range(count):
        row = rows[place]
        which, frame, distance = _nearest(stack, row, slots[row - first], shown)
        aligned[place, 0], aligned[place, 1], aligned[place, 2] = row, frame, which
        left, right = pairs[which, 0], pairs[which, 1]
        for word in range(4):
            mine[place, word], theirs[place, word] = query[row, left, word], reference[frame, right, word]
        rich[place] = min(query_quality[row, left], reference_quality[frame, right]) >= score.RICH
        distances[place], paid[place] = distance, excess[which]
        if distance < _NONE:
            total, good = total + distance, good + 1
    gains = paid_for(distances, usual_distances(stack, times, aligned), rich, paid, choices)
    weights = novelty(mine, theirs, distances, gains)
    begin, end = _trimmed(gains)
    whole = begin == 0 and end == count - 1
    return (
        gains, weights, _favourite(aligned[:, 2], gains, len(pairs)),
        first if whole else rows[begin], first + len(slots) - 1 if whole else rows[end],
        total / good if good else 256.0,
    )  # fmt: skip
