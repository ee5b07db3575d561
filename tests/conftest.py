"""Videos that several tests need, made once."""

import logging
import os

# Before numpy is imported: tests share their cores with the processes that they start, and threads of a matrix product
# that wait for a busy core make it many times slower.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import pytest
import structlog

from hashsvc.demo import video
from tests.compiling import compile_all

SIZE = (320, 180)
RATE = Fraction(12)


@pytest.fixture(autouse=True)
def logs_as_they_were() -> Iterator[None]:
    """A command configures the logs of its process; the next test must not inherit that."""
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    yield
    structlog.reset_defaults()
    root.handlers, root.level = handlers, level


@pytest.fixture
def plain_again() -> Iterator[None]:
    """What a test compiles is not used by other tests."""
    yield
    compile_all(False)


@pytest.fixture(scope="session")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A stand-in video of 14 s."""
    path = tmp_path_factory.mktemp("original") / "original.mp4"
    video.write(path, video.make(21, seconds=14.0, size=SIZE, rate=RATE))
    return path


@pytest.fixture(scope="session")
def unrelated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Another stand-in video, of 8 s, that shares no picture with `original`."""
    path = tmp_path_factory.mktemp("unrelated") / "unrelated.mp4"
    video.write(path, video.make(22, seconds=8.0, size=SIZE, rate=RATE))
    return path
