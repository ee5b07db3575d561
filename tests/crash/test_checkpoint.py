"""A checkpoint that is missing, damaged or foreign: rebuilt, said in the log, and nobody told SERVING before it is done."""

import dataclasses
import os
import shutil
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import grpc
import pytest
from grpc_health.v1 import health_pb2

from hashsvc.bank.model import Verdict
from hashsvc.client import Client
from hashsvc.client.channel import error_of
from hashsvc.service import Service
from hashsvc.v1 import match_service_pb2 as pb
from hashsvc.v1.match_service_pb2_grpc import MatchServiceStub
from hashsvc.wire.match import decode_result, encode_query
from tests.crash.serving import Serving, serving
from tests.server.background import excerpt, reference

ENTRIES, FRAMES = 10, 720
"""About 400,000 hashes, so that to rebuild takes a moment."""
FAST = (
    ("grpc.initial_reconnect_backoff_ms", 10),
    ("grpc.min_reconnect_backoff_ms", 10),
    ("grpc.max_reconnect_backoff_ms", 10),
)
QUERY = excerpt(reference(3, frames=FRAMES), 40, 60)
SERVING, LOADING = "SERVING", "NOT_SERVING"


@dataclasses.dataclass(frozen=True)
class Place:
    """A data directory with its whole checkpoint put aside, and the checkpoint of another directory."""

    data: Path
    whole: Path
    foreign: Path

    def restore(self) -> Path:
        """Put the whole checkpoint back; its directory."""
        return self.replace(self.whole)

    def replace(self, checkpoint: Path) -> Path:
        """Put another checkpoint in; its directory."""
        shutil.rmtree(self.data / "index")
        return Path(shutil.copytree(checkpoint, self.data / "index"))


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """400,000 hashes in ten entries."""
    folder = tmp_path_factory.mktemp("large")
    for name, entries, frames in (("data", ENTRIES, FRAMES), ("other", 2, 100)):
        with Service.open(folder / name) as service:
            for seed in range(entries):
                service.confirm("default", reference(seed, frames=frames), external_id=str(seed))
    shutil.copytree(folder / "data" / "index", folder / "whole")
    yield Place(folder / "data", folder / "whole", folder / "other" / "index")
    shutil.rmtree(folder)


def missing(place: Place) -> None:
    """Somebody removed the directory."""
    shutil.rmtree(place.data / "index")


def a_slab(checkpoint: Path) -> Path:
    """The largest slab, hot or cold."""
    slabs = [path for path in checkpoint.iterdir() if path.suffix in (".slab", ".cold")]
    return max(slabs, key=lambda path: path.stat().st_size)


