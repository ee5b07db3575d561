"""A recent upload as the ring keeps it: the hashes that a search begins with apart, so that they can be read in one go.

A msgpack map; arrays are little-endian raw bytes, row-major. `index/README.md` describes the keys, and `version` changes
when they do.
"""

import dataclasses
from typing import Any

import msgpack
import numpy as np

from hashsvc.errors import FingerprintError
from hashsvc.fingerprint.model import HASH_BYTES, Fingerprint
from hashsvc.fingerprint.profiles import profile_named
from hashsvc.match import seeds
from hashsvc_index import Item, StoreCorruptError

VERSION = 1
_MILLISECONDS = 1000.0


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Recent:
    """An upload that was matched by its fingerprint."""

    content_id: str
    """The caller's own name for it."""
    seen_at: float
    """When it was matched, seconds since 1970."""
    fingerprint: Fingerprint
    """Without digests and signals; times to the millisecond, activity to three digits."""


def pack(recent: Recent) -> Item:
    """All that matching takes: hashes that pass the gate, those of seeding frames first, times, views and quality."""
    profile = profile_named(recent.fingerprint.profile)
    upload = recent.fingerprint.thinned(profile.sparse.max_frames)
    passed = upload.quality >= profile.quality_gate
    seeding = np.zeros(upload.frames, bool)
    seeding[seeds.pick(upload, profile.quality_gate).frames] = True
    fields = {
        "version": VERSION,
        "content_id": recent.content_id,
        "seen_at": recent.seen_at,
        "profile": upload.profile,
        "duration": upload.duration,
        "views": list(upload.views),
        "starts": np.round(upload.starts * _MILLISECONDS).astype("<u4").tobytes(),
        "ends": np.round(upload.ends * _MILLISECONDS).astype("<u4").tobytes(),
        "quality": upload.quality.tobytes(),
        "seeding": np.packbits(seeding).tobytes(),
        "hashes": upload.hashes[passed & ~seeding[:, None]].tobytes(),
        "activity": upload.activity.astype("<f2").tobytes(),
        "curves": len(upload.activity),
    }
    return Item(rows=upload.hashes[passed & seeding[:, None]], body=bytes(msgpack.packb(fields)))


def unpack(item: Item) -> Recent:
    """The inverse of `pack`; hashes under the gate come back as zeros. Raises StoreCorruptError."""
    try:
        fields: dict[str, Any] = msgpack.unpackb(item.body)
        if fields["version"] != VERSION:
            raise StoreCorruptError(f"a recent upload of version {fields['version']}, this one reads {VERSION}")
        upload = _upload(fields, item)
        return Recent(content_id=fields["content_id"], seen_at=fields["seen_at"], fingerprint=upload)
    except (KeyError, TypeError, ValueError, FingerprintError, msgpack.UnpackException) as error:
        raise StoreCorruptError(f"not a recent upload: {error}") from error


def _upload(fields: dict[str, Any], item: Item) -> Fingerprint:
    frames, views = len(fields["starts"]) // 4, len(fields["views"])
    quality = np.frombuffer(fields["quality"], np.uint8).reshape(frames, views)
    passed = quality >= profile_named(fields["profile"]).quality_gate
    seeding = np.unpackbits(np.frombuffer(fields["seeding"], np.uint8), count=frames).astype(bool)
    hashes = np.zeros((frames, views, HASH_BYTES), np.uint8)
    hashes[passed & seeding[:, None]] = item.rows
    hashes[passed & ~seeding[:, None]] = np.frombuffer(fields["hashes"], np.uint8).reshape(-1, HASH_BYTES)
    activity = np.frombuffer(fields["activity"], "<f2").astype(np.float32)
    return Fingerprint(
        profile=fields["profile"],
        duration=fields["duration"],
        views=tuple(fields["views"]),
        starts=np.frombuffer(fields["starts"], "<u4") / _MILLISECONDS,
        ends=np.frombuffer(fields["ends"], "<u4") / _MILLISECONDS,
        hashes=hashes,
        quality=quality,
        activity=activity.reshape(fields["curves"], -1) if fields["curves"] else np.zeros((0, 0), np.float32),
    ).check()
