"""Matching beside the server: the same answers, whatever happens to the processes."""

import dataclasses
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from hashsvc.bank.model import Verdict
from hashsvc.errors import FingerprintError
from hashsvc.fingerprint.model import Digests, Fingerprint, activity_samples
from hashsvc.match import process, processes
from hashsvc.match.depths import Depths
from hashsvc.match.jobs import AT_ONCE, Job, Packed
from hashsvc.match.matcher import Matcher
from hashsvc.match.processes import Use
from hashsvc.service import DEFAULT_BANK, Service
from hashsvc_index.compilation import SCAN
from hashsvc_index.errors import BankNotFoundError
from tests.crash.serving import Serving
from tests.match.synthetic import a_reference, an_upload

WAIT = 60.0
"""Seconds; a process imports what it needs first."""
KNOWN, LATER = a_reference(1), a_reference(2)
COPY, STRANGER = an_upload([(KNOWN, 5.0, 20.0, 1.0)]), an_upload([(None, 0.0, 20.0, 1.0)])


def processes_of(service: Service, other_than: Sequence[int] = ()) -> Sequence[int]:
    """Wait for processes that take uploads, none of which is among others; their identifiers."""
    found: Sequence[int] = ()

    def are_there() -> bool:
        nonlocal found
        found = service.processes.ready
        return len(found) > 0 and set(found).isdisjoint(other_than)

    wait_until(are_there)
    return found


