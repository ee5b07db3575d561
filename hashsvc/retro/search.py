"""Searches the ring for one reference, in processes of the lowest priority: `python -m hashsvc.retro.search` is one.

In processes, because much of a comparison holds the interpreter lock, for which matches would wait. Tasks and answers are
the messages of `hashsvc.fingerprint.worker`.
"""

import contextlib
import dataclasses
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import faiss

from hashsvc.bank.model import Interval
from hashsvc.errors import InternalError
from hashsvc.fingerprint.encoding import decode, encode
from hashsvc.fingerprint.model import Fingerprint
from hashsvc.fingerprint.profiles import profile_named
from hashsvc.fingerprint.worker import receive, send
from hashsvc.match.trial import Trial
from hashsvc.retro.packing import Recent, unpack
from hashsvc.retro.sifting import Sifter, items
from hashsvc_index import Block, Ring, compilation

_LOWEST_PRIORITY = 19
_GROUP_ROWS = 200_000
"""Rows that are searched at once: 6 MiB."""
_PAGE = 1000
_COMPILED_FROM = 20_000
"""Uploads from which on a process loads the compiled steps, which takes it 0.7 s, or a minute or more where none did before."""
_ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What to search for."""

    data: Path
    reference: Fingerprint
    exclusions: Sequence[Interval]
    indexed: int
    """Hashes that a match searches; it sets how many chance lines there are."""
    evidence: float
    """What is stronger counts."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """How far a search has come, and what it found since the last step."""

    searched: int
    """Uploads so far."""
    of: int
    found: tuple[Recent, ...] = ()


def search(task: Task, processes: int, stop: threading.Event | None = None) -> Iterator[Step]:
    """Every upload in the ring that shows the reference, as it is found, in no order.

    Ends early, with GeneratorExit to whoever waits, once `stop` is set. Raises InternalError where a process died, and
    the store's errors for the ring.
    """
    ring = Ring.open(task.data)
    if ring is None:
        return
    with ring:
        of = ring.stats().items
        yield Step(searched=0, of=of)
        searched = 0
        for answer in _answers(task, processes, stop):
            searched += answer["searched"]
            found = [one for block, place in answer["found"] for one in read(ring, block, [place])]
            yield Step(searched=min(searched, of), of=of, found=tuple(found))


def _answers(task: Task, processes: int, stop: threading.Event | None) -> Iterator[dict[str, Any]]:
    """What the processes say, until all are done."""
    said: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
    with contextlib.ExitStack() as stack:
        running = [stack.enter_context(_process()) for _ in range(processes)]
        for place, process in enumerate(running):
            assert process.stdin is not None
            with contextlib.suppress(BrokenPipeError):
                send(process.stdin, {**_message(task), "first": place, "step": processes})
            stack.enter_context(_listening(process, said))
        left = processes
        while left and not (stop and stop.is_set()):
            try:
                answer = said.get(timeout=0.5)
            except queue.Empty:
                continue
            if answer is None:
                raise InternalError("INTERNAL", "a process that searched recent uploads died; the log has more")
            left -= bool(answer.get("done"))
            if "searched" in answer:
                yield answer


@contextlib.contextmanager
def _process() -> Iterator["subprocess.Popen[bytes]"]:
    process = subprocess.Popen(
        [sys.executable, "-m", __name__],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, **_ONE_THREAD},
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            with contextlib.suppress(BrokenPipeError):
                if pipe is not None:
                    pipe.close()


@contextlib.contextmanager
def _listening(process: "subprocess.Popen[bytes]", said: "queue.SimpleQueue[dict[str, Any] | None]") -> Iterator[None]:
    """Pass on what a process says; None where it ended without saying that it was done."""

    def listen() -> None:
        assert process.stdout is not None
        done = False
        while (answer := receive(process.stdout)) is not None:
            done = bool(answer.get("done"))
            said.put(answer)
        if not done:
            said.put(None)

    thread = threading.Thread(target=listen, name="hashsvc-retro-listen", daemon=True)
    thread.start()
    try:
        yield
    finally:
        process.kill()
        thread.join()


def read(ring: Ring, number: int, places: Sequence[int]) -> list[Recent]:
    """The uploads at `places` of a block; none where it is gone. Raises StoreCorruptError."""
    found = ring.blocks(number - 1, 1, time.time())
    if not found or found[0].number != number:
        return []
    return [unpack(item) for item in items(ring, found[0], places, ring.rows(number))]


def _message(task: Task) -> dict[str, Any]:
    return {
        "data": os.fsencode(task.data.absolute()),
        "reference": encode(task.reference),
        "exclusions": [[one.start, one.end] for one in task.exclusions],
        "indexed": task.indexed,
        "evidence": task.evidence,
    }


def _task(message: dict[str, Any]) -> Task:
    return Task(
        data=Path(os.fsdecode(message["data"])),
        reference=decode(message["reference"]),
        exclusions=[Interval(*one) for one in message["exclusions"]],
        indexed=message["indexed"],
        evidence=message["evidence"],
    )


def sift(task: Task, ring: Ring, first: int = 0, step: int = 1) -> Iterator[dict[str, Any]]:
    """Search every `step`-th group of blocks from the `first` on: how many uploads, and (block, place) of those found."""
    sifter = Sifter(task.reference, task.exclusions, task.indexed, task.evidence)
    trial = Trial(task.reference, profile_named(task.reference.profile).quality_gate, task.exclusions)
    for turn, group in enumerate(_groups(ring)):
        if turn % step == first:
            found = [
                (block.number, place)
                for block, place, one in sifter.candidates(ring, group)
                if _shows(task, trial, one)
            ]
            yield {"searched": sum(len(block.rows) for block in group), "found": found}


def _groups(ring: Ring) -> Iterator[list[Block]]:
    """Blocks in order, so many together that a search is worth its call; all that are there when it begins."""
    group: list[Block] = []
    after, rows, now = 0, 0, time.time()
    while page := ring.blocks(after, _PAGE, now):
        for block in page:
            group.append(block)
            rows += int(block.rows.sum())
            if rows >= _GROUP_ROWS:
                yield group
                group, rows = [], 0
        after = page[-1].number
    if group:
        yield group


def _shows(task: Task, trial: Trial, recent: Recent) -> bool:
    finding = trial.find(recent.fingerprint, task.indexed)
    return finding is not None and finding.evidence <= task.evidence


def main() -> None:
    """Do the task on standard input, telling each group on standard output."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    os.nice(_LOWEST_PRIORITY)
    faiss.omp_set_num_threads(1)
    message = receive(sys.stdin.buffer)
    if message is None:
        return
    task = _task(message)
    ring = Ring.open(task.data)
    if ring is not None:
        if ring.stats().items >= _COMPILED_FROM:
            compilation.load_all()
        with ring, contextlib.suppress(BrokenPipeError):
            for answer in sift(task, ring, message["first"], message["step"]):
                send(answers, answer)
    with contextlib.suppress(BrokenPipeError):
        send(answers, {"done": True})


if __name__ == "__main__":
    main()
