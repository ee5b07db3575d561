"""Wires servicers, health and reflection into one gRPC server."""

import asyncio
from collections.abc import Callable
from typing import Self

import grpc
import grpc.aio
import structlog
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection

from hashsvc.config import Settings
from hashsvc.server.access_service import AccessServicer
from hashsvc.server.address import check_listen, listen_failed
from hashsvc.server.appeal_service import AppealServicer
from hashsvc.server.backend import Backend
from hashsvc.server.bank_service import BankServicer
from hashsvc.server.breaker_service import BreakerServicer
from hashsvc.server.decision_service import DecisionServicer
from hashsvc.server.event_service import EventServicer
from hashsvc.server.exchange_service import ExchangeServicer
from hashsvc.server.exposure import Exposure
from hashsvc.server.gate import Gate
from hashsvc.server.guard import Guard
from hashsvc.server.health import Health
from hashsvc.server.incident_service import IncidentServicer
from hashsvc.server.index_service import IndexServicer
from hashsvc.server.match_service import MatchServicer
from hashsvc.server.report_service import ReportServicer
from hashsvc.server.retro_service import RetroServicer
from hashsvc.server.tls import CONNECTION_SECONDS, Certificates
from hashsvc.server.unregistered import unregistered
from hashsvc.server.upload import UploadDirectory
from hashsvc.service import Service
from hashsvc.v1 import (
    access_service_pb2,
    appeal_service_pb2,
    bank_service_pb2,
    breaker_service_pb2,
    decision_service_pb2,
    event_service_pb2,
    exchange_service_pb2,
    incident_service_pb2,
    index_service_pb2,
    match_service_pb2,
    report_service_pb2,
    retro_service_pb2,
)
from hashsvc.v1.access_service_pb2_grpc import add_AccessServiceServicer_to_server
from hashsvc.v1.appeal_service_pb2_grpc import add_AppealServiceServicer_to_server
from hashsvc.v1.bank_service_pb2_grpc import add_BankServiceServicer_to_server
from hashsvc.v1.breaker_service_pb2_grpc import add_BreakerServiceServicer_to_server
from hashsvc.v1.decision_service_pb2_grpc import add_DecisionServiceServicer_to_server
from hashsvc.v1.event_service_pb2_grpc import add_EventServiceServicer_to_server
from hashsvc.v1.exchange_service_pb2_grpc import add_ExchangeServiceServicer_to_server
from hashsvc.v1.incident_service_pb2_grpc import add_IncidentServiceServicer_to_server
from hashsvc.v1.index_service_pb2_grpc import add_IndexServiceServicer_to_server
from hashsvc.v1.match_service_pb2_grpc import add_MatchServiceServicer_to_server
from hashsvc.v1.report_service_pb2_grpc import add_ReportServiceServicer_to_server
from hashsvc.v1.retro_service_pb2_grpc import add_RetroServiceServicer_to_server

SERVICES = tuple(
    module.DESCRIPTOR.services_by_name[name].full_name
    for module, name in (
        (match_service_pb2, "MatchService"),
        (bank_service_pb2, "BankService"),
        (appeal_service_pb2, "AppealService"),
        (breaker_service_pb2, "BreakerService"),
        (decision_service_pb2, "DecisionService"),
        (event_service_pb2, "EventService"),
        (exchange_service_pb2, "ExchangeService"),
        (incident_service_pb2, "IncidentService"),
        (index_service_pb2, "IndexService"),
        (access_service_pb2, "AccessService"),
        (report_service_pb2, "ReportService"),
        (retro_service_pb2, "RetroService"),
    )
)
"""Full names of the services, for health and reflection."""

_POOL_SECONDS = 5.0
"""After the drain, how long calls that were cut off may still hold the store before it is closed."""

log = structlog.get_logger("hashsvc.server")


