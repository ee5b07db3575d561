"""What others offer for the same task, each as it is used by default, behind one protocol."""

from collections.abc import Callable
from pathlib import Path

from benchmarks.robustness.peers.phash import PHash
from benchmarks.robustness.peers.protocol import Peer
from benchmarks.robustness.peers.videohash import VideoHash
from benchmarks.robustness.peers.vpdq import VPDQ

PEERS: dict[str, Callable[[Path], Peer]] = {
    "vpdq": VPDQ,
    "phash": lambda _: PHash(),
    "videohash": lambda _: VideoHash(),
}
"""By name; each is made with the interpreter that may have what the project's own environment has not."""
