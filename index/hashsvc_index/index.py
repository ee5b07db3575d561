"""The index: search over the live vectors of a store, following its change log."""

import contextlib
import dataclasses
import functools
import logging
import math
import os
import threading
import time
import uuid
from collections.abc import Callable
from pathlib import Path

import numpy as np

from hashsvc_index import tiers
from hashsvc_index.checkpoint import CheckpointDirectory
from hashsvc_index.directory import INDEX
from hashsvc_index.errors import IndexLoadingError
from hashsvc_index.layers import Layers, LayersOf, every_layer, no_layers
from hashsvc_index.manifest import CheckpointError, Manifest, MissingCheckpointError
from hashsvc_index.memory import give_back_freed
from hashsvc_index.merge import step
from hashsvc_index.records import VECTOR_BYTES, Vectors
from hashsvc_index.replay import StoppedError, advance, rebuild
from hashsvc_index.searchers import Searchers, keep_to_this_thread
from hashsvc_index.slabs import FlatSlab, Slab
from hashsvc_index.snapshot import Hits, Keep, Snapshot
from hashsvc_index.store import Store
from hashsvc_index.tiers import TierSettings
from hashsvc_index.trouble import translate

logger = logging.getLogger("hashsvc_index")

_INLINE_MERGE_ROWS = 1 << 17
"""Merges up to this size, a few milliseconds, are done by the follower itself, so that many small adds stay few slabs."""
_KEEPER_NICENESS = 10
"""How much less of the cores the keeper claims than the threads that search, where there are not enough for both. Not
as little as possible: now and then it needs Python's lock, and whoever holds that must be let go on."""
_LOWEST_NICENESS = 19
_GIVE_BACK_ROWS = 1 << 20
"""Vectors that have moved to the cold tier for which memory is given back: they were read from the store's map, and have
left holes among the flat slabs."""
_RETRY_SECONDS = 1.0
_LONGEST_RETRY_SECONDS = 60.0


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class IndexSettings(TierSettings):
    """How the index follows, searches and saves."""

    poll_seconds: float = 0.05
    """How often the store is asked for changes of other processes."""
    threads: int = 0
    """Threads that one search may use when no other runs; 0 is one for each core that this process may use."""
    checkpoint_hashes: int = 1_000_000
    """A checkpoint is saved when so many vectors were added since the last,"""
    checkpoint_seconds: float = 300.0
    """or when something changed and so much time has passed."""


_DEFAULTS = IndexSettings()


