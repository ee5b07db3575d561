"""Puts uploads into the ring without a match ever waiting for it."""

import threading
import time
from pathlib import Path

import structlog

from hashsvc.config import RecentSettings
from hashsvc.fingerprint.model import Fingerprint
from hashsvc.retro.packing import Recent, pack
from hashsvc_index import Ring, StoreError

FLUSH_SECONDS = 1.0
"""What waits is written this often; a process that is killed loses no more."""
_MOST_WAITING = 64 << 20
"""Bytes of hashes that may wait; what comes on top is dropped."""
_BLOCK_BYTES = 4 << 20
"""Bytes of hashes in one block."""
_HOUR = 3600.0

log = structlog.get_logger(__name__)


class Recorder:
    """Thread-safe. Nothing of it runs, and there is no ring, before the first upload comes."""

    def __init__(self, data: Path, settings: RecentSettings) -> None:
        self._data = data
        self._settings = settings
        self._waiting: list[Recent] = []
        self._bytes = 0
        self._revision = 0
        self._change = threading.Condition()
        self._written = self._taken = 0
        self._dropped = self._told = 0
        self._closing = self._urgent = False
        self._thread: threading.Thread | None = None

    @property
    def dropped(self) -> int:
        """Uploads that were not kept, since more came than could be written."""
        return self._dropped

    def record(self, content_id: str, upload: Fingerprint, revision: int) -> None:
        """Have an upload, judged under `revision`, kept. Returns at once; keeps nothing without a content id or a frame."""
        if not (self._settings.enabled and content_id and upload.frames):
            return
        size = upload.hashes.nbytes
        with self._change:
            if self._closing or self._bytes + size > _MOST_WAITING:
                self._dropped += 1
                return
            if not self._waiting:
                self._revision = revision
            self._waiting.append(Recent(content_id=content_id, seen_at=time.time(), fingerprint=upload))
            self._bytes += size
            self._taken += 1
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="hashsvc-recent", daemon=True)
                self._thread.start()
            self._change.notify_all()

    def flush(self, timeout: float = 10.0) -> bool:
        """Wait until what was recorded before is in the ring or was dropped; False when that takes too long."""
        with self._change:
            wanted, self._urgent = self._taken, True
            self._change.notify_all()
            return self._change.wait_for(lambda: self._written >= wanted, timeout)

    def close(self) -> None:
        """Write what waits, and end."""
        with self._change:
            self._closing = True
            self._change.notify_all()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        ring: Ring | None = None
        try:
            while batch := self._next():
                try:
                    # The hunt begins where the first upload was matched, which what is confirmed meanwhile is not.
                    ring = ring or Ring.make(self._data, self._revision)
                    self._write(ring, batch)
                except (StoreError, ValueError) as error:
                    self._lost(len(batch), error)
                finally:
                    with self._change:
                        self._written += len(batch)
                        self._change.notify_all()
        finally:
            if ring is not None:
                ring.close()

    def _next(self) -> list[Recent]:
        """What has come within a flush's time, oldest first; none at the end."""
        with self._change:
            self._change.wait_for(lambda: self._waiting or self._closing)
            self._change.wait_for(lambda: self._bytes >= _BLOCK_BYTES or self._closing or self._urgent, FLUSH_SECONDS)
            count = size = 0
            for one in self._waiting:
                if size >= _BLOCK_BYTES:
                    break
                size += one.fingerprint.hashes.nbytes
                count += 1
            batch, self._waiting = self._waiting[:count], self._waiting[count:]
            self._bytes -= size
            self._urgent = self._urgent and bool(self._waiting)
            return batch

    def _write(self, ring: Ring, batch: list[Recent]) -> None:
        now = time.time()
        expires = now + self._settings.ttl_hours * _HOUR
        items = [pack(one) for one in batch]
        ring.append(items, written=now, expires=expires, max_bytes=self._settings.max_bytes)
        if self._dropped > self._told:
            log.warning(
                "recent uploads were not kept: more came than could be written", uploads=self._dropped - self._told
            )
            self._told = self._dropped

    def _lost(self, uploads: int, error: Exception) -> None:
        with self._change:
            self._dropped += uploads
            self._told += uploads
        log.warning("recent uploads were not kept", uploads=uploads, error=str(error))
