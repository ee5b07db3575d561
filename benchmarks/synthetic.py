"""Fingerprints made of nothing, for workloads in which the pictures play no part."""

import dataclasses

import numpy as np

from hashsvc.fingerprint.model import Digests, Fingerprint
from hashsvc.fingerprint.profiles import DEFAULT

RATE = 4.0
"""Frames a second."""


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


def upload(of: Fingerprint) -> Fingerprint:
    """A copy as an upload would hash to: the full view alone, a few bits of each hash changed, other bytes."""
    noise = np.random.default_rng(int(of.hashes[0, 0, 0])).random((of.frames, 1, 256)) < 0.05
    return dataclasses.replace(
        of,
        views=("full",),
        hashes=of.hashes[:, :1] ^ np.packbits(noise, axis=2),
        quality=np.ascontiguousarray(of.quality[:, :1]),
        digests=Digests(),
    )
