"""The fingerprint of an upload as an exhibit: all that matching reads of it, and nothing else."""

import dataclasses

import msgpack
import numpy as np

from hashsvc.bank import records
from hashsvc.errors import FingerprintError
from hashsvc.fingerprint.model import HASH_BYTES, Fingerprint, Signals
from hashsvc.fingerprint.profiles import profile_named


def pack(upload: Fingerprint) -> bytes:
    """The frames that a match looks at, without hashes under the quality gate and without signals."""
    thinned = upload.thinned(profile_named(upload.profile).sparse.max_frames)
    vectors, bare = records.split(dataclasses.replace(thinned, signals=Signals()))
    return bytes(msgpack.packb((vectors.tobytes(), bare)))


def unpack(exhibit: bytes) -> Fingerprint:
    """The inverse of `pack`. Raises FingerprintError FINGERPRINT_MALFORMED."""
    try:
        vectors, bare = msgpack.unpackb(exhibit)
        return records.join(np.frombuffer(vectors, np.uint8).reshape(-1, HASH_BYTES), bare)
    except (TypeError, ValueError, msgpack.UnpackException) as error:
        raise FingerprintError("FINGERPRINT_MALFORMED", f"not an exhibit: {error}") from error
