"""A webhook: who is told of what."""

import dataclasses
import datetime
import re
import urllib.parse
from collections.abc import Sequence

from hashsvc.bank import rules
from hashsvc.errors import InvalidInputError
from hashsvc.events.model import Event, EventFilter, EventType

MAX_URL = 2048
MAX_WEBHOOKS = 32
"""In one data directory: each has a thread of its own, so that a slow receiver delays no other."""
_IDENTIFIER = re.compile(r"[0-9a-f]{16}")
_SCHEMES = ("https", "http")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """A receiver of events. Its secret is kept apart and never listed."""

    webhook: str
    """Identifier, made by the service."""
    url: str
    types: tuple[str, ...] = ()
    """Kinds of events it is sent; none: all."""
    bank: str = ""
    """Only events of this bank; empty: of every bank."""
    description: str = ""
    """For people: whom it alerts, and why. A law enforcement contact is a webhook with a description."""
    active: bool = True
    created_at: datetime.datetime
    revision: int
    """The revision of its last change."""

    def wants(self, event: Event) -> bool:
        """Whether it is sent `event`."""
        return EventFilter(types=self.types, bank=self.bank).wants(event)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a webhook's deliveries have come."""

    after: int = 0
    """Every event up to this number was delivered, was not wanted, or is in `held`."""
    held: tuple[int, ...] = ()
    """Events that the receiver refused, and later ones of the same subjects, which wait for them; in order."""
    trouble: str = ""
    """What keeps the next one from being delivered; empty when nothing does."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ListedWebhook:
    """A webhook, and how far its deliveries have come."""

    webhook: Webhook
    after: int
    held: int
    """How many events wait behind a refusal."""
    trouble: str


def check_url(url: str) -> str:
    """`url` itself. Raises InvalidInputError FIELD_INVALID, FIELD_TOO_LONG."""
    rules.check_text("url", url, MAX_URL)
    try:
        parts = urllib.parse.urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise _bad_url(str(error)) from error
    if parts.scheme not in _SCHEMES or not parts.hostname or port == 0:
        raise _bad_url("it is not http://HOST/... or https://HOST/...")
    if parts.username is not None or parts.password is not None:
        raise _bad_url("it holds a user name, which would be listed; the signature tells the receiver who calls")
    if parts.fragment or not url.isascii() or any(sign.isspace() for sign in url):
        raise _bad_url("it holds a fragment, a space, or a sign that is not ASCII")
    return url


def check_types(types: Sequence[str]) -> tuple[str, ...]:
    """`types`, in order and once each. Raises InvalidInputError FIELD_INVALID for one that there is not."""
    known = [str(one) for one in EventType]
    for one in types:
        if one not in known:
            raise InvalidInputError(
                "FIELD_INVALID", f"{one[:80]!r} is no kind of event; there are {', '.join(known)}", field="types"
            )
    return tuple(sorted(set(types)))


def check_webhook_id(webhook: str) -> str:
    """`webhook` itself. Raises InvalidInputError FIELD_INVALID."""
    if not _IDENTIFIER.fullmatch(webhook):
        raise InvalidInputError("FIELD_INVALID", "a webhook is named by 16 hex digits", field="webhook")
    return webhook


def _bad_url(why: str) -> InvalidInputError:
    return InvalidInputError("FIELD_INVALID", f"not a URL to send to: {why}", field="url")
