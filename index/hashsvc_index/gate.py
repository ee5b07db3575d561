"""A lock that many pass at once, or one alone."""

import contextlib
import threading
from collections.abc import Iterator


class Gate:
    """Shared and exclusive passage; who waits for the exclusive one goes before new sharers.

    Not reentrant: a thread that has entered must leave before it enters again.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._inside = 0
        self._waiting = 0
        self._closed = False

    @property
    def wanted(self) -> bool:
        """True while somebody waits for, or has, the exclusive passage."""
        return self._waiting > 0 or self._closed

    def enter(self) -> None:
        """Wait until nobody is alone inside or waiting to be, then go in."""
        with self._changed:
            while self.wanted:
                self._changed.wait()
            self._inside += 1

    def leave(self) -> None:
        """End what `enter` began."""
        with self._changed:
            self._inside -= 1
            if self.wanted:
                self._changed.notify_all()

    @contextlib.contextmanager
    def shared(self) -> Iterator[None]:
        """`enter` and `leave`."""
        self.enter()
        try:
            yield
        finally:
            self.leave()

    @contextlib.contextmanager
    def exclusive(self) -> Iterator[None]:
        """Wait until everybody has left, and keep everybody out."""
        with self._changed:
            self._waiting += 1
            try:
                self._changed.wait_for(lambda: not self._inside and not self._closed)
            finally:
                self._waiting -= 1
            self._closed = True
        try:
            yield
        finally:
            with self._changed:
                self._closed = False
                self._changed.notify_all()
