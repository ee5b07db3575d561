"""Stores, indexes and vectors for the tests of hashsvc_index."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hashsvc_index import EntryRecord, Index, IndexSettings, Store
from hashsvc_index.records import Vectors

Random = Callable[[int], Vectors]
Add = Callable[..., EntryRecord]
OpenIndex = Callable[..., Index]
Spawn = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def random() -> Random:
    """Makes so many random vectors, the same in every run."""
    generator = np.random.default_rng(1)
    return lambda count: generator.integers(0, 256, (count, 32), np.uint8)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data directory that does not exist yet."""
    return tmp_path / "data"


@pytest.fixture
def store(data: Path) -> Iterator[Store]:
    """A store with an empty bank `b`."""
    with Store.open(data) as opened:
        opened.put_bank("b", b"", create=True)
        yield opened


@pytest.fixture
def add(store: Store, random: Random) -> Add:
    """Adds an entry: a name, and its vectors or how many random ones."""

    def adder(entry: str, vectors: Vectors | int = 3, **others: Any) -> EntryRecord:
        rows = random(vectors) if isinstance(vectors, int) else vectors
        arguments: dict[str, Any] = {"blobs": {}, "digests": (), **others}
        return store.add_entry("b", entry, b"", vectors=rows, **arguments)

    return adder


@pytest.fixture
def open_index(store: Store, data: Path) -> Iterator[OpenIndex]:
    """Opens an index of the store and waits until it is ready; closes it at the end."""
    opened: list[Index] = []

    def opener(**settings: Any) -> Index:
        index = Index(store, data, IndexSettings(**settings))
        opened.append(index)
        index.start()
        assert index.wait_ready(10), index.failure
        return index

    yield opener
    for index in opened:
        index.close()


@pytest.fixture
def spawn() -> Iterator[Spawn]:
    """Runs a Python script in a process of its own, input and output piped; kills it at the end."""
    running: list[subprocess.Popen[str]] = []

    def spawner(script: str, *arguments: object) -> "subprocess.Popen[str]":
        command = [sys.executable, "-c", script, *map(str, arguments)]
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        running.append(process)
        return process

    yield spawner
    for process in running:
        process.kill()
        process.communicate()
