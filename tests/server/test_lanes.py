"""Uploads that an event loop has matched by processes."""

import asyncio
import dataclasses
import os
import signal
import time
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from hashsvc.bank.model import Verdict
from hashsvc.client import Client
from hashsvc.errors import FingerprintError, LimitExceededError, UnavailableError
from hashsvc.fingerprint.model import Fingerprint
from hashsvc.match import processes
from hashsvc.match.jobs import AT_ONCE
from hashsvc.match.lane import MOST_BYTES, Lane
from hashsvc.match.matcher import Matcher
from hashsvc.match.model import MatchResult
from hashsvc.match.process import _answered
from hashsvc.server import lanes
from hashsvc.server.lanes import Lanes, NoProcess
from hashsvc.server.pool import Pool
from hashsvc.service import DEFAULT_BANK, Service
from tests.match.synthetic import a_reference, an_upload
from tests.server.background import SETTINGS, background

WAIT = 60.0
PROCESSES = 2
KNOWN = a_reference(1)
COPY, STRANGER = an_upload([(KNOWN, 5.0, 20.0, 1.0)]), an_upload([(None, 0.0, 20.0, 1.0)])
LONG = an_upload([(KNOWN, 5.0, 20.0, 1.0), (None, 0.0, 780.0, 1.0)])
"""Has more hashes than an event loop sees to, and more than go over a lane."""


def wait_until(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.fixture
def service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    """One that knows a video, and has processes that alone can match."""
    with Service.open(tmp_path / "data", match_processes=PROCESSES) as service:
        service.confirm(DEFAULT_BANK, KNOWN, external_id="known")
        wait_until(lambda: len(service.processes.ready) > 0)
        monkeypatch.setattr(Matcher, "match", None)
        yield service


class Loop:
    """Lanes on an event loop."""

    def __init__(self, service: Service, lanes: Lanes) -> None:
        self.service = service
        self.lanes = lanes
        self.found: list[Verdict] = []

    def open(self) -> bool:
        return self.lanes.open(self.service.processes)

    async def match(self, query: Fingerprint) -> Verdict:
        return await self.lanes.match(self.service.processes.job(query, {}), self._note)

    def ask(self, queries: list[Fingerprint]) -> list["asyncio.Task[Verdict]"]:
        return [asyncio.create_task(self.match(one)) for one in queries]

    def _note(self, result: MatchResult) -> Verdict:
        self.found.append(result.verdict)
        return result.verdict


def run(service: Service, scenario: Callable[[Loop], Awaitable[Any]], *, queue: int = 1000) -> None:
    """Have lanes on an event loop, and close them."""

    async def running() -> None:
        loop = Loop(service, Lanes(queue=queue))
        try:
            assert loop.open()
            async with asyncio.timeout(WAIT):
                await scenario(loop)
        finally:
            loop.lanes.close()
        assert not loop.open()

    asyncio.run(running())


def stop(service: Service) -> None:
    for one in service.processes.ready:
        os.kill(one, signal.SIGSTOP)


def go_on(service: Service) -> None:
    for one in service.processes.ready:
        os.kill(one, signal.SIGCONT)


def test_more_uploads_than_places(service: Service) -> None:
    """Every one of many at once gets its own answer."""

    async def scenario(loop: Loop) -> None:
        found = await asyncio.gather(*loop.ask([COPY, STRANGER] * 20))
        assert found == [Verdict.BLOCK, Verdict.ALLOW] * 20

    run(service, scenario)


def test_two_uploads_go_to_two_processes(service: Service) -> None:
    """While one of them is stopped, one of two is answered; the other when it goes on."""

    async def scenario(loop: Loop) -> None:
        stopped = service.processes.ready[0]
        os.kill(stopped, signal.SIGSTOP)
        done, waiting = await asyncio.wait(loop.ask([COPY, COPY]), timeout=2.0, return_when=asyncio.FIRST_COMPLETED)
        assert len(done) == len(waiting) == 1
        os.kill(stopped, signal.SIGCONT)
        assert {one.result() for one in done} == {await one for one in waiting} == {Verdict.BLOCK}

    run(service, scenario)


def test_more_wait_than_may(service: Service) -> None:
    """One too many is refused at once; the others are answered."""

    async def scenario(loop: Loop) -> None:
        stop(service)
        several = loop.ask([COPY] * (PROCESSES * AT_ONCE + 3))
        await asyncio.sleep(0)
        with pytest.raises(UnavailableError, match="3 calls wait"):
            await loop.match(COPY)
        go_on(service)
        assert set(await asyncio.gather(*several)) == {Verdict.BLOCK}

    run(service, scenario, queue=3)


def test_nobody_waits_any_more(service: Service) -> None:
    """What waits for a place is never matched; what is under way is noted all the same."""

    async def scenario(loop: Loop) -> None:
        stop(service)
        several = loop.ask([COPY] * (PROCESSES * AT_ONCE + 3))
        await asyncio.sleep(0)
        for one in several:
            one.cancel()
        await asyncio.wait(several)
        go_on(service)
        assert await loop.match(STRANGER) is Verdict.ALLOW
        while len(loop.found) < PROCESSES * AT_ONCE + 1:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.2)
        assert sorted(loop.found) == sorted([Verdict.ALLOW, *[Verdict.BLOCK] * PROCESSES * AT_ONCE])

    run(service, scenario)


