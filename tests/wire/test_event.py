"""Events and webhooks over the wire."""

import dataclasses

from hashsvc.bank import records
from hashsvc.events.model import Event
from hashsvc.events.webhook import ListedWebhook, Webhook
from hashsvc.wire.event import decode_event, decode_listed, encode_event, encode_listed

WEBHOOK = Webhook(
    webhook="00f1a2b3c4d5e6f7",
    url="https://a.example/",
    types=("org.hashsvc.retro.hits",),
    bank="default",
    description="police",
    active=False,
    created_at=records.now(),
    revision=7,
)


def test_event() -> None:
    """With its number, and the very bytes that a webhook gets."""
    event = Event(id="e", type="t", source="s", subject="a/ü", time=records.now(), data={"x": [1.5, "ü"]}, number=3)
    assert decode_event(encode_event(event)) == event
    assert encode_event(event).cloud_event.encode() == event.encode()


def test_webhook() -> None:
    """Every field comes back, and there is no field for a secret."""
    for webhook in (WEBHOOK, dataclasses.replace(WEBHOOK, active=True, types=(), bank="")):
        listed = ListedWebhook(webhook=webhook, after=9, held=2, trouble="HTTP 500")
        assert decode_listed(encode_listed(listed)) == listed
    assert "secret" not in {field.name for field in encode_listed(listed).webhook.DESCRIPTOR.fields}