class Server:
    """A gRPC server on a data directory; `await start()`, `await stop()`, or an async context manager."""

    def __init__(
        self,
        open_service: Callable[[], Service],
        listen: str,
        settings: Settings = Settings(),
        *,
        insecure: bool = False,
    ) -> None:
        """`open_service` gives the service without waiting for its index; the server closes it.

        With `insecure`, other machines may reach it without TLS and proof of who they are.
        """
        self._open_service = open_service
        self._listen = listen
        self._settings = settings
        self._insecure = insecure
        self._service: Service | None = None
        self.port = 0

    async def start(self) -> None:
        """Listen, answering NOT_SERVING; then open the service, which says SERVING when its index has caught up.

        Raises InvalidInputError (LISTEN_INVALID, CONFIG_INVALID), PreconditionError (LISTEN_FAILED, LISTEN_INSECURE,
        TLS_INVALID), and what `open_service` raises.
        """
        check_listen(self._listen)
        exposure = Exposure(self._listen, self._settings.tls, self._insecure)
        certificates = Certificates(self._settings.tls) if exposure.encrypted else None
        limits, workers = self._settings.limits, self._settings.workers
        self._uploads = UploadDirectory(max_bytes=limits.max_bytes, places=workers.workers + workers.queue)
        self._backend = Backend(self._settings, self._uploads)
        gate = Gate(self._backend, self._settings, open=exposure.may_be_open)
        self._server = self._make_server(gate)
        self._health = Health(unregistered(self._server), self._backend, SERVICES)
        try:
            self.port = self._bind(certificates)
            await self._server.start()
            await self._health.start()
            self._service = self._backend.service = await asyncio.to_thread(self._open_service)
            exposure.check_tokens(await asyncio.to_thread(self._service.tokens.any_made))
        except BaseException:
            await self.stop(grace=0)
            raise

    async def stop(self, grace: float | None = None) -> None:
        """Say NOT_SERVING, refuse new calls, let running ones end for `grace` seconds (default: the settings'), close."""
        await self._health.drain()
        self._backend.end_streams()
        await self._server.stop(self._settings.server.drain_seconds if grace is None else grace)
        await self._backend.close(_POOL_SECONDS)
        if self._service is not None:
            await asyncio.to_thread(self._service.close)
            self._service = None
        self._uploads.close()

    async def cut_off(self) -> None:
        """End a running `stop` early."""
        await self._server.stop(None)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    @property
    def target(self) -> str:
        """HOST:PORT for a client on this machine."""
        return f"{self._listen.rpartition(':')[0]}:{self.port}"

    def _make_server(self, gate: Gate) -> grpc.aio.Server:
        aged = (("grpc.max_connection_age_ms", CONNECTION_SECONDS * 1000),) if self._settings.tls.client_ca else ()
        server = grpc.aio.server(
            interceptors=(Guard(gate),),
            options=(
                ("grpc.max_receive_message_length", self._settings.server.max_message_bytes),
                ("grpc.max_send_message_length", -1),
                ("grpc.so_reuseport", 0),  # else a second server would share a taken port, and half the calls
                *aged,
            ),
        )
        self._add_services(unregistered(server))
        health = health_pb2.DESCRIPTOR.services_by_name["Health"].full_name
        reflection.enable_server_reflection((*SERVICES, health, reflection.SERVICE_NAME), server)
        return server

    def _add_services(self, server: grpc.aio.Server) -> None:
        add_MatchServiceServicer_to_server(MatchServicer(self._backend), server)
        add_BankServiceServicer_to_server(BankServicer(self._backend), server)
        add_AppealServiceServicer_to_server(AppealServicer(self._backend), server)
        add_BreakerServiceServicer_to_server(BreakerServicer(self._backend), server)
        add_DecisionServiceServicer_to_server(DecisionServicer(self._backend), server)
        add_EventServiceServicer_to_server(EventServicer(self._backend), server)
        add_ExchangeServiceServicer_to_server(ExchangeServicer(self._backend), server)
        add_IncidentServiceServicer_to_server(IncidentServicer(self._backend), server)
        add_IndexServiceServicer_to_server(IndexServicer(self._backend), server)
        add_AccessServiceServicer_to_server(AccessServicer(self._backend), server)
        add_ReportServiceServicer_to_server(ReportServicer(self._backend), server)
        add_RetroServiceServicer_to_server(RetroServicer(self._backend), server)

    def _bind(self, certificates: Certificates | None) -> int:
        try:
            if certificates is not None:
                return self._server.add_secure_port(self._listen, certificates.credentials())
            return self._server.add_insecure_port(self._listen)
        except RuntimeError as error:
            raise listen_failed(self._listen, str(error)) from error
