"""Uploads: order, limits, and that nothing of them stays."""

import asyncio
import hashlib
import os
import threading
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path

import grpc
import pytest

from hashsvc.bank.model import Details, Interval, Verdict
from hashsvc.client import Client
from hashsvc.config import Limits, ServerSettings, Settings, WorkerSettings
from hashsvc.errors import HashsvcError, LimitExceededError, MediaError, NotFoundError, UnavailableError
from hashsvc.match.model import MatchResult
from hashsvc.server.upload import UploadDirectory
from hashsvc.service import Service
from hashsvc.v1 import match_service_pb2 as pb
from hashsvc.v1.match_service_pb2_grpc import MatchServiceStub
from tests.server.background import BackgroundServer, NoTokens, background

OPTIONS = pb.MatchMediaRequest(options=pb.MatchOptions())
SETTINGS = Settings(
    limits=Limits(max_bytes=3 << 20),
    workers=WorkerSettings(workers=1, queue=1),
    server=ServerSettings(drain_seconds=1.0),
)


class Weighing(Service):
    """A service that reads the upload and says how much there was, when the gate is open."""

    tokens = NoTokens()
    ready = True

    def __init__(self) -> None:
        self.seen: list[tuple[int, str]] = []
        self.gate = threading.Event()
        self.gate.set()

    def match_media(
        self,
        media: Path,
        *,
        banks: Sequence[str] = (),
        min_revision: int = 0,
        content_id: str = "",
        actor: str = "",
    ) -> MatchResult:
        """The size stands in for the revision."""
        content = media.read_bytes()
        self.seen.append((len(content), hashlib.sha256(content).hexdigest()))
        self.gate.wait(10)
        if not content:
            raise MediaError("MEDIA_EMPTY", "the file is empty")
        return MatchResult(verdict=Verdict.ALLOW, revision=len(content))

    def check_confirm(
        self,
        bank: str,
        *,
        external_id: str = "",
        labels: Sequence[str] = (),
        details: Details = Details(),
        exclusions: Sequence[Interval] = (),
    ) -> None:
        """No bank is there."""
        raise NotFoundError("BANK_NOT_FOUND", f"no bank {bank}", bank=bank)

    def close(self) -> None:
        """Nothing is open."""


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The temporary directory of this test's server."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


@pytest.fixture
def service() -> Weighing:
    """The double behind the server."""
    return Weighing()


@pytest.fixture
def weighing(temporary: Path, service: Weighing) -> Iterator[BackgroundServer]:
    """A server whose service only weighs, with little room."""
    with background(lambda: service, SETTINGS) as server:
        yield server


def left_over(temporary: Path) -> list[Path]:
    """Files of uploads in the temporary directory."""
    return [path for path in temporary.glob("hashsvc-uploads-*/*") if path.name != "lock"]


def await_none_left(temporary: Path) -> None:
    """Wait, at most five seconds, until no upload is left."""
    deadline = time.monotonic() + 5
    while left_over(temporary):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def refused(target: str, requests: Iterator[pb.MatchMediaRequest]) -> HashsvcError:
    """The error that a raw upload ends with."""
    from hashsvc.client.channel import error_of

    with grpc.insecure_channel(target) as channel, pytest.raises(grpc.RpcError) as caught:
        MatchServiceStub(channel).MatchMedia(requests, timeout=10)
    error = error_of(caught.value, target)
    assert isinstance(error, HashsvcError)
    return error


@pytest.mark.parametrize("size", [1, 256 * 1024, 3 << 20])
def test_bytes_arrive_and_leave(
    weighing: BackgroundServer, service: Weighing, temporary: Path, tmp_path: Path, size: int
) -> None:
    """The service sees exactly the bytes sent, up to the limit, and the file is gone after."""
    media = tmp_path / "video"
    content = os.urandom(size)
    media.write_bytes(content)
    shares: list[float] = []
    with Client(weighing.target) as client:
        assert client.match_media(media, progress=shares.append).revision == size
    assert service.seen == [(size, hashlib.sha256(content).hexdigest())]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    assert not left_over(temporary)


def test_empty_upload(weighing: BackgroundServer, temporary: Path) -> None:
    """Options without a byte are an empty file, which the hasher refuses."""
    assert refused(weighing.target, iter([OPTIONS])).reason == "MEDIA_EMPTY"
    assert not left_over(temporary)


def test_one_byte_too_many(weighing: BackgroundServer, service: Weighing, temporary: Path, tmp_path: Path) -> None:
    """An upload over the limit is cut off as it arrives, before it is whole and before anything reads it."""
    sent = 0

    def endless() -> Iterator[pb.MatchMediaRequest]:
        nonlocal sent
        yield OPTIONS
        while True:
            sent += 1 << 20
            yield pb.MatchMediaRequest(chunk=bytes(1 << 20))

    error = refused(weighing.target, endless())
    assert (type(error), error.reason, error.metadata) == (LimitExceededError, "LIMIT_BYTES", {"limit": str(3 << 20)})
    assert sent < 1 << 30
    media = tmp_path / "video"
    media.write_bytes(bytes((3 << 20) + 1))
    with Client(weighing.target) as client, pytest.raises(LimitExceededError):
        client.match_media(media)
    assert not service.seen
    assert not left_over(temporary)


