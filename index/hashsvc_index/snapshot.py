"""A snapshot: everything that one search sees, never changed once made."""

import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from hashsvc_index.arrays import Distances, Numbers
from hashsvc_index.layers import Layers, every_layer
from hashsvc_index.queries import Queries
from hashsvc_index.records import Vectors
from hashsvc_index.slabs import Slab

_QUERIES = 256
"""Queries in one pass; with a block's rows this bounds one pass's hits to 8 million."""
_UNPRUNED = 1 << 20
"""Hits collected before those beyond the limit are dropped."""

Keep = Callable[[Numbers], npt.NDArray[np.bool_]]
"""Entry numbers, int64 (k,), to a mask of the wanted ones, bool (k,). Called from several threads."""

_NOBODY = np.zeros(0, np.int64)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Hits:
    """What a search found, ordered by query, then distance. All four arrays have one length."""

    query: npt.NDArray[np.int32]
    """Row of the query."""
    entry: npt.NDArray[np.int64]
    """Entry number."""
    position: npt.NDArray[np.int32]
    """Row in that entry's vectors."""
    distance: npt.NDArray[np.int32]
    """Hamming distance, bits."""
    revision: int
    """The store's state that was searched."""

    def __len__(self) -> int:
        return len(self.query)

    def moved(self, queries: int) -> "Hits":
        """The same hits for queries that are `queries` rows further down."""
        if not queries:
            return self
        return dataclasses.replace(self, query=self.query + np.int32(queries))

    @classmethod
    def joined(cls, parts: "Sequence[Hits]", revision: int) -> "Hits":
        """The hits of all parts, in order."""
        if len(parts) == 1 and parts[0].revision == revision:
            return parts[0]

        def column(name: str, kind: type[np.signedinteger[Any]]) -> Any:
            return np.concatenate([np.zeros(0, kind), *(getattr(part, name) for part in parts)])

        return cls(
            query=column("query", np.int32), entry=column("entry", np.int64), position=column("position", np.int32),
            distance=column("distance", np.int32), revision=revision,
        )  # fmt: skip


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Snapshot:
    """Slabs, what is withdrawn from them, and the revision that they amount to. An entry is in one slab at most."""

    slabs: tuple[Slab, ...] = ()
    withdrawn: Numbers = dataclasses.field(default_factory=lambda: _NOBODY)
    """Numbers of entries that are in a slab but not live, int64, ascending."""
    revision: int = 0
    hashes: int = 0
    """Vectors of live entries."""

    @property
    def met(self) -> int:
        """Vectors that each query of a search is compared with, about."""
        return sum(slab.met for slab in self.slabs)

    def row_range(self, number: int) -> tuple[Slab, int, int] | None:
        """The slab of an entry, live or withdrawn, and its first and past-last row; None if it is in none."""
        for slab in self.slabs:
            found = np.flatnonzero(slab.numbers == number)
            if len(found):
                return slab, int(slab.starts[found[0]]), int(slab.starts[found[0] + 1])
        return None

    def masks(self, number: int) -> bool:
        """Whether the entry is in a slab but withdrawn."""
        return bool(_contained(np.array([number]), self.withdrawn)[0])

    def advanced(self, revision: int, slab: Slab | None, live: Mapping[int, bool]) -> "Snapshot":
        """This snapshot with one slab more, and with the entries of `live` masked or unmasked as it says."""
        withdrawn = set(self.withdrawn.tolist())
        hashes = self.hashes + (slab.rows if slab is not None else 0)
        for number, alive in live.items():
            if alive != (number in withdrawn):
                continue
            place = self.row_range(number)
            if place is None:
                continue
            hashes += (place[2] - place[1]) * (1 if alive else -1)
            (withdrawn.discard if alive else withdrawn.add)(number)
        return Snapshot(
            slabs=self.slabs if slab is None else (*self.slabs, slab), withdrawn=_sorted(withdrawn),
            revision=revision, hashes=hashes,
        )  # fmt: skip

    def replaced(self, old: tuple[Slab, ...], new: Slab | None) -> "Snapshot | None":
        """This snapshot with `new`, merged from `old`, in their place.

        None if that would be wrong by now: an old slab is gone, or an entry that the merge left out is live again.
        """
        if any(slab not in self.slabs for slab in old):
            return None
        before = np.concatenate([slab.numbers for slab in old])
        dropped = np.setdiff1d(before, new.numbers) if new is not None else before
        if not _contained(dropped, self.withdrawn).all():
            return None
        kept = tuple(slab for slab in self.slabs if slab not in old)
        return dataclasses.replace(
            self, slabs=kept if new is None else (*kept, new), withdrawn=np.setdiff1d(self.withdrawn, dropped)
        )

    def search(
        self, queries: Vectors, reach: Layers | None = None, *, radius: int, limit: int, keep: Keep | None = None
    ) -> Hits:
        """The `limit` nearest live vectors within `radius` bits, the border included, of each query; ties arbitrary.

        Those in layers within `reach`, uint8 (m,), without which all are; of them all in the hot tier, and in the cold tier
        those that are in the lists searched.

        With `keep`, only those of entries that it returns True for: what is not wanted must not crowd out what is.
        """
        if reach is None:
            reach = every_layer(len(queries))
        passes = ((first, slice(first, first + _QUERIES)) for first in range(0, len(queries), _QUERIES))
        parts = [
            self._nearest(Queries(queries[some], reach[some]), radius, limit, keep).moved(first)
            for first, some in passes
        ]
        return Hits.joined(parts, self.revision)

    def _nearest(self, queries: Queries, radius: int, limit: int, keep: Keep | None) -> Hits:
        nearest = _Nearest(len(queries), radius, limit)
        for slab in self.slabs:
            for query, row, distance in slab.near(queries, nearest.widest):
                place = np.searchsorted(slab.starts, row, side="right") - 1
                found = query, slab.numbers[place], row - slab.starts[place], distance
                # No copy of all columns is made where there is nothing to leave out.
                if nearest.tightened:
                    found = _chosen(found, nearest.wants(query, distance))
                if len(self.withdrawn):
                    found = _chosen(found, ~_contained(found[1], self.withdrawn))
                if keep is not None:
                    found = _chosen(found, keep(found[1]))
                nearest.add(*found)
        query, entry, position, distance = nearest.found()
        return Hits(
            query=query.astype(np.int32), entry=entry, position=position.astype(np.int32), distance=distance,
            revision=self.revision,
        )  # fmt: skip


