"""MatchService."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from concurrent.futures import Future
from typing import TypeAlias

from hashsvc.server.backend import Backend
from hashsvc.server.context import Context
from hashsvc.server.gate import current_caller
from hashsvc.server.lanes import NoProcess
from hashsvc.server.pool import Pool
from hashsvc.service.matching import Judged
from hashsvc.v1 import match_service_pb2 as pb
from hashsvc.v1.match_service_pb2_grpc import MatchServiceServicer
from hashsvc.wire.fingerprint import decode_fingerprint
from hashsvc.wire.match import decode_query, encode_result

_MOST_HASHES, _MOST_BANKS = 48 << 10, 8
"""Bytes of hashes of an upload, and banks that it is matched in, that the event loop sees to: with longer uploads it would hold
up the others, and they do not fit a lane."""

Answer: TypeAlias = "tuple[pb.MatchResponse, Future[int] | None]"
"""The answer, and what is to be waited for before it is given."""


class MatchServicer(MatchServiceServicer):
    """Answers matches from the service."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    async def Match(self, request: pb.MatchRequest, context: Context) -> pb.MatchResponse:
        response, logged = await self._answer(request, current_caller().name)
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

    async def _answer(self, request: pb.MatchRequest, actor: str) -> Answer:
        """By the processes if they can, else by a thread."""
        if _is_short(request) and self._backend.lanes.open(self._backend.service.processes):
            with contextlib.suppress(NoProcess):
                return await self._by_process(request, actor)
        return await self._pool(request).run(self._judge, request, request.options, actor)

    async def _by_process(self, request: pb.MatchRequest, actor: str) -> Answer:
        service, options = self._backend.service, request.options
        query = decode_fingerprint(request.fingerprint, check=False)
        asked = service.asked(query, banks=tuple(options.banks), content_id=options.content_id)
        job = service.processes.job(query, asked.banks)
        return await self._backend.lanes.match(job, lambda found: _answer(service.judged(asked, found, actor=actor)))

    def _pool(self, request: pb.MatchRequest) -> Pool:
        """A call that may wait for a revision, or takes long, must not hold one of the few threads that search."""
        if request.options.min_revision:
            return self._backend.wait
        return self._backend.deep if request.fingerprint.activity else self._backend.match

    def _judge(self, request: pb.MatchRequest, options: pb.MatchOptions, actor: str) -> Answer:
        return _answer(
            self._backend.service.judge(
                decode_query(request),
                banks=tuple(options.banks),
                min_revision=options.min_revision,
                content_id=options.content_id,
                actor=actor,
            )
        )


def _is_short(request: pb.MatchRequest) -> bool:
    """Whether an event loop may see to it: a quick reading that waits for no revision."""
    upload, options = request.fingerprint, request.options
    return (
        0 < len(upload.hashes) <= _MOST_HASHES
        and not upload.activity
        and not options.min_revision
        and len(options.banks) <= _MOST_BANKS
    )


def _answer(judged: Judged) -> Answer:
    return pb.MatchResponse(result=encode_result(judged.result)), judged.logged
