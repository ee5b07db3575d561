"""The calls of BreakerService."""

from hashsvc.bank.breaker import Breaker
from hashsvc.bank.model import Page
from hashsvc.client.calls.call import Call, build
from hashsvc.v1 import breaker_service_pb2 as breaker_pb
from hashsvc.wire.breaker import decode_breaker


def list_breakers(page_size: int, page_token: str) -> Call[Page[Breaker]]:
    """BreakerService.ListBreakers."""
    return Call(
        method="BreakerService/ListBreakers",
        request=build(breaker_pb.ListBreakersRequest, page_size=page_size, page_token=page_token),
        response=breaker_pb.ListBreakersResponse,
        decode=lambda answer: Page(
            items=tuple(map(decode_breaker, answer.breakers)), next_page_token=answer.next_page_token
        ),
    )


def get_breaker(bank: str, entry: str) -> Call[Breaker]:
    """BreakerService.GetBreaker."""
    return Call(
        method="BreakerService/GetBreaker",
        request=build(breaker_pb.GetBreakerRequest, bank=bank, entry=entry),
        response=breaker_pb.GetBreakerResponse,
        decode=lambda answer: decode_breaker(answer.breaker),
    )


def reset_breaker(bank: str, entry: str, hits: int) -> Call[Breaker]:
    """BreakerService.ResetBreaker; a second arrival would be BREAKER_NOT_TRIPPED."""
    return Call(
        method="BreakerService/ResetBreaker",
        request=build(breaker_pb.ResetBreakerRequest, bank=bank, entry=entry, hits=hits),
        response=breaker_pb.ResetBreakerResponse,
        decode=lambda answer: decode_breaker(answer.breaker),
        repeatable=False,
    )
