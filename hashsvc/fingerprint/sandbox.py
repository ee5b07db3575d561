"""A pool of sandboxed worker processes that turn files into fingerprints.

The caller's process never touches a codec: a job that crashes, hangs or grows costs one worker, which is replaced.
"""

import contextlib
import dataclasses
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from hashsvc import errors
from hashsvc.config import Settings
from hashsvc.errors import HashsvcError, LimitExceededError, MediaError, UnavailableError
from hashsvc.fingerprint import worker
from hashsvc.fingerprint.encoding import decode
from hashsvc.fingerprint.model import HASH_BYTES, Fingerprint
from hashsvc.fingerprint.profiles import DEFAULT, Profile
from hashsvc.fingerprint.reading import Reading

ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
"""There are as many workers as cores, and each thread of a BLAS reserves address space."""
_WALL_FACTOR = 4.0
_WALL_LEAST = 60.0
"""A job may take so many times its CPU seconds of real time, and at least this, before it counts as hung."""


class Sandbox:
    """Thread-safe; each method blocks its caller while a worker works."""

    def __init__(self, settings: Settings = Settings(), *, nice: int = 0) -> None:
        """`nice` other than 0 is the workers' scheduling priority, up to 19 for the lowest."""
        self._settings = settings
        self._nice = nice
        self._places = threading.BoundedSemaphore(settings.workers.workers)
        self._waiting = 0
        self._lock = threading.Lock()
        self._idle: list[_Worker] = []
        self._busy: set[_Worker] = set()
        self._closed = False

    def fingerprint(
        self,
        path: Path,
        reading: Reading,
        *,
        profile: Profile = DEFAULT,
        progress: Callable[[float], None] | None = None,
    ) -> Fingerprint:
        """Hash a file, as a reference, or as an upload quickly or deeply.

        Raises MediaError, LimitExceededError, and UnavailableError OVERLOADED when too many wait already.
        """
        job = self._job(reading.value, path, profile)
        return decode(self._run(job, progress)["fingerprint"])

    def rehearse(
        self,
        path: Path,
        windows: Sequence[tuple[float, float]],
        *,
        edits: Sequence[str],
        profile: Profile,
        reading: Reading = Reading.QUICK,
        progress: Callable[[float], None] | None = None,
    ) -> list[tuple[str, int, Fingerprint]]:
        """Make some of the edit battery from stretches of a file; see `hashsvc.fingerprint.rehearsal.rehearse`.

        Raises as `fingerprint` does.
        """
        job = self._job("rehearse", path, profile)
        job.update(windows=[list(window) for window in windows], edits=list(edits), deep=reading is Reading.DEEP)
        return [(name, place, decode(copy)) for name, place, copy in self._run(job, progress)["copies"]]

    def edit_views(
        self,
        path: Path,
        edits: Sequence[str],
        times: npt.NDArray[np.float64],
        *,
        profile: Profile,
        progress: Callable[[float], None] | None = None,
    ) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
        """The reference as edits show it; see `hashsvc.fingerprint.rehearsal.edit_views`. Raises as `fingerprint`."""
        job = self._job("edit-views", path, profile)
        job.update(edits=list(edits), times=times.astype("<f8").tobytes())
        answer = self._run(job, progress)
        shape = len(times), len(edits)
        return (
            np.frombuffer(answer["hashes"], np.uint8).reshape(*shape, HASH_BYTES),
            np.frombuffer(answer["quality"], np.uint8).reshape(shape),
        )

    def close(self) -> None:
        """Stop all workers; a job that is running fails with MediaError MEDIA_DECODER_CRASHED."""
        with self._lock:
            self._closed = True
            for one in (*self._idle, *self._busy):
                one.stop()
            self._idle.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _run(self, job: dict[str, Any], progress: Callable[[float], None] | None) -> dict[str, Any]:
        self._queue()
        try:
            one = self._take()
            try:
                return one.run(job, progress)
            finally:
                self._give_back(one)
        finally:
            self._places.release()

    def _queue(self) -> None:
        with self._lock:
            if self._closed:
                raise UnavailableError("OVERLOADED", "the hashing workers have been stopped")
            if self._waiting >= self._settings.workers.queue:
                raise UnavailableError("OVERLOADED", f"{self._waiting} videos wait to be hashed", waiting=self._waiting)
            self._waiting += 1
        self._places.acquire()
        with self._lock:
            self._waiting -= 1

    def _take(self) -> "_Worker":
        with self._lock:
            if self._closed:  # while this job waited
                raise UnavailableError("OVERLOADED", "the hashing workers have been stopped")
            one = self._idle.pop() if self._idle else _Worker()
            if not one.alive:  # killed while it was idle, which is not this video's fault
                one.stop()
                one = _Worker()
            self._busy.add(one)
            return one

    def _give_back(self, one: "_Worker") -> None:
        with self._lock:
            self._busy.discard(one)
            if one.alive and one.jobs < self._settings.workers.jobs_per_worker and not self._closed:
                self._idle.append(one)
                return
        one.stop()

    def _job(self, kind: str, path: Path, profile: Profile) -> dict[str, Any]:
        limits = self._settings.limits
        return {
            "kind": kind,
            "path": os.fsencode(path.absolute()),
            "profile": profile.name,
            "limits": dataclasses.asdict(limits),
            "cpu_seconds": limits.max_match_cpu_seconds
            if kind in (Reading.QUICK, Reading.DEEP)
            else limits.max_cpu_seconds,
            "nice": self._nice,
        }


