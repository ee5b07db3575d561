"""The index: search over the live vectors of a store, following its change log."""

import functools
import logging
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from hashsvc_index.keeper import Keeper
from hashsvc_index.latest import Latest
from hashsvc_index.layers import Layers, LayersOf, every_layer, no_layers
from hashsvc_index.merge import step
from hashsvc_index.records import VECTOR_BYTES, Vectors
from hashsvc_index.replay import StoppedError, advance, rebuild
from hashsvc_index.searchers import Searchers, keep_to_this_thread
from hashsvc_index.settings import IndexSettings
from hashsvc_index.snapshot import Hits, Keep, Snapshot
from hashsvc_index.store import Store

logger = logging.getLogger("hashsvc_index")

_INLINE_MERGE_ROWS = 1 << 17
"""Merges up to this size, a few milliseconds, are done by the follower itself, so that many small adds stay few slabs."""
_RETRY_SECONDS = 1.0
_LONGEST_RETRY_SECONDS = 60.0
_DEFAULTS = IndexSettings()


class Index:
    """Searches the live vectors of `store`. Thread-safe.

    A search takes the latest snapshot by reference and waits for nobody. Two threads prepare the next ones aside:
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
        self._searchers = Searchers(settings.threads or len(os.sched_getaffinity(0)))
        self._latest = Latest(store.path)
        self._stopping = threading.Event()
        self._woken = threading.Event()
        self._failure: BaseException | None = None
        self._keeper = Keeper(store, path, settings, layers_of, self._latest, self._stopping)
        self._threads = [
            threading.Thread(target=work, name=f"hashsvc-index-{name}", daemon=True)
            for name, work in (("follower", self._follow), ("keeper", self._keeper.run))
        ]

    def start(self) -> None:
        """Begin to load and follow, in the background; once only."""
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """Stop following and save a checkpoint, if this process is the one that does. `search` then still answers."""
        self._stopping.set()
        self._woken.set()
        self._latest.wake()
        for thread in self._threads:
            if thread.ident is not None:
                thread.join()
        self._keeper.close()
        self._searchers.close()

    @property
    def ready(self) -> bool:
        """True once the index has caught up with the store for the first time."""
        return self._latest.ready

    @property
    def revision(self) -> int:
        """The last change applied, 0 until ready."""
        return self._latest.snapshot.revision if self._latest.ready else 0

    @property
    def hashes(self) -> int:
        """Vectors of live entries, 0 until ready."""
        return self._latest.snapshot.hashes if self._latest.ready else 0

    @property
    def snapshot(self) -> Snapshot:
        """What a search now would see. Raises IndexLoadingError until ready."""
        return self._latest.snapshot

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
        """Save the latest snapshot; False if that is another process's task.

        Raises IndexLoadingError until ready, StoreFullError and DataDirectoryReadOnlyError.
        """
        return self._keeper.checkpoint()

    def _wait(self, done: Callable[[], bool], timeout: float) -> bool:
        self._latest.wait(lambda: done() or self._stopping.is_set(), timeout)
        return done()

    def _follow(self) -> None:
        keep_to_this_thread()
        pause, seen = _RETRY_SECONDS, -1
        while not self._stopping.is_set():
            self._woken.clear()
            try:
                if not self._latest.ready:
                    self._load()
                if (write := self._store.last_write()) != seen:
                    while self._advance():
                        pass
                    seen = write
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
        snapshot = self._keeper.load()
        if snapshot is None:
            snapshot = rebuild(self._store, self._layers_of, self._stopping.is_set)
        goal = self._store.revision()
        while snapshot.revision < goal:
            if self._stopping.is_set():
                raise StoppedError
            snapshot = advance(self._store, snapshot, self._layers_of)
            while merged := step(snapshot, _INLINE_MERGE_ROWS, layers_of=self._layers_of):
                snapshot = snapshot.replaced(*merged) or snapshot
        self._latest.replace(None, snapshot)
        logger.info(
            "index of %s ready: %d hashes at revision %d in %.2f s",
            self._store.path, snapshot.hashes, snapshot.revision, time.monotonic() - began,
        )  # fmt: skip

    def _advance(self) -> bool:
        """Apply the next piece of the change log; False if there was nothing new."""
        if self._stopping.is_set():
            return False
        before = self.snapshot
        after = advance(self._store, before, self._layers_of)
        if after is before:
            return False
        if not self._latest.replace(before, after):
            return True  # The keeper has merged meanwhile; once more, from what it made.
        self._keeper.added(max(0, sum(slab.rows for slab in after.slabs) - sum(slab.rows for slab in before.slabs)))
        while self._keeper.merge(_INLINE_MERGE_ROWS):
            pass
        return True
