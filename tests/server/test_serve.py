"""The process: it listens, says so, drains on a signal, and says why it cannot start."""

import contextlib
import json
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
import structlog
from grpc_health.v1 import health_pb2, health_pb2_grpc

from hashsvc.client import Client
from hashsvc.client.channel import error_of
from hashsvc.errors import InvalidInputError, PreconditionError
from hashsvc.server import serve
from hashsvc.v1 import match_service_pb2 as pb
from hashsvc.v1.match_service_pb2_grpc import MatchServiceStub
from tests.server.background import reference

PROGRAM = """
import sys
from pathlib import Path
from typing import Any
from hashsvc.config import ServerSettings, Settings
from hashsvc.server import serve
settings = ServerSettings(drain_seconds=float(sys.argv[2]), match_processes=int(sys.argv[3]))
serve(Path(sys.argv[1]), "127.0.0.1:0", Settings(server=settings))
"""


@pytest.fixture(autouse=True)
def logs_as_before() -> Iterator[None]:
    """Undo what `serve` does to the logs of a process when a test calls it here."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers, root.level = handlers, level
    structlog.reset_defaults()


class Process:
    """A serving process and its log."""

    def __init__(self, data: Path, drain_seconds: float, match_processes: int) -> None:
        command = [sys.executable, "-c", PROGRAM, str(data), str(drain_seconds), str(match_processes)]
        self.temporary = data.parent
        environment = {**os.environ, "TMPDIR": str(self.temporary)}
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment)
        self.log: list[dict[str, object]] = []
        self._listening = threading.Event()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()
        assert self._listening.wait(20)
        [self.target] = [str(line["target"]) for line in self.log if line["event"] == "listening"]

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.log.append(json.loads(line))
            if self.log[-1]["event"] == "listening":
                self._listening.set()
        self._listening.set()

    def await_upload(self) -> None:
        """Wait until an upload has begun."""
        await_true(lambda: any(path.name != "lock" for path in self.temporary.glob("hashsvc-uploads-*/*")))

    def await_event(self, event: str) -> None:
        """Wait until the log has it."""
        await_true(lambda: any(line["event"] == event for line in self.log))

    def wait(self, seconds: float) -> int:
        """The exit status."""
        try:
            return self.process.wait(seconds)
        finally:
            self.process.kill()
            self._reader.join()
            assert self.process.stderr is not None
            self.process.stderr.close()


def await_true(condition: Callable[[], bool]) -> None:
    """Wait, at most twenty seconds, for a condition."""
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@contextlib.contextmanager
def serving(data: Path, drain_seconds: float, match_processes: int = 2) -> Iterator[Process]:
    """A process that is SERVING; killed at the end if the test did not end it."""
    running = Process(data, drain_seconds, match_processes)
    try:
        with grpc.insecure_channel(running.target) as channel:
            await_true(lambda: health(channel) == health_pb2.HealthCheckResponse.SERVING)
        yield running
    finally:
        if running.process.poll() is None:
            running.process.kill()
            running.wait(5)


def health(channel: grpc.Channel) -> int:
    """What health says of the whole server."""
    stub: Any = health_pb2_grpc.HealthStub(channel)
    return int(stub.Check(health_pb2.HealthCheckRequest(), timeout=5).status)


def refuses(target: str) -> bool:
    """True when a new connection to the server is refused."""
    with grpc.insecure_channel(target) as channel:
        try:
            health(channel)
        except grpc.RpcError as refused:
            assert refused.code() is grpc.StatusCode.UNAVAILABLE
            return True
    return False


def upload(end: threading.Event) -> Iterator[pb.MatchMediaRequest]:
    """An upload that lasts until the test ends it."""
    yield pb.MatchMediaRequest(options=pb.MatchOptions())
    yield pb.MatchMediaRequest(chunk=b"this is no video")
    end.wait(20)


def test_drain(tmp_path: Path) -> None:
    """On SIGTERM health turns, a running upload still gets its answer, new calls do not, and the exit status is 0."""
    end = threading.Event()
    with serving(tmp_path / "data", 15.0) as running, grpc.insecure_channel(running.target) as channel:
        stub: Any = health_pb2_grpc.HealthStub(channel)
        watch = stub.Watch(health_pb2.HealthCheckRequest(), timeout=20)
        assert next(watch).status == health_pb2.HealthCheckResponse.SERVING
        call = MatchServiceStub(channel).MatchMedia.future(upload(end), timeout=20)
        running.await_upload()
        running.process.send_signal(signal.SIGTERM)
        assert next(watch).status == health_pb2.HealthCheckResponse.NOT_SERVING
        watch.cancel()
        await_true(lambda: refuses(running.target))
        end.set()
        failure = call.exception(20)
        assert isinstance(failure, grpc.RpcError)
        assert error_of(failure, "").reason == "MEDIA_UNREADABLE"
        assert running.wait(15) == 0
    events = [line["event"] for line in running.log]
    assert [event for event in events if event in ("signal", "draining", "call", "stopped")] == [
        "signal",
        "draining",
        "call",
        "stopped",
    ]


def test_serves_when_its_matching_processes_are_ready(tmp_path: Path) -> None:
    """It says which they are, then that it is SERVING; with the first upload nothing goes wrong, and with a stop neither."""
    with serving(tmp_path / "data", 1.0) as running, Client(running.target) as client:
        assert not client.match(reference(1)).matches
        running.process.send_signal(signal.SIGTERM)
        assert running.wait(15) == 0
    events = [line["event"] for line in running.log if line["event"] != "health" or line["serving"]]
    assert events.index("matching processes ready") < events.index("health")
    assert not [line for line in running.log if line["level"] in ("warning", "error") and "open: " not in str(line)]


def test_compiles(tmp_path: Path) -> None:
    """Where it matches itself, what is compiled is loaded beside the serving, and matches go on; then what there is is kept
    from the garbage collector."""
    with serving(tmp_path / "data", 1.0, match_processes=0) as running, Client(running.target) as client:
        assert not client.match(reference(1).digests).matches
        running.await_event("prepared")
        assert not client.match(reference(1)).matches
        running.process.send_signal(signal.SIGTERM)
        assert running.wait(15) == 0
    assert [line for line in running.log if line["event"] == "compiled"]
    [kept] = [int(str(line["objects"])) for line in running.log if line["event"] == "prepared"]
    assert kept > 10_000


def test_stops_while_it_compiles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A signal in the midst of it, where nothing was compiled before, ends the process as ever."""
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "compiled"))
    with serving(tmp_path / "data", 1.0) as running:
        running.process.send_signal(signal.SIGTERM)
        assert running.wait(15) == 0


