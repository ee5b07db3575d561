"""Retries, deadlines, local hashing, and what a client makes of trouble on the way."""

import asyncio
import dataclasses
import hashlib
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from hashsvc.bank.model import Bank, Interval, Verdict
from hashsvc.client import AsyncClient, Client
from hashsvc.config import Limits, ServerSettings, Settings
from hashsvc.errors import (
    HashsvcError,
    InvalidInputError,
    LimitExceededError,
    MediaError,
    NotFoundError,
    PreconditionError,
    UnavailableError,
)
from hashsvc.fingerprint.model import Digests, Fingerprint
from hashsvc.fingerprint.reading import Reading
from hashsvc.match.model import MatchResult
from hashsvc.service import Service
from hashsvc.service.matching import Judged
from tests.server.background import BackgroundServer, NoTokens, background, excerpt, reference

DIGESTS = Digests(md5=bytes(16))


class Moody(Service):
    """A service that fails as often as it is told to, and counts."""

    tokens = NoTokens()
    ready = True

    def __init__(self) -> None:
        self.failures = 0
        self.error: HashsvcError = UnavailableError("INDEX_LOADING", "loading")
        self.calls = 0
        self.pause = 0.0

    def _answer(self) -> None:
        self.calls += 1
        time.sleep(self.pause)
        if self.calls <= self.failures:
            raise self.error

    def judge(self, *_: object, **__: object) -> Judged:
        """No match, when it works."""
        self._answer()
        return Judged(MatchResult(verdict=Verdict.ALLOW, revision=self.calls))

    def create_bank(self, *_: object, **__: object) -> Bank:
        """Never works."""
        self._answer()
        raise AssertionError

    confirm = create_bank  # type: ignore[assignment]

    def close(self) -> None:
        """Nothing is open."""


@pytest.fixture
def moody() -> Moody:
    """The double behind the server."""
    return Moody()


@pytest.fixture
def server(moody: Moody) -> Iterator[BackgroundServer]:
    """A server with a moody service that takes small messages only."""
    settings = Settings(server=ServerSettings(drain_seconds=1.0, max_message_bytes=1 << 16))
    with background(lambda: moody, settings) as running:
        yield running


def test_reads_are_retried(server: BackgroundServer, moody: Moody) -> None:
    """A match survives a server that is UNAVAILABLE for a moment."""
    moody.failures = 2
    with Client(server.target) as client:
        assert client.match(DIGESTS).revision == 3


def test_writes_that_may_not_be_repeated_are_not(server: BackgroundServer, moody: Moody) -> None:
    """A bank is asked for once, and so is a confirm that the server could not recognise again."""
    moody.failures = 99
    with Client(server.target) as client:
        with pytest.raises(UnavailableError):
            client.create_bank("news")
        assert moody.calls == 1
        without = excerpt(reference(1), 0, 4)
        assert not without.digests
        with pytest.raises(UnavailableError):
            client.confirm("default", without)
        assert moody.calls == 2


def test_confirm_with_a_digest_is_retried(server: BackgroundServer, moody: Moody) -> None:
    """A confirm that is safe to repeat is repeated until it is given up."""
    moody.failures = 99
    with Client(server.target, timeout=20) as client, pytest.raises(UnavailableError) as caught:
        client.confirm("default", reference(1, frames=16))
    assert caught.value.reason == "INDEX_LOADING"
    assert moody.calls == 5


@pytest.mark.parametrize(
    "error",
    [
        UnavailableError("REVISION_NOT_REACHED", "not yet"),
        UnavailableError("OVERLOADED", "too much"),
        NotFoundError("BANK_NOT_FOUND", "no"),
    ],
)
def test_what_retrying_makes_worse_is_not_retried(server: BackgroundServer, moody: Moody, error: HashsvcError) -> None:
    """A server that waited already, or has too much to do, is not asked again at once."""
    moody.failures, moody.error = 99, error
    with Client(server.target) as client, pytest.raises(type(error)) as caught:
        client.match(DIGESTS)
    assert (caught.value.reason, moody.calls) == (error.reason, 1)


def test_deadline(server: BackgroundServer, moody: Moody) -> None:
    """An answer that does not come in time is UnavailableError DEADLINE_EXCEEDED."""
    moody.pause = 0.5
    with Client(server.target, timeout=0.1) as client, pytest.raises(UnavailableError) as caught:
        client.match(DIGESTS)
    assert caught.value.reason == "DEADLINE_EXCEEDED"


