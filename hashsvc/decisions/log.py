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
_SWEEP_SECONDS = 60.0
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
    that a verdict waits for one or two syncs however many come; it ends with `close`.
    """

    def __init__(self, store: Store, settings: DecisionSettings) -> None:
        self._store = store
        self._settings = settings
        self._waiting: list[_Waiting] = []
        self._change = threading.Condition()
        self._closing = False
        self._next_sweep = 0.0
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """From now on let go of exhibits in time, whether or not a verdict comes."""
        with self._change:
            self._begin()

    def append(self, record: VerdictRecord, actor: str, readings: Sequence[Fingerprint]) -> "Future[int]":
        """Have a verdict logged; the future gives its number once it is on the disk, or raises the store's error.

        The fingerprints in `readings` become its exhibits, unless the settings say that none are kept. Returns at once. Raises
        UnavailableError OVERLOADED when more wait than the settings allow: a verdict that has no record is not given.
        """
        exhibits = [exhibit.pack(one) for one in readings] if self._settings.keep_fingerprints else []
        referred = tuple(hashlib.sha256(one).hexdigest() for one in exhibits)
        kept = tuple(one for one in exhibits if len(one) <= self._settings.max_fingerprint_bytes)
        decision = verdicts.pack(dataclasses.replace(record, readings=referred), actor, records.now())
        waiting = _Waiting(decision=decision, exhibits=kept, done=Future())
        waiting.done.set_running_or_notify_cancel()  # whoever waits may give up, but what was given to the disk stays
        with self._change:
            if self._closing or len(self._waiting) >= self._settings.queue:
                raise UnavailableError(
                    "OVERLOADED", f"{len(self._waiting)} verdicts wait to be logged", queue=self._settings.queue
                )
            self._begin()
            self._waiting.append(waiting)
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
                wait = max(0.0, self._next_sweep - time.monotonic())
                self._change.wait_for(lambda: self._waiting or self._closing, wait)
                batch = self._next()
            if batch:
                self._write(batch)
            elif self._closing:
                return
            if not self._closing and time.monotonic() >= self._next_sweep and not self._sweep():
                self._next_sweep = time.monotonic() + _SWEEP_SECONDS

    def _next(self) -> list[_Waiting]:
        """What is written in the next transaction, oldest first."""
        count = size = 0
        for one in self._waiting[:_MOST_AT_ONCE]:
            if count and size + one.size > _MOST_BYTES:
                break
            size += one.size
            count += 1
        batch, self._waiting = self._waiting[:count], self._waiting[count:]
        return batch

    def _write(self, batch: list[_Waiting]) -> None:
        try:
            appended = self._store.append(
                decisions=[one.decision for one in batch], exhibits=[item for one in batch for item in one.exhibits]
            )
        except Exception as error:
            log.error("verdicts not logged, and not given", verdicts=len(batch), exc_info=error)
            for one in batch:
                one.done.set_exception(error)
            return
        for one, number in zip(batch, appended.decisions, strict=True):
            one.done.set_result(number)

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