@pytest.mark.parametrize(
    ("requests", "position"),
    [
        ([], "0"),
        ([pb.MatchMediaRequest()], "0"),
        ([pb.MatchMediaRequest(chunk=b"x")], "0"),
        ([OPTIONS, OPTIONS], "1"),
        ([OPTIONS, pb.MatchMediaRequest(chunk=b"x"), pb.MatchMediaRequest()], "2"),
    ],
)
def test_out_of_order(
    weighing: BackgroundServer, temporary: Path, requests: list[pb.MatchMediaRequest], position: str
) -> None:
    """Options must be first and only there; the error says which message was wrong."""
    error = refused(weighing.target, iter(requests))
    assert (error.reason, error.metadata["position"]) == ("MESSAGE_OUT_OF_ORDER", position)
    assert not left_over(temporary)


def test_unknown_bank_costs_no_upload(weighing: BackgroundServer, tmp_path: Path) -> None:
    """A confirm into no bank is refused before its bytes are read."""
    media = tmp_path / "video"
    media.write_bytes(bytes(1 << 20))
    with Client(weighing.target) as client, pytest.raises(NotFoundError):
        client.confirm_media("nothing", media)


def test_cancelled_while_sending(weighing: BackgroundServer, service: Weighing, temporary: Path) -> None:
    """A caller that goes away amid an upload leaves no file."""
    started, gone = threading.Event(), threading.Event()

    def half() -> Iterator[pb.MatchMediaRequest]:
        yield OPTIONS
        yield pb.MatchMediaRequest(chunk=bytes(2 << 20))
        started.set()
        gone.wait(10)

    with grpc.insecure_channel(weighing.target) as channel:
        call = MatchServiceStub(channel).MatchMedia.future(half(), timeout=10)
        assert started.wait(10)
        deadline = time.monotonic() + 5
        while not left_over(temporary):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        call.cancel()
        gone.set()
        await_none_left(temporary)
    assert not service.seen


def test_cancelled_while_hashing(weighing: BackgroundServer, service: Weighing, temporary: Path) -> None:
    """A caller that goes away while its upload is hashed leaves no file either."""
    service.gate.clear()
    with grpc.insecure_channel(weighing.target) as channel:
        requests = iter([OPTIONS, pb.MatchMediaRequest(chunk=b"video")])
        call = MatchServiceStub(channel).MatchMedia.future(requests, timeout=10)
        deadline = time.monotonic() + 5
        while not service.seen:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        assert left_over(temporary)
        call.cancel()
        await_none_left(temporary)
        service.gate.set()


def test_as_many_uploads_as_there_are_places(weighing: BackgroundServer, service: Weighing, tmp_path: Path) -> None:
    """One upload more than workers and queue take is OVERLOADED at once, and others go on."""
    service.gate.clear()
    media = tmp_path / "video"
    media.write_bytes(b"video")
    with Client(weighing.target) as client:
        results: list[MatchResult] = []
        threads = [threading.Thread(target=lambda: results.append(client.match_media(media))) for _ in range(2)]
        for thread in threads:
            thread.start()
        deadline = time.monotonic() + 5
        while len(service.seen) < 2:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        with pytest.raises(UnavailableError) as caught:
            client.match_media(media)
        assert caught.value.reason == "OVERLOADED"
        service.gate.set()
        for thread in threads:
            thread.join()
    assert [result.revision for result in results] == [5, 5]


def test_files_that_cannot_be_read(weighing: BackgroundServer, tmp_path: Path) -> None:
    """A file that is missing, or is a directory, is the caller's error, without a call."""
    with Client(weighing.target) as client:
        for media in (tmp_path / "missing", tmp_path):
            with pytest.raises(MediaError) as caught:
                client.match_media(media)
            assert caught.value.reason == "MEDIA_UNREADABLE"


def test_stalled_upload(temporary: Path) -> None:
    """An upload of which nothing comes any more is given up, and its file removed."""

    async def requests() -> AsyncIterator[pb.MatchMediaRequest]:
        yield pb.MatchMediaRequest(chunk=bytes(1 << 20))
        await asyncio.sleep(60)

    async def play() -> None:
        uploads = UploadDirectory(max_bytes=1 << 30, places=1, idle_seconds=0.05)
        with pytest.raises(UnavailableError) as caught:
            async with uploads.receive(requests()):
                pass
        assert caught.value.reason == "UPLOAD_STALLED"
        assert not left_over(temporary)
        uploads.close()
        assert not list(temporary.iterdir())

    asyncio.run(play())


def test_what_a_killed_server_left_is_removed(temporary: Path) -> None:
    """A directory whose server is gone goes; that of a running one stays."""
    dead = temporary / "hashsvc-uploads-dead"
    dead.mkdir()
    (dead / "lock").touch()
    (dead / "upload").write_bytes(b"x")
    first = UploadDirectory(max_bytes=1, places=1)
    assert not dead.exists()
    second = UploadDirectory(max_bytes=1, places=1)
    assert first.path.exists()
    first.close()
    second.close()
    assert not list(temporary.iterdir())


def test_full_disk(temporary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No room for the bytes is the server's trouble, to try again later, and leaves no file."""

    async def requests() -> AsyncIterator[pb.MatchMediaRequest]:
        yield pb.MatchMediaRequest(chunk=bytes(1 << 20))

    async def no_room(*_: object) -> None:
        raise OSError(28, "No space left on device")

    async def play() -> None:
        uploads = UploadDirectory(max_bytes=1 << 30, places=1)
        monkeypatch.setattr("hashsvc.server.upload.asyncio.to_thread", no_room)
        with pytest.raises(UnavailableError) as caught:
            async with uploads.receive(requests()):
                pass
        assert caught.value.reason == "OVERLOADED"
        assert not left_over(temporary)
        uploads.close()

    asyncio.run(play())
