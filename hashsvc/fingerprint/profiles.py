"""Frozen, named sets of hashing parameters.

A released profile never changes: fingerprints in data directories and in partners' hands name it. New parameters get a
new name. tests/fingerprint/test_profiles.py holds a digest of each.
"""

import dataclasses

from hashsvc.errors import FingerprintError
from hashsvc.fingerprint.views import Turn, View, centre
from hashsvc.media.sample import DenseRule, SparseRule


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """How a video becomes a fingerprint."""

    name: str
    dense: DenseRule
    sparse: SparseRule
    hash_rate: float
    """Dense samples are taken at temporal.RATE; so many a second are hashed."""
    fold_distance: int
    """A kept frame stands for its followers while their full view is no farther than this (Hamming bits),"""
    fold_change: float
    """and their 32 x 32 luma no farther than this on average (0-255)."""
    reference_views: tuple[View, ...]
    query_views: tuple[View, ...]
    query_area: bool
    """The query also reads the picture inside flat, still borders, as view `area`."""
    quality_gate: int
    """Hashes of lower PDQ quality are kept for export but are no evidence and never searched."""


STANDARD_1 = Profile(
    name="standard-1",
    dense=DenseRule(rate=8),
    sparse=SparseRule(step=0.5, long_step=1.0, long_after=60.0, min_frames=12, max_frames=1200, max_keyframe_gap=2.0),
    hash_rate=4.0,
    fold_distance=6,
    fold_change=0.75,
    reference_views=(
        View("full"),
        View("mirror", turn=Turn.MIRROR),
        View("half-turn", turn=Turn.HALF),
        View("left-turn", turn=Turn.LEFT),
        View("right-turn", turn=Turn.RIGHT),
        View("inverted", inverted=True),
        View("centre-90", centre(0.90)),
        View("centre-80", centre(0.80)),
        View("centre-70", centre(0.70)),
        View("centre-90-mirror", centre(0.90), Turn.MIRROR),
        View("centre-80-mirror", centre(0.80), Turn.MIRROR),
        View("top-70", (0.0, 0.0, 1.0, 0.70)),
        View("bottom-70", (0.0, 0.30, 1.0, 1.0)),
    ),
    query_views=(View("full"), View("top-70", (0.0, 0.0, 1.0, 0.70)), View("bottom-70", (0.0, 0.30, 1.0, 1.0))),
    query_area=True,
    quality_gate=15,
)

PROFILES = {profile.name: profile for profile in (STANDARD_1,)}
DEFAULT = STANDARD_1


def profile_named(name: str) -> Profile:
    """Raises FingerprintError PROFILE_UNKNOWN."""
    try:
        return PROFILES[name]
    except KeyError:
        raise FingerprintError(
            "PROFILE_UNKNOWN", f"unknown profile {name[:80]!r}; known: {', '.join(PROFILES)}", profile=name[:80]
        ) from None
