"""Hot and cold: what moves from the slabs that are searched exactly to those that are searched by list."""

import dataclasses
import math
from collections.abc import Callable, Sequence

import numpy as np

from hashsvc_index.centroids import Centroids, sample_size, train
from hashsvc_index.cold import ColdSlab
from hashsvc_index.records import VECTOR_BYTES, Vectors
from hashsvc_index.slabs import FlatSlab, Slab
from hashsvc_index.snapshot import Snapshot

FAN_IN = 4
"""A cold slab is merged into what comes after it unless it is so many times larger, so that there are O(log n)."""
_DEAD_SHARE = 4
"""A cold slab of which more than one in so many rows is withdrawn is written anew without them."""
_GROWTH, _LISTS_OF_A_MILLION = 0.65, 2000
"""Ten times the rows are 4.5 times the lists, so that finding the lists stays the smaller part of a search."""
_OUTGROWN = 1.5
"""Centroids are replaced when there should be so many times more."""
_SEED = 1


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class TierSettings:
    """How much is searched exactly, and how much of the rest."""

    hot_hashes: int = 1 << 14
    """Vectors searched exactly, but for layers that a query does not reach; when there are more, older entries move to the
    cold tier, about half of them."""
    probes: int = 12
    """Lists of the cold tier that are searched for each query at least,"""
    scan_hashes: int = 8_000
    """and more as long as they hold fewer vectors than this,"""
    most_probes: int = 32
    """and there are no more of them: of the many short lists of a small cold tier so many are enough."""

    def probes_for(self, lists: int, rows: int) -> int:
        """Lists to search of so many that hold so many rows."""
        wanted = math.ceil(self.scan_hashes * lists / max(1, rows))
        return min(lists, max(self.probes, min(self.most_probes, wanted)))


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """Slabs that are to become one cold slab."""

    slabs: tuple[Slab, ...]
    centroids: Centroids | None
    """None: new ones, for the rows of all these slabs."""


def lists_for(rows: int) -> int:
    """How many lists so many rows should be in."""
    return max(1, round(_LISTS_OF_A_MILLION * math.pow(rows / 1e6, _GROWTH)))


def plan(snapshot: Snapshot, settings: TierSettings) -> Move | None:
    """What to move next; None if nothing has to."""
    moved = _too_many(snapshot, settings.hot_hashes)
    cold = sorted((slab for slab in snapshot.slabs if isinstance(slab, ColdSlab)), key=lambda slab: slab.rows)
    if not moved:
        return next((Move(slabs=(slab,), centroids=slab.centroids) for slab in cold if _is_stale(slab, snapshot)), None)
    rows = sum(slab.rows for slab in moved)
    if not cold or lists_for(rows + sum(slab.rows for slab in cold)) > _OUTGROWN * len(cold[-1].centroids):
        return Move(slabs=(*moved, *cold), centroids=None)
    merged: list[Slab] = list(moved)
    for slab in cold:
        if slab.rows >= FAN_IN * rows:
            break
        merged.append(slab)
        rows += slab.rows
    return Move(slabs=tuple(merged), centroids=cold[-1].centroids)


def centroids_for(move: Move, settings: TierSettings, give_way: Callable[[], None]) -> Centroids:
    """The move's centroids, or new ones. Raises what `give_way` raises."""
    if move.centroids is not None:
        return move.centroids
    rows = sum(slab.rows for slab in move.slabs)
    lists = lists_for(rows)
    sample = _sample(move.slabs, rows, sample_size(lists), give_way)
    return train(sample, lists, rows, settings.probes_for(lists, rows), give_way)


def _too_many(snapshot: Snapshot, hot_hashes: int) -> list[Slab]:
    """The oldest flat slabs, if there is more in all of them than is to be searched exactly, until half of that is left."""
    flat = sorted(
        (slab for slab in snapshot.slabs if isinstance(slab, FlatSlab)), key=lambda slab: int(slab.numbers.min())
    )
    left = sum(slab.rows for slab in flat)
    chosen: list[Slab] = []
    if left > hot_hashes:
        for slab in flat:
            if left <= hot_hashes // 2:
                break
            chosen.append(slab)
            left -= slab.rows
    return chosen


def _is_stale(slab: Slab, snapshot: Snapshot) -> bool:
    dead = np.isin(slab.numbers, snapshot.withdrawn)
    return int(np.diff(slab.starts)[dead].sum()) * _DEAD_SHARE > slab.rows


def _sample(slabs: Sequence[Slab], rows: int, wanted: int, give_way: Callable[[], None]) -> Vectors:
    """About so many of the rows, evenly, at least one; all if there are no more."""
    random = np.random.default_rng(_SEED)
    parts: list[Vectors] = []
    for slab in slabs:
        for piece in slab.pieces():
            give_way()
            chosen = random.random(len(piece.rows)) * rows < wanted
            parts.append(piece.vectors[chosen])
    return (
        np.concatenate(parts) if any(map(len, parts)) else next(slabs[0].pieces()).vectors[:1].reshape(-1, VECTOR_BYTES)
    )
