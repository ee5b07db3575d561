"""Matching beside the server, on cores of its own.

Half of a match is compiled and half is Python, of which one process runs one thread at a time: threads that search wait for
each other and for the event loop, and on two cores they did no more than on one.
"""

import dataclasses
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from multiprocessing.connection import Connection, Pipe
from typing import Any

import structlog

from hashsvc.bank.model import Bank
from hashsvc.fingerprint.model import Digests, Fingerprint
from hashsvc.fingerprint.sandbox import ONE_THREAD
from hashsvc.match import process
from hashsvc.match.depths import Depths
from hashsvc.match.matcher import Matcher
from hashsvc.match.model import MatchResult
from hashsvc.match.process import Job, Opening
from hashsvc_index import Index, compilation

AT_ONCE = 3
"""Uploads that one process is given at once, and a deep reading beside them: one is matched, the others are there when it is
done."""
_ANSWER_SECONDS = 60.0
"""A process that takes longer hangs, and is killed."""
_RETRY_SECONDS, _LONGEST_RETRY_SECONDS = 1.0, 60.0
_END_SECONDS = 5.0

log = structlog.get_logger(__name__)


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class _Place:
    """A connection to a process, used by one thread at a time."""

    connection: "Connection[Any, Any]"
    process: "subprocess.Popen[bytes]"
    deep: bool
    """Whether it is for deep readings, which have a thread of their own there: they would hold up all others."""


class MatchProcesses:
    """Thread-safe. Uploads that no process can take are matched here, by the `matcher`: while processes start, and where they
    have died, until there are new ones. All give the same results."""

    def __init__(
        self, matcher: Matcher, index: Index, opening: Opening, depths: Callable[[], Depths], *, processes: int
    ) -> None:
        """Nothing is started before `start`; with 0 processes nothing ever is."""
        self._matcher = matcher
        self._index = index
        self._opening = opening
        self._depths = depths
        self._change = threading.Condition()
        self._started: set[subprocess.Popen[bytes]] = set()
        self._ready: set[subprocess.Popen[bytes]] = set()
        """Those of the started ones whose index has caught up."""
        self._free: tuple[list[_Place], list[_Place]] = [], []
        """Of those that are ready: those for all others, and those for deep readings."""
        self._closing = threading.Event()
        self._threads = [
            threading.Thread(target=self._keep, name="hashsvc-match-process", daemon=True) for _ in range(processes)
        ]

    def start(self) -> None:
        """Start the processes, and others in place of those that end; returns at once."""
        for thread in self._threads:
            thread.start()

    @property
    def ready(self) -> Sequence[int]:
        """Identifiers of the processes that take uploads now."""
        with self._change:
            return sorted(one.pid for one in self._ready)

    def match(self, query: Fingerprint | Digests, banks: Mapping[str, Bank]) -> MatchResult:
        """`Matcher.match`, and no older than what the index of this process has."""
        revision = self._index.snapshot.revision
        # Digests alone are looked up sooner than passed on.
        place = self._take(deep=len(query.activity) > 0) if isinstance(query, Fingerprint) else None
        if place is not None:
            answer = self._asked(place, Job(query=query, banks=banks, depths=self._depths(), revision=revision))
            if isinstance(answer, MatchResult):
                return answer
            log.warning("an upload is matched without its process", pid=place.process.pid, error=answer)
        return self._matcher.match(query, banks)

    def close(self) -> None:
        """End the processes; matches go on here."""
        self._closing.set()
        with self._change:
            started = list(self._started)
        for one in started:
            self._dismiss(one)
        for thread in self._threads:
            if thread.ident is not None:
                thread.join()

    def _take(self, *, deep: bool) -> _Place | None:
        """A place in a process, waited for where all are taken; None where no process is ready."""
        with self._change:
            free = self._free[deep]
            self._change.wait_for(lambda: free or not self._ready)
            return free.pop() if free else None

    def _asked(self, place: _Place, job: Job) -> MatchResult | str:
        """What a process answers, or why it does not."""
        try:
            place.connection.send(job)
            if not place.connection.poll(_ANSWER_SECONDS):
                raise TimeoutError(f"no answer in {_ANSWER_SECONDS:g} s")
            answer: MatchResult | str = place.connection.recv()
        except Exception as error:  # noqa: BLE001 - whatever it is, the match is made here
            place.process.kill()
            place.connection.close()
            return repr(error)
        with self._change:
            if place.process in self._ready:
                self._free[place.deep].append(place)
                self._change.notify_all()
            else:
                place.connection.close()
        return answer

    def _keep(self) -> None:
        """Have one process as long as this is open."""
        pause = _RETRY_SECONDS
        while not self._closing.is_set():
            began = time.monotonic()
            try:
                status = self._run()
            except OSError as error:
                log.error("a matching process could not be started", error=str(error))
            else:
                if not self._closing.is_set():
                    log.error("a matching process ended, uploads are matched without it", status=status)
            if self._closing.is_set():
                return
            _compile()
            pause = min(2 * pause, _LONGEST_RETRY_SECONDS) if time.monotonic() - began < pause else _RETRY_SECONDS
            self._closing.wait(pause)

    def _run(self) -> int:
        """Start a process, share it, and return its status when it has ended."""
        pairs = [Pipe() for _ in range(AT_ONCE + 1)]
        theirs = [other.fileno() for _, other in pairs]
        try:
            started = subprocess.Popen(
                [sys.executable, "-m", process.__name__, *map(str, theirs)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=theirs,
                env={**os.environ, **ONE_THREAD},
            )
        finally:
            for _, other in pairs:
                other.close()
        places = [_Place(own, started, deep=place == AT_ONCE) for place, (own, _) in enumerate(pairs)]
        with self._change:
            self._started.add(started)
        if self._closing.is_set() or not self._admitted(started, places):
            for one in places:
                one.connection.close()
            started.kill()
        try:
            return started.wait()
        finally:
            self._dismiss(started)

    def _admitted(self, started: "subprocess.Popen[bytes]", places: list[_Place]) -> bool:
        """Share a process out as soon as it is ready; False where it does not live to be."""
        try:
            places[-1].connection.send(self._opening)
            places[-1].connection.recv()
        except (EOFError, OSError):
            return False
        with self._change:
            if self._closing.is_set():
                return False
            self._ready.add(started)
            for one in places:
                self._free[one.deep].append(one)
            self._change.notify_all()
        log.info("matching process ready", pid=started.pid)
        return True

    def _dismiss(self, ended: "subprocess.Popen[bytes]") -> None:
        """Give it nothing more to do, and see that it ends."""
        with self._change:
            self._started.discard(ended)
            self._ready.discard(ended)
            dropped = [one for free in self._free for one in free if one.process is ended]
            for free in self._free:
                free[:] = [one for one in free if one.process is not ended]
            self._change.notify_all()
        for one in dropped:
            one.connection.close()
        try:
            ended.wait(_END_SECONDS if dropped else 0)
        except subprocess.TimeoutExpired:
            ended.kill()
            ended.wait()


def _compile() -> None:
    """Have matches that are made here made fast, too, from now on; it takes memory that is spared as long as processes do all."""
    try:
        compilation.load_all()
    except Exception as error:  # Matches go the plain way on, only slower.
        log.warning("not compiled", exc_info=error)
