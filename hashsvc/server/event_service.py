"""EventService."""

from collections.abc import AsyncIterator

from hashsvc.errors import InvalidInputError
from hashsvc.server.backend import Backend
from hashsvc.server.context import Context
from hashsvc.service import Service
from hashsvc.v1 import event_service_pb2 as pb
from hashsvc.v1.event_service_pb2_grpc import EventServiceServicer
from hashsvc.wire.event import encode_event, encode_listed, encode_webhook

_LOOK_SECONDS = 0.2
_BATCH = 50
"""Events in one message; an event is a few kB."""


class EventServicer(EventServiceServicer):
    """Tells events from the service, and administers webhooks through it."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    async def Watch(self, request: pb.WatchRequest, context: Context) -> AsyncIterator[pb.WatchResponse]:
        service, store = self._service, self._backend.store
        wanted = service.event_filter(tuple(request.types), request.bank, request.entry)
        after = request.after if request.HasField("after") else await store.run(service.last_event)
        await context.send_initial_metadata(())
        # A look at a time on the pool: whoever watches holds no thread between two.
        while True:
            events, reached = await store.run(service.events, after, wanted)
            for first in range(0, len(events), _BATCH):
                yield pb.WatchResponse(events=map(encode_event, events[first : first + _BATCH]))
            if reached == after:
                if request.stop_at_end:
                    return
                await self._backend.pause(_LOOK_SECONDS)
            after = reached

    async def AddWebhook(self, request: pb.AddWebhookRequest, context: Context) -> pb.AddWebhookResponse:
        if not request.HasField("webhook"):
            raise InvalidInputError("FIELD_REQUIRED", "a webhook is required", field="webhook")
        new = request.webhook
        webhook, secret = await self._backend.store.run(
            self._service.add_webhook,
            new.url,
            types=tuple(new.types),
            bank=new.bank,
            description=new.description,
            secret=request.secret,
            active=new.active or not new.HasField("active"),
        )
        return pb.AddWebhookResponse(webhook=encode_webhook(webhook), secret=secret)

    async def ListWebhooks(self, request: pb.ListWebhooksRequest, context: Context) -> pb.ListWebhooksResponse:
        listed = await self._backend.store.run(self._service.list_webhooks)
        return pb.ListWebhooksResponse(webhooks=map(encode_listed, listed))

    async def UpdateWebhook(self, request: pb.UpdateWebhookRequest, context: Context) -> pb.UpdateWebhookResponse:
        webhook = await self._backend.store.run(self._service.update_webhook, request.webhook, active=request.active)
        return pb.UpdateWebhookResponse(webhook=encode_webhook(webhook))

    async def RemoveWebhook(self, request: pb.RemoveWebhookRequest, context: Context) -> pb.RemoveWebhookResponse:
        await self._backend.store.run(self._service.remove_webhook, request.webhook)
        return pb.RemoveWebhookResponse()

    @property
    def _service(self) -> Service:
        return self._backend.service
