"""Worker processes: what they answer, what stops them, and that nothing is left of them."""

import contextlib
import dataclasses
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from hashsvc.config import Limits, Settings, WorkerSettings
from hashsvc.demo import video
from hashsvc.errors import HashsvcError, LimitExceededError, MediaError, UnavailableError
from hashsvc.fingerprint.encoding import encode
from hashsvc.fingerprint.hasher import fingerprint_query
from hashsvc.fingerprint.model import Fingerprint
from hashsvc.fingerprint.profiles import DEFAULT
from hashsvc.fingerprint.reading import Reading
from hashsvc.fingerprint.sandbox import Sandbox
from hashsvc.fingerprint.videohash_adapter import available
from tests.media.footage import LIMITS, clock, coded
from tests.media.test_probe import gif

ONE = Settings(workers=WorkerSettings(workers=1, queue=1))


@pytest.fixture(scope="module")
def short(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A video of a second."""
    return coded(tmp_path_factory.mktemp("short") / "short.mp4", clock(25))


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two minutes, which take a worker some seconds."""
    pictures = list(video.make(5, seconds=1.0, size=(320, 180)).frames)
    path = coded(tmp_path_factory.mktemp("long") / "long.h264", pictures, bf=0)
    path.write_bytes(path.read_bytes() * 120)
    return path


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    """To wait for jobs in the background."""
    with ThreadPoolExecutor(8) as pool:
        yield pool


def processes() -> dict[int, tuple[int, str]]:
    """Parent and command line of every process but zombies."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            state, parent = (folder / "stat").read_text().rpartition(")")[2].split()[:2]
            command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue  # it has ended
        if state != "Z":
            found[int(folder.name)] = (int(parent), command)
    return found


def workers() -> list[int]:
    """Worker processes of this one."""
    return [pid for pid, (parent, command) in processes().items() if parent == os.getpid() and "worker" in command]


def wait_until(done: Callable[[], object], seconds: float = 20.0) -> None:
    """Fails when it does not come true in time."""
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end
        time.sleep(0.01)


def busy(sandbox: Sandbox, path: Path, threads: ThreadPoolExecutor) -> "Future[Fingerprint]":
    """A dense job, of which the first progress has been heard."""
    begun = threading.Event()
    job = threads.submit(sandbox.fingerprint, path, Reading.REFERENCE, progress=lambda share: begun.set())
    assert begun.wait(30)
    return job


def test_the_answer_is_that_of_hashing_here(unrelated: Path) -> None:
    """A worker changes nothing about a fingerprint; progress is heard; the one worker serves several jobs."""
    shares: list[float] = []
    with Sandbox(ONE) as sandbox:
        first = sandbox.fingerprint(unrelated, Reading.QUICK)
        [worker] = workers()
        dense = sandbox.fingerprint(unrelated, Reading.REFERENCE, progress=shares.append)
        assert workers() == [worker]
    assert encode(first) == encode(fingerprint_query(unrelated, DEFAULT, LIMITS))
    assert dense.views == tuple(view.name for view in DEFAULT.reference_views)
    assert shares == sorted(shares) and len(shares) > 5
    assert workers() == []


def test_errors_are_those_of_the_worker(tmp_path: Path, short: Path) -> None:
    """Class, reason, message and metadata come through, and the worker goes on."""
    empty, text = tmp_path / "empty", tmp_path / "text"
    empty.write_bytes(b"")
    text.write_text("no video\n" * 100)
    settings = dataclasses.replace(ONE, limits=Limits(max_duration=5.0, max_pixels=100 * 100))
    wide = coded(tmp_path / "wide.mp4", clock(25, (192, 128)))
    with Sandbox(settings) as sandbox:
        sandbox.fingerprint(short, Reading.QUICK)
        [worker] = workers()
        for path, kind, reason in (
            (empty, MediaError, "MEDIA_EMPTY"),
            (text, MediaError, "MEDIA_UNREADABLE"),
            (tmp_path / "absent", MediaError, "MEDIA_UNREADABLE"),
            (wide, LimitExceededError, "LIMIT_PIXELS"),
        ):
            for reading in Reading:
                with pytest.raises(HashsvcError) as caught:
                    sandbox.fingerprint(path, reading)
                assert type(caught.value) is kind
                assert caught.value.reason == reason
                assert caught.value.message
        assert caught.value.metadata == {"limit": "10000"}
        assert sandbox.fingerprint(short, Reading.QUICK).frames
        assert workers() == [worker]


def test_cpu_limit(long: Path, short: Path, tmp_path: Path) -> None:
    """A job that computes too long is ended, as upload and as reference, and the next one is served."""
    longer = tmp_path / "longer.h264"
    # Far apart, so that a crowded core, on which a processor second does less, changes nothing.
    longer.write_bytes(long.read_bytes() * 100)
    limits = Limits(max_cpu_seconds=1.0, max_match_cpu_seconds=1.0)
    with Sandbox(dataclasses.replace(ONE, limits=limits)) as sandbox:
        for reading in Reading:
            with pytest.raises(LimitExceededError) as caught:
                sandbox.fingerprint(longer, reading)
            assert caught.value.reason == "LIMIT_CPU"
        assert sandbox.fingerprint(short, Reading.QUICK).frames


def test_cpu_time_is_counted_by_job(unrelated: Path) -> None:
    """What earlier jobs of a worker used is not held against a later one."""
    with Sandbox(dataclasses.replace(ONE, limits=Limits(max_match_cpu_seconds=1.0))) as sandbox:
        for _ in range(15):
            sandbox.fingerprint(unrelated, Reading.QUICK)


def test_memory_limit(tmp_path: Path, short: Path) -> None:
    """A picture that does not fit into the allowed memory is refused for that, and the next video is served."""
    large = tmp_path / "large.gif"
    large.write_bytes(gif(12000, 12000))
    limits = Limits(max_memory=900 << 20, max_pixels=1 << 30)
    with Sandbox(dataclasses.replace(ONE, limits=limits)) as sandbox:
        with pytest.raises(LimitExceededError) as caught:
            sandbox.fingerprint(large, Reading.QUICK)
        assert caught.value.reason == "LIMIT_MEMORY"
        assert sandbox.fingerprint(short, Reading.QUICK).frames


def test_a_worker_killed_at_work(long: Path, short: Path, threads: ThreadPoolExecutor) -> None:
    """The video in work is an error, the next one is not."""
    with Sandbox(ONE) as sandbox:
        job = busy(sandbox, long, threads)
        [worker] = workers()
        os.kill(worker, signal.SIGKILL)
        with pytest.raises(MediaError) as caught:
            job.result(10)
        assert caught.value.reason == "MEDIA_DECODER_CRASHED"
        assert sandbox.fingerprint(short, Reading.QUICK).frames
        assert workers() != [worker]


def test_a_worker_killed_at_rest(short: Path) -> None:
    """A worker that died between two jobs is no fault of the second."""
    with Sandbox(ONE) as sandbox:
        sandbox.fingerprint(short, Reading.QUICK)
        [worker] = workers()
        os.kill(worker, signal.SIGKILL)
        os.waitid(os.P_PID, worker, os.WEXITED | os.WNOWAIT)  # dead, and not yet taken note of
        assert sandbox.fingerprint(short, Reading.QUICK).frames


def test_progress_that_fails(unrelated: Path, short: Path) -> None:
    """An error of the listener ends its own job, and its answer is never taken for the next one's."""

    def fail(share: float) -> None:
        raise RuntimeError("the listener has gone")

    with Sandbox(ONE) as sandbox:
        with pytest.raises(RuntimeError, match="gone"):
            sandbox.fingerprint(unrelated, Reading.REFERENCE, progress=fail)
        found = sandbox.fingerprint(short, Reading.QUICK)
    assert found.duration == pytest.approx(1.0, abs=0.1)
    assert workers() == []


def test_workers_are_replaced(short: Path) -> None:
    """After so many jobs a worker makes room for another."""
    with Sandbox(Settings(workers=WorkerSettings(workers=1, jobs_per_worker=2))) as sandbox:
        seen = []
        for _ in range(4):
            sandbox.fingerprint(short, Reading.QUICK)
            seen += workers()
    assert len(set(seen)) == 2


def test_overload(long: Path, short: Path, threads: ThreadPoolExecutor) -> None:
    """With the worker busy and the queue full, one more is told to come again; the waiting one is served."""
    with Sandbox(ONE) as sandbox:
        running = busy(sandbox, long, threads)
        waiting = threads.submit(sandbox.fingerprint, short, Reading.QUICK)
        wait_until(lambda: sandbox._waiting == 1)
        with pytest.raises(UnavailableError) as caught:
            sandbox.fingerprint(short, Reading.QUICK)
        assert caught.value.reason == "OVERLOADED"
        assert not waiting.done()
        os.kill(workers()[0], signal.SIGKILL)
        assert isinstance(running.exception(10), MediaError)
        assert waiting.result(30).frames


def test_close_while_working(long: Path, short: Path, threads: ThreadPoolExecutor) -> None:
    """Closing ends the job in work and the one that waits, soon, refuses new ones, and leaves no process."""
    sandbox = Sandbox(ONE)
    running = busy(sandbox, long, threads)
    waiting = threads.submit(sandbox.fingerprint, short, Reading.QUICK)
    wait_until(lambda: sandbox._waiting == 1)
    sandbox.close()
    assert isinstance(running.exception(10), MediaError)
    stopped = waiting.exception(10)
    assert isinstance(stopped, UnavailableError) and stopped.reason == "OVERLOADED"
    with pytest.raises(UnavailableError):
        sandbox.fingerprint(short, Reading.QUICK)
    assert workers() == []
    sandbox.close()


def test_many_threads(tmp_path: Path, threads: ThreadPoolExecutor) -> None:
    """Two workers serve eight threads; each gets the fingerprint of its own video; no more than two ever run."""
    paths = [coded(tmp_path / f"{count}.mp4", clock(count)) for count in range(25, 121, 12)]
    with Sandbox(Settings(workers=WorkerSettings(workers=2))) as sandbox:
        jobs = [threads.submit(sandbox.fingerprint, path, Reading.QUICK) for path in paths * 2]
        for job, count in zip(jobs, [*range(25, 121, 12)] * 2, strict=True):
            assert job.result(60).duration == pytest.approx(count / 25, abs=0.01)
        assert 1 <= len(workers()) <= 2
    assert workers() == []


@pytest.mark.skipif(not available(), reason="the extra hashsvc[videohash] is not installed")
def test_what_a_worker_started_ends_with_it(long: Path) -> None:
    """The processes that make the videohash signal do not outlive the worker for which they make it."""
    script = (
        "import pathlib, sys; from hashsvc.fingerprint.videohash_adapter import videohash_of;"
        " videohash_of(pathlib.Path(sys.argv[1]))"
    )

    def started() -> set[int]:
        """Of the process below, all that came of it, whoever their parent is by now."""
        found = set()
        for pid in processes():
            with contextlib.suppress(ProcessLookupError):
                found |= {pid} if os.getpgid(pid) in groups else set()
        return found

    with subprocess.Popen([sys.executable, "-c", script, str(long)]) as worker:
        groups: set[int] = set()

        def has_begun() -> bool:
            groups.update(pid for pid, (parent, _) in processes().items() if parent == worker.pid)
            return len(started()) >= 2  # the program, and an ffmpeg that it runs

        wait_until(has_begun)
        worker.kill()
    wait_until(lambda: not started(), seconds=2.0)
