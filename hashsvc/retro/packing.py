"""A recent upload as the ring keeps it: its scouts, the hashes that a hunt begins with, apart, so that they can be read in one go.

A msgpack map; arrays are little-endian raw bytes, row-major. `index/README.md` describes the keys, and `version` changes
when they do.
"""

import contextlib
import dataclasses
import functools
from collections.abc import Iterator
from typing import Any

import msgpack
import numpy as np
import numpy.typing as npt

from hashsvc.errors import FingerprintError
from hashsvc.fingerprint.model import HASH_BYTES, Fingerprint
from hashsvc.fingerprint.profiles import profile_named
from hashsvc.match import seeds
from hashsvc_index import Item, StoreCorruptError

VERSION = 2
_ALL_SCOUTS = 1
"""The version in which the hashes of all seeding frames were scouts; read as well."""
_MILLISECONDS = 1000.0
_STRIDE = 4
"""One of so many seeding frames is a scout in each view, fewer where a view would be left with less than so many scouts."""


Mask = npt.NDArray[np.bool_]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Recent:
    """An upload that was matched by its fingerprint."""

    content_id: str
    """The caller's own name for it."""
    seen_at: float
    """When it was matched, seconds since 1970."""
    fingerprint: Fingerprint
    """Without digests and signals; times to the millisecond, activity to three digits."""


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Seeding:
    """The hashes of an upload that a match begins with, `hashsvc.match.seeds.pick`, in any order."""

    hashes: npt.NDArray[np.uint8]
    """uint8 (m, 32)."""
    frames: npt.NDArray[np.intp]
    """Which of the seeding frames each is of, counted from 0, (m,)."""
    times: npt.NDArray[np.float64]
    """When that frame is shown, seconds, (m,)."""
    views: npt.NDArray[np.intp]
    """Its view, (m,)."""
    of: int
    """Views of the upload."""
    deep: bool
    """Whether it was read deeply: a match then looks at more than what seeds point at."""


def pack(recent: Recent) -> Item:
    """All that matching takes: hashes that pass the gate, those of scouts first, times, views and quality."""
    profile = profile_named(recent.fingerprint.profile)
    upload = recent.fingerprint.thinned(profile.sparse.max_frames)
    seeding = np.zeros(upload.frames, bool)
    seeding[seeds.pick(upload, profile.quality_gate).frames] = True
    scouts, others, rest = _shares(VERSION, upload.quality >= profile.quality_gate, seeding)
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
        "seeds": upload.hashes[others].tobytes(),
        "hashes": upload.hashes[rest].tobytes(),
        "activity": upload.activity.astype("<f2").tobytes(),
        "curves": len(upload.activity),
    }
    return Item(rows=upload.hashes[scouts], body=bytes(msgpack.packb(fields)))


def unpack(item: Item) -> Recent:
    """The inverse of `pack`; hashes under the gate come back as zeros. Raises StoreCorruptError."""
    with _told():
        fields = _fields(item)
        return Recent(
            content_id=fields["content_id"], seen_at=fields["seen_at"], fingerprint=_upload(fields, item)
        )  # fmt: skip


def seeding_hashes(item: Item) -> npt.NDArray[np.uint8]:
    """The hashes that `seeding` has, uint8 (m, 32), and in its order, for less. Raises StoreCorruptError."""
    with _told():
        return np.concatenate([item.rows, _hashes(_fields(item), "seeds")])


def seeding(item: Item) -> Seeding:
    """What `seeds.pick` takes of the upload. Raises StoreCorruptError."""
    with _told():
        fields = _fields(item)
        quality, seeding = _frames(fields)
        shown = np.flatnonzero(seeding)
        frames, views = np.nonzero(quality[shown] >= profile_named(fields["profile"]).quality_gate)
        scout = _pattern(fields["version"], len(shown), quality.shape[1])[frames, views]
        order = np.concatenate([np.flatnonzero(scout), np.flatnonzero(~scout)])
        hashes = np.concatenate([item.rows, _hashes(fields, "seeds")])
        if len(order) != len(hashes):
            raise ValueError(f"{len(hashes)} hashes of seeding frames instead of {len(order)}")
        times = np.frombuffer(fields["starts"], "<u4")[shown[frames]] / _MILLISECONDS
        return Seeding(hashes, frames[order], times[order], views[order], quality.shape[1], fields["curves"] > 0)


@contextlib.contextmanager
def _told() -> Iterator[None]:
    """Whatever is wrong with a body, as StoreCorruptError."""
    try:
        yield
    except (KeyError, TypeError, ValueError, FingerprintError, msgpack.UnpackException) as error:
        raise StoreCorruptError(f"not a recent upload: {error}") from error


def _fields(item: Item) -> dict[str, Any]:
    fields: dict[str, Any] = msgpack.unpackb(item.body)
    if fields["version"] not in (_ALL_SCOUTS, VERSION):
        raise StoreCorruptError(f"a recent upload of version {fields['version']}, this one reads {VERSION}")
    return fields if fields["version"] == VERSION else {"seeds": b"", **fields}


def _frames(fields: dict[str, Any]) -> tuple[npt.NDArray[np.uint8], Mask]:
    """Quality, uint8 (frames, views), and which frames are seeding ones, (frames,)."""
    frames, views = len(fields["starts"]) // 4, len(fields["views"])
    quality = np.frombuffer(fields["quality"], np.uint8).reshape(frames, views)
    return quality, np.unpackbits(np.frombuffer(fields["seeding"], np.uint8), count=frames).astype(bool)


def _hashes(fields: dict[str, Any], key: str) -> npt.NDArray[np.uint8]:
    return np.frombuffer(fields[key], np.uint8).reshape(-1, HASH_BYTES)


def _shares(version: int, passed: Mask, seeding: Mask) -> tuple[Mask, Mask, Mask]:
    """Hashes that are scouts, the others of seeding frames, and those of other frames, each (frames, views)."""
    scouts = np.zeros_like(passed)
    scouts[seeding] = _pattern(version, int(seeding.sum()), passed.shape[1])
    return passed & scouts, passed & seeding[:, None] & ~scouts, passed & ~seeding[:, None]


@functools.lru_cache(maxsize=1024)
def _pattern(version: int, frames: int, views: int) -> Mask:
    """Which hashes of so many seeding frames are scouts, whatever their quality, (frames, views).

    The views take turns, so that of an excerpt of a few seeding frames some are scouts, too.
    """
    stride = 1 if version == _ALL_SCOUTS else min(max(frames // _STRIDE, 1), _STRIDE)
    turns = np.arange(views) % 2 * (stride // 2)
    scouts: Mask = (np.arange(frames)[:, None] + turns) % stride == 0
    return scouts


def _upload(fields: dict[str, Any], item: Item) -> Fingerprint:
    quality, seeding = _frames(fields)
    scouts, others, rest = _shares(fields["version"], quality >= profile_named(fields["profile"]).quality_gate, seeding)
    hashes = np.zeros((*quality.shape, HASH_BYTES), np.uint8)
    hashes[scouts], hashes[others], hashes[rest] = item.rows, _hashes(fields, "seeds"), _hashes(fields, "hashes")
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