class _Worker:
    """One process; used by one thread at a time."""

    def __init__(self) -> None:
        # A folder of its own: what a killed worker leaves in it goes when the worker does.
        self._scratch = tempfile.TemporaryDirectory(prefix="hashsvc-worker-", ignore_cleanup_errors=True)
        scratch = self._scratch.name
        environment = {**os.environ, **ONE_THREAD, "TMPDIR": scratch, worker.SCRATCH: scratch}
        self._process = subprocess.Popen(
            [sys.executable, "-m", worker.__name__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
        )
        self.jobs = 0

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            # A job that the worker did not live to read is still in the buffer, and closing tries to send it.
            with contextlib.suppress(BrokenPipeError):
                if pipe is not None:
                    pipe.close()
        self._scratch.cleanup()

    def run(self, job: dict[str, Any], progress: Callable[[float], None] | None) -> dict[str, Any]:
        self.jobs += 1
        hung = threading.Event()
        timer = threading.Timer(max(_WALL_LEAST, job["cpu_seconds"] * _WALL_FACTOR), self._kill, [hung])
        timer.daemon = True
        timer.start()
        try:
            answer = self._exchange(job, progress)
        except BaseException:  # of `progress`, or an interrupt: the answers to come would be taken for the next job's
            self.stop()
            raise
        finally:
            timer.cancel()
        if answer is None:
            raise self._death(hung.is_set(), job["cpu_seconds"])
        if "error" in answer:
            kind, reason, message = answer["error"]
            raise _revived(kind, reason, message, answer["metadata"])
        return answer

    def _exchange(self, job: dict[str, Any], progress: Callable[[float], None] | None) -> dict[str, Any] | None:
        assert self._process.stdin is not None and self._process.stdout is not None
        try:
            worker.send(self._process.stdin, job)
            while (answer := worker.receive(self._process.stdout)) is not None and "progress" in answer:
                if progress:
                    progress(answer["progress"])
        except (BrokenPipeError, ValueError):  # ValueError: the pipes were closed by stop()
            return None
        return answer

    def _kill(self, hung: threading.Event) -> None:
        hung.set()
        self._process.kill()

    def _death(self, hung: bool, cpu_seconds: float) -> HashsvcError:
        code = self._process.wait()
        if hung or code == -signal.SIGXCPU:
            return LimitExceededError(
                "LIMIT_CPU", f"hashing took more than {cpu_seconds:g} s of CPU time", limit=cpu_seconds
            )
        return MediaError("MEDIA_DECODER_CRASHED", "the decoder crashed on this video", status=code)


def _revived(kind: str, reason: str, message: str, metadata: dict[str, str]) -> HashsvcError:
    """The worker's error, as the class it had there."""
    found = getattr(errors, kind, HashsvcError)
    error: HashsvcError = found(reason, message, **metadata)
    return error
