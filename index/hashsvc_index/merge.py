"""Merging flat slabs: which, so that there are few, and how, leaving out what was withdrawn."""

from collections.abc import Collection, Sequence

import numpy as np

from hashsvc_index.layers import LayersOf, no_layers
from hashsvc_index.slabs import FlatSlab, Slab, SlabBuilder
from hashsvc_index.snapshot import Snapshot

FAN_IN = 4
"""Slabs of one tier that become one of the next; a vector is copied about log4(n / 4096) times."""
_FIRST_TIER_ROWS = 4096
_DEAD_SHARE = 4
"""A slab of which more than one in so many rows is withdrawn is written anew without them."""


def plan(snapshot: Snapshot, spoken_for: Collection[Slab] = ()) -> tuple[FlatSlab, ...]:
    """The slabs to merge next, () if none need it: the smallest tier with FAN_IN slabs, else one with many dead rows.

    Cold slabs are not looked at, nor are those of which something else is being made, `spoken_for`. Carried out until
    it returns (), it leaves fewer than FAN_IN slabs in each of O(log rows) tiers.
    """
    flat = [slab for slab in snapshot.slabs if isinstance(slab, FlatSlab) and slab not in spoken_for]
    tiers: dict[int, list[FlatSlab]] = {}
    for slab in flat:
        tiers.setdefault(_tier(slab.rows), []).append(slab)
    for _, members in sorted(tiers.items()):
        if len(members) >= FAN_IN:
            return tuple(members)
    for slab in flat if len(snapshot.withdrawn) else ():
        dead = np.isin(slab.numbers, snapshot.withdrawn)
        if int(np.diff(slab.starts)[dead].sum()) * _DEAD_SHARE > slab.rows:
            return (slab,)
    return ()


def step(
    snapshot: Snapshot,
    most_rows: int | None = None,
    spoken_for: Collection[Slab] = (),
    layers_of: LayersOf = no_layers,
) -> tuple[tuple[FlatSlab, ...], FlatSlab | None] | None:
    """Carry out the plan once, for `Snapshot.replaced`; None if there is none, or one of more than `most_rows` rows."""
    chosen = plan(snapshot, spoken_for)
    if not chosen or (most_rows is not None and sum(slab.rows for slab in chosen) > most_rows):
        return None
    return chosen, merge(chosen, snapshot, layers_of)


def merge(slabs: Sequence[Slab], snapshot: Snapshot, layers_of: LayersOf = no_layers) -> FlatSlab | None:
    """One flat slab of the rows of `slabs` without the entries withdrawn in `snapshot`; None if nothing is left."""
    builder = SlabBuilder(layers_of)
    for slab in slabs:
        kept = ~np.isin(slab.numbers, snapshot.withdrawn)
        counts = np.diff(slab.starts)
        builder.add_entries(slab.numbers[kept], counts[kept])
        for rows, vectors in slab.pieces():
            if kept.all():
                builder.add_rows(vectors)
            else:
                place = np.searchsorted(slab.starts, rows, side="right") - 1
                builder.add_rows(vectors[kept[place]])
    return builder.finish()


def _tier(rows: int) -> int:
    tier = 0
    while rows > _FIRST_TIER_ROWS:
        rows //= FAN_IN
        tier += 1
    return tier
