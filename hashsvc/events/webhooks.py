"""The webhooks of a data directory, as the store keeps them."""

import contextlib
import dataclasses
import secrets
from collections.abc import Sequence
from typing import Any

import msgpack

from hashsvc.bank import records, rules
from hashsvc.errors import InvalidInputError, NotFoundError
from hashsvc.events.outbox import Outbox
from hashsvc.events.signature import check_secret, new_secret
from hashsvc.events.webhook import (
    MAX_WEBHOOKS,
    ListedWebhook,
    Progress,
    Webhook,
    check_types,
    check_url,
    check_webhook_id,
)
from hashsvc_index import DocumentRecord, Store
from hashsvc_index.errors import DocumentNotFoundError

_KIND, _PROGRESS = "webhook", "webhook-progress"


class Webhooks:
    """Thread-safe. A webhook is a document, and how far its deliveries have come another."""

    def __init__(self, store: Store, outbox: Outbox) -> None:
        self._store = store
        self._outbox = outbox

    def add(
        self, url: str, *, types: Sequence[str], bank: str, description: str, secret: str, active: bool
    ) -> tuple[Webhook, str]:
        """A new webhook that is sent what happens from now on, and its secret.

        Raises InvalidInputError FIELD_INVALID, FIELD_TOO_LONG, BANK_ID_INVALID.
        """
        if bank:
            rules.check_bank_id(bank)
        rules.check_text("description", description)
        made = Webhook(
            webhook=secrets.token_hex(8),
            url=check_url(url),
            types=check_types(types),
            bank=bank,
            description=description,
            active=active,
            created_at=records.now(),
            revision=0,
        )
        secret = check_secret(secret) if secret else new_secret()
        if len(self.all()) >= MAX_WEBHOOKS:
            raise InvalidInputError(
                "FIELD_TOO_LONG", f"there are {MAX_WEBHOOKS} webhooks already", field="webhooks", limit=MAX_WEBHOOKS
            )
        # The place to begin at is on disk before anything is delivered.
        progress = _packed_progress(Progress(after=self._outbox.last()))
        self._store.put_document(_PROGRESS, made.webhook, progress, create=True)
        revision = self._store.put_document(_KIND, made.webhook, _packed(made, secret), create=True)
        return dataclasses.replace(made, revision=revision), secret

    def get(self, webhook: str) -> Webhook:
        """Raises InvalidInputError FIELD_INVALID, NotFoundError WEBHOOK_NOT_FOUND."""
        return _webhook(self._record(webhook))

    def secret(self, webhook: str) -> str:
        """What signs its events. Raises as `get`."""
        fields = msgpack.unpackb(self._record(webhook).payload, timestamp=3)
        secret: str = fields["secret"]
        return secret

    def all(self) -> list[Webhook]:
        """All, in the order in which they were added."""
        found = self._store.list_documents(_KIND, "", 2 * MAX_WEBHOOKS)
        return sorted(map(_webhook, found), key=lambda one: (one.created_at, one.webhook))

    def listed(self) -> tuple[ListedWebhook, ...]:
        """All, with how far their deliveries have come."""
        progress = [(one, self.progress(one.webhook)) for one in self.all()]
        return tuple(
            ListedWebhook(webhook=one, after=its.after, held=len(its.held), trouble=its.trouble)
            for one, its in progress
        )

    def update(self, webhook: str, *, active: bool) -> Webhook:
        """Raises as `get`, and the store's REVISION_CONFLICT."""
        record = self._record(webhook)
        changed = dataclasses.replace(_webhook(record), active=active)
        secret = msgpack.unpackb(record.payload, timestamp=3)["secret"]
        revision = self._store.put_document(
            _KIND, webhook, _packed(changed, secret), create=False, expected_revision=record.revision
        )
        return dataclasses.replace(changed, revision=revision)

    def remove(self, webhook: str) -> None:
        """Raises as `get`."""
        self._record(webhook)
        for kind in (_KIND, _PROGRESS):
            with contextlib.suppress(DocumentNotFoundError):  # somebody else was first
                self._store.delete_document(kind, webhook)

    def progress(self, webhook: str) -> Progress:
        """How far the deliveries of a webhook have come, as last written down."""
        try:
            fields = msgpack.unpackb(self._store.get_document(_PROGRESS, webhook).payload)
        except DocumentNotFoundError:
            return Progress()
        return Progress(after=fields["after"], held=tuple(fields["held"]), trouble=fields["trouble"])

    def save(self, webhook: str, progress: Progress) -> None:
        """Write down how far they have come; nothing where the webhook was removed meanwhile."""
        with contextlib.suppress(DocumentNotFoundError):
            self._store.put_document(_PROGRESS, webhook, _packed_progress(progress), create=False)

    def _record(self, webhook: str) -> DocumentRecord:
        try:
            return self._store.get_document(_KIND, check_webhook_id(webhook))
        except DocumentNotFoundError as error:
            raise NotFoundError("WEBHOOK_NOT_FOUND", f"there is no webhook {webhook}", webhook=webhook) from error


def _packed_progress(progress: Progress) -> bytes:
    return bytes(msgpack.packb(dataclasses.asdict(progress)))


def _packed(webhook: Webhook, secret: str) -> bytes:
    fields = dataclasses.asdict(webhook) | {"secret": secret}
    del fields["revision"]
    return bytes(msgpack.packb(fields, datetime=True))


def _webhook(record: DocumentRecord) -> Webhook:
    fields: dict[str, Any] = msgpack.unpackb(record.payload, timestamp=3)
    del fields["secret"]
    fields["types"] = tuple(fields["types"])
    return Webhook(**fields, revision=record.revision)
