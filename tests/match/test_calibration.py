"""Evidence keeps its promise on negatives made here: of n unrelated pairs n x 10^-x at most reach an evidence of -x.

`python -m benchmarks calibration` asks the same of real footage.
"""

import functools
import math

import numpy as np
import numpy.typing as npt
import pytest

from hashsvc.fingerprint.model import Fingerprint
from hashsvc.fingerprint.pdq import hamming
from hashsvc.fingerprint.profiles import DEFAULT
from hashsvc.match import seeds
from hashsvc.match.extend import find
from hashsvc.match.score import SURPRISE, surprise
from hashsvc.match.seeds import Nomination

_REFERENCES = _UPLOADS = 20
_KINDS = {60: 120, 100: 160}
"""PDQ quality that the footage is said to have, and dimensions that it moves in: as few as bring frames within 96 bits more
often than the tables have it. Walks have no far tail, as near-static scenes have; that is for the workload."""
_MEMORY = 0.4
"""Correlation of what is shown with what was shown a second before."""


def footage(random: np.random.Generator, seconds: float, rate: float, views: int, quality: int) -> Fingerprint:
    """Smooth hash walks: each bit is the side of a plane on which a wandering point lies; each view has its own point."""
    frames = int(seconds * rate)
    rank = _KINDS[quality]
    planes = np.random.default_rng(0).standard_normal((rank, 256))
    keep = _MEMORY ** (1 / rate)
    point = random.standard_normal((views, rank))
    hashes = np.empty((frames, views, 32), np.uint8)
    for frame in range(frames):
        hashes[frame] = np.packbits(point @ planes > 0, axis=1)
        point = keep * point + math.sqrt(1 - keep**2) * random.standard_normal(point.shape)
    starts = np.arange(frames) / rate
    return Fingerprint(
        profile=DEFAULT.name,
        duration=seconds,
        views=("full", *(f"view-{view}" for view in range(1, views))),
        starts=starts,
        ends=starts + 1 / rate,
        hashes=hashes,
        quality=np.full((frames, views), quality, np.uint8),
    )


def seeded(query: Fingerprint, reference: Fingerprint) -> Nomination:
    """A nomination by the nearest hashes that there are, however far."""
    picked = seeds.pick(query, DEFAULT.quality_gate)
    distances = hamming(picked.hashes[:, None], reference.hashes.reshape(-1, 32)[None])
    rows, positions = np.unravel_index(np.argsort(distances, axis=None)[: seeds.PER_QUERY], distances.shape)
    gains = SURPRISE[distances[rows, positions]]
    return Nomination(1, picked.views[rows], positions.astype(np.int64), gains, float(gains.sum()))


@functools.cache
def evidences(quality: int, optimism: int) -> npt.NDArray[np.float64]:
    """Evidence of every upload in every reference, a bank of its own, where the bank is said to be so many decades smaller
    than it is; 0 where nothing was found."""
    random = np.random.default_rng(2)
    references = [footage(random, 20.0, 4.0, 4, quality) for _ in range(_REFERENCES)]
    uploads = [footage(random, 15.0, 2.0, 1, quality) for _ in range(_UPLOADS)]
    found = [
        find(upload, reference, seeded(upload, reference), DEFAULT.quality_gate, reference.hashes.size // 32 // 10**optimism)
        for reference in references
        for upload in uploads
    ]  # fmt: skip
    return np.array([finding.evidence if finding else 0.0 for finding in found])


def broken(evidence: npt.NDArray[np.float64]) -> list[int]:
    """The levels that more pairs reach than are promised: three standard deviations and two pairs more."""
    promised = {level: len(evidence) * 10.0**-level for level in range(7)}
    return [
        level
        for level, expected in promised.items()
        if ((evidence <= -level) & (evidence < 0)).sum() > expected + 3 * math.sqrt(expected) + 2
    ]


@pytest.mark.parametrize("quality", _KINDS)
def test_chance_keeps_the_promise(quality: int) -> None:
    """No level of evidence is reached more often than it says."""
    assert (evidences(quality, 0) < 0).any(), "these negatives would show nothing"
    assert broken(evidences(quality, 0)) == []


@pytest.mark.parametrize("quality", _KINDS)
def test_two_decades_of_optimism_would_show(quality: int) -> None:
    """The negatives are hard enough: were evidence a hundred times stronger, the promise would be broken."""
    assert broken(evidences(quality, 2)) != []


@pytest.mark.parametrize("quality", _KINDS)
@pytest.mark.parametrize("distance", [96, 104])
def test_the_negatives_agree_more_often_than_real_ones(quality: int, distance: int) -> None:
    """Frames of the negatives come this near at least as often as the table of their quality says of real ones."""
    random = np.random.default_rng(3)
    one, other = (footage(random, 200.0, 2.0, 4, quality).hashes.reshape(-1, 32) for _ in range(2))
    told = surprise(np.array([distance], np.int32), np.array([quality], np.uint8))[0]
    assert (hamming(one[:, None], other[None]) <= distance).mean() >= 10.0**-told
