"""How peers compare, and that they are asked once only."""

import os
import sys
from pathlib import Path

import numpy as np

from benchmarks.corpus import Video
from benchmarks.robustness.metrics import NOTHING
from benchmarks.robustness.peers.compare import compare
from benchmarks.robustness.peers.hamming import share_within
from benchmarks.robustness.peers.protocol import Hashes, PeerError
from benchmarks.robustness.peers.vpdq import VPDQ

NONE = np.zeros((0, 2), np.uint8)


def rows(*hashes: int) -> Hashes:
    """16 bits each."""
    return np.array(hashes, ">u2").view(np.uint8).reshape(-1, 2)


def test_share_of_hashes_that_have_a_neighbour() -> None:
    """The query's hashes count, and any of the reference's will do."""
    assert share_within(rows(0b0000, 0b0111, 0xFFFF), rows(0b0001, 0b1111), 1) == 2 / 3
    assert share_within(rows(0xFFFF), rows(0), 15) == NOTHING
    assert share_within(NONE, rows(0), 16) == NOTHING
    assert share_within(rows(0), NONE, 16) == NOTHING


class Counting:
    """Hashes a file by its first two bytes."""

    name, about, default = "counting", "", 0.5

    def __init__(self) -> None:
        self.asked: list[str] = []

    def missing(self) -> str:
        return ""

    def hash(self, path: Path) -> Hashes:
        self.asked.append(path.name)
        if len(path.read_bytes()) < 2:
            raise PeerError("too short")
        return np.frombuffer(path.read_bytes()[:2], np.uint8).reshape(1, 2)

    def score(self, query: Hashes, reference: Hashes) -> float:
        return share_within(query, reference, 0)


def test_hashes_are_kept_until_the_video_is_newer(tmp_path: Path) -> None:
    """A rerun hashes what has changed and what failed, and fails for it alone."""
    paths = [tmp_path / name for name in ("a.mp4", "b.mp4", "c.mp4")]
    for path, content in zip(paths, (b"xx", b"xx", b"y"), strict=True):
        path.write_bytes(content)
    references = [Video(path=paths[0], name="a", duration=1.0, group="a")]
    peer = Counting()
    scores, failures = compare(tmp_path, peer, references, paths, 1)
    assert scores == {("a.mp4", "a"): 1.0, ("b.mp4", "a"): 1.0}
    assert failures == ["c.mp4 could not be hashed by counting: too short"]
    peer.asked.clear()
    newer = paths[1].stat().st_mtime + 10
    os.utime(paths[1], (newer, newer))
    compare(tmp_path, peer, references, paths, 1)
    assert peer.asked == ["b.mp4", "c.mp4"]


def test_vpdq_says_why_it_is_left_out(tmp_path: Path) -> None:
    """An interpreter that is not there, and none that has the package."""
    assert "nowhere" in VPDQ(tmp_path / "nowhere").missing()
    assert VPDQ(Path(sys.executable)).missing() == "" or "vpdq" in VPDQ(Path(sys.executable)).missing()
