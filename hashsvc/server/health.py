"""The standard health service, kept in step with the readiness of the index."""

import asyncio
from collections.abc import Sequence

import grpc.aio
import structlog
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_health.v1.health import aio as health_aio

from hashsvc.server.backend import Backend

_POLL_SECONDS, _CALM_POLL_SECONDS = 0.05, 0.5
"""Between two looks until the service is ready, and while it is: then it seldom ceases to be."""

log = structlog.get_logger("hashsvc.server")


class Health:
    """NOT_SERVING until the service is ready, SERVING while it is, NOT_SERVING for good once `drain` is called."""

    def __init__(self, server: grpc.aio.Server, backend: Backend, services: Sequence[str]) -> None:
        self._backend = backend
        self._services = ("", *services)
        self._servicer = health_aio.HealthServicer()
        self._poll: asyncio.Task[None] | None = None
        health_pb2_grpc.add_HealthServicer_to_server(self._servicer, server)

    async def start(self) -> None:
        """Set NOT_SERVING, and follow readiness from now on."""
        await self._set(False)
        self._poll = asyncio.create_task(self._follow())

    async def drain(self) -> None:
        """Tell load balancers to send nothing more."""
        if self._poll is not None:
            self._poll.cancel()
        await self._servicer.enter_graceful_shutdown()

    async def _follow(self) -> None:
        told = False
        while True:
            if self._backend.ready != told:
                told = not told
                await self._set(told)
            await asyncio.sleep(_CALM_POLL_SECONDS if told else _POLL_SECONDS)

    async def _set(self, serving: bool) -> None:
        status = health_pb2.HealthCheckResponse.SERVING if serving else health_pb2.HealthCheckResponse.NOT_SERVING
        for service in self._services:
            await self._servicer.set(service, status)
        log.info("health", serving=serving)
