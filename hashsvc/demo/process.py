"""A real `hashsvc serve` in a process of its own, for as long as it is needed."""

import contextlib
import dataclasses
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import grpc
from grpc_health.v1 import health_pb2

from hashsvc.errors import UnavailableError

START_SECONDS = 60.0
"""How long a server may take until it reports SERVING."""
STOP_SECONDS = 30.0
"""How long it may take to drain after SIGTERM before it is killed."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A server that reports SERVING."""

    target: str
    """HOST:PORT."""
    pid: int


@contextlib.contextmanager
def running(data: Path, log: Path) -> Iterator[str]:
    """`started`; yields HOST:PORT alone."""
    with started(data, log) as server:
        yield server.target


@contextlib.contextmanager
def started(data: Path, log: Path) -> Iterator[Running]:
    """Serve `data` on a free loopback port; yields once the server reports SERVING, stops it by SIGTERM.

    What the server says goes into `log`. Raises UnavailableError SERVER_NOT_READY when it does not come up.
    """
    address = f"127.0.0.1:{_free_port()}"
    command = [sys.executable, "-m", "hashsvc.cli", "serve", "--data", str(data), "--listen", address]
    with log.open("ab") as sink:
        server = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=sink, stderr=sink)
    try:
        _wait_until_serving(server, address, log)
        yield Running(target=address, pid=server.pid)
    finally:
        stop(server)


def stop(server: subprocess.Popen[bytes]) -> int:
    """Ask it to drain and end; returns its exit status."""
    server.send_signal(signal.SIGTERM)
    try:
        return server.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        server.kill()
        return server.wait()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def _wait_until_serving(server: subprocess.Popen[bytes], address: str, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    with grpc.insecure_channel(address) as channel:
        check = channel.unary_unary(
            "/grpc.health.v1.Health/Check",
            request_serializer=health_pb2.HealthCheckRequest.SerializeToString,
            response_deserializer=health_pb2.HealthCheckResponse.FromString,
        )
        while server.poll() is None and time.monotonic() < deadline:
            with contextlib.suppress(grpc.RpcError):
                answer = check(health_pb2.HealthCheckRequest(), timeout=1.0, wait_for_ready=True)
                if answer.status == health_pb2.HealthCheckResponse.SERVING:
                    return
            time.sleep(0.05)
    raise UnavailableError("SERVER_NOT_READY", f"the server did not come up; see {log}", log=log)
