"""Rows near queries, list by list, compiled: `IndexBinaryIVF.range_search_preassigned`, but what queries share is done once.

Queries that agree in most of their bits, as those of one shot do, are a group. Of those of a group that meet a list each row is compared
with all at once, in the bits in which they agree: where it is too far from them there, it is too far from each.

No array is made, cut or replaced where rows are compared: numba counts who refers to one, which takes longer than eight rows do.
"""

import numpy as np
from numba import types

from hashsvc_index.arrays import Distances, Numbers, Words
from hashsvc_index.kernels import compiled, eight_beyond, ones, part, readable
from hashsvc_index.layers import Layers

_AT_ONCE = 8
_ROOM = 4096
"""Hits for which there is room at first; more than eight rows have with all queries of a pass."""
_AGREED = np.uint64(208)
"""Bits in which a group agrees: with 192 more rows of the lists that it meets come too near in them to be passed over."""
_ALL = ~np.uint64(0)
_Row = tuple[np.uint64, np.uint64, np.uint64, np.uint64]
_WORDS, _NUMBERS, _TABLE = readable(types.uint64, 2), readable(types.int64, 1), readable(types.int64, 2)


@part
def _grouped(queries: Words) -> Numbers:
    """The group of each query, the first whose members it agrees with; groups are numbered from 0."""
    groups, count = np.empty(len(queries), np.int64), 0
    firsts, masks = np.empty(len(queries), np.int64), np.empty(queries.shape, np.uint64)
    for query in range(len(queries)):
        group = 0
        while group < count:
            agreed = np.uint64(0)
            for word in range(4):
                agreed += ones(masks[group, word] & ~(queries[firsts[group], word] ^ queries[query, word]))
            if agreed >= _AGREED:
                break
            group += 1
        if group == count:
            firsts[group], count = query, count + 1
            for word in range(4):
                masks[group, word] = _ALL
        for word in range(4):
            masks[group, word] &= ~(queries[firsts[group], word] ^ queries[query, word])
        groups[query] = group
    return groups


@part
def _by_list(lists: Numbers, groups: Numbers, count: int) -> tuple[Numbers, Numbers, Numbers]:
    """Pairs of query and list, query x p + place in `lists`, list after list, in each group after group.

    Then the query of each, and where the pairs of each of the `count` lists end.
    """
    ends = np.zeros(count + 1, np.int64)
    for query in range(lists.shape[0]):
        for place in range(lists.shape[1]):
            ends[lists[query, place] + 1] += 1
    for number in range(count):
        ends[number + 1] += ends[number]
    pairs, asked = np.empty(ends[-1], np.int64), np.empty(ends[-1], np.int64)
    for query in np.argsort(groups, kind="mergesort"):
        for place in range(lists.shape[1]):
            to = ends[lists[query, place]]
            ends[lists[query, place]] += 1
            pairs[to], asked[to] = query * lists.shape[1] + place, query
    return pairs, asked, ends[:-1]


@part
def _next_met(bounds: Numbers, turn: int, number: int) -> int:
    """The first list from `number` on that has pairs left at `turn`; there is one."""
    while bounds[number] <= turn:
        number += 1
    return number


@part
def _passed(rows: Words, place: int, end: int, query: _Row, told: _Row, radius: int) -> int:
    """The first place from `place` on where one of eight rows may be near enough, or fewer are left; each eighth is looked at."""
    while place + _AT_ONCE <= end and eight_beyond(rows, place, query, told, radius):
        place += _AT_ONCE
    return place


@part
def _compared(
    rows: Words, place: int, after: int, number: int, ends: Numbers, queries: Words, reach: Numbers, pairs: Numbers,
    asked: Numbers, turn: int, last: int, radius: int, hits: Numbers, found: int,
) -> int:  # fmt: skip
    """Put into `hits` (pair, place, distance) what of these rows each query of `turn` to `last` - 1 reaches and is near; how many there are now."""
    for pair in range(turn, last):
        query = asked[pair]
        for row in range(place, min(after, ends[number, reach[query]])):
            distance = np.uint64(0)
            for word in range(4):
                distance += ones(rows[row, word] ^ queries[query, word])
            if np.int64(distance) <= radius:
                hits[found, 0], hits[found, 1], hits[found, 2] = pairs[pair], row, distance
                found += 1
    return found


@part
def _met(
    rows: Words, first: int, place: int, number: int, ends: Numbers, queries: Words, reach: Numbers, groups: Numbers,
    pairs: Numbers, asked: Numbers, turn: int, until: int, radius: int, hits: Numbers, found: int,
) -> tuple[int, int, int]:  # fmt: skip
    """Go on in a list at a pair `turn` and a `place`, until its pairs are done or there may be no room: where it stopped, and hits."""
    while turn < until:
        one = asked[turn]
        query = (queries[one, 0], queries[one, 1], queries[one, 2], queries[one, 3])
        deepest, last = reach[one], turn + 1
        a, b, c, d = _ALL, _ALL, _ALL, _ALL
        while last < until and groups[asked[last]] == groups[one]:
            other = asked[last]
            deepest = max(deepest, reach[other])
            a &= ~(query[0] ^ queries[other, 0])
            b &= ~(query[1] ^ queries[other, 1])
            c &= ~(query[2] ^ queries[other, 2])
            d &= ~(query[3] ^ queries[other, 3])
            last += 1
        end = ends[number, deepest]
        while place < end:
            place = _passed(rows, place, end, query, (a, b, c, d), radius)
            if place < end:
                if found + _AT_ONCE * (last - turn) > len(hits):
                    return turn, place, found
                after = min(place + _AT_ONCE, end)
                found = _compared(
                    rows, place, after, number, ends, queries, reach, pairs, asked, turn, last, radius, hits, found
                )
                place = after
        turn, place = last, first
    return turn, place, found


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


@compiled(_WORDS, _NUMBERS, _TABLE, _TABLE, readable(types.uint8, 1), _WORDS, types.int64)
def near(
    rows: Words, begins: Numbers, ends: Numbers, lists: Numbers, reach: Layers, queries: Words, radius: int
) -> tuple[Numbers, Numbers, Distances]:
    """Query, place and distance of each row that a query meets and that is within `radius` bits of it, border included.

    `rows` and `queries` are uint64 (n, 4) and (m, 4), m at most 256. List l begins at place `begins[l]`, and its layer k ends at
    `ends[l, k]`; `ends` is int64 (l, layers). Query q meets the lists `lists[q]`, int64 (m, p), down to layer `reach[q]`. The
    hits are in order of query, list as in `lists`, and place.
    """
    radius, reached = min(radius, 256), np.minimum(reach.astype(np.int64), ends.shape[1] - 1)
    groups = _grouped(queries)
    pairs, asked, bounds = _by_list(lists, groups, len(ends))
    hits, found, turn, number = np.empty((_ROOM, 3), np.int64), 0, 0, 0
    while turn < len(pairs):
        # Nor is one replaced where lists are only passed over, which most of them are.
        number = _next_met(bounds, turn, number)
        first = place = begins[number]
        while turn < bounds[number]:
            turn, place, found = _met(
                rows, first, place, number, ends, queries, reached, groups, pairs, asked, turn, bounds[number], radius,
                hits, found,
            )  # fmt: skip
            if turn < bounds[number]:
                hits = _larger(hits)
    return _in_order(hits, found, len(lists), lists.shape[1])
