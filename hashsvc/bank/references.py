"""Decoded references, kept while they are asked for again and again during an incident."""

import threading
from collections import OrderedDict
from collections.abc import Callable

from hashsvc.bank import records
from hashsvc.fingerprint.model import Fingerprint
from hashsvc_index import Store


def stored(store: Store, number: int) -> Fingerprint:
    """The fingerprint of an entry. Raises EntryNotFoundError, FingerprintError for what is no fingerprint."""
    return records.join(store.vectors(number), store.blob(number, records.FINGERPRINT))


class References:
    """Least recently used fingerprints by entry number, bounded by bytes. Thread-safe.

    An entry's fingerprint never changes, so nothing is ever stale.
    """

    def __init__(self, load: Callable[[int], Fingerprint], max_bytes: int) -> None:
        self._load = load
        self._max_bytes = max_bytes
        self._held: OrderedDict[int, Fingerprint] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def get(self, number: int) -> Fingerprint:
        """The fingerprint of an entry, loaded where it is not held."""
        with self._lock:
            if number in self._held:
                self._held.move_to_end(number)
                return self._held[number]
        fingerprint = self._load(number)
        with self._lock:
            if number not in self._held:
                self._held[number] = fingerprint
                self._bytes += fingerprint.hashes.nbytes
                while self._bytes > self._max_bytes and len(self._held) > 1:
                    self._bytes -= self._held.popitem(last=False)[1].hashes.nbytes
        return fingerprint
