"""IncidentService."""

from hashsvc.bank.incident import DEFAULT_BREAKER_HITS, DEFAULT_HOURS
from hashsvc.bank.model import Depth
from hashsvc.server.backend import Backend
from hashsvc.server.context import Context
from hashsvc.server.gate import current_caller
from hashsvc.service import Service
from hashsvc.v1 import incident_service_pb2 as pb
from hashsvc.v1.incident_service_pb2_grpc import IncidentServiceServicer
from hashsvc.wire.bank import decode_depth
from hashsvc.wire.incident import decode_names, encode_counts, encode_debrief, encode_incident


class IncidentServicer(IncidentServiceServicer):
    """Opens, reads and closes incidents through the service."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    async def OpenIncident(self, request: pb.OpenIncidentRequest, context: Context) -> pb.OpenIncidentResponse:
        incident = await self._backend.store.run(
            self._service.open_incident,
            request.incident,
            description=request.description,
            reason=request.reason,
            entries=decode_names(request.entries),
            depth=decode_depth(request.depth) if request.depth else Depth.DEEP,
            breaker_hits=request.breaker_hits or DEFAULT_BREAKER_HITS,
            hours=request.hours or DEFAULT_HOURS,
            actor=current_caller().name,
        )
        return pb.OpenIncidentResponse(incident=encode_incident(incident))

    async def GetIncident(self, request: pb.GetIncidentRequest, context: Context) -> pb.GetIncidentResponse:
        incident, counts = await self._backend.store.run(self._service.get_incident, request.incident)
        return pb.GetIncidentResponse(incident=encode_incident(incident), counts=encode_counts(counts))

    async def ListIncidents(self, request: pb.ListIncidentsRequest, context: Context) -> pb.ListIncidentsResponse:
        page = await self._backend.store.run(
            self._service.list_incidents, page_size=request.page_size, page_token=request.page_token
        )
        return pb.ListIncidentsResponse(
            incidents=map(encode_incident, page.items), next_page_token=page.next_page_token
        )

    async def AddIncidentEntries(
        self, request: pb.AddIncidentEntriesRequest, context: Context
    ) -> pb.AddIncidentEntriesResponse:
        incident = await self._backend.store.run(
            self._service.add_to_incident,
            request.incident,
            decode_names(request.entries),
            revision=request.revision,
            actor=current_caller().name,
        )
        return pb.AddIncidentEntriesResponse(incident=encode_incident(incident))

    async def RemoveIncidentEntries(
        self, request: pb.RemoveIncidentEntriesRequest, context: Context
    ) -> pb.RemoveIncidentEntriesResponse:
        incident = await self._backend.store.run(
            self._service.remove_from_incident,
            request.incident,
            decode_names(request.entries),
            revision=request.revision,
            actor=current_caller().name,
        )
        return pb.RemoveIncidentEntriesResponse(incident=encode_incident(incident))

    async def ExtendIncident(self, request: pb.ExtendIncidentRequest, context: Context) -> pb.ExtendIncidentResponse:
        incident = await self._backend.store.run(
            self._service.extend_incident,
            request.incident,
            hours=request.hours or DEFAULT_HOURS,
            reason=request.reason,
            revision=request.revision,
            actor=current_caller().name,
        )
        return pb.ExtendIncidentResponse(incident=encode_incident(incident))

    async def ReopenIncident(self, request: pb.ReopenIncidentRequest, context: Context) -> pb.ReopenIncidentResponse:
        incident = await self._backend.store.run(
            self._service.reopen_incident,
            request.incident,
            hours=request.hours or DEFAULT_HOURS,
            reason=request.reason,
            revision=request.revision,
            actor=current_caller().name,
        )
        return pb.ReopenIncidentResponse(incident=encode_incident(incident))

    async def CloseIncident(self, request: pb.CloseIncidentRequest, context: Context) -> pb.CloseIncidentResponse:
        incident = await self._backend.store.run(
            self._service.close_incident,
            request.incident,
            reason=request.reason,
            revision=request.revision,
            actor=current_caller().name,
        )
        return pb.CloseIncidentResponse(incident=encode_incident(incident))

    async def DebriefIncident(self, request: pb.DebriefIncidentRequest, context: Context) -> pb.DebriefIncidentResponse:
        debrief = await self._backend.store.run(self._service.debrief_incident, request.incident)
        return encode_debrief(debrief)

    @property
    def _service(self) -> Service:
        return self._backend.service