def test_fingerprint_that_is_too_large(server: BackgroundServer, moody: Moody) -> None:
    """A message over the server's limit is LimitExceededError, and never reaches the service."""
    with Client(server.target) as client, pytest.raises(LimitExceededError) as caught:
        client.match(reference(1, frames=400))
    assert (caught.value.reason, moody.calls) == ("LIMIT_MESSAGE", 0)


def test_nobody_there() -> None:
    """A target without a server is UnavailableError that names it, after the retries."""
    with (
        Client("127.0.0.1:1", timeout=10) as client,
        pytest.raises(UnavailableError, match=r"127\.0\.0\.1:1") as caught,
    ):
        client.get_bank("default")
    assert caught.value.reason == "SERVER_UNREACHABLE"


def test_what_cannot_be_sent(server: BackgroundServer, moody: Moody) -> None:
    """Text that is no UTF-8 and numbers out of range are the caller's error, without a call."""
    with Client(server.target) as client:
        for call in (
            lambda: client.confirm("default", reference(1), external_id="caf\udce9"),
            lambda: client.match(DIGESTS, min_revision=-1),
            lambda: client.list_banks(page_size=2**40),
            lambda: client.get_bank("caf\udce9"),
        ):
            with pytest.raises(InvalidInputError) as caught:
                call()
            assert caught.value.reason == "FIELD_INVALID"
    assert moody.calls == 0


class FakeHasher:
    """Hashes to what it was told, and notes what was asked."""

    def __init__(self, fingerprint: Fingerprint) -> None:
        self.fingerprint_made = fingerprint
        self.asked: list[Reading] = []
        self.closed = False

    def fingerprint(
        self, path: Path, reading: Reading, *, progress: Callable[[float], None] | None = None
    ) -> Fingerprint:
        """The same for every file."""
        self.asked.append(reading)
        if progress is not None:
            progress(1.0)
        return self.fingerprint_made

    def close(self) -> None:
        """Note it."""
        self.closed = True


def test_files_are_hashed_here(running: BackgroundServer, tmp_path: Path) -> None:
    """Confirm sends a reference; match sends digests first, and a quick reading only if they are unknown."""
    original, copy = tmp_path / "original.mp4", tmp_path / "copy.mp4"
    original.write_bytes(b"original")
    copy.write_bytes(b"copy")
    video = reference(1)
    digests = Digests(md5=hashlib.md5(b"original").digest(), sha256=hashlib.sha256(b"original").digest())
    dense = FakeHasher(dataclasses.replace(video, digests=digests))
    shares: list[float] = []
    with Client(running.target, sandbox=dense) as client:
        entry = client.confirm_file("default", original, external_id="v1", labels=["a"], progress=shares.append)
        found = client.match_file(original, min_revision=entry.revision)
    assert (dense.asked, dense.closed, shares) == ([Reading.REFERENCE], False, [1.0])
    assert found.matches[0].digest == "sha256"

    sparse = FakeHasher(excerpt(video, 10, 60))
    with Client(running.target, sandbox=sparse) as client:
        found = client.match_file(copy)
    assert sparse.asked == [Reading.QUICK]
    assert (found.verdict, found.matches[0].entry, found.matches[0].digest) == (Verdict.BLOCK, entry.entry, "")


class TwoReadings(FakeHasher):
    """Quickly nothing, deeply the fingerprint."""

    def fingerprint(
        self, path: Path, reading: Reading, *, progress: Callable[[float], None] | None = None
    ) -> Fingerprint:
        """Random hashes for a quick reading, with a hint in the views."""
        found = super().fingerprint(path, reading, progress=progress)
        if reading is Reading.DEEP:
            return dataclasses.replace(found, activity=np.ones((1, int(found.duration * 8)), np.float32))
        views = ("full", "busy")
        noise = np.random.default_rng(5).integers(0, 256, (found.frames, 2, 32), np.uint8)
        return dataclasses.replace(found, views=views, hashes=noise, quality=found.quality.repeat(2, 1))


