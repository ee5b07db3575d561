"""Rows near queries, list by list, compiled: `IndexBinaryIVF.range_search_preassigned`, but what queries share is done once.

A list that several queries meet, layer by layer, is read from memory once, a tile at a time, which is turned on its side if there are many. Of few
queries that agree in most of their bits, as those of a still picture do, each row is compared with all at once, in those bits:
where it is too far from them there, it is too far from each.
"""

import numpy as np
from numba import types

from hashsvc_index.arrays import Distances, Numbers, Words
from hashsvc_index.kernels import compiled, four_distances, ones, part, readable
from hashsvc_index.layers import Layers
from hashsvc_index.planes import DIFFERING, DIGITS, FARTHEST, TILE, Planes, digits_of, measured, turn_tile

_ROOM = 4096
"""Hits for which there is room at first; more than four rows have with all queries of a pass."""
_MANY, _LONG = 8, 64
"""Queries for which it pays to turn the rows that they meet, where there are so many rows: measured, with fewer it takes longer."""
_FEW = 8
"""Rows to which it pays to compare each query, rather than find out which queries go together."""
_AGREED = np.uint64(192)
"""Bits in which queries must agree to be compared together: unrelated rows differ in half of them, by far over the radius."""
_TOPS, _ONCE_EACH, _BELOW_TOP = np.uint64(0x8000_8000_8000_8000), np.uint64(0x0001_0001_0001_0001), 0x7FFF
_WORDS, _NUMBERS, _TABLE = readable(types.uint64, 2), readable(types.int64, 1), readable(types.int64, 2)


@part
def _by_list(lists: Numbers, reach: Layers, count: int, layers: int) -> Numbers:
    """Pairs of query and list, query x p + place in `lists`, list after list, in each those first that reach deepest."""
    ends, deepest = np.zeros(count * layers + 1, np.int64), np.int64(layers - 1)
    for query in range(lists.shape[0]):
        behind = deepest - min(np.int64(reach[query]), deepest)
        for place in range(lists.shape[1]):
            ends[lists[query, place] * layers + behind + 1] += 1
    for cell in range(count * layers):
        ends[cell + 1] += ends[cell]
    pairs = np.empty(ends[-1], np.int64)
    for query in range(lists.shape[0]):
        behind = deepest - min(np.int64(reach[query]), deepest)
        for place in range(lists.shape[1]):
            cell = lists[query, place] * layers + behind
            pairs[ends[cell]] = query * lists.shape[1] + place
            ends[cell] += 1
    return pairs


@part
def _together(pairs: Numbers, queries: Words, each: int, mask: Words) -> int:
    """How many of the `pairs`, moved to the front, have queries that go together with the first's; `mask` says in which bits."""
    first = pairs[0] // each
    for word in range(4):
        mask[word] = ~np.uint64(0)
    count = 1
    for turn in range(1, len(pairs)):
        other = pairs[turn] // each
        agreed = np.uint64(0)
        for word in range(4):
            agreed += ones(mask[word] & ~(queries[first, word] ^ queries[other, word]))
        if agreed >= _AGREED:
            for word in range(4):
                mask[word] &= ~(queries[first, word] ^ queries[other, word])
            pairs[count], pairs[turn] = pairs[turn], pairs[count]
            count += 1
    return count


@part
def _none_told(pairs: Numbers, mask: Words) -> int:
    """All of them go together, in no bit."""
    mask[:] = np.uint64(0)
    return len(pairs)


