"""The calls of EventService."""

from collections.abc import Sequence

from hashsvc.client.calls.call import Call, build
from hashsvc.events.model import Event
from hashsvc.events.webhook import ListedWebhook, Webhook
from hashsvc.v1 import event_service_pb2 as event_pb
from hashsvc.wire.event import decode_event, decode_listed, decode_webhook


def watch(after: int | None, types: Sequence[str], bank: str, entry: str, stop_at_end: bool) -> Call[list[Event]]:
    """EventService.Watch; each answer holds some events. Repeated by itself it could tell some twice."""
    request = build(event_pb.WatchRequest, after=after, types=types, bank=bank, entry=entry, stop_at_end=stop_at_end)
    return Call(
        method="EventService/Watch",
        request=request,
        response=event_pb.WatchResponse,
        decode=lambda answer: list(map(decode_event, answer.events)),
        repeatable=False,
        long=True,
    )


def add_webhook(
    url: str, types: Sequence[str], bank: str, description: str, secret: str, active: bool
) -> Call[tuple[Webhook, str]]:
    """EventService.AddWebhook; a second arrival would add a second one."""
    new = build(event_pb.Webhook, url=url, types=types, bank=bank, description=description, active=active)
    return Call(
        method="EventService/AddWebhook",
        request=build(event_pb.AddWebhookRequest, webhook=new, secret=secret),
        response=event_pb.AddWebhookResponse,
        decode=lambda answer: (decode_webhook(answer.webhook), answer.secret),
        repeatable=False,
    )


def list_webhooks() -> Call[tuple[ListedWebhook, ...]]:
    """EventService.ListWebhooks."""
    return Call(
        method="EventService/ListWebhooks",
        request=event_pb.ListWebhooksRequest(),
        response=event_pb.ListWebhooksResponse,
        decode=lambda answer: tuple(map(decode_listed, answer.webhooks)),
    )


def update_webhook(webhook: str, active: bool) -> Call[Webhook]:
    """EventService.UpdateWebhook."""
    return Call(
        method="EventService/UpdateWebhook",
        request=build(event_pb.UpdateWebhookRequest, webhook=webhook, active=active),
        response=event_pb.UpdateWebhookResponse,
        decode=lambda answer: decode_webhook(answer.webhook),
    )


def remove_webhook(webhook: str) -> Call[None]:
    """EventService.RemoveWebhook; a second arrival would be WEBHOOK_NOT_FOUND."""
    return Call(
        method="EventService/RemoveWebhook",
        request=build(event_pb.RemoveWebhookRequest, webhook=webhook),
        response=event_pb.RemoveWebhookResponse,
        decode=lambda answer: None,
        repeatable=False,
    )
