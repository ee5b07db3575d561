"""Looks at every answer to an upload before it is given, and writes down and tells what that brought to light."""

import contextlib
import hashlib
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping

import structlog

from hashsvc.bank.breaker import Breaker
from hashsvc.config import BreakerSettings
from hashsvc.events import payloads
from hashsvc.events.outbox import Outbox
from hashsvc.fingerprint.model import Digests, Fingerprint
from hashsvc.match.model import MatchResult
from hashsvc.traffic.ledger import Ledger
from hashsvc.traffic.tally import Known, News, Place, Tally
from hashsvc_index import Store, StoreError

_ROUND_SECONDS = 0.5
_SAVE_SECONDS = 600.0
_MOST_NEWS = 10_000

log = structlog.get_logger(__name__)


class Monitor:
    """Thread-safe. A match waits for a lock and nothing else; a thread of this writes and reads the store."""

    def __init__(
        self,
        store: Store,
        outbox: Outbox,
        settings: BreakerSettings,
        raised: Callable[[], Mapping[Place, int]] = dict,
    ) -> None:
        """`raised` as `Tally` takes it."""
        self._outbox = outbox
        self._ledger = Ledger(store, outbox)
        self._tally = Tally(settings, self._ledger.known, raised)
        self._window = settings.window_seconds
        self._news: deque[News] = deque()
        self._saved: dict[Place, Known] = {}
        self._saved_at = time.monotonic()
        self._stopping = threading.Event()
        self._wake = threading.Event()
        self._started = threading.Lock()
        self._disk = threading.Lock()
        """What was read must be taken over before it is written again."""
        self._thread: threading.Thread | None = None

    @property
    def ledger(self) -> Ledger:
        """What it has written down."""
        return self._ledger

    def seen(self, query: Fingerprint | Digests, result: MatchResult, content_id: str) -> MatchResult:
        """`result` as tripped breakers leave it."""
        if not result.matches:
            return result
        self._begin()
        result, news = self._tally.judge(upload_of(query), result, content_id)
        if news and len(self._news) < _MOST_NEWS:  # more wait only while nothing can be written
            self._news.append(news)
        if news.trips:  # other processes still block: they should know at once
            self._wake.set()
        return result

    def settle(self) -> None:
        """Write down now what matches have brought to light."""
        while self._news:
            with self._disk:
                if self._news:
                    self._write(self._news[0])
                    self._news.popleft()
        with self._disk:
            for place, affected in self._tally.taken().items():
                self._ledger.add(place, affected)

    def reset(self, place: Place, allowed_hits: int, actor: str) -> Breaker:
        """Let an entry block again, here at once and in other processes within a second."""
        self.settle()
        with self._disk:
            changed = self._ledger.reset(place, allowed_hits, actor)
            self._tally.follow(self._ledger.states())
        return changed

    def close(self) -> None:
        """Write down what is left; a second call does nothing."""
        self._stopping.set()
        self._wake.set()
        with self._started:
            thread, self._thread = self._thread, None
        if thread is not None:
            thread.join()
            with contextlib.suppress(StoreError):
                self._round()
                self._save()

    def _begin(self) -> None:
        with self._started:
            if self._thread is None:
                # Before the first match is judged: what tripped before this process began is tripped.
                self._tally.follow(self._ledger.states())
                self._thread = threading.Thread(target=self._run, name="hashsvc-traffic", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._wake.wait(_ROUND_SECONDS)
            if self._stopping.is_set():
                return
            self._wake.clear()
            try:
                self._round()
                if time.monotonic() - self._saved_at >= _SAVE_SECONDS:
                    self._save()
            except Exception as error:
                log.error("traffic not written down", exc_info=error)

    def _round(self) -> None:
        self.settle()
        with self._disk:
            self._tally.follow(self._ledger.states())

    def _write(self, news: News) -> None:
        """What was written when this fails in the middle is not written twice."""
        source = self._outbox.source
        while news.first:
            match = news.first[0]
            event = payloads.first_match(source, match)
            self._ledger.first_match((match.bank, match.entry), Known(matched=True, first_at=news.at), event)
            news.first.pop(0)
        while news.bursts:
            burst = news.bursts[0]
            self._outbox.append(payloads.burst(source, burst.match, burst.hits, burst.usual, self._window))
            news.bursts.pop(0)
        while news.trips:
            breaker = news.trips[0]
            self._ledger.trip(breaker, payloads.breaker_tripped(source, breaker))
            log.warning("breaker tripped", bank=breaker.bank, entry=breaker.entry, blocked=breaker.blocked)
            self._tally.written(breaker.place)
            news.trips.pop(0)

    def _save(self) -> None:
        """Usual rates, so that the next process knows them."""
        for place, known in self._tally.rates().items():
            if known != self._saved.get(place):
                self._ledger.save(place, known)
                self._saved[place] = known
        self._saved_at = time.monotonic()


def upload_of(query: Fingerprint | Digests) -> str:
    """What tells one upload from another, hex: the SHA-256 or MD5 of its bytes, else a digest of what was hashed."""
    digests = query.digests if isinstance(query, Fingerprint) else query
    if digests.sha256 or digests.md5:
        return (digests.sha256 or digests.md5).hex()
    hashes = query.hashes.tobytes() if isinstance(query, Fingerprint) else b""
    return hashlib.blake2b(hashes, digest_size=16).hexdigest()
