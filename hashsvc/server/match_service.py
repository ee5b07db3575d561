"""MatchService."""

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import Future

from hashsvc.server.backend import Backend
from hashsvc.server.context import Context
from hashsvc.server.gate import current_caller
from hashsvc.server.pool import Pool
from hashsvc.v1 import match_service_pb2 as pb
from hashsvc.v1.match_service_pb2_grpc import MatchServiceServicer
from hashsvc.wire.match import decode_query, encode_result


class MatchServicer(MatchServiceServicer):
    """Answers matches from the service."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    async def Match(self, request: pb.MatchRequest, context: Context) -> pb.MatchResponse:
        options = request.options
        response, logged = await self._pool(request).run(self._judge, request, options, current_caller().name)
        if logged is not None:  # waited for here, and by none of the threads that search
            await asyncio.wrap_future(logged)
        return response

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
                actor=current_caller().name,
            )
        return pb.MatchMediaResponse(result=encode_result(result))

    def _pool(self, request: pb.MatchRequest) -> Pool:
        """A call that may wait for a revision, or takes long, must not hold one of the few threads that search."""
        if request.options.min_revision:
            return self._backend.wait
        return self._backend.deep if request.fingerprint.activity else self._backend.match

    def _judge(
        self, request: pb.MatchRequest, options: pb.MatchOptions, actor: str
    ) -> "tuple[pb.MatchResponse, Future[int] | None]":
        """The answer, and what is to be waited for before it is given."""
        judged = self._backend.service.judge(
            decode_query(request),
            banks=tuple(options.banks),
            min_revision=options.min_revision,
            content_id=options.content_id,
            actor=actor,
        )
        return pb.MatchResponse(result=encode_result(judged.result)), judged.logged
