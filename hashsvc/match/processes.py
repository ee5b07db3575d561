"""Matching beside the server, on all cores.

What of a match is not compiled one process runs on one thread at a time: threads that search wait for each other and for the
event loop, and on two cores they did no more than on one.
"""

import contextlib
import dataclasses
import enum
import math
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from multiprocessing.connection import Connection, Pipe
from typing import Any

import structlog

from hashsvc.bank.model import Bank
from hashsvc.fingerprint.model import Digests, Fingerprint
from hashsvc.fingerprint.sandbox import ONE_THREAD
from hashsvc.match import process
from hashsvc.match.depths import Depths
from hashsvc.match.jobs import AT_ONCE, Job, Opening, Packed, Ready
from hashsvc.match.lane import Lane
from hashsvc.match.matcher import Matcher
from hashsvc.match.model import MatchResult
from hashsvc_index import Index, compilation

ANSWER_SECONDS = 60.0
"""A process that takes longer hangs, and is killed."""
_RETRY_SECONDS, _LONGEST_RETRY_SECONDS = 1.0, 60.0
_START_SECONDS = 5.0
"""So long a server that has just begun is better left alone until there are processes. Where nothing is compiled yet they take
longer, and uploads are matched without."""

log = structlog.get_logger(__name__)


class Use(enum.Enum):
    """Whom a place is for."""

    LOOP = enum.auto()
    """An event loop, which must not wait for a part of an answer."""
    THREAD = enum.auto()
    DEEP = enum.auto()
    """A thread with a deep reading. Those have a thread of their own in the process: they would hold up all others."""


_USES = (*AT_ONCE * (Use.LOOP,), *AT_ONCE * (Use.THREAD,), Use.DEEP)
"""Of the places of a process, in the order of its descriptors."""


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Place:
    """A connection to a process, on which one upload at a time is matched."""

    connection: "Connection[Any, Any] | Lane"
    process: int
    """Which one of those that were started together."""
    use: Use


def idlest(free: Sequence[Place]) -> Place:
    """Of free places one in the process that has the most of them."""
    most = Counter(one.process for one in free)
    return max(free, key=lambda one: most[one.process])