def wait_until(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def is_running(pid: int) -> bool:
    """Whether there is such a process, and more of it than its status."""
    try:
        return Path("/proc", str(pid), "stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def deep(query: Fingerprint) -> Fingerprint:
    """The same reading with an activity curve."""
    curve = np.random.default_rng(5).random((1, activity_samples(query.duration)), np.float32)
    return dataclasses.replace(query, activity=curve)


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    """One that knows a video, and has two processes that are ready."""
    with Service.open(tmp_path / "data", match_processes=2) as service:
        service.confirm(DEFAULT_BANK, KNOWN, external_id="known")
        processes_of(service)
        yield service


@pytest.fixture
def only_there(service: Service, monkeypatch: pytest.MonkeyPatch) -> Service:
    """The service, of which the processes alone can match."""
    monkeypatch.setattr(Matcher, "match", None)
    return service


def test_uploads_may_come_when_they_are_ready(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Or when they took too long; where there are none, at once."""
    with Service.open(tmp_path / "data") as alone:
        assert alone.ready
    with Service.open(tmp_path / "data", match_processes=1) as service:
        assert not service.ready or service.processes.ready
        wait_until(lambda: service.ready)
    monkeypatch.setattr(processes, "_START_SECONDS", 0.0)
    with Service.open(tmp_path / "data", match_processes=1) as service:
        assert service.ready and service.match(STRANGER).verdict is Verdict.ALLOW


@pytest.mark.parametrize("query", [COPY, STRANGER, deep(COPY)], ids=["copy", "stranger", "deep"])
def test_answers_as_the_matcher_does(service: Service, monkeypatch: pytest.MonkeyPatch, query: Fingerprint) -> None:
    """The same result, field by field, of which the process of the tests makes none."""
    here = service._matcher.match(query, {})
    monkeypatch.setattr(Matcher, "match", None)
    assert service.match(query) == here
    assert here.verdict is (Verdict.ALLOW if query is STRANGER else Verdict.BLOCK)


def test_what_was_changed_a_moment_ago_counts(only_there: Service) -> None:
    """Whoever asks for the revision of a confirm finds the video, and of its withdrawal no more."""
    upload = an_upload([(LATER, 5.0, 20.0, 1.0)])
    for _ in range(5):
        entry = only_there.confirm(DEFAULT_BANK, LATER)
        found = only_there.match(upload, min_revision=only_there.revision)
        assert [one.entry for one in found.matches] == [entry.entry] and found.revision >= entry.revision
        only_there.withdraw(DEFAULT_BANK, entry.entry, reason="in error")
        assert not only_there.match(upload, min_revision=only_there.revision).matches


def test_banks_are_kept_to(only_there: Service) -> None:
    """An upload is matched in the banks that are asked for, and a bank that does not exist is an error."""
    only_there.create_bank("others")
    assert not only_there.match(COPY, banks=["others"]).matches
    assert only_there.match(COPY, banks=["others", DEFAULT_BANK]).matches
    with pytest.raises(BankNotFoundError):
        only_there.match(COPY, banks=["nowhere"])


def test_the_server_goes_first(service: Service) -> None:
    """What answers all calls, and makes searches short again, has more of a claim to the cores than what matches."""
    own = os.getpriority(os.PRIO_PROCESS, 0)
    for one in processes_of(service):
        assert os.getpriority(os.PRIO_PROCESS, one) == min(own + process._NICENESS, 19)


class Index:
    """Instead of an index that is behind."""

    revision = 5

    def __init__(self) -> None:
        self.waits: list[tuple[int, float]] = []
        self.notified = 0

    def notify(self) -> None:
        self.notified += 1

    def wait_for(self, revision: int, timeout: float) -> bool:
        if revision > self.revision:
            self.waits.append((revision, timeout))
        return False


def test_a_change_is_waited_for_once() -> None:
    """By the first upload that comes after it, a moment; by one that asks for it, longer, however often."""
    behind, index = object.__new__(process._Process), Index()
    behind._index, behind._hurried = index, 0  # type: ignore[assignment]

    def catch_up(*, known: int, asked: int = 0) -> list[tuple[int, float]]:
        index.waits.clear()
        behind._catch_up(Job(query=Packed.of(COPY), banks={}, depths=Depths(), revision=asked, known=known))
        return [*index.waits]

    assert catch_up(known=5) == [] and index.notified == 0
    assert catch_up(known=7) == [(7, process._MOMENT_SECONDS)] and index.notified == 1
    assert catch_up(known=7) == []
    assert catch_up(known=7, asked=7) == [(7, process._CATCH_UP_SECONDS)]
    assert catch_up(known=8, asked=7) == [(8, process._MOMENT_SECONDS), (7, process._CATCH_UP_SECONDS)]


def test_the_idle_one_is_asked(only_there: Service) -> None:
    """Two uploads at once go to two processes."""
    first, second = (only_there.processes._take(Use.THREAD) for _ in range(2))
    assert first is not None and second is not None and first.process != second.process


def test_bad_fingerprints_do_not_reach_them(only_there: Service) -> None:
    """What is no fingerprint is refused, and the next upload is answered."""
    with pytest.raises(FingerprintError):
        only_there.match(dataclasses.replace(COPY, quality=COPY.quality[:-1]))
    assert only_there.match(COPY).matches


def test_digests_are_looked_up_here(service: Service) -> None:
    """Exact digests take a look into the store, which is no task for a process."""
    for one in processes_of(service):
        os.kill(one, signal.SIGSTOP)
    assert not service.match(Digests(md5=bytes(16))).matches


def test_all_that_matching_reads_is_passed_on() -> None:
    """Every field of a fingerprint but the signals, of a quick and of a deep reading."""
    digests = Digests(md5=bytes(range(16)), sha256=bytes(range(32)))
    for query in (dataclasses.replace(COPY, digests=digests), deep(COPY)):
        passed = Packed.of(query).fingerprint().check()
        for name in set(Fingerprint.__dataclass_fields__) - {"signals"}:
            before, after = getattr(query, name), getattr(passed, name)
            assert np.array_equal(before, after) if isinstance(before, np.ndarray) else before == after
        assert passed.activity.shape == query.activity.shape


def test_more_uploads_than_places(only_there: Service) -> None:
    """Every one of many at once gets its own answer."""
    queries = [COPY, STRANGER] * 20
    with ThreadPoolExecutor(5 * AT_ONCE) as threads:
        found = list(threads.map(only_there.match, queries))
    assert [one.verdict for one in found] == [Verdict.BLOCK, Verdict.ALLOW] * 20


def test_deep_readings_have_a_place_of_their_own(only_there: Service) -> None:
    """While all places for other uploads are taken, a deep reading is matched."""
    taken = [only_there.processes._take(Use.THREAD) for _ in range(2 * AT_ONCE)]
    assert None not in taken
    assert only_there.match(deep(COPY)).matches


@pytest.mark.parametrize("which", [0, 1], ids=["first", "forked"])
def test_a_killed_process_is_replaced(service: Service, monkeypatch: pytest.MonkeyPatch, which: int) -> None:
    """Uploads are matched meanwhile, then in other processes."""
    monkeypatch.setattr(processes, "_RETRY_SECONDS", 0.01)
    before = processes_of(service)
    os.kill(before[which], signal.SIGKILL)
    for _ in range(3):
        assert service.match(COPY).verdict is Verdict.BLOCK
    after = processes_of(service, other_than=before)
    monkeypatch.setattr(Matcher, "match", None)
    assert service.match(COPY).verdict is Verdict.BLOCK
    assert len(after) == 2 and all(map(is_running, after))
    wait_until(lambda: not any(map(is_running, before)))


@pytest.mark.parametrize("which", [0, 1], ids=["first", "forked"])
def test_a_process_that_hangs_is_killed(service: Service, monkeypatch: pytest.MonkeyPatch, which: int) -> None:
    """The uploads that it was given are matched all the same."""
    monkeypatch.setattr(processes, "ANSWER_SECONDS", 0.2)
    monkeypatch.setattr(processes, "_RETRY_SECONDS", 0.01)
    before = processes_of(service)
    os.kill(before[which], signal.SIGSTOP)
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(service.match, [COPY] * 8))
    assert {one.verdict for one in found} == {Verdict.BLOCK}
    wait_until(lambda: not any(map(is_running, before)))
    processes_of(service, other_than=before)


def test_processes_end_with_the_service(tmp_path: Path) -> None:
    """Those that are ready, and those that were only started."""
    with Service.open(tmp_path / "data", match_processes=2) as service:
        ready = processes_of(service)
    assert len(ready) == 2
    wait_until(lambda: not any(map(is_running, ready)))
    with Service.open(tmp_path / "data", match_processes=2) as service:
        wait_until(lambda: service.processes._started is not None)
        started = service.processes._started
    assert started is not None and started.poll() is not None


def test_processes_end_with_a_server_that_is_killed(tmp_path: Path) -> None:
    """Nobody is left to tell them, and nothing is left of them."""
    server = Serving(tmp_path / "data", tmp_path / "uploads")
    try:
        wait_until(lambda: len(server.events("matching processes ready")) > 0)
        pids = server.events("matching processes ready")[0]["pids"]
        assert len(pids) == 2 and all(map(is_running, pids))
    finally:
        server.kill()
        server.end()
    wait_until(lambda: not any(map(is_running, pids)))


def test_processes_that_cannot_be_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without any a service answers as well, and closes."""
    monkeypatch.setattr(sys, "executable", str(tmp_path / "nothing"))
    with Service.open(tmp_path / "data", match_processes=1) as service:
        service.confirm(DEFAULT_BANK, KNOWN)
        assert service.match(COPY, min_revision=service.revision).verdict is Verdict.BLOCK
        assert service.processes.ready == ()


@pytest.mark.usefixtures("plain_again")
def test_processes_that_end_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without any a service answers as well, fast after a while, and closes."""
    monkeypatch.setattr(sys, "executable", shutil.which("false"))
    with Service.open(tmp_path / "data", match_processes=1) as service:
        service.confirm(DEFAULT_BANK, KNOWN)
        assert service.match(COPY, min_revision=service.revision).verdict is Verdict.BLOCK
        wait_until(lambda: SCAN.module is not None)
        assert service.match(COPY).verdict is Verdict.BLOCK
