"""A fingerprint as bytes."""

import dataclasses
from typing import Any

import msgpack
import numpy as np
import pytest

from hashsvc.errors import FingerprintError
from hashsvc.fingerprint.encoding import decode, encode
from hashsvc.fingerprint.model import Digests, Fingerprint, Signals


def a_fingerprint(frames: int = 5, views: int = 3, seed: int = 1) -> Fingerprint:
    """Random, and well formed."""
    random = np.random.default_rng(seed)
    starts = np.sort(random.random(frames)) * 9
    return Fingerprint(
        profile="standard-1",
        duration=10.0,
        views=("full", *(f"view-{number}" for number in range(1, views))),
        starts=starts,
        ends=starts + 0.5,
        hashes=random.integers(0, 256, (frames, views, 32), np.uint8),
        quality=random.integers(0, 101, (frames, views), np.uint8),
        activity=random.random((1, 80), np.float32),
        digests=Digests(md5=random.bytes(16), sha256=random.bytes(32)),
        signals=Signals(phash=random.integers(0, 256, (frames, 8), np.uint8), videohash="0x0123456789abcdef"),
    )


def fields(fingerprint: Fingerprint) -> dict[str, Any]:
    """Everything in it, arrays as lists with their types."""
    found: dict[str, Any] = {}
    for part in (fingerprint, fingerprint.digests, fingerprint.signals):
        for field in dataclasses.fields(part):
            one = getattr(part, field.name)
            if isinstance(one, np.ndarray):
                found[field.name] = (one.dtype.kind, one.shape, one.tobytes())
            elif not dataclasses.is_dataclass(one):
                found[field.name] = one
    return found


@pytest.mark.parametrize(("frames", "views"), [(5, 3), (1, 1), (0, 2)])
def test_round_trip(frames: int, views: int) -> None:
    """All of it comes back, to the bit."""
    fingerprint = a_fingerprint(frames, views)
    assert fields(decode(encode(fingerprint))) == fields(fingerprint)


def test_what_was_not_taken() -> None:
    """A query without activity, digests and signals comes back without them."""
    bare = dataclasses.replace(
        a_fingerprint(), activity=np.zeros((0, 0), np.float32), digests=Digests(), signals=Signals()
    )
    back = decode(encode(bare))
    assert (len(back.activity), back.digests, back.signals.phash.shape, back.signals.videohash) == (
        0,
        Digests(),
        (0, 8),
        "",
    )


def test_hashes_kept_elsewhere() -> None:
    """Hashes may be supplied by who keeps them, and are told quality and profile."""
    fingerprint = a_fingerprint()
    bare = dataclasses.replace(fingerprint, hashes=np.zeros((0, 1, 32), np.uint8))
    asked: list[tuple[tuple[int, ...], str]] = []

    def supply(quality: Any, profile: str) -> Any:
        asked.append((quality.shape, profile))
        return fingerprint.hashes

    assert fields(decode(encode(bare), supply)) == fields(fingerprint)
    assert asked == [((5, 3), "standard-1")]
    with pytest.raises(FingerprintError):
        decode(encode(bare), lambda *_: fingerprint.hashes[:2])


def packed(**changes: Any) -> bytes:
    """A good encoding with some fields changed; None takes one out."""
    good = msgpack.unpackb(encode(a_fingerprint()))
    changed = {key: value for key, value in (good | changes).items() if value is not None}
    return bytes(msgpack.packb(changed))


VALUES: list[Any] = [0, -1, 1.5, True, "text", b"bytes", [], [1], {}, {"a": 1}, [[["x"]]], float("nan"), float("inf")]
NAMES = [
    "version", "profile", "duration", "views", "starts", "ends", "hashes", "quality", "activity", "md5", "sha256", "phash", "videohash",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_a_field_that_is_missing_or_of_another_kind(name: str) -> None:
    """Whatever stands in a field, it is either a fingerprint or a FingerprintError; a missing one is the latter."""
    with pytest.raises(FingerprintError) as missing:
        decode(packed(**{name: None}))
    assert missing.value.reason == "FINGERPRINT_MALFORMED"
    refused = 0
    for value in VALUES:
        try:
            good = decode(packed(**{name: value}))
        except FingerprintError:
            refused += 1
        else:
            assert encode(good)
            assert isinstance(good.profile, str) and isinstance(good.signals.videohash, str)
            assert isinstance(good.digests.md5, bytes) and isinstance(good.digests.sha256, bytes)
    assert refused >= len(VALUES) - 4


@pytest.mark.parametrize(
    "data",
    [b"", b"\xc1", b"\x80", b"text", b"\x93\x01\x02\x03", msgpack.packb(None), msgpack.packb(7), msgpack.packb("x")],
    ids=["empty", "never used", "empty map", "text", "list", "nil", "number", "string"],
)
def test_bytes_that_are_no_map(data: bytes) -> None:
    """Anything but a map of the known fields is malformed."""
    with pytest.raises(FingerprintError) as caught:
        decode(data)
    assert caught.value.reason == "FINGERPRINT_MALFORMED"


def test_every_truncation() -> None:
    """A fingerprint cut short anywhere is malformed."""
    data = encode(a_fingerprint(2, 1))
    for length in range(len(data)):
        with pytest.raises(FingerprintError):
            decode(data[:length])
    with pytest.raises(FingerprintError):
        decode(data + b"\x00")


def test_flipped_bits_raise_nothing_else() -> None:
    """Two thousand damaged encodings: each is refused as malformed, or still a fingerprint that passes its check."""
    random = np.random.default_rng(3)
    good = encode(a_fingerprint(2, 2))
    refused = 0
    for _ in range(2000):
        data = bytearray(good)
        for place in random.integers(0, len(data), random.integers(1, 4)):
            data[place] ^= 1 << int(random.integers(8))
        try:
            decode(bytes(data)).check()
        except FingerprintError:
            refused += 1
    assert 100 < refused < 2000


def test_views_are_text() -> None:
    """A view that is no text is refused, wherever it stands."""
    for views in ([1, 2, 3], ["full", ["x"], "y"], ["full", b"a", "b"], ["full", None, "b"], ["full", "full", "a"]):
        with pytest.raises(FingerprintError):
            decode(packed(views=views))


def test_another_version_says_so() -> None:
    """An encoding of a later version is named in the error."""
    with pytest.raises(FingerprintError, match="version 2"):
        decode(packed(version=2))
