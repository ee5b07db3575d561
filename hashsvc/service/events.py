"""Telling what happens, and who is told of what."""

from collections.abc import Iterator, Sequence

from hashsvc.bank import rules
from hashsvc.errors import InvalidInputError
from hashsvc.events import payloads
from hashsvc.events.model import Event, EventFilter
from hashsvc.events.webhook import ListedWebhook, Webhook, check_types
from hashsvc.retro.model import Hit
from hashsvc.service.base import Base


class Events(Base):
    """The part of the service that tells."""

    def _announced(self, bank: str, entry: str, hits: Sequence[Hit]) -> bytes:
        """The event of what a hunt found."""
        found = [(one.content_id, one.seen_at, one.match) for one in hits]
        return payloads.retro_hits(self._outbox.source, bank, entry, found).encode()

    def last_event(self) -> int:
        """The number of the last event, 0 before the first."""
        return self._outbox.last()

    def event_filter(self, types: Sequence[str] = (), bank: str = "", entry: str = "") -> EventFilter:
        """Which events to look for. Raises InvalidInputError FIELD_INVALID, BANK_ID_INVALID."""
        if bank:
            rules.check_bank_id(bank)
        if entry:
            rules.check_entry_id(entry)
        return EventFilter(types=check_types(types), bank=bank, entry=entry)

    def events(self, after: int, wanted: EventFilter) -> tuple[Sequence[Event], int]:
        """The next wanted events after number `after`, and the number to go on after: `after` itself at the end."""
        return self._outbox.wanted(after, wanted)

    def watch(
        self,
        *,
        after: int | None = None,
        types: Sequence[str] = (),
        bank: str = "",
        entry: str = "",
        stop_at_end: bool = False,
    ) -> Iterator[Event]:
        """Events in order, after the one numbered `after`, without it from now on; waits for more unless `stop_at_end`.

        Raises InvalidInputError FIELD_INVALID, BANK_ID_INVALID.
        """
        wanted = self.event_filter(types, bank, entry)
        if after is not None and after < 0:
            raise InvalidInputError("FIELD_INVALID", f"after {after} is negative", field="after")
        return self._outbox.follow(self.last_event() if after is None else after, wanted, stop_at_end=stop_at_end)

    def add_webhook(
        self,
        url: str,
        *,
        types: Sequence[str] = (),
        bank: str = "",
        description: str = "",
        secret: str = "",
        active: bool = True,
    ) -> tuple[Webhook, str]:
        """Add a receiver of what happens from now on; return it with the secret that signs, made where none is given.

        Raises InvalidInputError (FIELD_INVALID, FIELD_TOO_LONG, BANK_ID_INVALID).
        """
        return self._webhooks.add(url, types=types, bank=bank, description=description, secret=secret, active=active)

    def list_webhooks(self) -> tuple[ListedWebhook, ...]:
        """All receivers, without their secrets, and how far their deliveries have come."""
        return self._webhooks.listed()

    def update_webhook(self, webhook: str, *, active: bool) -> Webhook:
        """Pause a receiver, or take it up again. Raises FIELD_INVALID, NotFoundError WEBHOOK_NOT_FOUND."""
        return self._webhooks.update(webhook, active=active)

    def remove_webhook(self, webhook: str) -> None:
        """Remove a receiver. Raises FIELD_INVALID, NotFoundError WEBHOOK_NOT_FOUND."""
        self._webhooks.remove(webhook)
