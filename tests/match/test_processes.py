"""Matching beside the server: the same answers, whatever happens to the processes."""

import dataclasses
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from hashsvc.bank.model import Verdict
from hashsvc.errors import FingerprintError
from hashsvc.fingerprint.model import Digests, Fingerprint, activity_samples
from hashsvc.match import processes
from hashsvc.match.matcher import Matcher
from hashsvc.match.processes import AT_ONCE
from hashsvc.service import DEFAULT_BANK, Service
from hashsvc_index.errors import BankNotFoundError
from tests.crash.serving import Serving
from tests.match.synthetic import a_reference, an_upload

WAIT = 60.0
"""Seconds; a process imports what it needs first."""
KNOWN, LATER = a_reference(1), a_reference(2)
COPY, STRANGER = an_upload([(KNOWN, 5.0, 20.0, 1.0)]), an_upload([(None, 0.0, 20.0, 1.0)])


def process_of(service: Service, other_than: int = 0) -> int:
    """Wait for a process that takes uploads; its identifier."""
    found = 0

    def is_there() -> bool:
        nonlocal found
        found = next((one for one in service._processes.ready if one != other_than), 0)
        return found > 0

    wait_until(is_there)
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
    """One that knows a video, and has a process that is ready."""
    with Service.open(tmp_path / "data", match_processes=1) as service:
        service.confirm(DEFAULT_BANK, KNOWN, external_id="known")
        process_of(service)
        yield service


@pytest.fixture
def only_there(service: Service, monkeypatch: pytest.MonkeyPatch) -> Service:
    """The service, of which the process alone can match."""
    monkeypatch.setattr(Matcher, "match", None)
    return service


@pytest.mark.parametrize("query", [COPY, STRANGER, deep(COPY)], ids=["copy", "stranger", "deep"])
def test_answers_as_the_matcher_does(service: Service, monkeypatch: pytest.MonkeyPatch, query: Fingerprint) -> None:
    """The same result, field by field, of which the process of the tests makes none."""
    here = service._matcher.match(query, {})
    monkeypatch.setattr(Matcher, "match", None)
    assert service.match(query) == here
    assert here.verdict is (Verdict.ALLOW if query is STRANGER else Verdict.BLOCK)


def test_what_was_changed_a_moment_ago_counts(only_there: Service) -> None:
    """A video is found as soon as this service has it in its index, and no more once it is withdrawn."""
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


def test_bad_fingerprints_do_not_reach_it(only_there: Service) -> None:
    """What is no fingerprint is refused, and the next upload is answered."""
    with pytest.raises(FingerprintError):
        only_there.match(dataclasses.replace(COPY, quality=COPY.quality[:-1]))
    assert only_there.match(COPY).matches


def test_digests_are_looked_up_here(service: Service) -> None:
    """Exact digests take a look into the store, which is no task for a process."""
    os.kill(process_of(service), signal.SIGSTOP)
    assert not service.match(Digests(md5=bytes(16))).matches


def test_more_uploads_than_places(only_there: Service) -> None:
    """Every one of many at once gets its own answer."""
    queries = [COPY, STRANGER] * 20
    with ThreadPoolExecutor(3 * AT_ONCE) as threads:
        found = list(threads.map(only_there.match, queries))
    assert [one.verdict for one in found] == [Verdict.BLOCK, Verdict.ALLOW] * 20


def test_deep_readings_have_a_place_of_their_own(only_there: Service) -> None:
    """While all places for other uploads are taken, a deep reading is matched."""
    taken = [only_there._processes._take(deep=False) for _ in range(AT_ONCE)]
    assert None not in taken
    assert only_there.match(deep(COPY)).matches


def test_a_killed_process_is_replaced(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """Uploads are matched meanwhile, then in another process."""
    monkeypatch.setattr(processes, "_RETRY_SECONDS", 0.01)
    before = process_of(service)
    os.kill(before, signal.SIGKILL)
    for _ in range(3):
        assert service.match(COPY).verdict is Verdict.BLOCK
    after = process_of(service, other_than=before)
    monkeypatch.setattr(Matcher, "match", None)
    assert service.match(COPY).verdict is Verdict.BLOCK
    assert is_running(after) and not is_running(before)


def test_a_process_that_hangs_is_killed(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """The upload that it was given is matched all the same."""
    monkeypatch.setattr(processes, "_ANSWER_SECONDS", 0.2)
    monkeypatch.setattr(processes, "_RETRY_SECONDS", 0.01)
    before = process_of(service)
    os.kill(before, signal.SIGSTOP)
    assert service.match(COPY).verdict is Verdict.BLOCK
    wait_until(lambda: not is_running(before))
    process_of(service, other_than=before)


def test_processes_end_with_the_service(tmp_path: Path) -> None:
    """One that is ready, and one that was only started."""
    with Service.open(tmp_path / "data", match_processes=2) as service:
        first = process_of(service)
        started = {one.pid for one in service._processes._started}
        assert first in started
    wait_until(lambda: not any(map(is_running, started)))
    with Service.open(tmp_path / "data", match_processes=1) as service:
        wait_until(lambda: len(service._processes._started) > 0)
        started = {one.pid for one in service._processes._started}
    assert not any(map(is_running, started))


def test_processes_end_with_a_server_that_is_killed(tmp_path: Path) -> None:
    """Nobody is left to tell them, and nothing is left of them."""
    server = Serving(tmp_path / "data", tmp_path / "uploads")
    try:
        wait_until(lambda: len(server.events("matching process ready")) > 0)
        pid = server.events("matching process ready")[0]["pid"]
        assert is_running(pid)
    finally:
        server.kill()
        server.end()
    wait_until(lambda: not is_running(pid))


def test_a_process_that_cannot_be_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without any process a service answers as well, and closes."""
    monkeypatch.setattr(sys, "executable", str(tmp_path / "nothing"))
    with Service.open(tmp_path / "data", match_processes=1) as service:
        service.confirm(DEFAULT_BANK, KNOWN)
        assert service.match(COPY, min_revision=service.revision).verdict is Verdict.BLOCK
        assert service._processes.ready == []
