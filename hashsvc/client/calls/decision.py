"""The calls of DecisionService."""

import datetime

from hashsvc.bank.model import Page
from hashsvc.client.calls.call import Call, build
from hashsvc.decisions.model import Decision, LogCheck, Replay
from hashsvc.v1 import decision_service_pb2 as decision_pb
from hashsvc.wire.decision import decode_check, decode_decision, decode_replay, encode_moment


def get_decision(decision: int) -> Call[Decision]:
    """DecisionService.GetDecision."""
    return Call(
        method="DecisionService/GetDecision",
        request=build(decision_pb.GetDecisionRequest, decision=decision),
        response=decision_pb.GetDecisionResponse,
        decode=lambda answer: decode_decision(answer.decision),
    )


def list_decisions(
    kind: str, bank: str, entry: str, content_id: str, since: datetime.datetime | None,
    until: datetime.datetime | None, page_size: int, page_token: str,
) -> Call[Page[Decision]]:  # fmt: skip
    """DecisionService.ListDecisions."""
    return Call(
        method="DecisionService/ListDecisions",
        request=build(
            decision_pb.ListDecisionsRequest,
            kind=kind,
            bank=bank,
            entry=entry,
            content_id=content_id,
            since=None if since is None else encode_moment(since),
            until=None if until is None else encode_moment(until),
            page_size=page_size,
            page_token=page_token,
        ),
        response=decision_pb.ListDecisionsResponse,
        decode=lambda answer: Page(
            items=tuple(map(decode_decision, answer.decisions)), next_page_token=answer.next_page_token
        ),
    )


def verify_decisions(head: str) -> Call[LogCheck]:
    """DecisionService.VerifyDecisions."""
    return Call(
        method="DecisionService/VerifyDecisions",
        request=build(decision_pb.VerifyDecisionsRequest, head=head),
        response=decision_pb.VerifyDecisionsResponse,
        decode=decode_check,
        long=True,
    )


def replay(decision: int) -> Call[Replay]:
    """DecisionService.ReplayDecision."""
    return Call(
        method="DecisionService/ReplayDecision",
        request=build(decision_pb.ReplayDecisionRequest, decision=decision),
        response=decision_pb.ReplayDecisionResponse,
        decode=decode_replay,
        long=True,
    )
