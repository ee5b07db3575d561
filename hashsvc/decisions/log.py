"""Writes verdicts into the decision log, many in one transaction, while the threads that judge go on."""

import dataclasses
import hashlib
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future

import structlog

from hashsvc.bank import records
from hashsvc.config import DecisionSettings
from hashsvc.decisions import exhibit, verdicts
from hashsvc.decisions.model import VerdictRecord
from hashsvc.errors import UnavailableError
from hashsvc.fingerprint.model import Fingerprint
from hashsvc_index import Store, StoreError

_MOST_AT_ONCE = 256
_MOST_BYTES = 16 << 20
"""Of decisions and exhibits in one transaction."""
_MOST_WAITING_BYTES = 128 << 20
_FLOOD_SECONDS, _GATHER_SECONDS = 0.004, 0.005
"""Where verdicts are so little apart on average, a transaction begins so long after the one before at least: what comes meanwhile is
written with it, for less than half of what it would take alone. With fewer verdicts that is not worth the wait."""
_LAST = 16
"""Transactions that this is averaged over."""
_SWEEP_SECONDS = 60.0
_RETRY_SECONDS = 1.0
"""Between two attempts to write to a store that could not be written."""
_DAY = 86400.0

log = structlog.get_logger(__name__)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Waiting:
    decision: bytes
    exhibits: tuple[bytes, ...]
    done: "Future[int]"

    @property
    def size(self) -> int:
        return len(self.decision) + sum(map(len, self.exhibits))


