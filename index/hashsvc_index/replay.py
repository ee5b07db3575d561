"""From the store to a snapshot: all of it, or the changes since the last one."""

from collections.abc import Callable

from hashsvc_index.layers import LayersOf
from hashsvc_index.reader import Reader
from hashsvc_index.records import ChangeKind, Vectors
from hashsvc_index.slabs import SlabBuilder
from hashsvc_index.snapshot import Snapshot
from hashsvc_index.store import Store

_CHANGES = 1024
_ROWS = 1 << 18
"""Vectors read in one go: 8 MiB."""
_ENTRIES = 256


class StoppedError(Exception):
    """The caller's `stop` said so."""


def advance(store: Store, snapshot: Snapshot, layers_of: LayersOf) -> Snapshot:
    """`snapshot` brought forward by the next piece of the change log; the same object when there is nothing new.

    Says the same however often a change is seen, so that a replay may overlap what is there already.
    """
    live: dict[int, bool] = {}
    added: dict[int, Vectors] = {}
    revision = snapshot.revision
    rows = 0
    with store.environment.read() as transaction:
        reader = Reader(store.environment, transaction)
        changes = reader.changes(revision, _CHANGES)
        highest = max((int(slab.numbers.max()) for slab in snapshot.slabs), default=0) if changes else 0
        for change in changes:
            revision = change.revision
            number = change.number
            if change.kind is ChangeKind.BANK_PUT:
                continue
            live[number] = change.live
            absent = number > highest or snapshot.row_range(number) is None
            if change.live and absent and number not in added:
                added[number] = reader.vectors(number)
                rows += len(added[number])
                if rows > _ROWS:
                    break
    if revision == snapshot.revision:
        return snapshot
    builder = SlabBuilder(layers_of)
    for number, vectors in added.items():
        if live[number]:
            builder.add(number, vectors)
    present = {number: alive for number, alive in live.items() if number not in added}
    return snapshot.advanced(revision, builder.finish(), present)


def rebuild(store: Store, layers_of: LayersOf, stop: Callable[[], bool]) -> Snapshot:
    """A snapshot of everything live in the store now. Raises StoppedError soon after `stop()` becomes true.

    It reads entries a piece at a time, not in one transaction, which is sound: vectors never change, and what was
    added, withdrawn or restored since the revision it claims is in the log that `advance` goes through next.
    """
    revision = store.revision()
    builder = SlabBuilder(layers_of)
    after = 0
    while True:
        if stop():
            raise StoppedError
        with store.environment.read() as transaction:
            reader = Reader(store.environment, transaction)
            piece = reader.entries(after, _ENTRIES)
            for record in piece:
                if record.live and record.created_revision <= revision:
                    builder.add(record.number, reader.vectors(record.number))
        if not piece:
            slab = builder.finish()
            return Snapshot(revision=revision).advanced(revision, slab, {})
        after = piece[-1].number
