"""A peer on the files of a run: every query against every reference. What was hashed once is kept beside the copies."""

import concurrent.futures
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.corpus import Video
from benchmarks.robustness.metrics import NOTHING
from benchmarks.robustness.peers.protocol import Hashes, Peer, PeerError
from benchmarks.robustness.progress import told

Scores = dict[tuple[str, str], float]
"""By the query's file name and the reference's name; a pair that is not there scores NOTHING."""


def compare(
    work: Path, peer: Peer, references: Sequence[Video], queries: Sequence[Path], jobs: int
) -> tuple[Scores, list[str]]:
    """Scores of all pairs, and a sentence for each file that the peer could not hash."""
    paths = list(dict.fromkeys([*queries, *(video.path for video in references)]))
    hashed, failures = _hashed(work / "peers" / peer.name, peer, paths, jobs)
    scores: Scores = {}
    for path in told([path for path in queries if path in hashed], f"compare by {peer.name}"):
        for video in references:
            if video.path in hashed and (score := peer.score(hashed[path], hashed[video.path])) > NOTHING:
                scores[path.name, video.name] = score
    return scores, failures


def _hashed(folder: Path, peer: Peer, paths: Sequence[Path], jobs: int) -> tuple[dict[Path, Hashes], list[str]]:
    folder.mkdir(parents=True, exist_ok=True)
    hashed: dict[Path, Hashes] = {}
    failures: list[str] = []
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        tasks = [(path, pool.submit(_kept, folder / f"{path.name}.npy", peer, path)) for path in paths]
        for path, task in told(tasks, f"hash by {peer.name}"):
            try:
                hashed[path] = task.result()
            except PeerError as error:
                failures.append(f"{path.name} could not be hashed by {peer.name}: {error}")
    return hashed, failures


def _kept(kept: Path, peer: Peer, path: Path) -> Hashes:
    """The file at `kept`, unless the video is newer."""
    if kept.exists() and kept.stat().st_mtime >= path.stat().st_mtime:
        hashes: Hashes = np.load(kept)
        return hashes
    hashes = peer.hash(path)
    part = kept.with_name(f"part--{kept.name}")
    np.save(part, hashes)
    part.rename(kept)
    return hashes
