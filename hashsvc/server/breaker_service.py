"""BreakerService."""

from hashsvc.server.backend import Backend
from hashsvc.server.context import Context
from hashsvc.server.gate import current_caller
from hashsvc.service import Service
from hashsvc.v1 import breaker_service_pb2 as pb
from hashsvc.v1.breaker_service_pb2_grpc import BreakerServiceServicer
from hashsvc.wire.breaker import encode_breaker


class BreakerServicer(BreakerServiceServicer):
    """Shows and resets breakers through the service."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    async def ListBreakers(self, request: pb.ListBreakersRequest, context: Context) -> pb.ListBreakersResponse:
        page = await self._backend.store.run(
            self._service.list_breakers, page_size=request.page_size, page_token=request.page_token
        )
        return pb.ListBreakersResponse(breakers=map(encode_breaker, page.items), next_page_token=page.next_page_token)

    async def GetBreaker(self, request: pb.GetBreakerRequest, context: Context) -> pb.GetBreakerResponse:
        breaker = await self._backend.store.run(self._service.get_breaker, request.bank, request.entry)
        return pb.GetBreakerResponse(breaker=encode_breaker(breaker))

    async def ResetBreaker(self, request: pb.ResetBreakerRequest, context: Context) -> pb.ResetBreakerResponse:
        breaker = await self._backend.store.run(
            self._service.reset_breaker,
            request.bank,
            request.entry,
            hits=request.hits,
            actor=current_caller().name,
        )
        return pb.ResetBreakerResponse(breaker=encode_breaker(breaker))

    @property
    def _service(self) -> Service:
        return self._backend.service
