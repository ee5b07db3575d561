"""Keeping an index small and saved: slabs are merged and moved to the cold tier, and checkpoints saved, beside all searches."""

import contextlib
import logging
import math
import os
import threading
import time
import uuid
from pathlib import Path

from hashsvc_index import tiers
from hashsvc_index.checkpoint import CheckpointDirectory
from hashsvc_index.directory import INDEX
from hashsvc_index.latest import Latest
from hashsvc_index.layers import LayersOf
from hashsvc_index.manifest import CheckpointError, Manifest, MissingCheckpointError
from hashsvc_index.memory import give_back_freed
from hashsvc_index.merge import step
from hashsvc_index.replay import StoppedError, advance
from hashsvc_index.searchers import keep_to_this_thread
from hashsvc_index.settings import IndexSettings
from hashsvc_index.slabs import FlatSlab, Slab
from hashsvc_index.snapshot import Snapshot
from hashsvc_index.store import Store
from hashsvc_index.trouble import translate

logger = logging.getLogger("hashsvc_index")

_NICENESS = 10
"""How much less of the cores the keeper claims than the threads that search, where there are not enough for both. Not
as little as possible: now and then it needs Python's lock, and whoever holds that must be let go on."""
_LOWEST_NICENESS = 19
_GIVE_BACK_ROWS = 1 << 20
"""Vectors that have moved to the cold tier for which memory is given back: they were read from the store's map, and have
left holes among the flat slabs."""
_PAUSE_SECONDS = 60.0
"""After a failure."""
_CALM_SECONDS = 0.5
"""Between two looks at whether a checkpoint is due, where nothing else is to be done."""


