"""Work through files: several at once, answers in the order given, on past a bad one."""

import collections
import contextlib
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Generic, TypeVar

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from hashsvc.cli import records, tables
from hashsvc.cli.trouble import BAD_INPUT, Explained, explained, in_one_line
from hashsvc.errors import MediaError

Answer = TypeVar("Answer")
Share = Callable[[float], None]
Work = Callable[[Path, Share], Answer]
"""Does one file; tells the share done, 0-1, as often as it likes."""


class Batch(Generic[Answer]):
    """Files, what to do with each, and how to print what comes out."""

    def __init__(
        self,
        files: Sequence[Path],
        work: Work[Answer],
        *,
        jobs: int,
        record: Callable[[Path, Answer], records.Record],
        table: Callable[[list[tuple[object, Answer]]], Table],
    ) -> None:
        self._files, self._work, self._jobs = files, work, jobs
        self._record, self._table = record, table
        self._any_failed = False

    def run(self, output_format: str) -> int:
        """Do all files and print: in JSON each answer as soon as it and those before it are there, else one table.

        Returns the exit status: 0, or 2 when a file failed.
        """
        answers: list[tuple[object, Answer]] = []
        for file, outcome in self._outcomes():
            if isinstance(outcome, BaseException):
                self._failed(file, outcome, output_format)
            elif output_format == "json":
                click.echo(records.in_json(self._record(file, outcome)))
            else:
                answers.append((file, outcome))
        if answers:
            tables.show(self._table(answers))
        return BAD_INPUT if self._any_failed else 0

    def _failed(self, file: Path, error: BaseException, output_format: str) -> None:
        known = explained(error)
        if known is None:
            raise error
        self._any_failed = True
        _report(file, known, output_format)

    def _outcomes(self) -> Iterator[tuple[Path, Answer | BaseException]]:
        """Each file with its answer or what it raised, in order."""
        with _progress() as progress, _pool(self._jobs) as pool:
            futures: collections.deque[Future[Answer]] = collections.deque(
                pool.submit(self._one, file, progress) for file in self._files
            )
            for file in self._files:
                future = futures.popleft()
                error = future.exception()
                yield file, future.result() if error is None else error

    def _one(self, file: Path, progress: Progress) -> Answer:
        task = progress.add_task(str(file), total=1.0)
        try:
            _readable(file)
            return self._work(file, lambda share: progress.update(task, completed=share))
        finally:
            progress.remove_task(task)


@contextlib.contextmanager
def _pool(jobs: int) -> Iterator[ThreadPoolExecutor]:
    """Threads; what has not begun is dropped when the command is interrupted."""
    pool = ThreadPoolExecutor(jobs)
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


def _progress() -> Progress:
    """Bars on stderr, only where somebody watches."""
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
        disable=not sys.stderr.isatty(),
    )


def _readable(file: Path) -> None:
    """Raises MediaError MEDIA_UNREADABLE for what cannot be opened, in words better than the decoder's."""
    if file.is_dir():
        raise MediaError("MEDIA_UNREADABLE", f"{file}: is a directory", file=file)
    try:
        with file.open("rb"):
            pass
    except OSError as error:
        raise MediaError("MEDIA_UNREADABLE", f"{file}: {error.strerror}", file=file) from error


def _report(file: Path, error: Explained, output_format: str) -> None:
    """A JSON object on stdout, or one line on stderr."""
    if output_format == "json":
        click.echo(records.in_json(records.error_record(file, error)))
    else:
        line = in_one_line(error)
        click.echo(f"hashsvc: {line}" if str(file) in line else f"hashsvc: {file}: {line}", err=True)