def flipped(place: Place) -> None:
    """One bit of a hash is another, as after a fault of the disk."""
    slab = a_slab(place.restore())
    content = bytearray(slab.read_bytes())
    content[len(content) // 2] ^= 1
    slab.write_bytes(content)


def cut_off(place: Place) -> None:
    """A slab ends early."""
    slab = a_slab(place.restore())
    slab.write_bytes(slab.read_bytes()[: slab.stat().st_size // 2])


def torn(place: Place) -> None:
    """Half a manifest."""
    manifest = place.restore() / "MANIFEST"
    manifest.write_bytes(manifest.read_bytes()[: manifest.stat().st_size // 2])


def foreign(place: Place) -> None:
    """The checkpoint of another data directory, whole in itself."""
    place.replace(place.foreign)


@pytest.mark.parametrize("harm", [missing, flipped, cut_off, torn, foreign], ids=lambda harm: harm.__name__)
def test_checkpoint_is_rebuilt(
    harm: Callable[[Place], None], place: Place, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Until the rebuild is done a match is refused or right, never ALLOW; then it is right, and saved for the next start."""
    harm(place)
    listen = f"127.0.0.1:{free_port()}"
    with serving(place.data, tmp_path, listen) as server:
        with grpc.insecure_channel(listen, FAST) as channel:
            right_or_refused_until_serving(channel)
        check_rebuilt(server)
    with caplog.at_level("INFO", "hashsvc_index"), Service.open(place.data) as service:
        check_all(service)
    assert [record.levelname for record in caplog.records] == ["INFO"]


def test_not_serving_while_it_loads(place: Place, tmp_path: Path) -> None:
    """However long it takes to load, health is NOT_SERVING and matches are refused, while confirms are taken."""
    manifest = place.restore() / "MANIFEST"
    manifest.unlink()
    os.mkfifo(manifest)  # the server waits for what it is to read, for as long as the test likes
    # The processes that match would read it, too, and what is written there is for one reader.
    alone = serving(place.data, tmp_path, settings="[server]\nmatch_processes = 0\n")
    with alone as server, grpc.insecure_channel(server.target, FAST) as channel:
        with Client(server.target) as client:
            late = client.confirm("default", reference(ENTRIES + 1, frames=40), external_id="late")
            assert not client.status().ready
        for service in ("", "hashsvc.v1.MatchService"):
            assert health(channel, service) == LOADING
        with pytest.raises(grpc.RpcError) as refused:
            MatchServiceStub(channel).Match(encode_query(QUERY, pb.MatchOptions()), timeout=5)
        assert error_of(refused.value, "").reason == "INDEX_LOADING"
        manifest.write_bytes(b"no manifest")
        while not server.events("is rebuilt from the store"):
            time.sleep(0.01)
        manifest.write_bytes(b"no manifest")  # once more for the one who saves, and looks what is there already
        right_or_refused_until_serving(channel)
        with Client(server.target) as client:
            assert client.match(excerpt(reference(ENTRIES + 1, frames=40), 5, 35)).matches[0].entry == late.entry
            client.withdraw("default", late.entry)
        check_rebuilt(server)


def check_rebuilt(server: Serving) -> None:
    """The log says NOT_SERVING, rebuilt, ready and SERVING in this order; all is found; the server ends in order."""
    with Client(server.target) as client:
        check_all(client)
    rebuilt, ready = server.events("is rebuilt from the store"), server.events(" ready: ")
    told = server.events("health")
    assert [line["level"] for line in rebuilt] == ["warning"]
    assert [line["serving"] for line in told] == [False, True]
    order = [server.log.index(line) for line in (told[0], *rebuilt, *ready, told[1])]
    assert order == sorted(order)
    server.terminate()
    assert server.end() == 0


def free_port() -> int:
    """A port that was free a moment ago: the test must know it before the server says which one it has."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def right_or_refused_until_serving(channel: grpc.Channel) -> None:
    """Ask for health and a match in turns, until SERVING: a match is refused before that, or it is right."""
    match = MatchServiceStub(channel).Match
    message = encode_query(QUERY, pb.MatchOptions())
    status = LOADING
    while status != SERVING:
        status = health(channel)
        try:
            result = decode_result(match(message, timeout=30, wait_for_ready=True).result)
        except grpc.RpcError as failure:
            assert status == LOADING
            assert error_of(failure, "").reason == "INDEX_LOADING"
        else:
            assert (result.verdict, result.matches[0].external_id) == (Verdict.BLOCK, "3")


def health(channel: grpc.Channel, service: str = "") -> str:
    """`SERVING` or `NOT_SERVING`; waits for the server to listen."""
    check = channel.unary_unary(
        "/grpc.health.v1.Health/Check",
        request_serializer=health_pb2.HealthCheckRequest.SerializeToString,
        response_deserializer=health_pb2.HealthCheckResponse.FromString,
    )
    answer = check(health_pb2.HealthCheckRequest(service=service), timeout=30, wait_for_ready=True)
    return health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status)


def check_all(client: Client | Service) -> None:
    """Every entry is found by twenty of its frames, a stranger is not, and verify is clean."""
    for seed in range(ENTRIES):
        [match] = client.match(excerpt(reference(seed, frames=FRAMES), 100, 120)).matches
        assert match.external_id == str(seed)
    assert client.match(excerpt(reference(ENTRIES, frames=FRAMES), 0, 20)).verdict is Verdict.ALLOW
    assert client.verify() == []