class MatchProcesses:
    """Thread-safe. Uploads that no process can take are matched here, by the `matcher`: while processes start, and where one has
    died, until there are new ones. All give the same results."""

    def __init__(
        self, matcher: Matcher, index: Index, opening: Opening, depths: Callable[[], Depths], *, processes: int
    ) -> None:
        """Nothing is started before `start`; with 0 processes nothing ever is."""
        self._matcher = matcher
        self._index = index
        self._opening = opening
        self._depths = depths
        self._processes = processes
        self._change = threading.Condition()
        self._started: subprocess.Popen[bytes] | None = None
        """The process that has forked the others, and leads their group."""
        self._places: list[Place] = []
        """Of the processes that run, once all of them are ready; a place that is not among them any more leads nowhere."""
        self._free: list[Place] = []
        self._claimable = False
        self._pids: Sequence[int] = ()
        self._settled_at = math.inf if processes else -math.inf
        self._closing = threading.Event()
        self._keeper = threading.Thread(target=self._keep, name="hashsvc-match-processes", daemon=True)

    def start(self) -> None:
        """Start the processes, and others in place of those that end; returns at once."""
        if self._processes:
            self._settled_at = time.monotonic() + _START_SECONDS
            self._keeper.start()

    @property
    def ready(self) -> Sequence[int]:
        """Identifiers of the processes that take uploads now."""
        return self._pids

    @property
    def claimable(self) -> bool:
        """Whether there are places for an event loop that none has claimed."""
        return self._claimable

    @property
    def settled(self) -> bool:
        """Whether uploads may come: there were processes once, or they could not be started, or had their time for it."""
        return time.monotonic() >= self._settled_at

    def match(self, query: Fingerprint | Digests, banks: Mapping[str, Bank], revision: int = 0) -> MatchResult:
        """`Matcher.match` in a state no older than `revision`, which the index of this process has reached.

        What a process searches may be a moment older than what this one does.
        """
        # Digests alone are looked up sooner than passed on.
        if isinstance(query, Fingerprint) and (place := self._take(Use.DEEP if len(query.activity) else Use.THREAD)):
            answer = self._asked(place, self.job(query, banks, revision))
            if isinstance(answer, MatchResult):
                return answer
            log.warning("an upload is matched without its process", error=answer)
        return self._matcher.match(query, banks)

    def job(self, query: Fingerprint, banks: Mapping[str, Bank], revision: int = 0) -> Job:
        """What a process is asked for `match`. Raises IndexLoadingError until the index has caught up."""
        known = self._index.snapshot.revision
        return Job(query=Packed.of(query), banks=banks, depths=self._depths(), revision=revision, known=known)

    def claim(self) -> list[Place]:
        """All places for an event loop, whose they are from now on: it closes them when one leads nowhere, or it is done."""
        with self._change:
            claimed = [one for one in self._free if one.use is Use.LOOP]
            self._free = [one for one in self._free if one.use is not Use.LOOP]
            self._claimable = False
        return claimed

    def dismiss(self, place: Place | None = None) -> None:
        """Give the processes nothing more to do, and see that they end; with a `place` only where it is one of theirs.

        Unless this is closing, there will be others.
        """
        with self._change:
            if place is not None and place not in self._places:
                return
            started, dropped = self._started, self._free
            self._started, self._places, self._free, self._pids, self._claimable = None, [], [], (), False
            self._change.notify_all()
        for one in dropped:
            one.connection.close()
        if started is not None:
            _kill(started)

    def close(self) -> None:
        """End the processes; matches go on here."""
        self._closing.set()
        self.dismiss()
        if self._keeper.ident is not None:
            self._keeper.join()

    def _take(self, use: Use) -> Place | None:
        """A place in the process that has the least to do, waited for where all are taken; None where no process is ready."""
        with self._change:
            while self._places:
                if free := [one for one in self._free if one.use is use]:
                    place = idlest(free)
                    self._free.remove(place)
                    return place
                self._change.wait()
            return None

    def _asked(self, place: Place, job: Job) -> MatchResult | str:
        """What a process answers, or why it does not."""
        try:
            place.connection.send(job)
            if not _answered(place.connection, ANSWER_SECONDS):
                raise TimeoutError(f"no answer in {ANSWER_SECONDS:g} s")
            answer: MatchResult | str = place.connection.recv()
        except Exception as error:  # noqa: BLE001 - whatever it is, the match is made here
            place.connection.close()
            self.dismiss(place)
            return repr(error)
        with self._change:
            if place in self._places:
                self._free.append(place)
                self._change.notify_all()
                return answer
        place.connection.close()
        return answer

    def _keep(self) -> None:
        """Have processes as long as this is open."""
        pause = _RETRY_SECONDS
        while not self._closing.is_set():
            began = time.monotonic()
            try:
                status = self._run()
            except Exception as error:  # the thread must outlive what nobody foresaw
                log.error("matching processes could not be started", exc_info=error)
            else:
                if not self._closing.is_set():
                    log.error("a matching process ended, uploads are matched without any", status=status)
            if self._closing.is_set():
                return
            self._settled_at = -math.inf
            _compile()
            pause = min(2 * pause, _LONGEST_RETRY_SECONDS) if time.monotonic() - began < pause else _RETRY_SECONDS
            self._closing.wait(pause)

    def _run(self) -> int:
        """Start processes, share them out, and return the status of the first one when it has ended."""
        groups = [[_pair(use) for use in _USES] for _ in range(self._processes)]
        places = [
            Place(own, number, use)
            for number, group in enumerate(groups)
            for use, (own, _) in zip(_USES, group, strict=True)
        ]
        admitted = False
        try:
            started = _start([[other for _, other in group] for group in groups])
            with self._change:
                self._started = started
            try:
                admitted = not self._closing.is_set() and self._admitted(places)
                if not admitted:
                    _kill(started)
                return started.wait()
            finally:
                self.dismiss()
                _kill(started)
                started.wait()
        finally:
            if not admitted:
                for one in places:
                    one.connection.close()

    def _admitted(self, places: list[Place]) -> bool:
        """Share places out as soon as their processes are ready; False where one does not live to be."""
        told: list[Ready | str] = []
        try:
            deep = [place.connection for place in places if place.use is Use.DEEP]
            for one in deep:
                one.send(self._opening)
            told = [one.recv() for one in deep]
        except (EOFError, OSError):
            return False
        ready = [one for one in told if isinstance(one, Ready)]
        if failed := [one for one in told if isinstance(one, str)]:
            log.error("a matching process could not begin", error=failed[0])
            return False
        with self._change:
            if self._closing.is_set():
                return False
            self._places, self._free, self._pids = places, [*places], [one.pid for one in ready]
            self._settled_at, self._claimable = -math.inf, True
            self._change.notify_all()
        log.info("matching processes ready", pids=self._pids)
        if why := ready[0].not_compiled:
            log.warning("not compiled", error=why)
        return True


def _pair(use: Use) -> "tuple[Connection[Any, Any] | Lane, Connection[Any, Any] | socket.socket]":
    """The end of a place that stays here, and the one that its process is given."""
    return Lane.pair() if use is Use.LOOP else Pipe()


def _start(groups: "Sequence[Sequence[Connection[Any, Any] | socket.socket]]") -> "subprocess.Popen[bytes]":
    """The first of the processes, given the ends of each, which are closed here."""
    numbers = [[one.fileno() for one in group] for group in groups]
    try:
        return subprocess.Popen(
            [sys.executable, "-m", process.__name__, *(",".join(map(str, group)) for group in numbers)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            pass_fds=[one for group in numbers for one in group],
            env={**os.environ, **ONE_THREAD},
            process_group=0,  # so that one signal ends all, and one from the terminal none
        )
    finally:
        for one in (one for group in groups for one in group):
            one.close()


def _answered(connection: "Connection[Any, Any] | Lane", seconds: float) -> bool:
    """As the `poll` of a connection, which sets up a selector each time."""
    waiting = select.poll()
    waiting.register(connection, select.POLLIN)
    return bool(waiting.poll(1000 * seconds))


def _kill(started: "subprocess.Popen[bytes]") -> None:
    """End a process and those that it has forked. They have nothing to lose."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(started.pid, signal.SIGKILL)


def _compile() -> None:
    """Have matches that are made here made fast, too, from now on; it takes memory that is spared as long as processes do all."""
    try:
        compilation.load_all()
    except Exception as error:  # Matches go the plain way on, only slower.
        log.warning("not compiled", exc_info=error)
