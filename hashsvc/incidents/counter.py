"""Counts what uploads show of open incidents: in memory on the path of a match, on disk once in a while beside it.

What is kept of an upload and entry is a row: when, whose bytes, under which name, and what became of it; names and digests
only as 64 bits of a hash. Each process writes documents of its own, and whoever reads makes one of all of them, so that
nothing is counted twice that came twice: after a retry, as two readings, or to two processes.
"""

import dataclasses
import hashlib
import secrets
import threading
from collections import OrderedDict
from collections.abc import Iterable, Sequence

import msgpack
import numpy as np
import numpy.typing as npt

from hashsvc.bank.model import Verdict
from hashsvc.traffic.tally import Place
from hashsvc_index import Store
from hashsvc_index.errors import DocumentNotFoundError

COUNT = "incident-count"
ROW = np.dtype([("at", "<u8"), ("upload", "<u8"), ("variant", "<u8"), ("entry", "<u2"), ("verdict", "u1")])
"""Milliseconds since 1970; which upload and which bytes; the entry's place in the document's list; 1 REVIEW, 2 BLOCK."""
REVIEWED, BLOCKED = 1, 2
_WEIGHTS = {Verdict.REVIEW: REVIEWED, Verdict.BLOCK: BLOCKED}
MOST_ROWS = 1_000_000
"""Rows that one process writes of one incident: 27 MB. What comes on top is only counted."""
_CHUNK, _LONGEST_CHUNK = 4096, 30_000
"""Rows with which a document is full, and with which it holds no more though it could not be written: below 1 MiB."""
_MOST_KNOWN = 100_000

Row = tuple[int, int, int, int, int]


@dataclasses.dataclass(slots=True)
class _Writing:
    """The document of one incident that this process adds to."""

    number: int = 0
    entries: dict[Place, int] = dataclasses.field(default_factory=dict)
    rows: list[Row] = dataclasses.field(default_factory=list)
    written: int = 0
    """Rows in the documents before."""
    uncounted: int = 0
    is_changed: bool = False


class Counter:
    """Thread-safe. A match waits for a lock and nothing else."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._writer = secrets.token_hex(4)
        self._writing: dict[str, _Writing] = {}
        self._known: OrderedDict[tuple[str, int, Place], int] = OrderedDict()
        self._lock = threading.Lock()
        self._disk = threading.Lock()

    def count(
        self, incidents: Iterable[str], place: Place, upload: str, variant: str, verdict: Verdict, at: float
    ) -> None:
        """An upload showed an entry of these incidents; once each, as the strictest that it was given."""
        weight, key = _WEIGHTS.get(verdict, 0), hash_of(upload)
        if not weight:
            return
        with self._lock:
            for incident in incidents:
                seen = (incident, key, place)
                if self._known.get(seen, 0) < weight:
                    self._known[seen] = weight
                    self._add(incident, place, (int(at * 1000), key, hash_of(variant), 0, weight))
            while len(self._known) > _MOST_KNOWN:
                self._known.popitem(last=False)

    def flush(self) -> None:
        """Write what was counted since the last time. Raises the store's errors, after which it is still to be written."""
        with self._disk:
            with self._lock:
                waiting = [(name, one.number, _packed(one)) for name, one in self._writing.items() if one.is_changed]
                for name, _, _ in waiting:
                    self._writing[name].is_changed = False
            for incident, number, payload in waiting:
                try:
                    self._put(f"{incident}/{self._writer}/{number:08d}", payload)
                except BaseException:
                    with self._lock:
                        self._writing[incident].is_changed = True
                    raise
            with self._lock:
                for incident, number, _ in waiting:
                    self._turned(self._writing[incident], number)

    def _add(self, incident: str, place: Place, row: Row) -> None:
        writing = self._writing.setdefault(incident, _Writing())
        writing.is_changed = True
        if len(writing.rows) >= _LONGEST_CHUNK or writing.written + len(writing.rows) >= MOST_ROWS:
            writing.uncounted += 1
            return
        at, upload, variant, _, verdict = row
        number = writing.entries.setdefault(place, len(writing.entries))
        writing.rows.append((at, upload, variant, number, verdict))

    def _turned(self, writing: _Writing, number: int) -> None:
        """Begin another document once one is full and on disk."""
        if writing.number == number and not writing.is_changed and len(writing.rows) >= _CHUNK:
            writing.number += 1
            writing.written += len(writing.rows)
            writing.entries, writing.rows, writing.uncounted = {}, [], 0

    def _put(self, name: str, payload: bytes) -> None:
        try:
            self._store.put_document(COUNT, name, payload, create=False)
        except DocumentNotFoundError:
            self._store.put_document(COUNT, name, payload, create=True)


def hash_of(text: str) -> int:
    """64 bits that stand for an upload's name or digest: two of a million different ones are the same once in 10^7 times."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")


def read(store: Store, incident: str, places: Sequence[Place]) -> tuple[npt.NDArray[np.void], int]:
    """The rows of all processes for the entries at `places`, whose `entry` is then the place in it; and how many were not kept."""
    found, uncounted = [np.zeros(0, ROW)], 0
    numbers = {place: number for number, place in enumerate(places)}
    name = f"{incident}/"
    while page := store.list_documents(COUNT, name, 100):
        for record in page:
            if not record.name.startswith(f"{incident}/"):
                return np.concatenate(found), uncounted
            fields = msgpack.unpackb(record.payload)
            rows = np.frombuffer(fields["rows"], ROW).copy()
            own = np.array([numbers.get((bank, entry), -1) for bank, entry in fields["entries"]] or [-1])[rows["entry"]]
            rows["entry"] = np.maximum(own, 0)
            found.append(rows[own >= 0])
            uncounted += fields["uncounted"]
        name = page[-1].name
    return np.concatenate(found), uncounted


def _packed(writing: _Writing) -> bytes:
    fields = {
        "version": 1,
        "entries": [list(place) for place in writing.entries],
        "rows": np.array(writing.rows, ROW).tobytes(),
        "uncounted": writing.uncounted,
    }
    return bytes(msgpack.packb(fields))
