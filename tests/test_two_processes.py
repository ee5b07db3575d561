"""Two processes with one data directory open."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hashsvc.service import DEFAULT_BANK, Service
from tests.match.synthetic import a_reference, an_upload

UPLOAD = an_upload([(a_reference(1), 3.0, 12.0, 1.0)])


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A directory that does not exist yet."""
    return tmp_path / "data"


@pytest.fixture
def service(data: Path) -> Iterator[Service]:
    """A new one."""
    with Service.open(data) as opened:
        yield opened


OTHER = """
import sys, time
from pathlib import Path
from hashsvc.service import Service
from tests.match.synthetic import a_reference, an_upload

with Service.open(Path(sys.argv[1])) as service:
    print("ready", flush=True)
    for line in sys.stdin:
        task, name = line.split()
        if task == "confirm":
            print(service.confirm("default", a_reference(int(name))).entry, flush=True)
        elif task == "withdraw":
            print(service.withdraw("default", name).entry, flush=True)
        elif task == "match":
            upload = an_upload([(a_reference(int(name)), 3.0, 12.0, 1.0)])
            print(" ".join(match.entry for match in service.match(upload).matches) or "none", flush=True)
"""


class Other:
    """A second process with the same directory open."""

    def __init__(self, data: Path) -> None:
        root = Path(__file__).parents[1]
        self.process = subprocess.Popen(
            [sys.executable, "-c", OTHER, str(data)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=root
        )
        assert self._line() == "ready"

    def ask(self, task: str, name: object) -> str:
        """Have it do something, and wait for what it says."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{task} {name}\n")
        self.process.stdin.flush()
        return self._line()

    def _line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()


@pytest.fixture
def other(service: Service, data: Path) -> Iterator[Other]:
    """Beside `service`."""
    beside = Other(data)
    yield beside
    beside.process.communicate(timeout=30)


def within_a_second(done: Callable[[], bool]) -> None:
    """Fails when it is not true when asked after a second."""
    end = time.monotonic() + 1.0
    begun = 0.0
    while not done():
        assert begun < end  # to ask takes its time as well: what was asked within the second may be too early
        time.sleep(0.02)
        begun = time.monotonic()


def test_two_processes(service: Service, other: Other) -> None:
    """What one process confirms or withdraws, the other's matches know within a second; both ways."""
    theirs = other.ask("confirm", 1)
    within_a_second(lambda: [match.entry for match in service.match(UPLOAD).matches] == [theirs])
    mine = service.confirm(DEFAULT_BANK, a_reference(2))
    within_a_second(lambda: other.ask("match", 2) == mine.entry)
    assert other.ask("withdraw", mine.entry) == mine.entry
    within_a_second(lambda: service.match(an_upload([(a_reference(2), 3.0, 12.0, 1.0)])).matches == ())
    service.withdraw(DEFAULT_BANK, theirs)
    within_a_second(lambda: other.ask("match", 1) == "none")
    assert service.confirm(DEFAULT_BANK, a_reference(3)).entry == other.ask("confirm", 3)
    assert service.verify() == []
