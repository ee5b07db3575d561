"""The calls of ExchangeService."""

from hashsvc.client.calls.call import Call, build
from hashsvc.v1 import exchange_service_pb2 as exchange_pb


def export(bank: str, format: str) -> Call[list[str]]:
    """ExchangeService.ExportSignals; each answer holds some lines."""
    return Call(
        method="ExchangeService/ExportSignals",
        request=build(exchange_pb.ExportSignalsRequest, bank=bank, format=format),
        response=exchange_pb.ExportSignalsResponse,
        decode=lambda answer: list(answer.lines),
        long=True,
    )
