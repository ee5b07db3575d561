"""AccessService."""

from hashsvc.access.model import DEFAULT_DAYS
from hashsvc.server.backend import Backend
from hashsvc.server.context import Context
from hashsvc.server.gate import current_caller
from hashsvc.v1 import access_service_pb2 as pb
from hashsvc.v1.access_service_pb2_grpc import AccessServiceServicer
from hashsvc.wire.access import decode_asked_role, encode_token


class AccessServicer(AccessServiceServicer):
    """Administers tokens through the service."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    async def CreateToken(self, request: pb.CreateTokenRequest, context: Context) -> pb.CreateTokenResponse:
        made = await self._backend.store.run(
            self._backend.service.create_token,
            request.name,
            decode_asked_role(request.role),
            days=request.days or DEFAULT_DAYS,
            actor=current_caller().name,
        )
        return pb.CreateTokenResponse(token=encode_token(made.token), secret=made.secret)

    async def ListTokens(self, request: pb.ListTokensRequest, context: Context) -> pb.ListTokensResponse:
        page = await self._backend.store.run(
            self._backend.service.list_tokens, page_size=request.page_size, page_token=request.page_token
        )
        return pb.ListTokensResponse(tokens=map(encode_token, page.items), next_page_token=page.next_page_token)

    async def RevokeToken(self, request: pb.RevokeTokenRequest, context: Context) -> pb.RevokeTokenResponse:
        token = await self._backend.store.run(
            self._backend.service.revoke_token, request.token, actor=current_caller().name
        )
        return pb.RevokeTokenResponse(token=encode_token(token))
