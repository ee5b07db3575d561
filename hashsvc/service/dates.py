"""Dates of entries: what has expired is withdrawn, and what is due for review is told, once.

Each date is a document whose name begins with it, so that finding what is due reads nothing else. It is written before
the entry that has the date, and deleted when the date has been dealt with: whatever is killed in between, the next
sweep finds the rest to do.
"""

import contextlib
import datetime
import threading
from collections.abc import Callable, Sequence

import structlog

from hashsvc.bank import records
from hashsvc.bank.model import Entry, EntryState
from hashsvc.errors import HashsvcError
from hashsvc.events import payloads
from hashsvc.events.outbox import Outbox
from hashsvc_index import Store, StoreError
from hashsvc_index.errors import BankNotFoundError, DocumentExistsError, DocumentNotFoundError, EntryNotFoundError

_KIND = "due"
_ROUND_SECONDS = 15.0
_PAGE = 200
_GRACE = datetime.timedelta(hours=1)
"""How long a date waits for its entry, which is written after it; then it is one that was changed or never came to be."""

Expire = Callable[[str, str, datetime.datetime], None]
"""Withdraw an entry (bank, entry) if it still expires at that time."""

log = structlog.get_logger(__name__)


class Dates:
    """Thread-safe; several processes may do this on one directory."""

    def __init__(self, store: Store, outbox: Outbox, expire: Expire) -> None:
        self._store = store
        self._outbox = outbox
        self._expire = expire
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def note(self, bank: str, entry: str, dates: Sequence[datetime.datetime]) -> None:
        """Write down dates that an entry is about to get."""
        for date in dates:
            with contextlib.suppress(DocumentExistsError):
                self._store.put_document(_KIND, f"{_written(date)}/{bank}/{entry}", b"", create=True)

    def start(self) -> None:
        """Sweep from now on, every quarter of a minute."""
        self._thread = threading.Thread(target=self._run, name="hashsvc-dates", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Sweep no more; a second call does nothing."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()

    def sweep(self) -> None:
        """Deal with every date that has passed; what goes wrong with one is logged, and tried again the next time."""
        now, name = records.now(), ""
        while page := self._store.list_documents(_KIND, name, _PAGE):
            for document in page:
                name = document.name
                if name >= _written(now):
                    return
                try:
                    self._settle(name, now)
                except (HashsvcError, StoreError) as error:
                    log.warning("a date could not be dealt with", date=name, error=str(error))

    def _settle(self, name: str, now: datetime.datetime) -> None:
        written, bank, entry = name.split("/")
        known = self._entry(bank, entry)
        due = datetime.datetime.fromisoformat(written)
        if known is None or due not in (known.details.expires_at, known.details.review_by):
            if due + _GRACE < now:
                self._delete(name)
            return
        live = known.state is not EntryState.WITHDRAWN
        if live and due == known.details.expires_at:
            self._expire(bank, entry, due)
            log.info("expired", bank=bank, entry=entry)
            live = False
        self._delete(name, [payloads.entry_review_due(self._outbox.source, known).encode()] if live else [])

    def _entry(self, bank: str, entry: str) -> Entry | None:
        try:
            return records.entry_of(self._store.get_entry(bank, entry))
        except (BankNotFoundError, EntryNotFoundError):
            return None

    def _delete(self, name: str, events: Sequence[bytes] = ()) -> None:
        """Deletes a date and tells of it at once; nothing where another process was first."""
        with contextlib.suppress(DocumentNotFoundError):
            self._store.delete_document(_KIND, name, events=events)

    def _run(self) -> None:
        while not self._stopping.wait(_ROUND_SECONDS):
            try:
                self.sweep()
            except Exception as error:
                log.error("dates cannot be looked after", exc_info=error)


def _written(date: datetime.datetime) -> str:
    """`2026-11-26T19:45:00.000Z`: in order of time as text."""
    return date.astimezone(datetime.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