@part
def _tiled(
    rows: Words, first: int, end: int, digits: Planes, pairs: Numbers, each: int, radius: int, planes: Planes,
    distances: Planes, hits: Numbers, found: int,
) -> tuple[Numbers, int]:  # fmt: skip
    """As `_met`, the rows turned."""
    for tile in range(first, end, TILE):
        count = min(TILE, end - tile)
        turn_tile(rows, tile, count, planes)
        for pair in pairs:
            if not measured(planes, digits, pair // each, DIFFERING, radius, distances):
                continue
            if found + TILE > len(hits):
                hits = _larger(hits)
            for row in range(count):
                if distances[row] <= radius:
                    hits[found, 0], hits[found, 1], hits[found, 2] = pair, tile + row, distances[row]
                    found += 1
    return hits, found


@part
def _scanned(
    rows: Words, first: int, end: int, queries: Words, pairs: Numbers, each: int, radius: int, mask: Words,
    hits: Numbers, found: int,
) -> tuple[int, int]:  # fmt: skip
    """Put into `hits` (pair, place, distance) those of `rows` from `first` on; how many hits there are now, and where it stopped.

    That is at `end`, or where there may be no room for the hits of four more rows.
    """
    query = pairs[0] // each
    row = (queries[query, 0], queries[query, 1], queries[query, 2], queries[query, 3])
    told = (mask[0], mask[1], mask[2], mask[3])
    # Where a lane is beyond the radius its top bit is set when this is added.
    added = np.uint64(_BELOW_TOP - radius) * _ONCE_EACH
    room = len(hits) - 4 * len(pairs)
    place = first
    while place < end and found <= room:
        count = min(4, end - place)
        if count == 4 and (four_distances(rows, place, row, told) + added) & _TOPS == _TOPS:
            place += 4
            continue
        for row_at in range(place, place + count):
            for pair in pairs:
                distance = np.int64(0)
                for word in range(4):
                    distance += np.int64(ones(rows[row_at, word] ^ queries[pair // each, word]))
                if distance <= radius:
                    hits[found, 0], hits[found, 1], hits[found, 2] = pair, row_at, distance
                    found += 1
        place += count
    return found, place


@part
def _larger(hits: Numbers) -> Numbers:
    larger = np.empty((2 * len(hits), 3), np.int64)
    for hit in range(len(hits)):
        for column in range(3):
            larger[hit, column] = hits[hit, column]
    return larger


@part
def _in_order(hits: Numbers, found: int, queries: int, each: int) -> tuple[Numbers, Numbers, Distances]:
    """Query, place and distance of the hits, pair after pair; those of one pair are in order as they are."""
    ends = np.zeros(queries * each + 1, np.int64)
    for hit in range(found):
        ends[hits[hit, 0] + 1] += 1
    for pair in range(queries * each):
        ends[pair + 1] += ends[pair]
    query, place, distance = np.empty(found, np.int64), np.empty(found, np.int64), np.empty(found, np.int32)
    for hit in range(found):
        to = ends[hits[hit, 0]]
        ends[hits[hit, 0]] += 1
        query[to], place[to], distance[to] = hits[hit, 0] // each, hits[hit, 1], hits[hit, 2]
    return query, place, distance


@part
def _met(
    rows: Words, first: int, end: int, queries: Words, digits: Planes, pairs: Numbers, each: int, radius: int,
    mask: Words, planes: Planes, distances: Planes, hits: Numbers, found: int,
) -> tuple[Numbers, int]:  # fmt: skip
    """As `_scanned`, of queries that need have nothing in common, through to `end`; the order of `pairs` is changed."""
    if len(pairs) >= _MANY and end - first >= _LONG and 0 <= radius <= FARTHEST:
        return _tiled(rows, first, end, digits, pairs, each, radius, planes, distances, hits, found)
    turn, few = 0, end - first <= _FEW
    while turn < len(pairs):
        count = _none_told(pairs[turn:], mask) if few else _together(pairs[turn:], queries, each, mask)
        place = first
        while place < end:
            found, place = _scanned(
                rows, place, end, queries, pairs[turn : turn + count], each, radius, mask, hits, found
            )
            if place < end:
                hits = _larger(hits)
        turn += count
    return hits, found


@compiled(_WORDS, _NUMBERS, _TABLE, _TABLE, readable(types.uint8, 1), _WORDS, types.int64)
def near(
    rows: Words, begins: Numbers, ends: Numbers, lists: Numbers, reach: Layers, queries: Words, radius: int
) -> tuple[Numbers, Numbers, Distances]:
    """Query, place and distance of each row that a query meets and that is within `radius` bits of it, border included.

    `rows` and `queries` are uint64 (n, 4) and (m, 4), m at most 256. List l begins at place `begins[l]`, and its layer k ends at
    `ends[l, k]`; `ends` is int64 (l, layers). Query q meets the lists `lists[q]`, int64 (m, p), down to layer `reach[q]`. The
    hits are in order of query, list as in `lists`, and place.
    """
    radius = min(radius, 256)
    hits, found = np.empty((_ROOM, 3), np.int64), 0
    each, layers, mask = lists.shape[1], ends.shape[1], np.empty(4, np.uint64)
    digits, planes, distances = digits_of(queries), np.empty((DIGITS, TILE), np.uint8), np.empty(TILE, np.uint8)
    pairs, some = _by_list(lists, reach, len(ends), layers), np.empty(len(lists), np.int64)
    turn = 0
    while turn < len(pairs):
        number = lists[pairs[turn] // each, pairs[turn] % each]
        after = turn + 1
        while after < len(pairs) and lists[pairs[after] // each, pairs[after] % each] == number:
            after += 1
        first, last = begins[number], after
        for layer in range(layers):
            while last > turn and reach[pairs[last - 1] // each] < layer:
                last -= 1
            end, count = ends[number, layer], last - turn
            if end > first and count:
                some[:count] = pairs[turn:last]
                hits, found = _met(
                    rows, first, end, queries, digits, some[:count], each, radius, mask, planes, distances, hits, found
                )
            first = end
        turn = after
    return _in_order(hits, found, len(lists), each)
