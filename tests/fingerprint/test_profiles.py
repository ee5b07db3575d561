"""Released profiles never change."""

import hashlib

import pytest

from hashsvc.errors import FingerprintError
from hashsvc.fingerprint.profiles import DEFAULT, PROFILES, Profile, profile_named

DIGESTS = {
    "standard-1": "50c85acb75b004913bdaa30ba914e0ef2b4e46f07bfec9317313bd694ad3dee1",
}
"""SHA-256 of each profile's repr. A digest that is here stays; what is to hash otherwise is a profile of another name."""


@pytest.mark.parametrize("profile", PROFILES.values(), ids=lambda profile: profile.name)
def test_frozen(profile: Profile) -> None:
    """Fingerprints name their profile, in data directories and in partners' hands: its parameters must stay."""
    assert hashlib.sha256(repr(profile).encode()).hexdigest() == DIGESTS[profile.name]


def test_none_is_lost() -> None:
    """Every profile that was ever released is still known, under its own name."""
    assert set(PROFILES) == set(DIGESTS)
    assert all(profile_named(name).name == name for name in DIGESTS)
    assert DEFAULT.name in PROFILES


@pytest.mark.parametrize("name", ["", "standard-0", "Standard-1", "x" * 10_000])
def test_unknown(name: str) -> None:
    """A name that is no profile's is refused, in a message that does not repeat it without end."""
    with pytest.raises(FingerprintError) as caught:
        profile_named(name)
    assert caught.value.reason == "PROFILE_UNKNOWN"
    assert len(caught.value.message) < 300


@pytest.mark.parametrize("profile", PROFILES.values(), ids=lambda profile: profile.name)
def test_sense(profile: Profile) -> None:
    """Names of views are unique, the full view leads, a reference is dense, and an upload is sparser."""
    for views in (profile.reference_views, profile.query_views):
        assert views[0].name == "full"
        assert len({view.name for view in views}) == len(views)
        for view in views:
            assert view.quad is None, "the digest would not hold it"
            x0, y0, x1, y1 = view.rect
            assert 0 <= x0 < x1 <= 1 and 0 <= y0 < y1 <= 1
    assert profile.hash_rate >= 4 and profile.dense.rate >= profile.hash_rate
    assert profile.sparse.step >= 2 / profile.dense.rate
    assert profile.sparse.min_frames >= 12
    assert 0 < profile.quality_gate <= 50
