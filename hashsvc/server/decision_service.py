"""DecisionService."""

from hashsvc.server.backend import Backend
from hashsvc.server.context import Context
from hashsvc.service import Service
from hashsvc.v1 import decision_service_pb2 as pb
from hashsvc.v1.decision_service_pb2_grpc import DecisionServiceServicer
from hashsvc.wire.decision import decode_moment, encode_check, encode_decision, encode_replay


class DecisionServicer(DecisionServiceServicer):
    """Answers for decisions through the service."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    async def GetDecision(self, request: pb.GetDecisionRequest, context: Context) -> pb.GetDecisionResponse:
        decision = await self._backend.store.run(self._service.get_decision, request.decision)
        return pb.GetDecisionResponse(decision=encode_decision(decision))

    async def ListDecisions(self, request: pb.ListDecisionsRequest, context: Context) -> pb.ListDecisionsResponse:
        page = await self._backend.store.run(
            self._service.list_decisions,
            kind=request.kind,
            bank=request.bank,
            entry=request.entry,
            content_id=request.content_id,
            since=decode_moment(request.since) if request.HasField("since") else None,
            until=decode_moment(request.until) if request.HasField("until") else None,
            page_size=request.page_size,
            page_token=request.page_token,
        )
        return pb.ListDecisionsResponse(
            decisions=map(encode_decision, page.items), next_page_token=page.next_page_token
        )

    async def VerifyDecisions(self, request: pb.VerifyDecisionsRequest, context: Context) -> pb.VerifyDecisionsResponse:
        return encode_check(await self._backend.verify.run(self._service.verify_decisions, head=request.head))

    async def ReplayDecision(self, request: pb.ReplayDecisionRequest, context: Context) -> pb.ReplayDecisionResponse:
        return encode_replay(await self._backend.hunt.run(self._service.replay, request.decision))

    @property
    def _service(self) -> Service:
        return self._backend.service
