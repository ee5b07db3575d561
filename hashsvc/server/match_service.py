"""MatchService."""

from collections.abc import AsyncIterator

from hashsvc.server.backend import Backend
from hashsvc.server.context import Context
from hashsvc.v1 import match_service_pb2 as pb
from hashsvc.v1.match_service_pb2_grpc import MatchServiceServicer
from hashsvc.wire.match import decode_query, encode_result


class MatchServicer(MatchServiceServicer):
    """Answers matches from the service."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    async def Match(self, request: pb.MatchRequest, context: Context) -> pb.MatchResponse:
        options = request.options
        # A call that may wait for a revision must not hold one of the few threads that search.
        pool = self._backend.wait if options.min_revision else self._backend.match
        return await pool.run(self._match, request, options)

    async def MatchMedia(
        self, request_iterator: AsyncIterator[pb.MatchMediaRequest], context: Context
    ) -> pb.MatchMediaResponse:
        service, uploads = self._backend.service, self._backend.uploads
        options = (await uploads.options(request_iterator)).options
        async with uploads.receive(request_iterator) as media:
            result = await self._backend.media.run(
                service.match_media,
                media,
                banks=tuple(options.banks),
                min_revision=options.min_revision,
                content_id=options.content_id,
            )
        return pb.MatchMediaResponse(result=encode_result(result))

    def _match(self, request: pb.MatchRequest, options: pb.MatchOptions) -> pb.MatchResponse:
        query = decode_query(request)
        result = self._backend.service.match(
            query,
            banks=tuple(options.banks),
            min_revision=options.min_revision,
            content_id=options.content_id,
        )
        return pb.MatchResponse(result=encode_result(result))
