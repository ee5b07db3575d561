"""Fingerprint and digests on the wire."""

import re

import numpy as np

from hashsvc.errors import FingerprintError
from hashsvc.fingerprint.model import HASH_BYTES, Digests, Fingerprint, Signals, Times, activity_rows
from hashsvc.v1 import fingerprint_pb2 as pb

_PHASH_BYTES = 8
_MAX_MS = 2**32 - 1
_VIDEOHASH = re.compile(r"0x[0-9a-f]{16}")


def encode_fingerprint(fingerprint: Fingerprint) -> pb.Fingerprint:
    """The message of `fingerprint`; times are rounded to milliseconds.

    Raises FingerprintError FINGERPRINT_MALFORMED when it contradicts itself or lasts more than 49 days.
    """
    fingerprint.check()
    return pb.Fingerprint(
        profile=fingerprint.profile,
        duration_seconds=fingerprint.duration,
        views=fingerprint.views,
        start_ms=_milliseconds(fingerprint.starts),
        end_ms=_milliseconds(fingerprint.ends),
        hashes=fingerprint.hashes.tobytes(),
        quality=fingerprint.quality.tobytes(),
        activity=fingerprint.activity.ravel().tolist(),
        digests=encode_digests(fingerprint.digests),
        signals=pb.Signals(phash=fingerprint.signals.phash.tobytes(), videohash=fingerprint.signals.videohash),
    )


def decode_fingerprint(message: pb.Fingerprint, *, check: bool = True) -> Fingerprint:
    """The fingerprint in `message`, its lengths, times and values checked. The profile's name is the service's to judge.

    Without `check` it is decoded and no more, for who hands it to what checks it. No length in the message decides an
    allocation: arrays are as long as the bytes that arrived. Raises FingerprintError FINGERPRINT_MALFORMED naming the first fault.
    """
    frames, views = len(message.start_ms), len(message.views)
    _expect(bool(message.views), "views must be named")
    _expect(len(message.end_ms) == frames, f"{len(message.end_ms)} end times for {frames} frames")
    _expect_bytes("hashes", message.hashes, frames * views * HASH_BYTES, f"{frames} frames x {views} views x 32")
    _expect_bytes("quality", message.quality, frames * views, f"{frames} frames x {views} views")
    activity = np.fromiter(message.activity, np.float32, len(message.activity))
    _expect(bool(np.isfinite(activity).all() and (activity >= 0).all()), "activity must be finite and not negative")
    fingerprint = Fingerprint(
        profile=message.profile,
        duration=message.duration_seconds,
        views=tuple(message.views),
        starts=np.fromiter(message.start_ms, np.float64, frames) / 1000,
        ends=np.fromiter(message.end_ms, np.float64, frames) / 1000,
        hashes=np.frombuffer(message.hashes, np.uint8).reshape(frames, views, HASH_BYTES),
        quality=np.frombuffer(message.quality, np.uint8).reshape(frames, views),
        activity=activity_rows(activity, message.duration_seconds),
        digests=decode_digests(message.digests),
        signals=_decode_signals(message.signals, frames),
    )
    return fingerprint.check() if check else fingerprint


def encode_digests(digests: Digests) -> pb.Digests:
    """The message of `digests`."""
    return pb.Digests(md5=digests.md5, sha256=digests.sha256)


def decode_digests(message: pb.Digests) -> Digests:
    """The digests in `message`. Raises FingerprintError FINGERPRINT_MALFORMED for another length."""
    _expect(len(message.md5) in (0, 16), f"an MD5 is 16 bytes, not {len(message.md5)}")
    _expect(len(message.sha256) in (0, 32), f"a SHA-256 is 32 bytes, not {len(message.sha256)}")
    return Digests(md5=message.md5, sha256=message.sha256)


def _decode_signals(message: pb.Signals, frames: int) -> Signals:
    if message.phash:
        _expect_bytes("phash", message.phash, frames * _PHASH_BYTES, f"{frames} frames x 8")
    _expect(
        not message.videohash or _VIDEOHASH.fullmatch(message.videohash) is not None,
        "a videohash is 0x and 16 lower-case hex digits",
    )
    phash = np.frombuffer(message.phash, np.uint8).reshape(-1, _PHASH_BYTES)
    return Signals(phash=phash, videohash=message.videohash)


def _milliseconds(times: Times) -> list[int]:
    """Rounding keeps the order, so that what was checked before it holds after it."""
    rounded = np.rint(times * 1000)
    _expect(not (rounded > _MAX_MS).any(), "a time does not fit into 32 bits of milliseconds")
    milliseconds: list[int] = rounded.astype(np.uint32).tolist()
    return milliseconds


def _expect(condition: bool, fault: str) -> None:
    if not condition:
        raise FingerprintError("FINGERPRINT_MALFORMED", fault)


def _expect_bytes(field: str, value: bytes, length: int, shape: str) -> None:
    _expect(len(value) == length, f"{field} has {len(value)} bytes, {shape} say {length}")
