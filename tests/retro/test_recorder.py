"""Uploads reach the ring without anybody waiting."""

import time
from pathlib import Path

import numpy as np
import pytest

from hashsvc.config import RecentSettings
from hashsvc.retro import recorder
from hashsvc.retro.packing import unpack
from hashsvc.retro.recorder import Recorder
from hashsvc_index import Item, Ring
from hashsvc_index.ring import RING
from tests.match.synthetic import an_upload

UPLOAD = an_upload([(None, 0.0, 20.0, 1.0)])


def ids(data: Path, now: float | None = None) -> list[str]:
    """Content ids in the ring, oldest first."""
    ring = Ring.open(data)
    assert ring is not None
    found = []
    with ring:
        for block in ring.blocks(0, 1000, time.time() if now is None else now):
            bodies = ring.bodies(block, range(len(block.rows)))
            rows = np.split(ring.rows(block.number), np.cumsum(block.rows)[:-1])
            assert bodies is not None
            found += [unpack(Item(rows=one, body=body)).content_id for one, body in zip(rows, bodies, strict=True)]
    return found


def test_what_is_recorded_is_in_the_ring_soon(tmp_path: Path) -> None:
    """Within the second, and what waits is written on closing; the ring begins at the first upload's revision."""
    one = Recorder(tmp_path, RecentSettings())
    one.record("a", UPLOAD, 5)
    one.record("b", UPLOAD, 6)
    assert one.flush()
    assert ids(tmp_path) == ["a", "b"]
    one.record("c", UPLOAD, 9)
    one.close()
    assert (ids(tmp_path), one.dropped) == (["a", "b", "c"], 0)
    with Ring.make(tmp_path, 99) as ring:
        assert ring.mark() == 5


@pytest.mark.parametrize(("content_id", "enabled"), [("", True), ("a", False)])
def test_nothing_is_kept_unasked(tmp_path: Path, content_id: str, enabled: bool) -> None:
    """Without a content id, or switched off, there is no ring and no thread."""
    one = Recorder(tmp_path, RecentSettings(enabled=enabled))
    one.record(content_id, UPLOAD, 1)
    assert one.flush()
    one.close()
    assert not (tmp_path / RING).exists()


def test_it_expires(tmp_path: Path) -> None:
    """After `ttl_hours` nobody sees it."""
    one = Recorder(tmp_path, RecentSettings(ttl_hours=1.0))
    one.record("a", UPLOAD, 1)
    one.close()
    assert ids(tmp_path, time.time() + 3500) == ["a"]
    assert ids(tmp_path, time.time() + 3700) == []


def test_too_many_are_dropped_and_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who records never waits: what finds no room is not kept."""
    monkeypatch.setattr(recorder, "_MOST_WAITING", UPLOAD.hashes.nbytes * 2)
    monkeypatch.setattr(recorder, "FLUSH_SECONDS", 60.0)
    one = Recorder(tmp_path, RecentSettings())
    for name in "abcd":
        one.record(name, UPLOAD, 1)
    assert one.dropped == 2
    one.close()
    assert ids(tmp_path) == ["a", "b"]
    one.record("e", UPLOAD, 1)
    assert one.dropped == 3


def test_a_ring_that_cannot_be_written_is_no_matter_of_a_match(tmp_path: Path) -> None:
    """What is in the way costs the uploads that come, and nothing else."""
    (tmp_path / RING).write_bytes(b"not a ring")
    one = Recorder(tmp_path, RecentSettings())
    one.record("a", UPLOAD, 1)
    assert one.flush()
    one.close()
    assert one.dropped == 1
