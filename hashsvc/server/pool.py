"""Runs blocking calls on a bounded number of threads, and refuses what would wait too long."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from hashsvc.errors import UnavailableError

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


class Pool:
    """Threads with a queue of fixed length. One more call than fits is UnavailableError OVERLOADED, at once."""

    def __init__(self, name: str, *, threads: int, queue: int) -> None:
        self._capacity = threads + queue
        self._places = threading.BoundedSemaphore(self._capacity)
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix=f"hashsvc-{name}")
        self._name = name

    async def run(
        self, function: Callable[Parameters, Result], *args: Parameters.args, **kwargs: Parameters.kwargs
    ) -> Result:
        """`function(*args, **kwargs)` on a thread. Cancelled while it waits it never runs; while it runs it goes on."""
        if not self._places.acquire(blocking=False):
            raise UnavailableError("OVERLOADED", f"{self._name}: {self._capacity} calls wait", queue=self._capacity)
        try:
            future = self._executor.submit(function, *args, **kwargs)
        except RuntimeError as error:  # shut down: the server is stopping
            self._places.release()
            raise UnavailableError("OVERLOADED", "the server is stopping") from error
        # The place is given back when the thread is free again, which a cancelled caller does not wait for.
        future.add_done_callback(self._leave)
        return await asyncio.wrap_future(future)

    async def close(self, seconds: float) -> None:
        """Drop what waits; give what runs `seconds` to end."""
        self._executor.shutdown(wait=False, cancel_futures=True)
        ended = asyncio.get_running_loop().run_in_executor(None, self._executor.shutdown)
        await asyncio.wait([ended], timeout=seconds)

    def _leave(self, _: Future[Result]) -> None:
        self._places.release()
