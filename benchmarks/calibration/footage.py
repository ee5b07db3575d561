"""Clips hashed as references, and cut, turned and sped up into uploads; kept on disk between runs."""

import concurrent.futures
import dataclasses
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgpack
import numpy as np
import numpy.typing as npt

from benchmarks.corpus import Video
from hashsvc.config import Limits, Settings
from hashsvc.fingerprint.encoding import VERSION, decode, encode
from hashsvc.fingerprint.hasher import query_views
from hashsvc.fingerprint.model import Fingerprint
from hashsvc.fingerprint.profiles import DEFAULT, Profile
from hashsvc.fingerprint.reading import Reading
from hashsvc.fingerprint.sandbox import Sandbox
from hashsvc.fingerprint.views import hash_views
from hashsvc.media.decode import samples
from hashsvc.media.probe import probe
from hashsvc.media.sample import DenseRule, plan

LENGTH = 20.0
"""Seconds of footage in one upload."""
_LEAST = 8.0
"""A last cut that is shorter is left out, unless it is the only one."""
_RATE = 4.0
"""Samples a second that uploads are taken from: of a 2x slower upload, each; of one at speed 1, every other."""

Lumas = npt.NDArray[np.uint8]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """One way of making another upload of the same footage."""

    name: str
    picture: Callable[[Lumas], Lumas]
    """Of lumas (n, side, side), uint8."""
    speed: float = 1.0
    """Seconds of footage in one of the upload."""


def _same(lumas: Lumas) -> Lumas:
    return lumas


VARIANTS = (
    Variant(name="plain", picture=_same),
    Variant(name="mirror", picture=lambda lumas: lumas[:, :, ::-1]),
    Variant(name="flip", picture=lambda lumas: lumas[:, ::-1]),
    Variant(name="inverted", picture=lambda lumas: 255 - lumas),
    Variant(name="quarter-turn", picture=lambda lumas: np.rot90(lumas, axes=(1, 2))),
    Variant(name="transposed", picture=lambda lumas: lumas.transpose(0, 2, 1)),
    Variant(name="mirror-inverted", picture=lambda lumas: 255 - lumas[:, :, ::-1]),
    Variant(name="transposed-inverted", picture=lambda lumas: 255 - lumas.transpose(0, 2, 1)),
    Variant(name="faster-flip", picture=lambda lumas: lumas[:, ::-1], speed=1.5),
    Variant(name="slower-flip-inverted", picture=lambda lumas: 255 - lumas[:, ::-1], speed=0.5),
)
"""Reference views undo some of these (mirror, quarter turns, inversion of the whole frame), so that such uploads meet
some of the same pairs of hashes again; the others, and every crop, are new."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Upload:
    """One cut in one variant, hashed in the query views with what was found inside the picture."""

    variant: str
    start: float
    """Seconds of the clip."""
    fingerprint: Fingerprint


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Clip:
    """One video from both sides."""

    name: str
    group: str
    scene: str
    reference: Fingerprint
    uploads: tuple[Upload, ...]

    def related(self, other: "Clip") -> bool:
        """Whether they show the same recording."""
        return self.group == other.group

    def akin(self, other: "Clip") -> bool:
        """Whether they show the same place or layout, in recordings of their own."""
        return bool(self.scene) and self.scene == other.scene


def hashed(videos: Sequence[Video], work: Path) -> Iterator[Clip]:
    """Each video as a clip, in order; what `work` holds of them is read and not hashed again.

    What is kept is named by file, size and profile: after a change to how uploads are hashed, empty the folder.
    Raises MediaError and LimitExceededError.
    """
    work.mkdir(parents=True, exist_ok=True)
    settings = Settings()
    with Sandbox(settings) as sandbox, concurrent.futures.ThreadPoolExecutor(settings.workers.workers) as pool:
        yield from pool.map(lambda video: _clip(video, work, sandbox, settings.limits), videos)


def _clip(video: Video, work: Path, sandbox: Sandbox, limits: Limits) -> Clip:
    kept = work / f"{video.name}-{video.path.stat().st_size}-{DEFAULT.name}-{VERSION}.msgpack"
    if kept.exists():
        fields = msgpack.unpackb(kept.read_bytes())
        reference = decode(fields["reference"])
        uploads = [Upload(variant=one[0], start=one[1], fingerprint=decode(one[2])) for one in fields["uploads"]]
    else:
        reference = sandbox.fingerprint(video.path, Reading.REFERENCE)
        uploads = list(_uploads(video.path, DEFAULT, limits))
        coded = [[one.variant, one.start, encode(one.fingerprint)] for one in uploads]
        part = kept.with_suffix(".part")
        part.write_bytes(msgpack.packb({"reference": encode(reference), "uploads": coded}))
        part.replace(kept)
    return Clip(
        name=video.name, group=video.group, scene=video.scene, reference=reference, uploads=tuple(uploads)
    )  # fmt: skip


def _uploads(path: Path, profile: Profile, limits: Limits) -> Iterator[Upload]:
    info = probe(path, limits)
    taken = list(samples(path, info, plan(info, DenseRule(rate=_RATE), limits), limits))
    times = np.array([one.time for one in taken])
    lumas = np.stack([one.luma for one in taken])
    for start in cuts(info.duration):
        length = min(LENGTH, info.duration - start)
        for variant in VARIANTS:
            yield Upload(
                variant=variant.name, start=start, fingerprint=_upload(times, lumas, start, length, variant, profile)
            )


def cuts(duration: float) -> list[float]:
    """Where the cuts of a clip of so many seconds begin: one after the other, no footage in two of them."""
    starts = np.arange(0.0, max(duration, LENGTH / 2), LENGTH)
    return [float(start) for start in starts if start == 0 or duration - start >= _LEAST]


def _upload(
    times: npt.NDArray[np.float64], lumas: Lumas, start: float, length: float, variant: Variant, profile: Profile
) -> Fingerprint:
    """A sample at each step of the upload's own time, as the sparse rule takes them."""
    duration = length / variant.speed
    step = min(profile.sparse.step, duration / (profile.sparse.min_frames + 1))
    starts = np.arange(0.0, duration, step)
    shown = np.searchsorted(times, start + starts * variant.speed - 1e-3)
    starts, shown = starts[shown < len(times)], shown[shown < len(times)]
    pictures = np.ascontiguousarray(variant.picture(lumas[shown]))
    views = query_views(pictures, profile, profile.query_rectangles)
    hashes, quality = hash_views(pictures, views)
    return Fingerprint(
        profile=profile.name,
        duration=duration,
        views=tuple(view.name for view in views),
        starts=starts,
        ends=np.append(starts[1:], duration),
        hashes=hashes,
        quality=quality,
    ).check()
