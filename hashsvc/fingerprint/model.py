"""What the hasher makes of a video."""

import dataclasses

import numpy as np
import numpy.typing as npt

from hashsvc.errors import FingerprintError

HASH_BYTES = 32
"""A frame hash is 256 bits, PDQ's bit order. Part of the format, do not change."""

ACTIVITY_RATE = 8
"""Samples a second of the temporal signature. Part of the format, do not change."""
MAX_VIEWS = 256
MAX_VIEW_NAME = 64
MAX_DURATION = 7 * 86400.0
"""Seconds; a fingerprint that claims more is refused before anything is sized by it."""


def activity_samples(duration: float) -> int:
    """Length of an activity curve of so many seconds."""
    return int(duration * ACTIVITY_RATE)


def activity_rows(flat: npt.NDArray[np.float32], duration: float) -> npt.NDArray[np.float32]:
    """Activity curves as they travel, one after another (n,), as rows; what does not come out even is one, for `check`."""
    samples = activity_samples(duration) if 0 <= duration <= MAX_DURATION else 0
    if not len(flat):
        return np.zeros((0, 0), np.float32)
    return flat.reshape(-1, samples) if samples and len(flat) % samples == 0 else flat[None]


Hashes = npt.NDArray[np.uint8]
Times = npt.NDArray[np.float64]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Digests:
    """Exact digests of the file's bytes; either may be empty when unknown."""

    md5: bytes = b""
    """16 bytes."""
    sha256: bytes = b""
    """32 bytes."""

    def __bool__(self) -> bool:
        return bool(self.md5 or self.sha256)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Signals:
    """Hashes in exchange formats, taken at confirm for partners; matching does not use them."""

    phash: npt.NDArray[np.uint8] = dataclasses.field(default_factory=lambda: np.zeros((0, 8), np.uint8))
    """imagehash pHash of every kept frame, uint8 (frames, 8); (0, 8) when not taken."""
    videohash: str = ""
    """`0x` and 16 hex digits, or empty when the extra is not installed or the video defeated it."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Fingerprint:
    """Frame hashes with times and views, a temporal signature, exact digests, and the profile that made them."""

    profile: str
    """Name of the frozen profile; see `hashsvc.fingerprint.profiles`."""
    duration: float
    """Presentation time from the first frame to the end of the last, seconds."""
    views: tuple[str, ...]
    """Names of the views, in the order of axis 1 of `hashes`; the first is `full`."""
    starts: Times
    """Presentation time of each kept frame, seconds from the first frame, float64 (frames,), not decreasing."""
    ends: Times
    """End of the span that each kept frame stands for, float64 (frames,), >= starts."""
    hashes: Hashes
    """256-bit PDQ hashes, uint8 (frames, views, 32)."""
    quality: npt.NDArray[np.uint8]
    """PDQ quality 0-100 of each hash, uint8 (frames, views); below the profile's gate a hash is no evidence."""
    activity: npt.NDArray[np.float32] = dataclasses.field(default_factory=lambda: np.zeros((0, 0), np.float32))
    """Temporal signature: mean absolute luma change each 1/8 s, float32 (rows, floor(duration x 8)). Row i is of view i; a
    reference has the full view's alone, an upload that was read quickly has none."""
    digests: Digests = Digests()
    signals: Signals = dataclasses.field(default_factory=Signals)

    @property
    def frames(self) -> int:
        """Number of kept frames."""
        return len(self.starts)

    def thinned(self, most: int) -> "Fingerprint":
        """At most `most` of the frames, evenly spread: what a match costs must not be the caller's to choose."""
        if self.frames <= most:
            return self
        kept = np.round(np.linspace(0, self.frames - 1, most)).astype(int)
        starts = self.starts[kept]
        return dataclasses.replace(
            self,
            starts=starts,
            ends=np.append(starts[1:], self.ends[kept[-1]]),
            hashes=self.hashes[kept],
            quality=self.quality[kept],
            signals=Signals(),
        )

    def check(self) -> "Fingerprint":
        """Return self, or raise FingerprintError FINGERPRINT_MALFORMED naming the first fault."""
        for fault in self._faults():
            raise FingerprintError("FINGERPRINT_MALFORMED", fault)
        return self

    def _faults(self) -> "list[str]":
        frames, views = len(self.starts), len(self.views)
        shape = (frames, views, HASH_BYTES)
        if self.hashes.shape != shape:
            return [f"hashes have shape {self.hashes.shape}, the frames and views say {shape}"]
        if self.quality.shape != shape[:2]:
            return [f"quality has shape {self.quality.shape}, the frames and views say {shape[:2]}"]
        if len(self.ends) != frames:
            return [f"{len(self.ends)} end times for {frames} frames"]
        if views > MAX_VIEWS or any(len(view) > MAX_VIEW_NAME for view in self.views):
            return [f"at most {MAX_VIEWS} views, with names of at most {MAX_VIEW_NAME} characters"]
        if not views or len(set(self.views)) != views:
            return ["views must be named, and each only once"]
        if self.views[0] != "full":
            return [f"the first view must be 'full', not {self.views[0]!r}"]
        if not (np.isfinite(self.duration) and 0 <= self.duration <= MAX_DURATION):
            return [f"duration {self.duration} is not a time"]
        if not (np.isfinite(self.starts).all() and np.isfinite(self.ends).all()):
            return ["times must be finite"]
        if frames and (self.starts[0] < 0 or (np.diff(self.starts) < 0).any()):
            return ["times out of order: starts must not decrease"]
        if (self.ends < self.starts).any():
            return ["times out of order: a frame ends before it starts"]
        if frames and self.starts[-1] > self.duration + 1.0:
            return [f"a frame at {self.starts[-1]:.3f} s lies past the duration {self.duration:.3f} s"]
        if self.activity.ndim != 2 or not np.isfinite(self.activity).all():
            return ["activity is rows of finite numbers"]
        if len(self.activity) > views:
            return [f"activity has {len(self.activity)} rows for {views} views"]
        if len(self.activity) and self.activity.shape[1] != activity_samples(self.duration):
            return [f"a row of activity has {self.activity.shape[1]} samples for {self.duration:.3f} s"]
        if self.signals.phash.shape not in ((0, 8), (frames, 8)) or len(self.signals.videohash) > 18:
            return ["phash is 8 bytes a frame or absent, videohash 18 characters or absent"]
        if (self.quality > 100).any():
            return ["quality is a number from 0 to 100"]
        if len(self.digests.md5) not in (0, 16) or len(self.digests.sha256) not in (0, 32):
            return ["an MD5 is 16 bytes and a SHA-256 is 32"]
        return []