_Columns = tuple[Numbers, Numbers, Numbers, Distances]


def _chosen(columns: _Columns, which: npt.NDArray[np.bool_]) -> _Columns:
    query, entry, position, distance = columns
    return query[which], entry[which], position[which], distance[which]


class _Nearest:
    """Keeps the nearest hits of each query out of many pieces, in bounded memory, and says what it still wants."""

    def __init__(self, queries: int, radius: int, limit: int) -> None:
        self._limit = limit
        self.widest = radius
        """The distance beyond which no query wants a hit any more."""
        self.tightened = False
        """Whether some query wants less than what is within the radius."""
        self._bounds = np.full(queries, radius, np.int32)
        self._pieces: list[_Columns] = [(_NOBODY, _NOBODY, _NOBODY, np.zeros(0, np.int32))]
        self._unpruned = 0

    def wants(self, query: Numbers, distance: Distances) -> npt.NDArray[np.bool_]:
        return np.asarray(distance <= self._bounds[query])

    def add(self, query: Numbers, entry: Numbers, position: Numbers, distance: Distances) -> None:
        self._pieces.append((query, entry, position, distance))
        self._unpruned += len(query)
        if self._unpruned > _UNPRUNED:
            self._pieces = [self.found()]
            self._unpruned = 0
            self._tighten()

    def found(self) -> _Columns:
        """The nearest hits so far, ordered by query, then distance."""
        query, entry, position, distance = (np.concatenate(column) for column in zip(*self._pieces, strict=True))
        places = np.arange(len(query))
        # One number each of query, distance (9 bits) and place (32): to sort those takes half as long as by two keys.
        order = np.sort(query << 41 | distance.astype(np.int64) << 32 | places) & 0xFFFFFFFF
        ordered = query[order]
        kept = order[places - np.searchsorted(ordered, ordered, side="left") < self._limit]
        return query[kept], entry[kept], position[kept], distance[kept]

    def _tighten(self) -> None:
        """A query that has its fill wants only what is nearer than its farthest."""
        query, _, _, distance = self._pieces[0]
        full = np.bincount(query, minlength=len(self._bounds)) >= self._limit
        farthest = np.full(len(self._bounds), -1, np.int32)
        np.maximum.at(farthest, query, distance)
        self._bounds[full] = farthest[full] - 1
        self.widest, self.tightened = int(self._bounds.max(initial=0)), True


def _contained(values: Numbers, ascending: Numbers) -> npt.NDArray[np.bool_]:
    """Which values are in the ascending array."""
    if not len(ascending):
        return np.zeros(len(values), np.bool_)
    place = np.minimum(np.searchsorted(ascending, values), len(ascending) - 1)
    return np.asarray(ascending[place] == values)


def _sorted(numbers: Iterable[int]) -> Numbers:
    return np.array(sorted(numbers), np.int64)
