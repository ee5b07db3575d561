"""What of the ring is worth a comparison."""

import dataclasses
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from hashsvc.bank.model import Interval
from hashsvc.fingerprint.model import Fingerprint
from hashsvc.retro.packing import Recent, pack
from hashsvc.retro.sifting import Sifter, items
from hashsvc_index import Item, Ring, StoreCorruptError
from tests.match.synthetic import a_reference, an_upload
from tests.retro.earlier import of_version_1

VIDEO = a_reference(1)
UPLOADS = {
    "other": an_upload([(None, 0.0, 20.0, 1.0)], seed=5),
    "copy": an_upload([(VIDEO, 5.0, 15.0, 1.0)], bits=50),
    "excerpt": an_upload([(None, 0.0, 60.0, 1.0), (VIDEO, 20.0, 12.0, 1.0)], bits=40),
    "still": an_upload([(VIDEO, 5.0, 15.0, 0.0001)], bits=40),
    "faster": an_upload([(VIDEO, 0.0, 18.0, 2.0)], bits=40),
}
SHOWN = {"copy", "excerpt", "faster"}


def packed(content_id: str, upload: Fingerprint) -> Item:
    """As the recorder has it."""
    return pack(Recent(content_id=content_id, seen_at=1.0, fingerprint=upload))


@pytest.fixture
def ring(tmp_path: Path) -> Iterator[Ring]:
    """Two blocks: all uploads in one, and in the one before what an earlier version wrote."""
    now = time.time()
    with Ring.make(tmp_path, 0) as ring:
        earlier = [of_version_1(packed(f"{name} of before", upload)) for name, upload in UPLOADS.items()]
        ring.append(earlier, written=now, expires=now + 60, max_bytes=1 << 30)
        ring.append([packed(*one) for one in UPLOADS.items()], written=now, expires=now + 60, max_bytes=1 << 30)
        yield ring


def candidates(ring: Ring, *, exclusions: tuple[Interval, ...] = ()) -> list[tuple[int, int, str]]:
    """Block, place and content id."""
    sifter = Sifter(VIDEO, exclusions, indexed=100_000, evidence=-4.0)
    found = sifter.candidates(ring, ring.blocks(0, 10, time.time()))
    return [(block.number, place, recent.content_id) for block, place, recent in found]


def test_copies_are_worth_a_comparison_and_others_are_not(ring: Ring) -> None:
    """Each by its block and place, also those that an earlier version wrote; a single still picture is not worth it."""
    found = candidates(ring)
    assert {name for _, _, name in found} == SHOWN | {f"{name} of before" for name in SHOWN}
    names = list(UPLOADS)
    assert all(names[place] == name.split()[0] and ("before" in name) == (block == 1) for block, place, name in found)


def test_what_is_excluded_is_no_reason(ring: Ring) -> None:
    """All of the video."""
    assert candidates(ring, exclusions=(Interval(0.0, 40.0),)) == []


def test_blocks_that_are_gone_are_passed_over(ring: Ring) -> None:
    """Evicted between being listed and being read."""
    blocks = ring.blocks(0, 10, time.time())
    ring.evict(time.time(), 0)
    sifter = Sifter(VIDEO, (), indexed=1, evidence=-4.0)
    assert list(sifter.candidates(ring, blocks)) == []
    assert items(ring, blocks[0], [0], ring.rows(1)) == []


def test_a_damaged_upload_is_told(tmp_path: Path) -> None:
    """Not passed over as if nobody had uploaded it."""
    now = time.time()
    copy = packed("copy", UPLOADS["copy"])
    with Ring.make(tmp_path, 0) as ring:
        ring.append([Item(rows=copy.rows, body=b"\x80")], written=now, expires=now + 60, max_bytes=1 << 30)
        with pytest.raises(StoreCorruptError):
            candidates(ring)


@pytest.mark.parametrize("deep", [False, True])
def test_a_deep_reading_needs_less_of_a_line(ring: Ring, deep: bool) -> None:
    """A match looks at more of it than seeds show."""
    upload = an_upload([(VIDEO, 5.0, 2.0, 1.0), (None, 0.0, 13.0, 1.0)], bits=64)
    activity = np.zeros((1, 120), np.float32) if deep else upload.activity
    now = time.time()
    ring.append(
        [packed("glimpse", dataclasses.replace(upload, activity=activity))],
        written=now,
        expires=now + 60,
        max_bytes=1 << 30,
    )
    assert any(name == "glimpse" for _, _, name in candidates(ring)) == deep