def test_drain_ends(tmp_path: Path) -> None:
    """A call that does not end is cut off when the time is up; a second signal does not wait for that."""
    for drain, signals in ((0.5, 1), (60.0, 2)):
        end = threading.Event()
        with serving(tmp_path / "data", drain) as running, grpc.insecure_channel(running.target) as channel:
            call = MatchServiceStub(channel).MatchMedia.future(upload(end), timeout=30)
            running.await_upload()
            for _ in range(signals):
                running.process.send_signal(signal.SIGINT)
                running.await_event("draining")
            assert running.wait(15) == 0
            assert isinstance(call.exception(5), grpc.RpcError)
            end.set()


def test_what_was_confirmed_is_there_after_a_restart(tmp_path: Path) -> None:
    """An entry survives the process."""
    with serving(tmp_path / "data", 1.0) as running, Client(running.target) as client:
        entry = client.confirm("default", reference(1), external_id="v1")
        running.process.send_signal(signal.SIGTERM)
        assert running.wait(15) == 0
    with serving(tmp_path / "data", 1.0) as running, Client(running.target) as client:
        assert client.get_entry("default", entry.entry) == entry
        assert client.match(reference(1)).matches[0].entry == entry.entry
        assert client.verify() == []
        running.process.send_signal(signal.SIGTERM)
        assert running.wait(15) == 0


def test_cannot_start(tmp_path: Path) -> None:
    """A taken port and a bad address end the start with an error that says so, and leave nothing behind."""
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(PreconditionError, match="in use"):
        serve(tmp_path / "data", f"127.0.0.1:{taken.getsockname()[1]}")
    with pytest.raises(InvalidInputError):
        serve(tmp_path / "data", "somewhere")
    assert not (tmp_path / "data").exists()


def test_not_a_data_directory(tmp_path: Path) -> None:
    """A path that is no data directory is the store's error, after which the port is free again."""
    (tmp_path / "file").touch()
    with socket.create_server(("127.0.0.1", 0)) as free:
        listen = f"127.0.0.1:{free.getsockname()[1]}"
    for _ in range(2):
        with pytest.raises(Exception, match="file") as caught:
            serve(tmp_path / "file", listen)
        assert getattr(caught.value, "reason", "") == "NOT_A_DATA_DIRECTORY"
