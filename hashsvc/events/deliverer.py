"""The webhooks of a data directory at work: one process delivers, with one thread a webhook."""

import fcntl
import threading
from functools import partial
from typing import BinaryIO

import structlog

from hashsvc.config import EventSettings
from hashsvc.events.delivery import Delivery
from hashsvc.events.outbox import Outbox
from hashsvc.events.post import Post
from hashsvc.events.webhook import Webhook
from hashsvc.events.webhooks import Webhooks
from hashsvc_index import Store

_LOOK_SECONDS = 0.5
_TRIM_ROUNDS = 240
_STOP_SECONDS = 2.0
_LOCK = "webhooks.lock"

log = structlog.get_logger(__name__)


class Deliverer:
    """Follows the list of webhooks. Where another process holds the lock it waits for that one's end."""

    def __init__(self, store: Store, outbox: Outbox, webhooks: Webhooks, settings: EventSettings) -> None:
        self._path = store.path / _LOCK
        self._outbox = outbox
        self._webhooks = webhooks
        self._settings = settings
        self._running: dict[str, Delivery] = {}
        self._lock: BinaryIO | None = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="hashsvc-webhooks", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        """Stop all deliveries; what was not delivered is on disk."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        rounds = 0
        while not self._stopping.wait(_LOOK_SECONDS if rounds else 0):
            try:
                if self._owns():
                    self._follow()
                    if rounds % _TRIM_ROUNDS == 0:
                        self._outbox.trim()
            except Exception as error:
                log.error("webhooks failed", exc_info=error)
            rounds += 1
        for delivery in self._running.values():
            delivery.end()
        for delivery in self._running.values():
            delivery.join(_STOP_SECONDS)
        if self._lock is not None:
            self._lock.close()

    def _owns(self) -> bool:
        """Whether this process delivers. The system gives the lock back when its process ends, however it ends."""
        if self._lock is not None:
            return True
        lock = self._path.open("ab")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.close()
            return False
        self._lock = lock
        return True

    def _follow(self) -> None:
        """Begin and end deliveries as the list has it."""
        wanted = {one.webhook: one for one in self._webhooks.all() if one.active}
        for name, delivery in list(self._running.items()):
            if wanted.get(name) != delivery.webhook:
                delivery.end()
                if delivery.join(_STOP_SECONDS):
                    del self._running[name]
        for name, webhook in wanted.items():
            if name not in self._running:
                self._running[name] = self._begun(webhook)

    def _begun(self, webhook: Webhook) -> Delivery:
        name = webhook.webhook
        delivery = Delivery(
            webhook,
            self._webhooks.progress(name),
            Post(webhook.url, self._webhooks.secret(name), self._settings.delivery_seconds),
            self._outbox.read,
            partial(self._webhooks.save, name),
            self._settings.longest_wait_seconds,
        )
        delivery.start()
        return delivery
