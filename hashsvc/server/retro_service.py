"""RetroService."""

import asyncio
from collections.abc import AsyncIterator

from hashsvc.errors import InvalidInputError
from hashsvc.retro.model import Hunt
from hashsvc.server.backend import Backend
from hashsvc.server.context import Context
from hashsvc.v1 import retro_service_pb2 as pb
from hashsvc.v1.retro_service_pb2_grpc import RetroServiceServicer
from hashsvc.wire.bank import decode_intervals
from hashsvc.wire.fingerprint import decode_fingerprint
from hashsvc.wire.retro import encode_dry_run, encode_hit, encode_hunt


class RetroServicer(RetroServiceServicer):
    """Hunts through the service."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    async def Hunt(self, request: pb.HuntRequest, context: Context) -> AsyncIterator[pb.HuntResponse]:
        told: asyncio.Queue[Hunt] = asyncio.Queue()
        loop = asyncio.get_running_loop()

        def tell(hunt: Hunt) -> None:
            loop.call_soon_threadsafe(told.put_nowait, hunt)

        hunting = asyncio.ensure_future(
            self._backend.hunt.run(
                self._backend.service.hunt,
                request.bank,
                request.entry,
                progress=tell,
            )
        )
        next_one = asyncio.ensure_future(told.get())
        try:
            while not hunting.done():
                await asyncio.wait((hunting, next_one), return_when=asyncio.FIRST_COMPLETED)
                if next_one.done() and not hunting.done():
                    yield pb.HuntResponse(hunt=encode_hunt(next_one.result()))
                    next_one = asyncio.ensure_future(told.get())
            yield pb.HuntResponse(hunt=encode_hunt(await hunting))
        finally:
            next_one.cancel()

    async def GetHunt(self, request: pb.GetHuntRequest, context: Context) -> pb.GetHuntResponse:
        hunt = await self._backend.store.run(self._backend.service.get_hunt, request.bank, request.entry)
        return pb.GetHuntResponse(hunt=encode_hunt(hunt))

    async def ListHits(self, request: pb.ListHitsRequest, context: Context) -> pb.ListHitsResponse:
        page = await self._backend.store.run(
            self._backend.service.list_hits,
            request.bank,
            request.entry,
            page_size=request.page_size,
            page_token=request.page_token,
        )
        return pb.ListHitsResponse(hits=map(encode_hit, page.items), next_page_token=page.next_page_token)

    async def DryRun(self, request: pb.DryRunRequest, context: Context) -> pb.DryRunResponse:
        if not request.HasField("fingerprint"):
            raise InvalidInputError("FIELD_REQUIRED", "a fingerprint is required", field="fingerprint")
        run = await self._backend.hunt.run(
            self._backend.service.dry_run,
            request.bank,
            decode_fingerprint(request.fingerprint),
            exclusions=decode_intervals(request.exclusions),
            labels=tuple(request.labels),
        )
        return encode_dry_run(run)
