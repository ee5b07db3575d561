"""The calls of ReportService."""

import datetime

from hashsvc.client.calls.call import Call, build
from hashsvc.report.model import TransparencyReport
from hashsvc.v1 import report_service_pb2 as report_pb
from hashsvc.wire.decision import encode_moment
from hashsvc.wire.report import decode_report


def report(since: datetime.datetime, until: datetime.datetime | None) -> Call[TransparencyReport]:
    """ReportService.GetTransparencyReport."""
    return Call(
        method="ReportService/GetTransparencyReport",
        request=build(
            report_pb.GetTransparencyReportRequest,
            since=encode_moment(since),
            until=None if until is None else encode_moment(until),
        ),
        response=report_pb.GetTransparencyReportResponse,
        decode=lambda answer: decode_report(answer.report),
        long=True,
    )
