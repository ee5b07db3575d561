"""What a fingerprint must be."""

import dataclasses
from typing import Any

import numpy as np
import pytest

from hashsvc.errors import FingerprintError
from hashsvc.fingerprint.model import MAX_DURATION, MAX_VIEWS, Digests, Fingerprint, Signals

GOOD = Fingerprint(
    profile="standard-1",
    duration=2.0,
    views=("full", "mirror"),
    starts=np.array([0.0, 0.5, 0.5]),
    ends=np.array([0.5, 0.5, 2.0]),
    hashes=np.zeros((3, 2, 32), np.uint8),
    quality=np.full((3, 2), 100, np.uint8),
    activity=np.zeros((1, 16), np.float32),
    digests=Digests(md5=bytes(16), sha256=bytes(32)),
    signals=Signals(phash=np.zeros((3, 8), np.uint8), videohash="0x0123456789abcdef"),
)

NAN, INF = float("nan"), float("inf")

FAULTS: dict[str, tuple[dict[str, Any], str]] = {
    "a hash of 31 bytes": ({"hashes": np.zeros((3, 2, 31), np.uint8)}, "hashes"),
    "a hash of 64 bytes": ({"hashes": np.zeros((3, 2, 64), np.uint8)}, "hashes"),
    "a view without hashes": ({"hashes": np.zeros((3, 1, 32), np.uint8)}, "hashes"),
    "a frame without hashes": ({"hashes": np.zeros((2, 2, 32), np.uint8)}, "hashes"),
    "quality of fewer frames": ({"quality": np.zeros((2, 2), np.uint8)}, "quality"),
    "quality of 101": ({"quality": np.full((3, 2), 101, np.uint8)}, "quality"),
    "an end too few": ({"ends": np.array([0.5, 1.0])}, "end"),
    "times out of order": ({"starts": np.array([0.5, 0.0, 1.0]), "ends": np.array([2.0, 2.0, 2.0])}, "out of order"),
    "a time before 0": ({"starts": np.array([-0.1, 0.5, 0.5])}, "out of order"),
    "an end before its start": ({"ends": np.array([0.5, 0.4, 2.0])}, "ends before it starts"),
    "a time that is no number": ({"starts": np.array([0.0, NAN, 0.5])}, "finite"),
    "an end without end": ({"ends": np.array([0.5, 0.5, INF])}, "finite"),
    "a frame past the end": ({"starts": np.array([0.0, 0.5, 3.5]), "ends": np.array([0.5, 0.5, 3.5])}, "past"),
    "no duration": ({"duration": NAN}, "duration"),
    "a duration below 0": ({"duration": -1.0}, "duration"),
    "a duration of years": ({"duration": MAX_DURATION * 2}, "duration"),
    "no views": ({"views": (), "hashes": np.zeros((3, 0, 32), np.uint8), "quality": np.zeros((3, 0), np.uint8)}, "view"),
    "a view twice": ({"views": ("full", "full")}, "once"),
    "another first view": ({"views": ("mirror", "full")}, "full"),
    "a view's name without end": ({"views": ("full", "x" * 65)}, "names"),
    "too many views": (
        {
            "views": ("full", *map(str, range(MAX_VIEWS))),
            "hashes": np.zeros((3, MAX_VIEWS + 1, 32), np.uint8),
            "quality": np.zeros((3, MAX_VIEWS + 1), np.uint8),
        },
        "views",
    ),
    "more activity than time": ({"activity": np.zeros((1, 17), np.float32)}, "activity"),
    "less activity than time": ({"activity": np.zeros((1, 15), np.float32)}, "activity"),
    "more rows than views": ({"activity": np.zeros((4, 16), np.float32)}, "rows"),
    "activity without rows": ({"activity": np.zeros(16, np.float32)}, "rows"),
    "activity that is no number": ({"activity": np.full((1, 16), NAN, np.float32)}, "activity"),
    "a phash too few": ({"signals": Signals(phash=np.zeros((2, 8), np.uint8))}, "phash"),
    "a phash too short": ({"signals": Signals(phash=np.zeros((3, 7), np.uint8))}, "phash"),
    "a videohash of a page": ({"signals": Signals(videohash="0x" + "f" * 1000)}, "videohash"),
    "an MD5 of 15 bytes": ({"digests": Digests(md5=bytes(15))}, "MD5"),
    "a SHA-256 of 16 bytes": ({"digests": Digests(sha256=bytes(16))}, "SHA-256"),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_faults(fault: str) -> None:
    """Each fault is refused, by a message that names it."""
    changes, said = FAULTS[fault]
    with pytest.raises(FingerprintError, match=said) as caught:
        dataclasses.replace(GOOD, **changes).check()
    assert caught.value.reason == "FINGERPRINT_MALFORMED"


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"activity": np.zeros((0, 0), np.float32), "digests": Digests(), "signals": Signals()},
        {"digests": Digests(md5=bytes(16))},
        {"duration": 0.0, "starts": np.zeros(3), "ends": np.zeros(3), "activity": np.zeros((0, 0), np.float32)},
        {
            "starts": np.zeros(0), "ends": np.zeros(0), "hashes": np.zeros((0, 2, 32), np.uint8),
            "quality": np.zeros((0, 2), np.uint8), "signals": Signals(),
        },
    ],
    ids=["full", "bare", "one digest", "one instant", "no frames"],
)  # fmt: skip
def test_what_is_allowed(changes: dict[str, Any]) -> None:
    """A fingerprint without faults is given back."""
    fingerprint = dataclasses.replace(GOOD, **changes)
    assert fingerprint.check() is fingerprint


def test_digests_are_true_when_there_is_one() -> None:
    """Empty digests say nothing."""
    assert not Digests()
    assert Digests(md5=bytes(16)) and Digests(sha256=bytes(32))
