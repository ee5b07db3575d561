"""Transparency reports on the wire."""

from hashsvc.report.model import (
    AppealCount,
    Enforcement,
    StepCount,
    TransparencyReport,
    UploadCount,
    VerdictCount,
)
from hashsvc.v1 import report_service_pb2 as pb
from hashsvc.wire.bank import decode_verdict, encode_verdict
from hashsvc.wire.decision import decode_moment, encode_moment


def encode_report(report: TransparencyReport) -> pb.TransparencyReport:
    """The message of `report`."""
    enforced, appeals = report.enforcement, report.appeals
    return pb.TransparencyReport(
        since=encode_moment(report.since),
        until=encode_moment(report.until),
        decisions=report.decisions,
        head=report.head,
        faults=report.faults,
        verdicts=[
            pb.VerdictCount(
                verdict=encode_verdict(one.verdict), decisions=one.decisions, uploads=one.uploads, exact=one.exact
            )
            for one in report.verdicts
        ],
        uploads=[
            pb.UploadCount(label=one.label, source=one.source, verdict=encode_verdict(one.verdict), uploads=one.uploads)
            for one in report.uploads
        ],
        held=report.held,
        steps=[pb.StepCount(kind=one.kind, step=one.step, count=one.count) for one in report.steps],
        enforcement=pb.Enforcement(
            entries=enforced.entries, median_seconds=enforced.median_seconds, waiting=enforced.waiting
        ),
        appeals=pb.AppealCount(
            opened=appeals.opened,
            upheld=appeals.upheld,
            rejected=appeals.rejected,
            open_at_end=appeals.open_at_end,
            median_seconds=appeals.median_seconds,
            reinstated=appeals.reinstated,
        ),
    )


def decode_report(message: pb.TransparencyReport) -> TransparencyReport:
    """The report in `message`. Raises InternalError for a verdict that this version does not know."""
    enforced, appeals = message.enforcement, message.appeals
    return TransparencyReport(
        since=decode_moment(message.since),
        until=decode_moment(message.until),
        decisions=message.decisions,
        head=message.head,
        faults=tuple(message.faults),
        verdicts=tuple(
            VerdictCount(
                verdict=decode_verdict(one.verdict), decisions=one.decisions, uploads=one.uploads, exact=one.exact
            )
            for one in message.verdicts
        ),
        uploads=tuple(
            UploadCount(label=one.label, source=one.source, verdict=decode_verdict(one.verdict), uploads=one.uploads)
            for one in message.uploads
        ),
        held=message.held,
        steps=tuple(StepCount(kind=one.kind, step=one.step, count=one.count) for one in message.steps),
        enforcement=Enforcement(
            entries=enforced.entries,
            median_seconds=enforced.median_seconds if enforced.HasField("median_seconds") else None,
            waiting=enforced.waiting,
        ),
        appeals=AppealCount(
            opened=appeals.opened,
            upheld=appeals.upheld,
            rejected=appeals.rejected,
            open_at_end=appeals.open_at_end,
            median_seconds=appeals.median_seconds if appeals.HasField("median_seconds") else None,
            reinstated=appeals.reinstated,
        ),
    )
