"""Fingerprints survive the wire, and malformed ones do not get past it."""

import dataclasses
import tracemalloc
from collections.abc import Callable

import numpy as np
import pytest

from hashsvc.errors import FingerprintError
from hashsvc.fingerprint.model import Digests, Fingerprint, Signals
from hashsvc.v1 import fingerprint_pb2 as pb
from hashsvc.wire.fingerprint import decode_digests, decode_fingerprint, encode_digests, encode_fingerprint


def made(frames: int = 5) -> Fingerprint:
    """A fingerprint with everything in it."""
    random = np.random.default_rng(frames)
    starts = np.arange(frames, dtype=np.float64) * 0.333
    return Fingerprint(
        profile="standard-1",
        duration=frames * 0.333,
        views=("full", "mirror"),
        starts=starts,
        ends=starts + 0.2,
        hashes=random.integers(0, 256, (frames, 2, 32), np.uint8),
        quality=random.integers(0, 101, (frames, 2), np.uint8),
        activity=random.random((1, int(frames * 0.333 * 8)), np.float32) if frames else np.zeros((0, 0), np.float32),
        digests=Digests(md5=random.bytes(16), sha256=random.bytes(32)),
        signals=Signals(phash=random.integers(0, 256, (frames, 8), np.uint8), videohash="0x0123456789abcdef"),
    )


def sent(fingerprint: Fingerprint) -> Fingerprint:
    """What arrives of a fingerprint, through bytes."""
    return decode_fingerprint(pb.Fingerprint.FromString(encode_fingerprint(fingerprint).SerializeToString()))


@pytest.mark.parametrize("frames", [0, 1, 5])
def test_round_trip(frames: int) -> None:
    """Every field arrives, times to the millisecond."""
    before = made(frames)
    after = sent(before)
    assert (after.profile, after.duration, after.views) == (before.profile, before.duration, before.views)
    assert (after.digests, after.signals.videohash) == (before.digests, before.signals.videohash)
    for name in ("hashes", "quality", "activity"):
        assert np.array_equal(getattr(after, name), getattr(before, name))
        assert getattr(after, name).dtype == getattr(before, name).dtype
    assert np.array_equal(after.signals.phash, before.signals.phash)
    assert np.allclose(after.starts, before.starts, rtol=0, atol=0.0005)
    assert np.allclose(after.ends, before.ends, rtol=0, atol=0.0005)
    assert after.starts.dtype == np.float64


def test_bare_fingerprint() -> None:
    """What is optional may be absent."""
    bare = dataclasses.replace(made(), activity=np.zeros((0, 0), np.float32), digests=Digests(), signals=Signals())
    after = sent(bare)
    assert not after.digests
    assert after.signals.phash.shape == (0, 8)
    assert len(after.activity) == 0


def test_digests_round_trip() -> None:
    """Digests arrive alone, too, and one of another length does not."""
    digests = Digests(md5=bytes(16))
    assert decode_digests(encode_digests(digests)) == digests
    with pytest.raises(FingerprintError):
        decode_digests(pb.Digests(sha256=bytes(31)))


Spoil = Callable[[pb.Fingerprint], object]

FAULTS: dict[str, tuple[Spoil, str]] = {
    "short hashes": (lambda message: setattr(message, "hashes", message.hashes[:-1]), "hashes has 319 bytes"),
    "long hashes": (lambda message: setattr(message, "hashes", message.hashes * 2), "hashes has 640 bytes"),
    "no hashes": (lambda message: message.ClearField("hashes"), "hashes has 0 bytes"),
    "short quality": (lambda message: setattr(message, "quality", b""), "quality has 0 bytes"),
    "quality over 100": (lambda message: setattr(message, "quality", b"\xff" * 10), "quality"),
    "a start too many": (lambda message: message.start_ms.append(5000), "5 end times for 6 frames"),
    "an end too many": (lambda message: message.end_ms.append(5000), "6 end times for 5 frames"),
    "starts out of order": (lambda message: message.start_ms.__setitem__(0, 900), "out of order"),
    "end before start": (lambda message: message.end_ms.__setitem__(4, 0), "out of order"),
    "past the duration": (lambda message: setattr(message, "duration_seconds", 0.0), "past the duration"),
    "negative duration": (lambda message: setattr(message, "duration_seconds", -1.0), "duration"),
    "infinite duration": (lambda message: setattr(message, "duration_seconds", float("inf")), "duration"),
    "no views": (lambda message: message.ClearField("views"), "views"),
    "a view twice": (lambda message: message.views.__setitem__(1, "full"), "each only once"),
    "another first view": (lambda message: message.views.__setitem__(0, "mirror-2"), "'full'"),
    "activity not a number": (lambda message: message.activity.append(float("nan")), "activity"),
    "short md5": (lambda message: setattr(message.digests, "md5", b"x"), "MD5"),
    "long sha256": (lambda message: setattr(message.digests, "sha256", b"x" * 33), "SHA-256"),
    "short phash": (lambda message: setattr(message.signals, "phash", b"x" * 8), "phash has 8 bytes"),
    "videohash in words": (lambda message: setattr(message.signals, "videohash", "0xwords"), "videohash"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_malformed(name: str) -> None:
    """Each contradiction is FINGERPRINT_MALFORMED and says what is wrong."""
    spoil, says = FAULTS[name]
    message = encode_fingerprint(made())
    spoil(message)
    with pytest.raises(FingerprintError, match=says) as caught:
        decode_fingerprint(message)
    assert caught.value.reason == "FINGERPRINT_MALFORMED"


def test_hostile_lengths_allocate_nothing() -> None:
    """A million frames in a million views without their hashes are refused without room being made for them."""
    message = pb.Fingerprint(profile="p", views=["full"] * 10**6, start_ms=[0] * 10**6, end_ms=[0] * 10**6)
    tracemalloc.start()
    try:
        with pytest.raises(FingerprintError):
            decode_fingerprint(message)
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()


def test_what_cannot_be_sent() -> None:
    """A fingerprint that contradicts itself, or has a time past 32 bits of milliseconds, is refused here already."""
    with pytest.raises(FingerprintError):
        encode_fingerprint(dataclasses.replace(made(), starts=np.zeros(3)))
    far = np.full(5, 2.0**32 / 1000, np.float64)
    with pytest.raises(FingerprintError, match="milliseconds"):
        encode_fingerprint(dataclasses.replace(made(), ends=far))
