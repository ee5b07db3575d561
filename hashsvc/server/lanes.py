"""Has matching processes match uploads for an event loop, without a thread for each.

A thread would do no more than hand an upload over and wait, and take turns with the event loop and all others at each step.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any, Generic, TypeVar

import structlog

from hashsvc.errors import UnavailableError
from hashsvc.match.jobs import Job
from hashsvc.match.lane import packed
from hashsvc.match.model import MatchResult
from hashsvc.match.processes import ANSWER_SECONDS, MatchProcesses, Place, idlest

Outcome = TypeVar("Outcome")

log = structlog.get_logger(__name__)


class NoProcess(Exception):
    """No process has matched the upload; it has to be matched in another way."""


class _Waiting(Generic[Outcome]):
    """An upload, and who waits for it."""

    def __init__(self, message: bytes, then: Callable[[MatchResult], Outcome]) -> None:
        self.message = message
        self.future: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._then = then

    def settle(self, answer: MatchResult | str) -> None:
        """Take the answer, whether or not anybody still waits for what comes of it."""
        try:
            if not isinstance(answer, MatchResult):
                log.warning("an upload is matched without its process", error=answer)
                raise NoProcess(answer)
            outcome = self._then(answer)
        except Exception as error:  # noqa: BLE001 - it is for who waits
            self.fail(error)
        else:
            if not self.future.done():
                self.future.set_result(outcome)

    def fail(self, error: Exception) -> None:
        if not self.future.done():
            self.future.set_exception(error)


class Lanes:
    """Used on one event loop only. Where there are no processes uploads are to be matched in another way."""

    def __init__(self, *, queue: int) -> None:
        """So many uploads wait at most while all places are taken."""
        self._queue = queue
        self._processes: MatchProcesses | None = None
        self._places: set[Place] = set()
        """Those that lead somewhere."""
        self._free: list[Place] = []
        self._waiting: deque[_Waiting[Any]] = deque()
        self._under_way: dict[Place, tuple[_Waiting[Any], asyncio.TimerHandle]] = {}

    def open(self, processes: MatchProcesses) -> bool:
        """Whether `processes`, always the same, are there to be asked now."""
        if processes.claimable:
            self._processes = processes
            for one in processes.claim():
                self._places.add(one)
                self._free.append(one)
                asyncio.get_running_loop().add_reader(one.connection.fileno(), self._answered, one)
        return bool(self._places)

    async def match(self, job: Job, then: Callable[[MatchResult], Outcome]) -> Outcome:
        """What `then`, called on the event loop, makes of the result.

        Cancelled while it waits for a place the upload is never matched; once it is given to a process `then` is called all
        the same. Raises NoProcess, UnavailableError OVERLOADED, and what `then` raises.
        """
        try:
            waiting = _Waiting(packed(job), then)
        except ValueError as error:
            raise NoProcess(str(error)) from error
        if self._free:
            place = idlest(self._free)
            self._free.remove(place)
            self._give(place, waiting)
        elif not self._places:
            raise NoProcess("there are none")
        elif len(self._waiting) >= self._queue:
            raise UnavailableError("OVERLOADED", f"match: {self._queue} calls wait", queue=self._queue)
        else:
            self._waiting.append(waiting)
        return await waiting.future

    def close(self) -> None:
        """Give up what waits and what is under way."""
        for one in [*self._places]:
            self._lose(one)

    def _give(self, place: Place, waiting: _Waiting[Any]) -> None:
        """Have an upload matched at a place that was free."""
        timer = asyncio.get_running_loop().call_later(ANSWER_SECONDS, self._late, place)
        self._under_way[place] = waiting, timer
        try:
            place.connection.send_bytes(waiting.message)
        except OSError as error:
            self._lose(place, repr(error))

    def _taken_back(self, place: Place) -> _Waiting[Any]:
        waiting, timer = self._under_way.pop(place)
        timer.cancel()
        return waiting

    def _go_on(self, place: Place) -> None:
        """Give a place to the first that still waits for one."""
        while self._waiting and self._waiting[0].future.done():
            self._waiting.popleft()
        if self._waiting:
            self._give(place, self._waiting.popleft())
        else:
            self._free.append(place)

    def _answered(self, place: Place) -> None:
        try:
            answer = place.connection.recv()
        except BlockingIOError:
            pass
        except Exception as error:  # noqa: BLE001 - whatever it is, the place is of no more use
            self._lose(place, repr(error))
        else:
            waiting = self._taken_back(place)
            self._go_on(place)  # first, lest the process have nothing to do meanwhile
            waiting.settle(answer)

    def _late(self, place: Place) -> None:
        self._lose(place, f"no answer in {ANSWER_SECONDS:g} s")

    def _lose(self, place: Place, why: str = "") -> None:
        """A place leads nowhere any more; with a reason, because its process is of no use."""
        if place not in self._places:
            return
        self._places.discard(place)
        asyncio.get_running_loop().remove_reader(place.connection.fileno())
        place.connection.close()
        if why and self._processes is not None:
            self._processes.dismiss(place)
        if place in self._free:
            self._free.remove(place)
        if place in self._under_way:
            self._taken_back(place).fail(NoProcess(why))
        if not self._places:
            while self._waiting:
                self._waiting.popleft().fail(NoProcess(why))
