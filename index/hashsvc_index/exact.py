"""Searching chosen entries straight from the store, exactly, in bounded memory: for questions about what was."""

from collections.abc import Iterator, Sequence

import numpy as np

from hashsvc_index.records import Vectors
from hashsvc_index.searchers import keep_to_this_thread
from hashsvc_index.slabs import FlatSlab, SlabBuilder
from hashsvc_index.snapshot import Hits, Keep, Snapshot
from hashsvc_index.store import Store

_ROWS = 1 << 19
"""Vectors held at once: 16 MiB, and the entry that goes beyond."""


def search(
    store: Store, numbers: Sequence[int], queries: Vectors, *, radius: int, limit: int, keep: Keep | None = None
) -> Hits:
    """What `Index.search` finds in an index that holds the entries `numbers` and searches all of them exactly."""
    keep_to_this_thread()
    everything = Hits.joined((), 0)
    for slab in _slabs(store, numbers):
        found = Snapshot(slabs=(slab,)).search(queries, radius=radius, limit=limit, keep=keep)
        everything = _nearest(Hits.joined((everything, found), 0), limit)
    return everything


def _slabs(store: Store, numbers: Sequence[int]) -> Iterator[FlatSlab]:
    builder = SlabBuilder()
    for number in numbers:
        builder.add(number, store.vectors(number))
        if builder.rows >= _ROWS and (slab := builder.finish()):
            yield slab
            builder = SlabBuilder()
    if slab := builder.finish():
        yield slab


def _nearest(hits: Hits, limit: int) -> Hits:
    """The nearest `limit` hits of each query, ordered by query, then distance."""
    order = np.lexsort((hits.distance, hits.query))
    query = hits.query[order]
    rank = np.arange(len(order)) - np.searchsorted(query, query, side="left")
    kept = order[rank < limit]
    return Hits(
        query=hits.query[kept], entry=hits.entry[kept], position=hits.position[kept], distance=hits.distance[kept],
        revision=hits.revision,
    )  # fmt: skip
