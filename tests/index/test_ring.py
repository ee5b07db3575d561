"""The ring: blocks in order, the oldest gone first, nothing half there."""

import multiprocessing
from pathlib import Path

import numpy as np
import pytest

from hashsvc_index import Item, Ring, StoreCorruptError, StoreError
from hashsvc_index.ring import RING

NOW = 1000.0
PLENTY = 1 << 40


def an_item(seed: int, rows: int = 3, size: int = 100) -> Item:
    """Random rows and a body."""
    random = np.random.default_rng(seed)
    return Item(rows=random.integers(0, 256, (rows, 32), np.uint8), body=random.bytes(size))


def put(ring: Ring, *seeds: int, expires: float = NOW + 60, max_bytes: int = PLENTY) -> int:
    """Append items of these seeds as one block."""
    return ring.append([an_item(seed) for seed in seeds], written=NOW, expires=expires, max_bytes=max_bytes)


def test_there_is_none_before_it_is_made(tmp_path: Path) -> None:
    """Opening makes nothing; making keeps the mark of the first."""
    assert Ring.open(tmp_path) is None
    assert list(tmp_path.iterdir()) == []
    with Ring.make(tmp_path, 7) as ring, Ring.make(tmp_path, 9) as again:
        assert (ring.mark(), again.mark()) == (7, 7)
        ring.set_mark(12)
        ring.set_mark(11)
        assert again.mark() == 12


def test_what_went_in_comes_out(tmp_path: Path) -> None:
    """Rows of a block in one piece, and the body of each item by its place, after opening again too."""
    with Ring.make(tmp_path, 0) as ring:
        put(ring, 1, 2)
        put(ring, 3)
    ring_again = Ring.open(tmp_path)
    assert ring_again is not None
    with ring_again as ring:
        first, second = ring.blocks(0, 10, NOW)
        assert (first.number, second.number, first.rows.tolist()) == (1, 2, [3, 3])
        assert np.array_equal(ring.rows(1), np.concatenate([an_item(1).rows, an_item(2).rows]))
        assert ring.bodies(first, [1, 0]) == [an_item(2).body, an_item(1).body]
        assert ring.bodies(second, [0]) == [an_item(3).body]
        assert ring.blocks(1, 10, NOW)[0].number == 2
        assert [block.number for block in ring.blocks(0, 1, NOW)] == [1]
        assert ring.stats().items == 3


def test_an_item_without_rows(tmp_path: Path) -> None:
    """An upload of black frames has none, and is kept."""
    with Ring.make(tmp_path, 0) as ring:
        ring.append([an_item(1, rows=0)], written=NOW, expires=NOW + 1, max_bytes=PLENTY)
        (block,) = ring.blocks(0, 10, NOW)
        assert (len(ring.rows(1)), ring.bodies(block, [0])) == (0, [an_item(1, rows=0).body])


def test_what_expired_is_gone_before_it_is_let_go(tmp_path: Path) -> None:
    """A reader never sees it; the next write takes it off the disk."""
    with Ring.make(tmp_path, 0) as ring:
        put(ring, 1, expires=NOW + 1)
        assert ring.blocks(0, 10, NOW + 1) == []
        assert ring.evict(NOW, PLENTY) == 0
        assert ring.evict(NOW + 1, PLENTY) == 1
        assert (ring.stats().items, ring.stats().bytes) == (0, 0)


def test_the_oldest_go_beyond_the_quota(tmp_path: Path) -> None:
    """The newest stay, numbers go on, and a block that went is no error to who still asks for it."""
    with Ring.make(tmp_path, 0) as ring:
        put(ring, 1)
        (old,) = ring.blocks(0, 10, NOW)
        one = ring.stats().bytes
        for seed in (2, 3, 4):
            put(ring, seed, max_bytes=2 * one)
        assert [block.number for block in ring.blocks(0, 10, NOW)] == [3, 4]
        assert ring.stats().bytes <= 2 * one
        assert (len(ring.rows(old.number)), ring.bodies(old, [0])) == (0, None)


def test_the_file_does_not_grow_for_ever(tmp_path: Path) -> None:
    """Room of what went is used again: ten times the quota written leaves a file of at most twice the quota."""
    quota = 4 << 20
    with Ring.make(tmp_path, 0) as ring:
        for seed in range(100):
            items = [
                an_item(seed * 10 + one, rows=100 + seed % 7, size=30_000 + 1000 * (seed % 13)) for one in range(10)
            ]
            ring.append(items, written=NOW, expires=NOW + 60, max_bytes=quota)
        assert quota / 2 < ring.stats().bytes <= quota
    assert (tmp_path / RING / "data.mdb").stat().st_blocks * 512 < 2 * quota


def test_damage_is_told(tmp_path: Path) -> None:
    """A flipped byte of a body, and a file that is cut off, are STORE_CORRUPT and no wrong answer."""
    with Ring.make(tmp_path, 0) as ring:
        put(ring, 1)
    file = tmp_path / RING / "data.mdb"
    whole = file.read_bytes()
    place = whole.rindex(an_item(1).body)
    file.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
    harmed = Ring.open(tmp_path)
    assert harmed is not None
    with harmed as ring, pytest.raises(StoreCorruptError):
        ring.bodies(ring.blocks(0, 1, NOW)[0], [0])
    file.write_bytes(whole[:5000])
    with pytest.raises(StoreError):
        Ring.open(tmp_path)


def _write(data: Path, seed: int) -> None:
    with Ring.make(data, 0) as ring:
        for one in range(20):
            put(ring, seed + one)


def test_two_processes_write(tmp_path: Path) -> None:
    """All that both wrote is there, under numbers of its own."""
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=_write, args=(tmp_path, seed)) for seed in (100, 200)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    ring = Ring.open(tmp_path)
    assert ring is not None
    with ring:
        bodies = [ring.bodies(block, [0]) for block in ring.blocks(0, 100, NOW)]
    wanted = {an_item(seed + one).body for seed in (100, 200) for one in range(20)}
    assert len(bodies) == 40
    assert {body[0] for body in bodies if body} == wanted
