"""The calls of IndexService."""

from hashsvc.client.calls.call import Call
from hashsvc.v1 import index_service_pb2 as index_pb
from hashsvc.wire.index import Status, decode_status


def status() -> Call[Status]:
    """IndexService.GetStatus."""
    return Call(
        method="IndexService/GetStatus",
        request=index_pb.GetStatusRequest(),
        response=index_pb.GetStatusResponse,
        decode=decode_status,
    )


def verify() -> Call[list[str]]:
    """IndexService.Verify."""
    return Call(
        method="IndexService/Verify",
        request=index_pb.VerifyRequest(),
        response=index_pb.VerifyResponse,
        decode=lambda answer: list(answer.faults),
        long=True,
    )
