"""The incidents that are open now, as the path of a match knows them; beside it, a thread that keeps up with the store."""

import contextlib
import dataclasses
import threading
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping

import structlog

from hashsvc.bank import records
from hashsvc.bank.incident import Incident
from hashsvc.bank.model import Depth
from hashsvc.fingerprint.model import Digests, Fingerprint
from hashsvc.incidents.counter import Counter
from hashsvc.incidents.register import Register
from hashsvc.match.depths import Depths
from hashsvc.match.model import MatchResult
from hashsvc.match.verdict import mildest
from hashsvc.traffic.monitor import upload_of
from hashsvc.traffic.tally import Place
from hashsvc_index import Store, StoreError

_ROUND_SECONDS = 0.5

log = structlog.get_logger(__name__)


@dataclasses.dataclass(frozen=True, slots=True)
class _Open:
    """What matches ask of the open incidents."""

    incidents: Mapping[Place, tuple[str, ...]] = dataclasses.field(default_factory=dict)
    limits: Mapping[Place, int] = dataclasses.field(default_factory=dict)
    depths: Depths = dataclasses.field(default_factory=Depths)


class Current:
    """Thread-safe. A match waits for a lock and nothing else; what others change is known here within half a second."""

    def __init__(self, store: Store, register: Register) -> None:
        self._register = register
        self._counter = Counter(store)
        self._open = _Open()
        self._stopping = threading.Event()
        self._started = threading.Lock()
        self._thread: threading.Thread | None = None

    def begin(self) -> None:
        """Look into the store, and from now on every half second; a second call does nothing."""
        with self._started:
            if self._thread is None and not self._stopping.is_set():
                self.refresh()
                self._thread = threading.Thread(target=self._run, name="hashsvc-incidents", daemon=True)
                self._thread.start()

    def refresh(self) -> list[Incident]:
        """Look into the store now; returns those whose time is over and that nobody has closed yet."""
        moment = records.now()
        unclosed = self._register.unclosed()
        self._open = _opened([one for one in unclosed if one.is_open(moment)])
        return [one for one in unclosed if not one.is_open(moment)]

    def flush(self) -> None:
        """Write what was counted here."""
        self._counter.flush()

    def close(self) -> None:
        """Write what is left; a second call does nothing."""
        self._stopping.set()
        with self._started:
            thread, self._thread = self._thread, None
        if thread is not None:
            thread.join()
            with contextlib.suppress(StoreError):
                self.flush()

    def limits(self) -> Mapping[Place, int]:
        """Different uploads that entries of open incidents may block within the breaker's window."""
        return self._open.limits

    def depths(self) -> Depths:
        """How closely open incidents want uploads read."""
        return self._open.depths

    def count(self, query: Fingerprint | Digests, content_id: str, result: MatchResult) -> None:
        """Take note of what an upload was given for entries of open incidents."""
        incidents, now, variant = self._open.incidents, time.time(), ""
        for match in result.matches:
            place = (match.bank, match.entry)
            if place in incidents:
                variant = variant or upload_of(query)
                verdict = mildest((match.verdict, result.verdict))
                self._counter.count(incidents[place], place, content_id or variant, variant, verdict, now)

    def _run(self) -> None:
        while not self._stopping.wait(_ROUND_SECONDS):
            try:
                for expired in self.refresh():
                    self._register.expire(expired)
                self.flush()
            except Exception as error:
                log.error("incidents not followed", exc_info=error)


def _opened(incidents: Iterable[Incident]) -> _Open:
    names: defaultdict[Place, tuple[str, ...]] = defaultdict(tuple)
    limits: defaultdict[Place, int] = defaultdict(int)
    depths: defaultdict[str, frozenset[Depth]] = defaultdict(frozenset)
    for one in incidents:
        for entry in one.entries:
            names[entry.place] += (one.incident,)
            limits[entry.place] = max(limits[entry.place], one.breaker_hits)
            depths[entry.bank] |= {one.depth}
    return _Open(dict(names), dict(limits), Depths(dict(depths)))
