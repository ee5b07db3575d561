"""ReportService."""

from hashsvc.errors import InvalidInputError
from hashsvc.server.backend import Backend
from hashsvc.server.context import Context
from hashsvc.v1 import report_service_pb2 as pb
from hashsvc.v1.report_service_pb2_grpc import ReportServiceServicer
from hashsvc.wire.decision import decode_moment
from hashsvc.wire.report import encode_report


class ReportServicer(ReportServiceServicer):
    """Counts through the service."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    async def GetTransparencyReport(
        self, request: pb.GetTransparencyReportRequest, context: Context
    ) -> pb.GetTransparencyReportResponse:
        if not request.HasField("since"):
            raise InvalidInputError("FIELD_REQUIRED", "since is required", field="since")
        report = await self._backend.verify.run(
            self._backend.service.report,
            decode_moment(request.since),
            decode_moment(request.until) if request.HasField("until") else None,
        )
        return pb.GetTransparencyReportResponse(report=encode_report(report))