class DecisionLog:
    """Thread-safe. A thread writes whatever has come while the disk was busy with what came before (group commit), so
    that a verdict waits for one or two syncs however many come, in a flood a few milliseconds more; it ends with `close`.

    Where the store cannot be written, on a full disk say, verdicts are given all the same, since the alternative is to
    let through what is known: their records are owed, kept in memory without their exhibits, and written as soon as the store
    can be written again.
    """

    def __init__(self, store: Store, settings: DecisionSettings) -> None:
        self._store = store
        self._settings = settings
        self._waiting: list[_Waiting] = []
        self._bytes = 0
        """Of what waits."""
        self._taken: list[_Waiting] = []
        """By the thread, to be written next; what is owed comes first."""
        self._owed = 0
        """Of what was taken, those that were given without having been written."""
        self._retry_at = 0.0
        self._change = threading.Condition()
        self._closing = False
        self._began = 0.0
        """When the last transaction did."""
        self._seconds, self._verdicts = 1.0, 1.0
        """From one of the last few transactions to the next, and written in one, on average."""
        self._next_sweep = 0.0
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """From now on let go of exhibits in time, whether or not a verdict comes."""
        with self._change:
            self._begin()

    def append(self, record: VerdictRecord, actor: str, readings: Sequence[Fingerprint]) -> "Future[int]":
        """Have a verdict logged; the future gives its number once it is on the disk, 0 where it is owed.

        The fingerprints in `readings` become its exhibits, unless the settings say that none are kept. Returns at once. Raises
        UnavailableError OVERLOADED when more wait or are owed than the settings allow.
        """
        exhibits = [exhibit.pack(one) for one in readings] if self._settings.keep_fingerprints else []
        referred = tuple(hashlib.sha256(one).hexdigest() for one in exhibits)
        kept = tuple(one for one in exhibits if len(one) <= self._settings.max_fingerprint_bytes)
        decision = verdicts.pack(dataclasses.replace(record, readings=referred), actor, records.now())
        waiting = _Waiting(decision=decision, exhibits=kept, done=Future())
        waiting.done.set_running_or_notify_cancel()  # whoever waits may give up, but what was given to the disk stays
        with self._change:
            many = len(self._waiting) + self._owed
            if self._closing or many >= self._settings.queue or self._bytes > _MOST_WAITING_BYTES:
                raise UnavailableError("OVERLOADED", f"{many} verdicts wait to be logged", queue=self._settings.queue)
            self._begin()
            self._waiting.append(waiting)
            self._bytes += waiting.size
            self._change.notify_all()
        return waiting.done

    def close(self) -> None:
        """Write what waits, and end; a second call does nothing."""
        with self._change:
            self._closing = True
            self._change.notify_all()
        if self._thread is not None:
            self._thread.join()

    def _begin(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="hashsvc-decisions", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        while True:
            with self._change:
                until = min(self._next_sweep, self._retry_at) if self._taken else self._next_sweep
                self._change.wait_for(lambda: self._waiting or self._closing, max(0.0, until - time.monotonic()))
            self._gather()
            with self._change:
                self._taken += self._waiting
                self._waiting, self._bytes = [], 0
                closing = self._closing
            if closing or time.monotonic() >= self._retry_at:
                self._write()
            else:
                self._owe()
            if closing:
                if self._taken:
                    log.error("verdicts were given and are in no log", verdicts=len(self._taken))
                return
            if time.monotonic() >= self._next_sweep and not self._sweep():
                self._next_sweep = time.monotonic() + _SWEEP_SECONDS

    def _gather(self) -> None:
        """Wait for more to write in a flood."""
        since = time.monotonic() - self._began
        if self._seconds < _FLOOD_SECONDS * self._verdicts and since < _GATHER_SECONDS:
            time.sleep(_GATHER_SECONDS - since)
        began = time.monotonic()
        self._seconds += (min(began - self._began, 1.0) - self._seconds) / _LAST
        self._verdicts += (len(self._waiting) - self._verdicts) / _LAST
        self._began = began

    def _write(self) -> None:
        """Write all that was taken, or find that it cannot be written."""
        while self._taken:
            batch = self._batch()
            try:
                appended = self._store.append(
                    decisions=[one.decision for one in batch],
                    exhibits=[item for one in batch for item in one.exhibits],
                )
            except StoreError as error:
                if not self._owed:
                    log.error("verdicts cannot be logged, and are given all the same", error=str(error))
                self._owe()
                self._retry_at = time.monotonic() + _RETRY_SECONDS
                return
            except Exception as error:
                log.error("verdicts not logged, and not given", verdicts=len(batch), exc_info=error)
                self._settle(batch, [error] * len(batch))
            else:
                self._settle(batch, appended.decisions)

    def _batch(self) -> list[_Waiting]:
        """What is written in the next transaction, oldest first."""
        count = size = 0
        for one in self._taken[:_MOST_AT_ONCE]:
            if count and size + one.size > _MOST_BYTES:
                break
            size += one.size
            count += 1
        return self._taken[:count]

    def _settle(self, batch: list[_Waiting], outcomes: Sequence[int | Exception]) -> None:
        """Tell those who wait what became of their records; they are no longer to be written."""
        for one, outcome in zip(batch, outcomes, strict=True):
            if one.done.done():
                continue
            if isinstance(outcome, Exception):
                one.done.set_exception(outcome)
            else:
                one.done.set_result(outcome)
        self._taken = self._taken[len(batch) :]
        with self._change:
            paid = min(self._owed, len(batch))
            self._owed -= paid
        if paid and not self._owed:
            log.warning("verdicts that were given before are logged now")

    def _owe(self) -> None:
        """Give what was taken, and go on owing its records."""
        for one in self._taken:
            if not one.done.done():
                one.done.set_result(0)
        self._taken = [dataclasses.replace(one, exhibits=()) for one in self._taken]
        with self._change:
            self._owed = len(self._taken)

    def _sweep(self) -> bool:
        """Let go of a few exhibits; whether there may be more. Between two such steps what waits is written."""
        oldest = time.time() - self._settings.ttl_days * _DAY
        try:
            gone = self._store.trim_exhibits(oldest, self._settings.max_bytes)
        except StoreError as error:
            log.warning("exhibits of decisions could not be let go of", error=str(error))
            return False
        if gone:
            log.info("exhibits of decisions let go of", exhibits=gone)
        return gone > 0
