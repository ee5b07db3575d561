"""Processes that match uploads for a server: `python -m hashsvc.match.process DESCRIPTOR,... ...`.

For each argument there is one, which answers on the connections of those descriptors: lanes of an event loop, AT_ONCE of them,
then those of threads. The first forks the others when all that is compiled is loaded, so that it is in memory once; cold
slabs are mapped, and in memory once, too. Each follows the store by itself. They are given what the server has decoded and
checked, and end when the server does, or one of them.
"""

import contextlib
import dataclasses
import functools
import gc
import logging
import os
import selectors
import sys
import threading
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from typing import Any

from hashsvc.bank.references import References, stored
from hashsvc.match.jobs import AT_ONCE, Job, Opening, Ready
from hashsvc.match.lane import Lane
from hashsvc.match.layers import layers_from
from hashsvc.match.matcher import Matcher
from hashsvc.match.model import MatchResult
from hashsvc_index import Index, Store, compilation
from hashsvc_index import IndexSettings as SearchSettings

_NICENESS = 10
"""How much less of the cores a process claims than the server, which nobody can do without: it answers all calls, and where the
bank has just grown it is what makes searches short again."""
_POLL_SECONDS = 0.25
"""Between two looks at the store where no match is asked for: each says what the server knows of."""
_CATCH_UP_SECONDS, _MOMENT_SECONDS = 1.0, 0.04
"""How long a match waits for a change that it was asked for, and for one that the server has in its index already."""


class _Process:
    """What this process has open."""

    def __init__(self, opening: Opening) -> None:
        self._store = Store.open(opening.data)
        settings = SearchSettings(**dataclasses.asdict(opening.index), saves=False, poll_seconds=_POLL_SECONDS)
        self._index = Index(self._store, opening.data, settings, layers_from(self._store))
        self._jobs = threading.local()
        self._hurried = 0
        """The last change that a match waited for because the server knew of it."""
        references = References(functools.partial(stored, self._store), opening.reference_cache_bytes)
        self._matcher = Matcher(self._store, self._index, references, opening.hints, lambda: self._jobs.now.depths)

    def open(self) -> None:
        """Return when the index has caught up."""
        self._index.start()
        while not self._index.wait_ready(_CATCH_UP_SECONDS):
            pass

    def answer(self, job: Job) -> MatchResult | str:
        """The result, or in words why there is none; the server then asks itself, and finds the same error or none."""
        try:
            self._catch_up(job)
            self._jobs.now = job
            result = self._matcher.match(job.query.fingerprint(), job.banks)
        except Exception as error:  # noqa: BLE001 - the process is not to end for what one upload did
            return repr(error)
        behind = f"the index is at revision {result.revision}, behind {job.revision}"
        return result if result.revision >= job.revision else behind

    def _catch_up(self, job: Job) -> None:
        if self._index.revision >= max(job.revision, job.known):
            return
        self._index.notify()
        if job.known > self._hurried:  # once for each change, lest all matches wait where changes come too fast
            self._hurried = job.known
            self._index.wait_for(job.known, _MOMENT_SECONDS)
        self._index.wait_for(job.revision, _CATCH_UP_SECONDS)


def main(processes: Sequence[str]) -> None:
    """Answer jobs until a connection is closed by the server. Deep readings come on the last one of each process."""
    os.nice(_NICENESS)
    logging.disable()  # of its index the server says as much, in its own format
    not_compiled = _prepare()
    own = _forked([list(map(int, one.split(","))) for one in processes])
    lanes = [Lane.inherited(one) for one in own[:AT_ONCE]]
    connections: list[Connection[Any, Any]] = [Connection(one) for one in own[AT_ONCE:]]
    *others, deep = connections
    opening: Opening = deep.recv()
    try:
        process = _Process(opening)
        process.open()
    except Exception as error:  # noqa: BLE001 - the server says it
        deep.send(repr(error))
        return
    deep.send(Ready(pid=os.getpid(), not_compiled=not_compiled))
    threading.Thread(target=_serve, args=([deep], process.answer), name="hashsvc-match-deep", daemon=True).start()
    # What does not take long by one thread: several would wait for Python's lock from each other at each step.
    _serve([*lanes, *others], process.answer)


def _prepare() -> str:
    """Have what is compiled compiled, and keep what is there by then from being searched for garbage; why it is not compiled."""
    not_compiled = ""
    try:
        compilation.load_all()
    except Exception as error:  # noqa: BLE001 - matches go the plain way, only slower
        not_compiled = repr(error)
    gc.collect()
    gc.freeze()
    return not_compiled


def _forked(groups: list[list[int]]) -> list[int]:
    """Fork a process for each group of descriptors but the first. Returns that of the calling process; the others are closed."""
    own = groups[0]
    children = 0
    for group in groups[1:]:
        if os.fork() == 0:
            own, children = group, 0
            break
        children += 1
    for descriptor in (one for group in groups if group is not own for one in group):
        os.close(descriptor)
    if children:
        threading.Thread(target=_end_with_a_child, name="hashsvc-match-children", daemon=True).start()
    return own


def _end_with_a_child() -> None:
    os.wait()
    os._exit(1)


def _serve(connections: "Sequence[Connection[Any, Any] | Lane]", answer: Callable[[Job], MatchResult | str]) -> None:
    """Answer what comes on any of them, one after the other; end the process when one is closed that is not a lane.

    An event loop may end before the server, which needs the process for what threads ask until it ends, too.
    """
    with selectors.DefaultSelector() as waiting:
        for one in connections:
            waiting.register(one, selectors.EVENT_READ, one)
        try:
            while True:
                for key, _ in waiting.select():
                    if not isinstance(key.data, Lane):
                        key.data.send(answer(key.data.recv()))
                    elif not _answered(key.data, answer):
                        waiting.unregister(key.data)
        except (EOFError, OSError):
            os._exit(0)  # there is nothing to be saved, and a thread that still searches would outlive what it uses


def _answered(lane: Lane, answer: Callable[[Job], MatchResult | str]) -> bool:
    """Answer what has come; False where nobody is there any more."""
    try:
        result = answer(lane.recv())
        try:
            lane.send(result)
        except ValueError as error:
            lane.send(f"the result is {error}")
    except (EOFError, OSError):
        return False
    return True


if __name__ == "__main__":
    with contextlib.suppress(EOFError, ConnectionError):  # the server is gone
        main(sys.argv[1:])
    os._exit(1)
