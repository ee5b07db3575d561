"""The nearest of rows that stay, compiled: which lists' centroids are near a vector, and which vectors are near each other."""

import numpy as np
from numba import types

from hashsvc_index.arrays import Distances, Numbers, Words
from hashsvc_index.kernels import compiled, ones, part, readable
from hashsvc_index.planes import (
    DIFFERING,
    DIGITS,
    TILE,
    Planes,
    digits_of,
    measured,
    turn_tile,
    within,
)

_AT_ONCE = 16
"""Queries that are compared with a tile while it is in the fastest cache, and whose distances to all of them fit the next."""
_WORDS = readable(types.uint64, 2)


@compiled(_WORDS)
def tiles(rows: Words) -> Planes:
    """All rows, uint64 (n, 4), turned: uint8 (tiles, DIGITS, TILE). What is behind the last one is not to be looked at."""
    made = np.empty((-(-len(rows) // TILE), DIGITS, TILE), np.uint8)
    for tile in range(len(made)):
        turn_tile(rows, tile * TILE, min(TILE, len(rows) - tile * TILE), made[tile])
    return made


@part
def _within(distances: Planes, radius: int) -> int:
    """How many distances, a multiple of 64 of them, are within the radius."""
    count = 0
    for first in range(0, len(distances), 64):
        count += int(ones(within(distances, first, radius)))
    return count


@part
def _radius_of(distances: Planes, wanted: int) -> int:
    """The least radius within which so many are; 255 if there is none."""
    low, high = 0, 255
    while low < high:
        middle = (low + high) // 2
        if _within(distances, middle) >= wanted:
            high = middle
        else:
            low = middle + 1
    return low


@part
def _chosen(distances: Planes, count: int, places: Numbers, found: Distances) -> None:
    """Fill in the nearest of the first `count` distances, and how near they are; of equally near ones the first."""
    wanted = len(places)
    radius = _radius_of(distances, wanted)
    # Of those on the border there may be more than are wanted.
    border, held = wanted - (_within(distances, radius - 1) if radius else 0), 0
    for first in range(0, len(distances), 64):
        bits = within(distances, first, radius)
        while bits:
            row = first + np.int64(ones((bits & (~bits + np.uint64(1))) - np.uint64(1)))
            bits &= bits - np.uint64(1)
            if row >= count or (distances[row] == radius and border <= 0):
                continue
            border -= distances[row] == radius
            place = held
            while place > 0 and found[place - 1] > distances[row]:
                places[place], found[place] = places[place - 1], found[place - 1]
                place -= 1
            places[place], found[place] = row, distances[row]
            held += 1


@compiled(readable(types.uint8, 3), types.int64, _WORDS, types.int64)
def nearest(turned_rows: Planes, count: int, queries: Words, wanted: int) -> tuple[Numbers, Distances]:
    """The `wanted` nearest, at most `count`, of so many rows of `tiles` to each query: int64 (m, wanted), int32 likewise.

    Nearest first, of equally near ones the first; what is farther than 254 counts as 255.
    """
    places, found = np.empty((len(queries), wanted), np.int64), np.empty((len(queries), wanted), np.int32)
    digits, distances = digits_of(queries), np.empty((_AT_ONCE, len(turned_rows) * TILE), np.uint8)
    for first in range(0, len(queries), _AT_ONCE):
        some = min(_AT_ONCE, len(queries) - first)
        for tile in range(len(turned_rows)):
            for query in range(some):
                part = distances[query, tile * TILE : (tile + 1) * TILE]
                measured(turned_rows[tile], digits, first + query, DIFFERING, part)
        distances[:, count:] = 255
        for query in range(some):
            _chosen(distances[query], count, places[first + query], found[first + query])
    return places, found


@compiled(_WORDS, types.int64)
def leaders(queries: Words, most: int) -> tuple[Numbers, Numbers]:
    """Queries that follow none, ascending, int64 (l,), and the place there of the one that each follows, int64 (m,).

    That is the first of them within so many bits of it, itself where there is none.
    """
    leading, followed, count = np.empty(len(queries), np.int64), np.empty(len(queries), np.int64), 0
    for query in range(len(queries)):
        place = 0
        while place < count:
            distance = np.uint64(0)
            for word in range(4):
                distance += ones(queries[query, word] ^ queries[leading[place], word])
            if np.int64(distance) <= most:
                break
            place += 1
        if place == count:
            leading[count], count = query, count + 1
        followed[query] = place
    return leading[:count], followed