def test_killed_processes(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever waits is told at once, and later ones find the next processes."""
    monkeypatch.setattr(processes, "_RETRY_SECONDS", 0.01)

    async def scenario(loop: Loop) -> None:
        stop(service)
        several = loop.ask([COPY] * 10)
        await asyncio.sleep(0)
        os.kill(service.processes.ready[0], signal.SIGKILL)
        done = await asyncio.gather(*several, return_exceptions=True)
        assert len(done) == 10 and all(isinstance(one, NoProcess) for one in done)
        while not loop.open():
            await asyncio.sleep(0.01)
        assert await loop.match(COPY) is Verdict.BLOCK

    run(service, scenario)


def test_a_process_that_hangs(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is killed with the other, and whoever waits for it is told."""
    monkeypatch.setattr(lanes, "ANSWER_SECONDS", 0.3)
    before = [*service.processes.ready]

    async def scenario(loop: Loop) -> None:
        os.kill(before[1], signal.SIGSTOP)
        done = await asyncio.gather(*loop.ask([COPY] * PROCESSES * AT_ONCE), return_exceptions=True)
        late = [one for one in done if one is not Verdict.BLOCK]
        assert len(late) == AT_ONCE and all(isinstance(one, NoProcess) for one in late)

    run(service, scenario)
    wait_until(lambda: not any(Path("/proc", str(one), "exe").exists() for one in before))


def test_too_long_for_a_lane(service: Service) -> None:
    """An upload that does not fit goes another way; one after it is answered."""

    async def scenario(loop: Loop) -> None:
        with pytest.raises(NoProcess, match="bytes, over"):
            await loop.match(LONG)
        assert await loop.match(COPY) is Verdict.BLOCK

    run(service, scenario)


def test_a_result_that_is_too_long() -> None:
    """Its process says so instead, and goes on."""
    own, other = Lane.pair()
    theirs = Lane.inherited(other.detach())
    for answer, told in ((bytes(MOST_BYTES), "the result is a message of"), ("short", "short")):
        own.send("an upload")
        assert _answered(theirs, lambda _, answer=answer: answer)  # type: ignore[misc]
        assert own.recv().startswith(told)
    own.close()
    assert not _answered(theirs, lambda _: "nobody is there")
    theirs.close()


def test_what_becomes_of_a_result_fails(service: Service) -> None:
    """It is for who waits, and for nobody after that."""

    def refuse(_: MatchResult) -> None:
        raise LimitExceededError("LIMIT_BYTES", "no more", limit=1)

    async def scenario(loop: Loop) -> None:
        with pytest.raises(LimitExceededError):
            await loop.lanes.match(service.processes.job(COPY, {}), refuse)
        assert await loop.match(COPY) is Verdict.BLOCK

    run(service, scenario)


class Running:
    """A server with processes that knows a video, and a client of it."""

    def __init__(self, data: Path) -> None:
        self.service: Service
        self._data = data

    def opened(self) -> Service:
        self.service = Service.open(self._data, SETTINGS, match_processes=PROCESSES)
        return self.service

    def ready(self) -> bool:
        return len(self.service.processes.ready) > 0


@pytest.fixture
def running(tmp_path: Path) -> Iterator[tuple[Running, Client]]:
    """Such a server, whose processes are ready."""
    server = Running(tmp_path / "data")
    with background(server.opened) as there, Client(there.target) as client:
        client.confirm(DEFAULT_BANK, KNOWN, external_id="known")
        wait_until(server.ready)
        yield server, client


def test_a_server_has_uploads_matched_so(running: tuple[Running, Client], monkeypatch: pytest.MonkeyPatch) -> None:
    """Short ones without a thread, and logged; long ones, and those that name a revision, by threads."""
    _, client = running
    taken: list[str] = []
    run_on_thread = Pool.run

    async def noted(pool: Pool, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        taken.append(pool._name)
        return await run_on_thread(pool, function, *args, **kwargs)

    monkeypatch.setattr(Pool, "run", noted)
    monkeypatch.setattr(Matcher, "match", None)
    assert client.match(COPY, content_id="short").verdict is Verdict.BLOCK
    assert client.match(STRANGER, banks=[DEFAULT_BANK]).verdict is Verdict.ALLOW
    for reason, fault in (
        ("PROFILE_UNKNOWN", {"profile": "unknown"}),
        ("FINGERPRINT_MALFORMED", {"starts": COPY.starts[::-1]}),
        ("FINGERPRINT_MALFORMED", {"duration": float("nan")}),
    ):
        with pytest.raises(FingerprintError) as caught:
            client.match(dataclasses.replace(COPY, **fault))
        assert caught.value.reason == reason
    assert taken == []
    assert client.match(LONG).verdict is Verdict.REVIEW and taken == ["match"]
    assert client.match(COPY, min_revision=1).verdict is Verdict.BLOCK and taken == ["match", "wait"]
    logged = [one.verdict for one in client.list_decisions(kind="verdict", content_id="short").items]
    assert [one.verdict for one in logged if one] == [Verdict.BLOCK]


def test_a_server_whose_processes_are_killed(running: tuple[Running, Client], monkeypatch: pytest.MonkeyPatch) -> None:
    """Uploads of that moment are answered all the same, and later ones by other processes."""
    monkeypatch.setattr(processes, "_RETRY_SECONDS", 0.01)
    server, client = running
    stop(server.service)
    with ThreadPoolExecutor(12) as threads:
        asked = [threads.submit(client.match, COPY) for _ in range(12)]
        time.sleep(0.3)
        before = {*server.service.processes.ready}
        os.kill(min(before), signal.SIGKILL)
        assert {one.result().verdict for one in asked} == {Verdict.BLOCK}
    wait_until(lambda: server.ready() and before.isdisjoint(server.service.processes.ready))
    monkeypatch.setattr(Matcher, "match", None)
    assert client.match(COPY).verdict is Verdict.BLOCK
