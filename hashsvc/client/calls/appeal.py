"""The calls of AppealService."""

from collections.abc import Sequence

from hashsvc.appeals.model import Appeal
from hashsvc.bank.model import Page
from hashsvc.client.calls.call import Call, Place, build
from hashsvc.v1 import appeal_service_pb2 as appeal_pb
from hashsvc.wire.appeal import decode_appeal, encode_disputes, encode_outcome


def open_appeal(text: str, decision: int, content_id: str, appellant: str) -> Call[Appeal]:
    """AppealService.OpenAppeal; a second arrival would open a second one."""
    return Call(
        method="AppealService/OpenAppeal",
        request=build(
            appeal_pb.OpenAppealRequest, text=text, decision=decision, content_id=content_id, appellant=appellant
        ),
        response=appeal_pb.OpenAppealResponse,
        decode=lambda answer: decode_appeal(answer.appeal),
        repeatable=False,
    )


def get_appeal(appeal: str) -> Call[Appeal]:
    """AppealService.GetAppeal."""
    return Call(
        method="AppealService/GetAppeal",
        request=build(appeal_pb.GetAppealRequest, appeal=appeal),
        response=appeal_pb.GetAppealResponse,
        decode=lambda answer: decode_appeal(answer.appeal),
    )


def list_appeals(state: str, content_id: str, page_size: int, page_token: str) -> Call[Page[Appeal]]:
    """AppealService.ListAppeals."""
    return Call(
        method="AppealService/ListAppeals",
        request=build(
            appeal_pb.ListAppealsRequest,
            state=state,
            content_id=content_id,
            page_size=page_size,
            page_token=page_token,
        ),
        response=appeal_pb.ListAppealsResponse,
        decode=lambda answer: Page(
            items=tuple(map(decode_appeal, answer.appeals)), next_page_token=answer.next_page_token
        ),
    )


def decide_appeal(
    appeal: str, upheld: bool, reason: str, dispute: Sequence[Place] | None, revision: int
) -> Call[Appeal]:
    """AppealService.DecideAppeal; a second arrival would be APPEAL_STATE."""
    return Call(
        method="AppealService/DecideAppeal",
        request=build(
            appeal_pb.DecideAppealRequest,
            appeal=appeal,
            outcome=encode_outcome(upheld),
            reason=reason,
            dispute=encode_disputes(dispute),
            revision=revision,
        ),
        response=appeal_pb.DecideAppealResponse,
        decode=lambda answer: decode_appeal(answer.appeal),
        repeatable=False,
    )


def reinstate_content(appeal: str) -> Call[Appeal]:
    """AppealService.ReinstateContent; a second arrival would be APPEAL_STATE."""
    return Call(
        method="AppealService/ReinstateContent",
        request=build(appeal_pb.ReinstateContentRequest, appeal=appeal),
        response=appeal_pb.ReinstateContentResponse,
        decode=lambda answer: decode_appeal(answer.appeal),
        repeatable=False,
    )
