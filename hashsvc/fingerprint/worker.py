"""The process in which untrusted video is decoded: `python -m hashsvc.fingerprint.worker`.

Reads jobs from standard input and answers on standard output, both as length-prefixed msgpack (see `send`, `receive`). A
crash in a codec kills this process and nothing else; address space, CPU time and core dumps are limited by the kernel.
"""

import functools
import os
import resource
import shutil
import struct
import sys
from pathlib import Path
from typing import IO, Any

import msgpack

from hashsvc.config import Limits
from hashsvc.errors import HashsvcError

SCRATCH = "HASHSVC_WORKER_SCRATCH"
"""Environment variable that names the folder made for this worker alone."""
_LENGTH = struct.Struct("<I")
_ABSENT = ("LIMIT_MEMORY", "the video needs more memory than allowed")


def send(pipe: IO[bytes], message: dict[str, Any]) -> None:
    """Write one message."""
    body = msgpack.packb(message)
    pipe.write(_LENGTH.pack(len(body)) + body)
    pipe.flush()


def receive(pipe: IO[bytes]) -> dict[str, Any] | None:
    """Read one message; None at the end of the stream, even in the middle of a message."""
    head = pipe.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    (length,) = _LENGTH.unpack(head)
    body = pipe.read(length)
    if len(body) < length:
        return None
    message: dict[str, Any] = msgpack.unpackb(body)
    return message


def main() -> None:
    """Serve jobs until standard input closes."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a library prints must not end up between two messages
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        while (job := receive(sys.stdin.buffer)) is not None:
            send(answers, _answer(job, answers))
    finally:
        # Its owner removes the folder, too; but an owner that was killed cannot, and then input ends.
        if scratch := os.environ.get(SCRATCH):
            shutil.rmtree(scratch, ignore_errors=True)


def _answer(job: dict[str, Any], answers: IO[bytes]) -> dict[str, Any]:
    try:
        return _run(job, answers)
    except HashsvcError as error:
        return {
            "error": [type(error).__name__, error.reason, error.message],
            "metadata": dict(error.metadata),
        }
    except MemoryError:
        return {"error": ["LimitExceededError", *_ABSENT], "metadata": {}}


def _run(job: dict[str, Any], answers: IO[bytes]) -> dict[str, Any]:
    limits = Limits(**job["limits"])
    _restrict(limits.max_memory, job["cpu_seconds"])
    if job["nice"]:
        os.setpriority(os.PRIO_PROCESS, 0, job["nice"])
    # Imported after the limits are set, so that what the codecs allocate at load is counted too.
    from hashsvc.fingerprint import hasher
    from hashsvc.fingerprint.encoding import encode
    from hashsvc.fingerprint.profiles import profile_named

    profile = profile_named(job["profile"])
    path = Path(os.fsdecode(job["path"]))
    progress = functools.partial(_report, answers)
    match job["kind"]:
        case "reference":
            return {"fingerprint": encode(hasher.fingerprint_reference(path, profile, limits, progress))}
        case "quick" | "deep":
            deep = job["kind"] == "deep"
            return {"fingerprint": encode(hasher.fingerprint_query(path, profile, limits, deep=deep))}
    import numpy as np

    from hashsvc.fingerprint import rehearsal

    if job["kind"] == "rehearse":
        copies = rehearsal.rehearse(path, job["windows"], profile, limits, progress, job["edits"], deep=job["deep"])
        return {"copies": [(name, place, encode(copy)) for name, place, copy in copies]}
    times = np.frombuffer(job["times"], "<f8")
    hashes, quality = rehearsal.edit_views(path, job["edits"], times, profile, limits, progress)
    return {"hashes": hashes.tobytes(), "quality": quality.tobytes()}


def _restrict(memory: int, cpu_seconds: float) -> None:
    """Bound this process; CPU time counts from what earlier jobs have used."""
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (memory if hard < 0 else min(memory, hard), hard))
    used = resource.getrusage(resource.RUSAGE_SELF)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    soft = int(used.ru_utime + used.ru_stime + cpu_seconds + 1)
    resource.setrlimit(resource.RLIMIT_CPU, (soft if hard < 0 else min(soft, hard), hard))


_reported = -1.0


def _report(answers: IO[bytes], share: float) -> None:
    global _reported
    if share < _reported or share - _reported >= 0.01:
        _reported = share
        send(answers, {"progress": share})


if __name__ == "__main__":
    main()
