"""The outbox: the events that the store keeps, in the order in which they were written."""

import datetime
import time
from collections.abc import Iterator, Sequence

from hashsvc.bank import records
from hashsvc.config import EventSettings
from hashsvc.events.model import Event, EventFilter
from hashsvc_index import Store
from hashsvc_index.reader import Reader

_SCAN = 500
_LOOK_SECONDS = 0.2


class Outbox:
    """Thread-safe."""

    def __init__(self, store: Store, settings: EventSettings) -> None:
        self._store = store
        self._settings = settings

    @property
    def source(self) -> str:
        """What events of this data directory name as theirs."""
        return f"urn:hashsvc:{self._store.store_id}"

    def last(self) -> int:
        """The number of the last event, 0 when there never was one."""
        environment = self._store.environment
        with environment.read() as transaction:
            return Reader(environment, transaction).journal().last_event

    def read(self, after: int, limit: int) -> list[Event]:
        """At most `limit` events after number `after`, in order."""
        return [Event.decode(one.payload, one.number) for one in self._store.events(after, limit)]

    def wanted(self, after: int, wanted: EventFilter) -> tuple[Sequence[Event], int]:
        """Events that pass, and the number to go on after: `after` itself at the end."""
        events = self.read(after, _SCAN)
        return [one for one in events if wanted.wants(one)], events[-1].number if events else after

    def follow(self, after: int, wanted: EventFilter, *, stop_at_end: bool) -> Iterator[Event]:
        """Events that pass, for ever unless `stop_at_end`."""
        while True:
            events, reached = self.wanted(after, wanted)
            yield from events
            if reached == after:
                if stop_at_end:
                    return
                time.sleep(_LOOK_SECONDS)
            after = reached

    def append(self, *events: Event) -> None:
        """Write events that go with no other change."""
        self._store.append(events=[one.encode() for one in events])

    def trim(self) -> None:
        """Drop events that are too many or too old, delivered or not."""
        through = max(0, self.last() - self._settings.max_events)
        oldest = records.now() - datetime.timedelta(days=self._settings.keep_days)
        while events := self.read(through, _SCAN):
            fresh = [one for one in events if one.time >= oldest]
            through = (fresh[0].number - 1) if fresh else events[-1].number
            if fresh:
                break
        self._store.trim_events(through)