class Keeper:
    """Works on the latest snapshot of one index, from `run`; other threads may call everything else."""

    def __init__(
        self,
        store: Store,
        path: Path,
        settings: IndexSettings,
        layers_of: LayersOf,
        latest: Latest,
        stopping: threading.Event,
    ) -> None:
        """`path` is the data directory; `run` ends soon after `stopping` is set."""
        self._store = store
        self._settings = settings
        self._layers_of = layers_of
        self._latest = latest
        self._stopping = stopping
        self._directory = CheckpointDirectory(path / INDEX, settings, layers_of)
        self._saving = threading.Lock()
        self._saved_revision = 0
        self._saved_at = time.monotonic()
        self._saved_added = 0
        self._added = 0
        self._reshaped = False
        """Whether slabs have moved that a checkpoint should have where they are now."""
        self._spoken_for: tuple[Slab, ...] = ()
        self._settled: Snapshot | None = None
        """The last snapshot that was found to need nothing: as long as it is the latest, there is nothing to be looked for."""
        self._moved = 0
        """Rows that have left flat slabs for cold ones since memory was last given back."""
        self._taken: Manifest | None = None

    def run(self) -> None:
        """Merge, move and save whenever there is something to, until stopped."""
        if self._settings.saves:  # to take over what others have made is little work, and shortens searches at once
            _lower_priority()
        keep_to_this_thread()
        while not self._stopping.wait(self._settings.poll_seconds):
            if self._settled is not None:
                self._latest.wait(self._is_wanted, _CALM_SECONDS)
            if not self._latest.ready:
                continue
            try:
                while not self._stopping.is_set() and self._reshape():
                    # Other processes have it from the checkpoint only, and search all of it exactly until then.
                    if self._reshaped:
                        self._try_checkpoint()
            except StoppedError:
                return
            except Exception:
                logger.exception("index of %s: slabs could not be merged, will try again", self._store.path)
                self._stopping.wait(_PAUSE_SECONDS)
            if self._checkpoint_due():
                self._try_checkpoint()

    def close(self) -> None:
        """Save what is not saved yet, if this process is the one that does; `run` must have ended."""
        if self._latest.ready and self._latest.snapshot.revision != self._saved_revision:
            self._try_checkpoint()
        self._directory.unlock()

    def load(self) -> Snapshot | None:
        """The checkpoint's snapshot; None, and the cause in the log, if the store has to be read instead."""
        try:
            self._may_save()
        except OSError as error:
            logger.warning("index of %s: checkpoints cannot be saved: %s", self._store.path, error)
        try:
            self._taken = self._directory.manifest()
            snapshot = self._directory.load(self._check)
        except CheckpointError as error:
            empty = isinstance(error, MissingCheckpointError) and self._store.stats().entries == 0
            logger.log(
                logging.DEBUG if empty else logging.WARNING,
                "index of %s is rebuilt from the store, because of its checkpoint: %s", self._store.path, error,
            )  # fmt: skip
            self._saved_at = -math.inf
            return None
        self._saved_revision = snapshot.revision
        return snapshot

    def added(self, rows: int) -> None:
        """Take note of so many new vectors, which will have to be saved."""
        self._added += rows

    def merge(self, most_rows: int | None = None) -> bool:
        """Merge flat slabs once and publish it; False if there was nothing to merge of so many rows, or it was overtaken."""
        merged = step(self._latest.snapshot, most_rows, self._spoken_for, self._layers_of)
        return merged is not None and self._latest.replace_slabs(*merged)

    def checkpoint(self) -> bool:
        """Save the latest snapshot; False if that is another process's task.

        Raises IndexLoadingError until there is one, StoreFullError and DataDirectoryReadOnlyError.
        """
        snapshot = self._latest.snapshot
        with self._saving:
            added = self._added
            try:
                if not self._may_save():
                    return False
                last = self._store.changes(snapshot.revision - 1, 1) if snapshot.revision else []
                self._directory.save(snapshot, self._store.store_id, last[0].mark.hex() if last else "")
            except OSError as error:
                raise translate(self._store.path, error) from error
            self._saved_revision, self._saved_added = snapshot.revision, added
            self._reshaped = self._reshaped and self._latest.snapshot is not snapshot
            return True

    def _reshape(self) -> bool:
        """Merge or move something; whether it is to be called again at once, and not when there is another snapshot or later."""
        before = self._latest.snapshot
        if before is self._settled:
            return False
        self._settled = None  # what it holds may be large, and work on this may take long
        if self.merge() or self._latest.snapshot is not before:
            return True
        move = tiers.plan(before, self._settings)
        if move is None:
            self._settled = before
            return False
        return self._move(before, move)

    def _is_wanted(self) -> bool:
        return self._stopping.is_set() or self._latest.snapshot is not self._settled

    def _may_save(self) -> bool:
        """Raises OSError."""
        return self._settings.saves and self._directory.lock()

    def _check(self, manifest: Manifest) -> None:
        """Raise CheckpointError unless the checkpoint is one of this store's past."""
        if manifest.store_id != self._store.store_id:
            raise CheckpointError(f"it belongs to another store, {manifest.store_id}")
        if manifest.revision == 0:
            return
        change = self._store.changes(manifest.revision - 1, 1)
        if not change:
            raise CheckpointError(f"it is at revision {manifest.revision}, which the store has not reached")
        if change[0].mark.hex() != manifest.mark:
            raise CheckpointError(f"revision {manifest.revision} of the store is another: the store was set back since")

    def _move(self, before: Snapshot, move: tiers.Move) -> bool:
        """Make the cold slab of a plan for a snapshot aside and publish it; False if that is not for this process, or was overtaken."""
        if not self._may_save():
            return self._take_over()
        began = time.monotonic()
        self._spoken_for = move.slabs
        try:
            centroids = tiers.centroids_for(move, self._settings, self._give_way)
            made = self._directory.make_cold(uuid.uuid4().hex, centroids, move.slabs, before.withdrawn, self._give_way)
            published = self._latest.replace_slabs(move.slabs, made)
        finally:
            self._spoken_for = ()
            self._directory.named()
        if not published:
            return False
        self._reshaped = True
        self._moved += sum(slab.rows for slab in move.slabs if isinstance(slab, FlatSlab))
        del before, move
        if self._moved >= _GIVE_BACK_ROWS:
            self._moved = 0
            self._store.environment.give_back()
            give_back_freed()
        logger.debug(
            "index of %s: %d hashes are in a cold slab of %d lists after %.2f s",
            self._store.path, made.rows if made is not None else 0, len(centroids), time.monotonic() - began,
        )  # fmt: skip
        return True

    def _take_over(self) -> bool:
        """Where another process makes the cold slabs, load them once it has saved them; False if it has not yet."""
        try:
            manifest = self._directory.manifest()
            if manifest == self._taken:
                return False
            loaded = self._directory.load(self._check, self._latest.snapshot.slabs)
        except CheckpointError:
            return False
        self._taken = manifest
        while True:
            self._give_way()
            current = self._latest.snapshot
            while loaded.revision < current.revision:
                loaded = advance(self._store, loaded, self._layers_of)
            if self._latest.replace(current, loaded):
                return True

    def _give_way(self) -> None:
        if self._stopping.is_set():
            raise StoppedError

    def _checkpoint_due(self) -> bool:
        if self._reshaped or self._added - self._saved_added >= self._settings.checkpoint_hashes:
            return True
        late = time.monotonic() - self._saved_at >= self._settings.checkpoint_seconds
        return late and self._latest.snapshot.revision != self._saved_revision

    def _try_checkpoint(self) -> None:
        """Save if this process may; log what fails and try again after `checkpoint_seconds`."""
        try:
            self.checkpoint()
        except Exception as error:  # noqa: BLE001 - the thread must outlive what nobody foresaw
            logger.warning("index of %s: checkpoint not saved: %s", self._store.path, error)
        self._saved_at, self._saved_added, self._reshaped = time.monotonic(), self._added, False


def _lower_priority() -> None:
    """Have the calling thread claim less of the cores."""
    thread = threading.get_native_id()
    with contextlib.suppress(OSError):
        niceness = os.getpriority(os.PRIO_PROCESS, thread) + _NICENESS
        os.setpriority(os.PRIO_PROCESS, thread, min(niceness, _LOWEST_NICENESS))
