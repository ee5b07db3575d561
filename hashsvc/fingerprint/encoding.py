"""A fingerprint as bytes, for the store and for the pipe to the sandboxed worker.

A msgpack map; arrays are little-endian raw bytes, row-major. The keys are part of the format: `index/README.md` describes
them, and `version` changes when they do.
"""

from collections.abc import Callable
from typing import Any

import msgpack
import numpy as np
import numpy.typing as npt

from hashsvc.errors import FingerprintError
from hashsvc.fingerprint.model import HASH_BYTES, Digests, Fingerprint, Signals, activity_rows

VERSION = 1
_KINDS: dict[str, type | tuple[type, ...]] = {
    "profile": str, "duration": (int, float), "views": list, "starts": bytes, "ends": bytes, "hashes": bytes,
    "quality": bytes, "activity": bytes, "md5": bytes, "sha256": bytes, "phash": bytes, "videohash": str,
}  # fmt: skip


def encode(fingerprint: Fingerprint) -> bytes:
    """All of a fingerprint in one msgpack map."""
    return bytes(
        msgpack.packb(
            {
                "version": VERSION,
                "profile": fingerprint.profile,
                "duration": fingerprint.duration,
                "views": list(fingerprint.views),
                "starts": fingerprint.starts.astype("<f8").tobytes(),
                "ends": fingerprint.ends.astype("<f8").tobytes(),
                "hashes": fingerprint.hashes.tobytes(),
                "quality": fingerprint.quality.tobytes(),
                "activity": fingerprint.activity.astype("<f4").tobytes(),
                "md5": fingerprint.digests.md5,
                "sha256": fingerprint.digests.sha256,
                "phash": fingerprint.signals.phash.tobytes(),
                "videohash": fingerprint.signals.videohash,
            }
        )
    )


def decode(
    data: bytes, hashes: Callable[[npt.NDArray[np.uint8], str], npt.NDArray[np.uint8]] | None = None
) -> Fingerprint:
    """The inverse of `encode`; raises FingerprintError FINGERPRINT_MALFORMED.

    `hashes`, called with quality and profile, supplies hashes that are kept elsewhere.
    """
    try:
        fields: dict[str, Any] = msgpack.unpackb(data)
        if fields["version"] != VERSION:
            raise FingerprintError("FINGERPRINT_MALFORMED", f"encoding version {fields['version']} is not {VERSION}")
        for name, kind in _KINDS.items():
            if not isinstance(fields[name], kind):
                raise FingerprintError("FINGERPRINT_MALFORMED", f"{name} is a {type(fields[name]).__name__}")
        if not all(isinstance(view, str) for view in fields["views"]):
            raise FingerprintError("FINGERPRINT_MALFORMED", "views are named by text")
        frames, views = len(fields["starts"]) // 8, len(fields["views"])
        quality = np.frombuffer(fields["quality"], np.uint8).reshape(frames, views)
        apart = hashes(quality, fields["profile"]) if hashes else np.frombuffer(fields["hashes"], np.uint8)
        fingerprint = Fingerprint(
            profile=fields["profile"],
            duration=fields["duration"],
            views=tuple(fields["views"]),
            starts=np.frombuffer(fields["starts"], "<f8"),
            ends=np.frombuffer(fields["ends"], "<f8"),
            hashes=apart.reshape(frames, views, HASH_BYTES),
            quality=quality,
            activity=activity_rows(np.frombuffer(fields["activity"], "<f4"), fields["duration"]),
            digests=Digests(md5=fields["md5"], sha256=fields["sha256"]),
            signals=Signals(
                phash=np.frombuffer(fields["phash"], np.uint8).reshape(-1, 8), videohash=fields["videohash"]
            ),
        )
    except FingerprintError:
        raise
    except (KeyError, TypeError, ValueError, msgpack.UnpackException) as error:
        raise FingerprintError("FINGERPRINT_MALFORMED", f"not an encoded fingerprint: {error}") from error
    return fingerprint.check()


def decode_activity(data: bytes) -> npt.NDArray[np.float32]:
    """The activity curves (rows, samples) of an encoded fingerprint alone; raises FingerprintError FINGERPRINT_MALFORMED."""
    try:
        fields: dict[str, Any] = msgpack.unpackb(data)
        return activity_rows(np.frombuffer(fields["activity"], "<f4"), fields["duration"])
    except (KeyError, TypeError, ValueError, msgpack.UnpackException) as error:
        raise FingerprintError("FINGERPRINT_MALFORMED", f"not an encoded fingerprint: {error}") from error
