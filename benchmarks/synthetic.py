"""Fingerprints made of nothing, for workloads in which the pictures play no part."""

import dataclasses

import numpy as np

from hashsvc.fingerprint.model import Digests, Fingerprint
from hashsvc.fingerprint.profiles import DEFAULT

RATE = 4.0
"""Frames a second."""
_SHOT = 40
"""Frames of a shot."""
_VIEWS = ("full", "top-72", "bottom-72", "inside-1", "inside-2", "inside-3")
"""Of an upload; what it is compared with depends on the name."""
_RARITY = 5
"""In footage one bit in 2 ** (this + 1) changes from one frame to the next."""


def reference(seed: int, hashes: int) -> Fingerprint:
    """A dense fingerprint of about so many random hashes, in all the views of a reference."""
    random = np.random.default_rng(seed)
    views = tuple(view.name for view in DEFAULT.reference_views)
    frames = max(1, round(hashes / len(views)))
    starts = np.arange(frames) / RATE
    return Fingerprint(
        profile=DEFAULT.name,
        duration=frames / RATE,
        views=views,
        starts=starts,
        ends=starts + 1 / RATE,
        hashes=random.integers(0, 256, (frames, len(views), 32), np.uint8),
        quality=np.full((frames, len(views)), 100, np.uint8),
        digests=Digests(md5=random.bytes(16), sha256=random.bytes(32)),
    )


def footage(seed: int, hashes: int) -> Fingerprint:
    """Like `reference`, but hashes lie as those of footage do: shots of ten seconds in which few bits change a frame."""
    drawn = reference(seed, hashes)
    random = np.random.default_rng((seed, 1))
    changed = drawn.hashes.copy()
    for _ in range(_RARITY):
        changed &= random.integers(0, 256, changed.shape, np.uint8)
    for first in range(0, drawn.frames, _SHOT):
        shot = changed[first : first + _SHOT]
        shot[0] = drawn.hashes[first]
        np.bitwise_xor.accumulate(shot, axis=0, out=shot)
    return dataclasses.replace(drawn, hashes=changed)


def upload(of: Fingerprint, views: int = 1) -> Fingerprint:
    """A copy as an upload would hash to: so many of its views, under the names of an upload's, a few bits of each hash
    changed, other bytes."""
    noise = np.random.default_rng(int(of.hashes[0, 0, 0])).random((of.frames, views, 256)) < 0.05
    return dataclasses.replace(
        of,
        views=_VIEWS[:views],
        hashes=of.hashes[:, :views] ^ np.packbits(noise, axis=2),
        quality=np.ascontiguousarray(of.quality[:, :views]),
        digests=Digests(),
    )


def beginning(of: Fingerprint, frames: int) -> Fingerprint:
    """The first frames."""
    return dataclasses.replace(
        of,
        duration=float(of.ends[frames - 1]),
        starts=of.starts[:frames],
        ends=of.ends[:frames],
        hashes=of.hashes[:frames],
        quality=of.quality[:frames],
    )
