"""A process that matches uploads for a server: `python -m hashsvc.match.process DESCRIPTOR...`, of its connections.

It follows the store by itself and maps the same cold slabs as the server, so that their pages are in memory once. It is given
what the server has decoded and checked, and ends when the server does.
"""

import dataclasses
import gc
import logging
import os
import selectors
import signal
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from hashsvc.bank import records
from hashsvc.bank.model import Bank
from hashsvc.bank.references import References
from hashsvc.config import HintSettings, IndexSettings
from hashsvc.fingerprint.model import Digests, Fingerprint
from hashsvc.match.depths import Depths
from hashsvc.match.layers import layers_from
from hashsvc.match.matcher import Matcher
from hashsvc.match.model import MatchResult
from hashsvc_index import Index, Store, compilation
from hashsvc_index import IndexSettings as SearchSettings

_CATCH_UP_SECONDS = 1.0
"""How long a match waits for a change that the server knows of already."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """What a process is told first, on the last of its connections, where it then says True: it is ready."""

    data: Path
    index: IndexSettings
    hints: HintSettings
    reference_cache_bytes: int


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Job:
    """An upload to be matched; the answer is a MatchResult, or in words why there is none."""

    query: Fingerprint | Digests
    banks: Mapping[str, Bank]
    """See `Matcher.match`."""
    depths: Depths
    revision: int
    """What has to be searchable first."""


class _Process:
    """What this process has open."""

    def __init__(self, opening: Opening) -> None:
        self._store = Store.open(opening.data)
        settings = SearchSettings(**dataclasses.asdict(opening.index), saves=False)
        self._index = Index(self._store, opening.data, settings, layers_from(self._store))
        self._jobs = threading.local()
        references = References(self._load, opening.reference_cache_bytes)
        self._matcher = Matcher(self._store, self._index, references, opening.hints, lambda: self._jobs.now.depths)

    def open(self) -> None:
        """Return when the index has caught up."""
        self._index.start()
        while not self._index.wait_ready(_CATCH_UP_SECONDS):
            pass

    def answer(self, job: Job) -> MatchResult | str:
        """The result, or in words why there is none; the server then asks itself, and finds the same error or none."""
        try:
            if self._index.revision < job.revision:
                self._index.notify()
                self._index.wait_for(job.revision, _CATCH_UP_SECONDS)
            self._jobs.now = job
            result = self._matcher.match(job.query, job.banks)
        except Exception as error:  # noqa: BLE001 - the process is not to end for what one upload did
            return repr(error)
        behind = f"the index is at revision {result.revision}, behind {job.revision}"
        return result if result.revision >= job.revision else behind

    def _load(self, number: int) -> Fingerprint:
        return records.join(self._store.vectors(number), self._store.blob(number, records.FINGERPRINT))


def main(descriptors: Sequence[str]) -> None:
    """Answer jobs until a connection is closed by the server. Deep readings come on the last one."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # comes to the server as well, which then ends this
    logging.disable()  # of its index the server says as much, in its own format
    *others, deep = [Connection(int(one)) for one in descriptors]
    process = _Process(deep.recv())
    process.open()
    deep.send(True)
    threading.Thread(target=_prepare, name="hashsvc-prepare", daemon=True).start()
    # What does not take long by one thread: several would wait for Python's lock from each other, at each of some thirty steps.
    threading.Thread(target=_serve, args=([deep], process.answer), name="hashsvc-match-deep", daemon=True).start()
    _serve(others, process.answer)


def _serve(connections: "Sequence[Connection[Any, Any]]", answer: Callable[[Job], MatchResult | str]) -> None:
    """Answer what comes on any of them, one after the other; end the process when one is closed."""
    with selectors.DefaultSelector() as waiting:
        for one in connections:
            waiting.register(one, selectors.EVENT_READ, one)
        try:
            while True:
                for key, _ in waiting.select():
                    key.data.send(answer(key.data.recv()))
        except (EOFError, OSError):
            os._exit(0)  # there is nothing to be saved, and a thread that still searches would outlive what it uses


def _prepare() -> None:
    """Have what is compiled compiled, and keep what is there by now from being searched for garbage again and again."""
    compilation.load_all()
    gc.collect()
    gc.freeze()


if __name__ == "__main__":
    main(sys.argv[1:])
