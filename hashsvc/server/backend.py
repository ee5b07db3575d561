"""What the servicers call: the service, once it is open, and the threads to call it on."""

import asyncio
import contextlib

from hashsvc.config import Settings
from hashsvc.errors import UnavailableError
from hashsvc.match.jobs import AT_ONCE
from hashsvc.server.lanes import Lanes
from hashsvc.server.pool import Pool
from hashsvc.server.upload import UploadDirectory
from hashsvc.service import Service

_MATCH_QUEUE = 1024
_STORE_THREADS, _STORE_QUEUE = 4, 256
_WAIT_THREADS, _WAIT_QUEUE = 16, 256


class Backend:
    """The service and one pool for each kind of call, so that no kind can starve another.

    Most uploads take the `lanes` to a process that matches them, and no thread. `match` is for long ones, and for all where
    there are no processes; `deep` for deep readings, which take long; `wait` searches that may first wait for a revision;
    `store` reads and writes the store; `media` hashes uploads, which takes seconds; `hunt` searches recent uploads, `verify`
    reads everything, which takes longer still.
    """

    def __init__(self, settings: Settings, uploads: UploadDirectory) -> None:
        self.settings = settings
        self.uploads = uploads
        server = settings.server
        self.lanes = Lanes(queue=_MATCH_QUEUE)
        self.match = Pool("match", threads=server.match_processes * AT_ONCE or server.match_threads, queue=_MATCH_QUEUE)
        self.deep = Pool("deep", threads=max(1, server.match_processes), queue=_MATCH_QUEUE)
        self.wait = Pool("wait", threads=_WAIT_THREADS, queue=_WAIT_QUEUE)
        self.store = Pool("store", threads=_STORE_THREADS, queue=_STORE_QUEUE)
        # A thread for each upload that the workers and their queue take: the sandbox decides what waits.
        self.media = Pool("media", threads=settings.workers.workers + settings.workers.queue, queue=0)
        self.hunt = Pool("hunt", threads=2, queue=16)
        self.verify = Pool("verify", threads=1, queue=4)
        self._service: Service | None = None
        self._draining = asyncio.Event()

    @property
    def service(self) -> Service:
        """The open service, or UnavailableError INDEX_LOADING."""
        if self._service is None:
            raise UnavailableError("INDEX_LOADING", "the data directory is being opened")
        return self._service

    @service.setter
    def service(self, service: Service) -> None:
        self._service = service

    @property
    def ready(self) -> bool:
        """True when the service is open and its index has caught up."""
        return self._service is not None and self._service.ready

    def end_streams(self) -> None:
        """Tell calls that would go on for ever that the server is stopping."""
        self._draining.set()

    async def pause(self, seconds: float) -> None:
        """Wait between two looks; raises UnavailableError OVERLOADED as soon as the server is stopping."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._draining.wait(), seconds)
            raise UnavailableError("OVERLOADED", "the server is stopping")

    async def close(self, seconds: float) -> None:
        """Stop the pools, giving running calls `seconds`; on the event loop nothing runs any more."""
        self.lanes.close()
        pools = (self.match, self.deep, self.wait, self.store, self.media, self.hunt, self.verify)
        await asyncio.gather(*(pool.close(seconds) for pool in pools))