class Index:
    """Searches the live vectors of `store`. Thread-safe.

    A search takes the current snapshot by reference and waits for nobody. Two threads prepare the next ones aside:
    the follower applies the change log, the keeper merges slabs, moves them to the cold tier and saves checkpoints.
    """

    def __init__(
        self, store: Store, path: Path, settings: IndexSettings = _DEFAULTS, layers_of: LayersOf = no_layers
    ) -> None:
        """`path` is the data directory that `store` was opened on; nothing happens before `start`.

        `layers_of` says which vectors of an entry may be passed over by queries that do not reach them.
        """
        self._store = store
        self._layers_of = layers_of
        self._settings = settings
        self._directory = CheckpointDirectory(path / INDEX, settings, layers_of)
        self._searchers = Searchers(settings.threads or len(os.sched_getaffinity(0)))
        self._snapshot: Snapshot | None = None
        self._changed = threading.Condition()
        self._saving = threading.Lock()
        self._saved_revision = 0
        self._saved_at = time.monotonic()
        self._saved_added = 0
        self._added = 0
        self._reshaped = False
        """Whether slabs have moved that a checkpoint should have where they are now."""
        self._spoken_for: tuple[Slab, ...] = ()
        self._moved = 0
        """Rows that have left flat slabs for cold ones since memory was last given back."""
        self._taken: Manifest | None = None
        self._stopping = threading.Event()
        self._woken = threading.Event()
        self._failure: BaseException | None = None
        self._follower = threading.Thread(target=self._follow, name="hashsvc-index-follower", daemon=True)
        self._keeper = threading.Thread(target=self._keep, name="hashsvc-index-keeper", daemon=True)

    def start(self) -> None:
        """Begin to load and follow, in the background; once only."""
        self._follower.start()
        self._keeper.start()

    def close(self) -> None:
        """Stop following and save a checkpoint, if this process is the one that does. `search` then still answers."""
        self._stopping.set()
        self._woken.set()
        with self._changed:
            self._changed.notify_all()
        for thread in (self._follower, self._keeper):
            if thread.ident is not None:
                thread.join()
        if self._snapshot is not None and self._snapshot.revision != self._saved_revision:
            self._try_checkpoint()
        self._directory.unlock()
        self._searchers.close()

    @property
    def ready(self) -> bool:
        """True once the index has caught up with the store for the first time."""
        return self._snapshot is not None

    @property
    def revision(self) -> int:
        """The last change applied, 0 until ready."""
        snapshot = self._snapshot
        return 0 if snapshot is None else snapshot.revision

    @property
    def hashes(self) -> int:
        """Vectors of live entries, 0 until ready."""
        snapshot = self._snapshot
        return 0 if snapshot is None else snapshot.hashes

    @property
    def snapshot(self) -> Snapshot:
        """What a search now would see. Raises IndexLoadingError until ready."""
        snapshot = self._snapshot
        if snapshot is None:
            raise IndexLoadingError(f"the index of {self._store.path} is still loading")
        return snapshot

    @property
    def failure(self) -> BaseException | None:
        """What keeps the index from following the store; None when nothing does. It is logged and tried again."""
        return self._failure

    def notify(self) -> None:
        """Say that this process has just written, so that the follower looks at once."""
        self._woken.set()

    def wait_ready(self, timeout: float) -> bool:
        """Wait at most `timeout` seconds; return `ready`."""
        return self._wait(lambda: self.ready, timeout)

    def wait_for(self, revision: int, timeout: float) -> bool:
        """Wait at most `timeout` seconds until `revision` is applied; return whether it is."""
        return self._wait(lambda: self.ready and self.revision >= revision, timeout)

    def search(
        self, queries: Vectors, *, radius: int, limit: int, keep: Keep | None = None, reach: Layers | None = None
    ) -> Hits:
        """The `limit` nearest live vectors of each query at a Hamming distance of `radius` bits or less, ties arbitrary.

        What is in deeper layers than a query reaches is passed over. Of the rest all is found that is in the hot tier, and of
        the cold tier a share is missed, the larger the farther. `queries` is uint8 (m, 32); `reach` uint8 (m,), without it they reach
        all; `keep` leaves entries out, see `Snapshot.search`. Raises IndexLoadingError until ready, ValueError for
        arguments of a wrong shape.
        """
        if queries.dtype != np.uint8 or queries.ndim != 2 or queries.shape[1] != VECTOR_BYTES:
            raise ValueError(f"queries are uint8 (m, {VECTOR_BYTES}), not {queries.dtype} {queries.shape}")
        if radius < 0 or limit < 1:
            raise ValueError(f"a radius is 0 or more and a limit 1 or more, not {radius} and {limit}")
        snapshot = self.snapshot
        if reach is None:
            reach = every_layer(len(queries))
        elif reach.dtype != np.uint8 or reach.shape != queries.shape[:1]:
            raise ValueError(f"reach is uint8 ({len(queries)},), not {reach.dtype} {reach.shape}")
        find = functools.partial(snapshot.search, radius=min(radius, VECTOR_BYTES * 8), limit=limit, keep=keep)
        return self._searchers.search(find, queries, reach, snapshot.met, snapshot.revision)

    def checkpoint(self) -> bool:
        """Save the current snapshot; False if that is another process's task.

        Raises IndexLoadingError until ready, StoreFullError and DataDirectoryReadOnlyError.
        """
        snapshot = self.snapshot
        with self._saving:
            added = self._added
            try:
                if not self._directory.lock():
                    return False
                last = self._store.changes(snapshot.revision - 1, 1) if snapshot.revision else []
                self._directory.save(snapshot, self._store.store_id, last[0].mark.hex() if last else "")
            except OSError as error:
                raise translate(self._store.path, error) from error
            self._saved_revision, self._saved_added = snapshot.revision, added
            self._reshaped = self._reshaped and self._snapshot is not snapshot
            return True

    # following

    def _wait(self, done: Callable[[], bool], timeout: float) -> bool:
        with self._changed:
            self._changed.wait_for(lambda: done() or self._stopping.is_set(), timeout)
            return done()

    def _follow(self) -> None:
        keep_to_this_thread()
        pause = _RETRY_SECONDS
        while not self._stopping.is_set():
            self._woken.clear()
            try:
                if self._snapshot is None:
                    self._load()
                while self._advance():
                    pass
                self._store.environment.clear_stale_readers()
            except StoppedError:
                return
            except Exception as error:  # noqa: BLE001 - the thread must outlive what nobody foresaw
                self._report(error)
                self._stopping.wait(pause)
                pause = min(2 * pause, _LONGEST_RETRY_SECONDS)
                continue
            if self._failure is not None:
                logger.info("index of %s follows its store again", self._store.path)
                self._failure, pause = None, _RETRY_SECONDS
            self._woken.wait(self._settings.poll_seconds)

    def _report(self, error: Exception) -> None:
        """Log a failure once, however often it comes back."""
        if repr(error) != repr(self._failure):
            logger.error("index of %s cannot follow, will try again: %s", self._store.path, error, exc_info=error)
        self._failure = error

    def _load(self) -> None:
        """Make the first snapshot and publish it when it has caught up."""
        began = time.monotonic()
        snapshot = self._load_checkpoint()
        if snapshot is None:
            snapshot = rebuild(self._store, self._layers_of, self._stopping.is_set)
        goal = self._store.revision()
        while snapshot.revision < goal:
            if self._stopping.is_set():
                raise StoppedError
            snapshot = advance(self._store, snapshot, self._layers_of)
            while merged := step(snapshot, _INLINE_MERGE_ROWS, layers_of=self._layers_of):
                snapshot = snapshot.replaced(*merged) or snapshot
        with self._changed:
            self._snapshot = snapshot
            self._changed.notify_all()
        logger.info(
            "index of %s ready: %d hashes at revision %d in %.2f s",
            self._store.path, snapshot.hashes, snapshot.revision, time.monotonic() - began,
        )  # fmt: skip

    def _load_checkpoint(self) -> Snapshot | None:
        """The checkpoint's snapshot; None, and the cause in the log, if the store has to be read instead."""
        try:
            self._directory.lock()
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

    def _advance(self) -> bool:
        """Apply the next piece of the change log; False if there was nothing new."""
        if self._stopping.is_set():
            return False
        before = self.snapshot
        after = advance(self._store, before, self._layers_of)
        if after is before:
            return False
        with self._changed:
            if self._snapshot is not before:
                return True  # The keeper has merged meanwhile; once more, from what it made.
            self._snapshot = after
            self._changed.notify_all()
        self._added += max(0, sum(slab.rows for slab in after.slabs) - sum(slab.rows for slab in before.slabs))
        while self._merge(_INLINE_MERGE_ROWS):
            pass
        return True

    def _merge(self, most_rows: int | None) -> bool:
        """Merge once and publish it; False if there was nothing to merge, or it was overtaken."""
        merged = step(self.snapshot, most_rows, self._spoken_for, self._layers_of)
        if merged is None:
            return False
        with self._changed:
            snapshot = self.snapshot.replaced(*merged)
            if snapshot is None:
                return False
            self._snapshot = snapshot
        return True

    # keeping

    def _keep(self) -> None:
        _lower_priority()
        keep_to_this_thread()
        while not self._stopping.wait(self._settings.poll_seconds):
            if self._snapshot is None:
                continue
            try:
                while not self._stopping.is_set() and (self._merge(None) or self._move()):
                    pass
            except StoppedError:
                return
            except Exception:
                logger.exception("index of %s: slabs could not be merged, will try again", self._store.path)
                self._stopping.wait(_LONGEST_RETRY_SECONDS)
            if self._checkpoint_due():
                self._try_checkpoint()

    def _move(self) -> bool:
        """Make one cold slab aside and publish it; False if there was none to make, or it was overtaken."""
        before = self.snapshot
        move = tiers.plan(before, self._settings)
        if move is None:
            return False
        if not self._directory.lock():
            return self._take_over()
        began = time.monotonic()
        self._spoken_for = move.slabs
        try:
            centroids = tiers.centroids_for(move, self._settings, self._give_way)
            made = self._directory.make_cold(uuid.uuid4().hex, centroids, move.slabs, before.withdrawn, self._give_way)
            with self._changed:
                after = self.snapshot.replaced(move.slabs, made)
                self._snapshot = after or self._snapshot
        finally:
            self._spoken_for = ()
            self._directory.named()
        if after is None:
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
            loaded = self._directory.load(self._check)
        except CheckpointError:
            return False
        self._taken = manifest
        while True:
            self._give_way()
            current = self.snapshot
            while loaded.revision < current.revision:
                loaded = advance(self._store, loaded, self._layers_of)
            with self._changed:
                if self._snapshot is current:
                    self._snapshot = loaded
                    self._changed.notify_all()
                    return True

    def _give_way(self) -> None:
        if self._stopping.is_set():
            raise StoppedError

    def _checkpoint_due(self) -> bool:
        if self._reshaped or self._added - self._saved_added >= self._settings.checkpoint_hashes:
            return True
        late = time.monotonic() - self._saved_at >= self._settings.checkpoint_seconds
        return late and self.revision != self._saved_revision

    def _try_checkpoint(self) -> None:
        """Save if this process may; log what fails and try again after `checkpoint_seconds`."""
        try:
            self.checkpoint()
        except Exception as error:  # noqa: BLE001 - likewise
            logger.warning("index of %s: checkpoint not saved: %s", self._store.path, error)
        self._saved_at, self._saved_added, self._reshaped = time.monotonic(), self._added, False


def _lower_priority() -> None:
    """Have the calling thread claim less of the cores."""
    thread = threading.get_native_id()
    with contextlib.suppress(OSError):
        niceness = os.getpriority(os.PRIO_PROCESS, thread) + _KEEPER_NICENESS
        os.setpriority(os.PRIO_PROCESS, thread, min(niceness, _LOWEST_NICENESS))
