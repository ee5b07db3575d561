"""What a process takes, looked at again and again while it works."""

import contextlib
import dataclasses
import statistics
import threading
from collections.abc import Iterator, Sequence

from benchmarks import taken

_SECONDS = 0.5
_FIFTHS = 5


@dataclasses.dataclass(frozen=True, slots=True)
class Look:
    """What it took at one moment."""

    resident: int
    """Bytes in memory."""
    private: int
    """The same without mapped files."""
    descriptors: int


@contextlib.contextmanager
def watched(pid: int) -> Iterator[list[Look]]:
    """A list that grows by a look every half second until the block ends."""
    looks: list[Look] = []
    over = threading.Event()

    def keep_looking() -> None:
        while not over.wait(_SECONDS):
            # The process may end first.
            with contextlib.suppress(OSError):
                looks.append(Look(*taken.memory(pid), taken.descriptors(pid)))

    watcher = threading.Thread(target=keep_looking, daemon=True)
    watcher.start()
    try:
        yield looks
    finally:
        over.set()
        watcher.join()


def growth(values: Sequence[float]) -> tuple[float, float]:
    """Medians of the second fifth of the values, after the process has warmed up, and of the last. At least five values."""
    fifth = max(1, len(values) // _FIFTHS)
    return statistics.median(values[fifth : 2 * fifth]), statistics.median(values[-fifth:])