def test_a_hint_is_followed_by_a_deep_reading(running: BackgroundServer, tmp_path: Path) -> None:
    """Both clients read deeply when the answer to the quick reading says so, and give both answers together."""
    (tmp_path / "copy.mp4").write_bytes(b"copy")
    video = reference(1)
    with Client(running.target) as client:
        revision = client.confirm("default", video).revision
    hasher = TwoReadings(excerpt(video, 10, 60))
    with Client(running.target, sandbox=hasher) as client:
        found = client.match_file(tmp_path / "copy.mp4", min_revision=revision)
    assert hasher.asked == [Reading.QUICK, Reading.DEEP]
    assert (found.verdict, found.deepen) == (Verdict.BLOCK, False)

    async def asynchronously() -> MatchResult:
        async with AsyncClient(running.target, sandbox=hasher) as client:
            return await client.match_file(tmp_path / "copy.mp4")

    assert asyncio.run(asynchronously()).verdict is Verdict.BLOCK
    assert hasher.asked == [Reading.QUICK, Reading.DEEP] * 2


def test_files_that_cannot_be_hashed(server: BackgroundServer, moody: Moody, tmp_path: Path) -> None:
    """A missing, an empty and an oversized file are errors of the domain, without a call."""
    empty, large = tmp_path / "empty", tmp_path / "large"
    empty.touch()
    large.write_bytes(bytes(100))
    settings = Settings(limits=Limits(max_bytes=99))
    with Client(server.target, settings=settings, sandbox=FakeHasher(reference(1))) as client:
        for path, kind, reason in (
            (tmp_path / "missing", MediaError, "MEDIA_UNREADABLE"),
            (empty, MediaError, "MEDIA_EMPTY"),
            (large, LimitExceededError, "LIMIT_BYTES"),
        ):
            with pytest.raises(kind) as caught:
                client.match_file(path)
            assert isinstance(caught.value, HashsvcError)
            assert caught.value.reason == reason
    assert moody.calls == 0


def test_one_client_serves_many_threads(running: BackgroundServer) -> None:
    """A client is thread-safe."""
    with Client(running.target) as client:
        entry = client.confirm("default", reference(1))
        client.match(DIGESTS, min_revision=entry.revision)
        results: list[MatchResult] = []
        threads = [
            threading.Thread(target=lambda: results.append(client.match(excerpt(reference(1), 0, 60))))
            for _ in range(16)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert [result.matches[0].entry for result in results] == [entry.entry] * 16


def test_async_client(running: BackgroundServer, tmp_path: Path) -> None:
    """The asyncio client does all that the blocking one does."""
    media = tmp_path / "video.mp4"
    media.write_bytes(b"this is no video" * 100_000)
    video = reference(1)

    async def play() -> None:
        async with AsyncClient(running.target, sandbox=FakeHasher(excerpt(video, 10, 60))) as client:
            bank = await client.create_bank("news")
            assert await client.get_bank("news") == bank
            assert (await client.update_bank("news", description="x")).description == "x"
            assert [one.bank for one in (await client.list_banks()).items] == ["default", "news"]
            entry = await client.confirm("news", video, external_id="v1")
            assert await client.get_entry("news", entry.entry) == entry
            assert (await client.list_entries("news")).items == (entry,)
            found = await client.match_file(media, min_revision=entry.revision)
            assert found.matches[0].entry == entry.entry
            assert (await client.match(video.digests)).verdict is Verdict.BLOCK
            assert len([line async for line in client.export("news", "jsonl")]) == 1
            assert (await client.status()).entries == 1
            assert await client.verify() == []
            excluded = await client.set_exclusions("news", entry.entry, [Interval(0, 20)])
            assert (await client.match_file(media, min_revision=excluded.revision)).excused
            withdrawn = await client.withdraw("news", entry.entry)
            with pytest.raises(PreconditionError):
                await client.withdraw("news", entry.entry)
            assert not (await client.match(video, min_revision=withdrawn.revision)).matches
            with pytest.raises(MediaError) as upload:
                await client.match_media(media)
            assert upload.value.reason == "MEDIA_UNREADABLE"
            with pytest.raises(MediaError):
                await client.confirm_media("news", media)
            with pytest.raises(InvalidInputError):
                [line async for line in client.export("news", "csv")]
            with pytest.raises(NotFoundError):
                await asyncio.gather(*(client.get_bank("nothing") for _ in range(5)))

    asyncio.run(play())


def test_a_client_that_only_asks_loads_no_decoder() -> None:
    """Importing and connecting starts nothing and loads no codec."""
    program = (
        "import sys; from hashsvc.client import Client; Client('127.0.0.1:1').close(); assert 'av' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=30)
