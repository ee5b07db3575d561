"""Health follows the readiness of the index."""

import time
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from hashsvc.client import Client
from hashsvc.errors import UnavailableError
from hashsvc.fingerprint.model import Digests
from hashsvc.server.server import SERVICES
from hashsvc.service import Service
from tests.server.background import SETTINGS, NoTokens, background

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


class Loading(Service):
    """A service whose index is ready when the test says so."""

    tokens = NoTokens()

    def __init__(self) -> None:
        self.loaded = False
        self.closed = False

    @property
    def ready(self) -> bool:
        """What the test says."""
        return self.loaded

    def judge(self, *_: object, **__: object) -> None:  # type: ignore[override]
        raise UnavailableError("INDEX_LOADING", "loading")

    def close(self) -> None:
        """Note it."""
        self.closed = True


def check(channel: grpc.Channel, service: str = "") -> int:
    """What health says of a service."""
    stub: Any = health_pb2_grpc.HealthStub(channel)
    return int(stub.Check(health_pb2.HealthCheckRequest(service=service), timeout=10).status)


def await_status(channel: grpc.Channel, wanted: int) -> None:
    """Wait, at most five seconds, until health says `wanted`."""
    deadline = time.monotonic() + 5
    while check(channel) != wanted:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_follows_readiness() -> None:
    """NOT_SERVING while the index loads, SERVING after, NOT_SERVING when it is lost, for all services alike."""
    service = Loading()
    with background(lambda: service) as server, grpc.insecure_channel(server.target) as channel:
        assert [check(channel, name) for name in ("", *SERVICES)] == [NOT_SERVING] * (1 + len(SERVICES))
        service.loaded = True
        await_status(channel, SERVING)
        assert [check(channel, name) for name in ("", *SERVICES)] == [SERVING] * (1 + len(SERVICES))
        service.loaded = False
        await_status(channel, NOT_SERVING)
        with pytest.raises(grpc.RpcError) as unknown:
            check(channel, "hashsvc.v1.Nothing")
        assert unknown.value.code() is grpc.StatusCode.NOT_FOUND
    assert service.closed


def test_real_service_becomes_ready(tmp_path: Path) -> None:
    """A server that does not wait for the index is SERVING soon after."""
    with (
        background(lambda: Service.open(tmp_path / "data", SETTINGS, wait=False)) as server,
        grpc.insecure_channel(server.target) as channel,
    ):
        await_status(channel, SERVING)


def test_matches_while_loading_are_refused() -> None:
    """A search that would be empty is refused and not answered."""
    with background(Loading) as server, Client(server.target, timeout=1.0) as client:
        with pytest.raises(UnavailableError) as caught:
            client.match(Digests(md5=bytes(16)))
        assert caught.value.reason in ("INDEX_LOADING", "DEADLINE_EXCEEDED")


def test_watch_sees_the_drain() -> None:
    """A balancer that watches is told NOT_SERVING before the server stops."""
    service = Loading()
    service.loaded = True
    with background(lambda: service) as server, grpc.insecure_channel(server.target) as channel:
        await_status(channel, SERVING)
        stub: Any = health_pb2_grpc.HealthStub(channel)
        watch = stub.Watch(health_pb2.HealthCheckRequest(), timeout=10)
        assert next(watch).status == SERVING
        server.stop(grace=0.5)
        assert next(watch).status == NOT_SERVING
