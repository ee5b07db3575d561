"""Frozen, named sets of hashing parameters.

A released profile never changes: fingerprints in data directories and in partners' hands name it. New parameters get a
new name. tests/fingerprint/test_profiles.py holds a digest of each.
"""

import dataclasses

from hashsvc.errors import FingerprintError
from hashsvc.fingerprint.pdq import Rect
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
    """What a copy may show of the reference. Views named `area` and `area-mirror` read its moving area, where it has
    one, whatever their rectangle says."""
    query_views: tuple[View, ...]
    query_rectangles: int
    """So many pictures inside the picture, found by persistent edges, are read besides; and `area`, where there is one."""
    quality_gate: int
    """Hashes of lower PDQ quality are no evidence: not stored, never searched."""

    @property
    def reference_names(self) -> tuple[str, ...]:
        """The views of every reference, in order."""
        return tuple(view.name for view in self.reference_views)


_TOP: Rect = (0.0, 0.0, 1.0, 0.72)
_BOTTOM: Rect = (0.0, 0.28, 1.0, 1.0)


def _corners(share: float) -> tuple[View, ...]:
    places = {"top-left": (0.0, 0.0), "top-right": (1.0, 0.0), "bottom-left": (0.0, 1.0), "bottom-right": (1.0, 1.0)}
    return tuple(
        View(f"{name}-{share * 100:.0f}", (x * (1 - share), y * (1 - share), share + x * (1 - share), share + y * (1 - share)))
        for name, (x, y) in places.items()
    )  # fmt: skip


_TURNED = (
    View("full"),
    View("mirror", turn=Turn.MIRROR),
    View("half-turn", turn=Turn.HALF),
    View("left-turn", turn=Turn.LEFT),
    View("right-turn", turn=Turn.RIGHT),
    View("inverted", inverted=True),
)
_CROPPED = (
    *(View(f"centre-{share}", centre(share / 100)) for share in (92, 84, 76, 68, 60)),
    *(View(f"centre-{share}-mirror", centre(share / 100), Turn.MIRROR) for share in (92, 84, 76)),
    # A corner crop moves the far corner twice as far as a centre crop: 2 % off costs 50 bits, so the steps are finer.
    *(view for share in (0.90, 0.86, 0.82, 0.78, 0.74, 0.70, 0.66) for view in _corners(share)),
)
_STRIPS = (
    View("top-72", _TOP),
    View("bottom-72", _BOTTOM),
    View("left-72", (0.0, 0.0, 0.72, 1.0)),
    View("right-72", (0.28, 0.0, 1.0, 1.0)),
    View("middle-rows", (0.0, 0.12, 1.0, 0.88)),
    View("middle-columns", (0.12, 0.0, 0.88, 1.0)),
    View("middle-half-rows", (0.0, 0.25, 1.0, 0.75)),
    View("middle-half-columns", (0.25, 0.0, 0.75, 1.0)),
    View("middle-third", (0.33, 0.0, 0.67, 1.0)),
)
_TILTED = tuple(View(f"tilt{degrees:+d}", tilt=float(degrees)) for degrees in (-12, -8, -4, 4, 8, 12))
_AREA = (View("area"), View("area-mirror", turn=Turn.MIRROR))

STANDARD_1 = Profile(
    name="standard-1",
    dense=DenseRule(rate=8),
    sparse=SparseRule(
        step=0.5, long_step=1.0, long_after=120.0, min_frames=12, max_frames=1200, max_keyframe_gap=2.0
    ),
    hash_rate=4.0,
    fold_distance=6,
    fold_change=0.75,
    reference_views=(*_TURNED, *_CROPPED, *_STRIPS, *_TILTED, *_AREA),
    query_views=(View("full"), View("top-72", _TOP), View("bottom-72", _BOTTOM)),
    query_rectangles=6,
    quality_gate=15,
)  # fmt: skip

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
