"""The snapshot that searches take, and its replacement by whoever has made a newer one."""

import threading
from collections.abc import Callable
from pathlib import Path

from hashsvc_index.errors import IndexLoadingError
from hashsvc_index.slabs import Slab
from hashsvc_index.snapshot import Snapshot


class Latest:
    """Read by reference, waiting for nobody; replaced by one thread at a time, and only if it is still what was replaced."""

    def __init__(self, path: Path) -> None:
        """`path` is the index's data directory, for errors."""
        self._path = path
        self._snapshot: Snapshot | None = None
        self._changed = threading.Condition()

    @property
    def ready(self) -> bool:
        """Whether there is a snapshot."""
        return self._snapshot is not None

    @property
    def snapshot(self) -> Snapshot:
        """Raises IndexLoadingError until there is one."""
        snapshot = self._snapshot
        if snapshot is None:
            raise IndexLoadingError(f"the index of {self._path} is still loading")
        return snapshot

    def replace(self, before: Snapshot | None, after: Snapshot) -> bool:
        """Put `after` in the place of `before`; False where that has been replaced meanwhile."""
        with self._changed:
            if self._snapshot is not before:
                return False
            self._snapshot = after
            self._changed.notify_all()
            return True

    def replace_slabs(self, old: tuple[Slab, ...], new: Slab | None) -> bool:
        """`Snapshot.replaced` of whatever is there by now; False where that is None."""
        with self._changed:
            after = self.snapshot.replaced(old, new)
            self._snapshot = after or self._snapshot
            return after is not None

    def wait(self, done: Callable[[], bool], timeout: float) -> None:
        """Wait at most `timeout` seconds until `done()`, which is asked whenever there is another snapshot, and upon `wake`."""
        with self._changed:
            self._changed.wait_for(done, timeout)

    def wake(self) -> None:
        """Have those who wait ask again."""
        with self._changed:
            self._changed.notify_all()
