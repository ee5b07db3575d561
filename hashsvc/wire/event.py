"""Event and webhook on the wire."""

import datetime

from google.protobuf.timestamp_pb2 import Timestamp

from hashsvc.events.model import Event
from hashsvc.events.webhook import ListedWebhook, Webhook
from hashsvc.v1 import event_service_pb2 as pb


def encode_event(event: Event) -> pb.Event:
    """The message of `event`."""
    return pb.Event(number=event.number, cloud_event=event.encode().decode())


def decode_event(message: pb.Event) -> Event:
    """The event in `message`."""
    return Event.decode(message.cloud_event, message.number)


def encode_webhook(webhook: Webhook) -> pb.Webhook:
    """The message of `webhook`, which has no secret."""
    created_at = Timestamp()
    created_at.FromDatetime(webhook.created_at)
    return pb.Webhook(
        webhook=webhook.webhook,
        url=webhook.url,
        types=webhook.types,
        bank=webhook.bank,
        description=webhook.description,
        active=webhook.active,
        created_at=created_at,
        revision=webhook.revision,
    )


def decode_webhook(message: pb.Webhook) -> Webhook:
    """The webhook in `message`."""
    return Webhook(
        webhook=message.webhook,
        url=message.url,
        types=tuple(message.types),
        bank=message.bank,
        description=message.description,
        active=message.active,
        created_at=message.created_at.ToDatetime(datetime.UTC),
        revision=message.revision,
    )


def encode_listed(listed: ListedWebhook) -> pb.ListedWebhook:
    """The message of a webhook and its deliveries."""
    progress = pb.WebhookProgress(after=listed.after, held=listed.held, trouble=listed.trouble)
    return pb.ListedWebhook(webhook=encode_webhook(listed.webhook), progress=progress)


def decode_listed(message: pb.ListedWebhook) -> ListedWebhook:
    """The webhook in `message`, and its deliveries."""
    progress = message.progress
    return ListedWebhook(
        webhook=decode_webhook(message.webhook), after=progress.after, held=progress.held, trouble=progress.trouble
    )
