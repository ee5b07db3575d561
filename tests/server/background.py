"""A server in the background, and fingerprints made of nothing."""

import asyncio
import contextlib
import threading
from collections.abc import Callable, Iterator

import numpy as np

from hashsvc.access.tokens import Tokens
from hashsvc.config import ServerSettings, Settings
from hashsvc.fingerprint.model import Digests, Fingerprint
from hashsvc.fingerprint.profiles import DEFAULT
from hashsvc.server import Server
from hashsvc.service import Service

SETTINGS = Settings(server=ServerSettings(drain_seconds=2.0, min_revision_wait=0.3))


class NoTokens(Tokens):
    """Those of a service that has no store."""

    def __init__(self) -> None:
        pass

    def any_made(self) -> bool:
        """None was."""
        return False


class BackgroundServer:
    """A Server on an event loop of its own, so that tests can use the blocking client."""

    def __init__(
        self, open_service: Callable[[], Service], settings: Settings, listen: str = "127.0.0.1:0", **options: bool
    ) -> None:
        self.server = Server(open_service, listen, settings, **options)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self.server.start(), self._loop).result()
        self.target = self.server.target

    def stop(self, grace: float | None = None) -> None:
        """Stop the server; the loop goes on."""
        asyncio.run_coroutine_threadsafe(self.server.stop(grace), self._loop).result()

    def end_loop(self) -> None:
        """End the loop's thread."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.run_until_complete(self._loop.shutdown_default_executor())
        self._loop.close()


@contextlib.contextmanager
def background(
    open_service: Callable[[], Service], settings: Settings = SETTINGS, listen: str = "127.0.0.1:0", **options: bool
) -> Iterator[BackgroundServer]:
    """A running server, stopped at the end."""
    running = BackgroundServer(open_service, settings, listen, **options)
    try:
        yield running
    finally:
        running.stop(grace=0)
        running.end_loop()


def reference(seed: int, *, frames: int = 80) -> Fingerprint:
    """A dense fingerprint of random hashes, four a second, as a confirm takes it."""
    random = np.random.default_rng(seed)
    views = tuple(view.name for view in DEFAULT.reference_views)
    starts = np.arange(frames) / 4
    return Fingerprint(
        profile=DEFAULT.name,
        duration=frames / 4,
        views=views,
        starts=starts,
        ends=starts + 0.25,
        hashes=random.integers(0, 256, (frames, len(views), 32), np.uint8),
        quality=np.full((frames, len(views)), 100, np.uint8),
        activity=random.random((1, frames * 2), np.float32),
        digests=Digests(md5=random.bytes(16), sha256=random.bytes(32)),
    )


def excerpt(of: Fingerprint, first: int, last: int) -> Fingerprint:
    """What an upload of frames `first` to `last` of that video would hash to, with other bytes."""
    starts = of.starts[first:last] - of.starts[first]
    return Fingerprint(
        profile=of.profile,
        duration=(last - first) / 4,
        views=("full",),
        starts=starts,
        ends=starts + 0.25,
        hashes=np.ascontiguousarray(of.hashes[first:last, :1]),
        quality=np.ascontiguousarray(of.quality[first:last, :1]),
        activity=of.activity[:0],
    )
