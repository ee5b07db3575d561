"""AppealService."""

from hashsvc.server.backend import Backend
from hashsvc.server.context import Context
from hashsvc.server.gate import current_caller
from hashsvc.service import Service
from hashsvc.v1 import appeal_service_pb2 as pb
from hashsvc.v1.appeal_service_pb2_grpc import AppealServiceServicer
from hashsvc.wire.appeal import decode_disputes, decode_outcome, encode_appeal


class AppealServicer(AppealServiceServicer):
    """Opens, shows and decides appeals through the service."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    async def OpenAppeal(self, request: pb.OpenAppealRequest, context: Context) -> pb.OpenAppealResponse:
        appeal = await self._backend.store.run(
            self._service.open_appeal,
            request.text,
            decision=request.decision,
            content_id=request.content_id,
            appellant=request.appellant,
            actor=current_caller().name,
        )
        return pb.OpenAppealResponse(appeal=encode_appeal(appeal))

    async def GetAppeal(self, request: pb.GetAppealRequest, context: Context) -> pb.GetAppealResponse:
        appeal = await self._backend.store.run(self._service.get_appeal, request.appeal)
        return pb.GetAppealResponse(appeal=encode_appeal(appeal))

    async def ListAppeals(self, request: pb.ListAppealsRequest, context: Context) -> pb.ListAppealsResponse:
        page = await self._backend.store.run(
            self._service.list_appeals,
            state=request.state,
            content_id=request.content_id,
            page_size=request.page_size,
            page_token=request.page_token,
        )
        return pb.ListAppealsResponse(appeals=map(encode_appeal, page.items), next_page_token=page.next_page_token)

    async def DecideAppeal(self, request: pb.DecideAppealRequest, context: Context) -> pb.DecideAppealResponse:
        appeal = await self._backend.store.run(
            self._service.decide_appeal,
            request.appeal,
            upheld=decode_outcome(request.outcome),
            reason=request.reason,
            dispute=decode_disputes(request),
            revision=request.revision,
            actor=current_caller().name,
        )
        return pb.DecideAppealResponse(appeal=encode_appeal(appeal))

    async def ReinstateContent(
        self, request: pb.ReinstateContentRequest, context: Context
    ) -> pb.ReinstateContentResponse:
        appeal = await self._backend.store.run(
            self._service.reinstate_content, request.appeal, actor=current_caller().name
        )
        return pb.ReinstateContentResponse(appeal=encode_appeal(appeal))

    @property
    def _service(self) -> Service:
        return self._backend.service
