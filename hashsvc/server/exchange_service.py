"""ExchangeService."""

from collections.abc import AsyncIterator, Iterator

from hashsvc.server.backend import Backend
from hashsvc.server.context import Context
from hashsvc.v1 import exchange_service_pb2 as pb
from hashsvc.v1.exchange_service_pb2_grpc import ExchangeServiceServicer

_BATCH_LINES = 1000
_BATCH_CHARACTERS = 256 * 1024


class ExchangeServicer(ExchangeServiceServicer):
    """Exports signals from the service."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    async def ExportSignals(
        self, request: pb.ExportSignalsRequest, context: Context
    ) -> AsyncIterator[pb.ExportSignalsResponse]:
        # One batch at a time on the pool: a slow reader holds no thread while it reads.
        lines = await self._backend.store.run(self._backend.service.export, request.bank, request.format)
        while batch := await self._backend.store.run(_batch, lines):
            yield pb.ExportSignalsResponse(lines=batch)


def _batch(lines: Iterator[str]) -> list[str]:
    """The next lines, about as many as fit a message of moderate size; none at the end."""
    batch: list[str] = []
    characters = 0
    for line in lines:
        batch.append(line)
        characters += len(line)
        if len(batch) >= _BATCH_LINES or characters >= _BATCH_CHARACTERS:
            break
    return batch
