"""A store that is open: its environment, let go of once, and its write transactions."""

from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self, TypeVar

from hashsvc_index.environment import Environment
from hashsvc_index.writer import Writer

if TYPE_CHECKING:
    import lmdb

Result = TypeVar("Result")


class Handle:
    """What the parts of a store share."""

    def __init__(self, path: Path, environment: Environment, store_id: str) -> None:
        self.path = path
        self.store_id = store_id
        self._environment = environment
        self._closed = False

    def close(self) -> None:
        """Let go of the directory; a second call does nothing."""
        if not self._closed:
            self._closed = True
            self._environment.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def environment(self) -> Environment:
        """For those who need several reads of one state; see `hashsvc_index.reader.Reader`."""
        if self._closed:
            raise ValueError("the store is closed")
        return self._environment

    def _write(self, room: int, change: Callable[[Writer], Result]) -> Result:
        """Run `change` in a write transaction that adds at most `room` bytes; it may run again, see Environment.write."""

        def within(transaction: "lmdb.Transaction[bytes]") -> Result:
            return change(Writer(self._environment, transaction))

        return self.environment.write(room, within)
