"""A server on a new data directory, and a client of it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from hashsvc.client import Client
from hashsvc.service import Service
from tests.server.background import SETTINGS, BackgroundServer, background


@pytest.fixture
def running(tmp_path: Path) -> Iterator[BackgroundServer]:
    """A server on a new data directory."""
    with background(lambda: Service.open(tmp_path / "data", SETTINGS, wait=True)) as server:
        yield server


@pytest.fixture
def client(running: BackgroundServer) -> Iterator[Client]:
    """A blocking client of that server."""
    with Client(running.target) as client:
        yield client
