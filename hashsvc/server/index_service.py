"""IndexService."""

from hashsvc.server.backend import Backend
from hashsvc.server.context import Context
from hashsvc.service import Service
from hashsvc.v1 import index_service_pb2 as pb
from hashsvc.v1.index_service_pb2_grpc import IndexServiceServicer
from hashsvc.wire.index import Status, encode_status


class IndexServicer(IndexServiceServicer):
    """Reports on the index."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    async def GetStatus(self, request: pb.GetStatusRequest, context: Context) -> pb.GetStatusResponse:
        return encode_status(await self._backend.store.run(_status, self._backend.service))

    async def Verify(self, request: pb.VerifyRequest, context: Context) -> pb.VerifyResponse:
        return pb.VerifyResponse(faults=await self._backend.verify.run(self._backend.service.verify))


def _status(service: Service) -> Status:
    # The index's revision is read before the store's, which only grows: the index never seems to be ahead.
    ready, index_revision = service.ready, service.searched_revision
    return Status(
        ready=ready,
        store_revision=service.revision,
        index_revision=index_revision,
        entries=service.entries,
        hashes=service.hashes,
    )
