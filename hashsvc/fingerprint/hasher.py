"""Frames to fingerprint: the one place where decoding, views, folding and signals meet."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from hashsvc.config import Limits
from hashsvc.fingerprint import signals, temporal
from hashsvc.fingerprint.area import bordered_area, busy_area, is_letterbox, moving_area
from hashsvc.fingerprint.deep import EXTRA, RECTANGLES, WINDOWS, activities
from hashsvc.fingerprint.digests import digest_file
from hashsvc.fingerprint.model import Fingerprint, Signals
from hashsvc.fingerprint.pdq import FULL, hamming
from hashsvc.fingerprint.profiles import Profile
from hashsvc.fingerprint.rectangles import overlap, rectangles
from hashsvc.fingerprint.videohash_adapter import videohash_of
from hashsvc.fingerprint.views import View, hash_views
from hashsvc.media.decode import Sample, samples
from hashsvc.media.probe import MediaInfo, probe
from hashsvc.media.sample import EARLY, evenly, next_due, plan, sparse_step

_BATCH = 48
"""Frames hashed at once: enough for the matrix products, 12 MiB of float luma."""

_SAME_RECTANGLE = 0.9
"""Intersection over union from which on a rectangle adds nothing to the moving area."""

Progress = Callable[[float], None]


def fingerprint_reference(
    path: Path, profile: Profile, limits: Limits, progress: Progress | None = None
) -> Fingerprint:
    """Hash a video to be confirmed: densely, in all reference views, with the signals that partners read.

    Raises MediaError and LimitExceededError; `progress` gets the share of the duration done, 0-1.
    """
    info = probe(path, limits)
    digests = digest_file(path, limits.max_bytes)
    views, aspect = _reference_views(path, info, profile, limits)
    reference = _Reference(profile, views, aspect)
    for sample in samples(path, info, plan(info, profile.dense, limits), limits):
        reference.feed(sample)
        if progress and info.duration:
            progress(min(sample.time / info.duration, 1.0))
    hashes, quality, phash = reference.finish()
    times, thumbs = reference.timeline()
    starts, ends = reference.spans(info.duration)
    return Fingerprint(
        profile=profile.name,
        duration=info.duration,
        views=profile.reference_names,
        starts=starts,
        ends=ends,
        hashes=hashes,
        quality=quality,
        activity=temporal.activity(times, thumbs, info.duration)[None],
        digests=digests,
        signals=Signals(phash=phash, videohash=videohash_of(path)),
    ).check()


def fingerprint_query(path: Path, profile: Profile, limits: Limits, *, deep: bool = False) -> Fingerprint:
    """Hash an upload: sparsely, in the query views. Raises MediaError and LimitExceededError.

    `deep` adds views and activity curves; an upload longer than `limits.max_deep_duration` is read quickly all the same.
    """
    info = probe(path, limits)
    activity = np.zeros((0, 0), np.float32)
    if deep and info.duration <= limits.max_deep_duration:
        taken, timeline = _read_deeply(path, info, profile, limits)
        lumas = np.stack([sample.luma for sample in taken])
        views = (*query_views(lumas, profile, RECTANGLES), *WINDOWS)
        activity = activities(*timeline, info.duration, [view.rect for view in views])
        views = (*views, *EXTRA)
    else:
        taken = list(samples(path, info, plan(info, profile.sparse, limits), limits))
        lumas = np.stack([sample.luma for sample in taken])
        views = query_views(lumas, profile, profile.query_rectangles)
    parts = [hash_views(lumas[at : at + _BATCH], views) for at in range(0, len(lumas), _BATCH)]
    starts = np.array([sample.time for sample in taken])
    return Fingerprint(
        profile=profile.name,
        duration=info.duration,
        views=tuple(view.name for view in views),
        starts=starts,
        ends=_until_next(starts, info),
        hashes=np.concatenate([hashes for hashes, _ in parts]),
        quality=np.concatenate([quality for _, quality in parts]),
        activity=activity,
        digests=digest_file(path, limits.max_bytes),
    ).check()


def _read_deeply(
    path: Path, info: MediaInfo, profile: Profile, limits: Limits
) -> tuple[list[Sample], tuple[npt.NDArray[np.float64], npt.NDArray[np.float16]]]:
    """The frames that a quick reading would take, and times (n,) and thumbnails (n, 32, 32) of all frames at temporal.RATE."""
    step = sparse_step(info.duration, profile.sparse)
    taken: list[Sample] = []
    times: list[float] = []
    thumbs: list[npt.NDArray[np.float16]] = []
    due = 0.0
    for sample in samples(path, info, evenly(info, min(1 / temporal.RATE, step)), limits):
        times.append(sample.time)
        thumbs.append(temporal.thumbnails(sample.luma[None])[0].astype(np.float16))
        if sample.time + EARLY >= due:
            taken.append(sample)
            due = next_due(sample.time, step)
    return taken, (np.array(times), np.stack(thumbs))


def query_views(lumas: npt.NDArray[np.uint8], profile: Profile, most: int) -> tuple[View, ...]:
    """The profile's query views, and what was found inside the picture: `area` within two equal flat bars, `framed`
    within other flat borders, `moving` where the rest stands still, `busy` where the rest moves only now and then,
    `inside-1` and so on, at most `most` of them, within edges that persist.

    A rectangle is a hint that something was added; an upload without any is not hashed in more views.
    """
    found: list[View] = []
    bordered = bordered_area(lumas)
    border = "framed" if bordered and not is_letterbox(bordered) else "area"
    areas = ((border, bordered), ("moving", moving_area(lumas)), ("busy", busy_area(lumas)))
    for name, rect in areas:
        if rect and all(overlap(rect, other.rect) < _SAME_RECTANGLE for other in found):
            found.append(View(name, rect))
    for place, rect in enumerate(rectangles(lumas, most)):
        if all(overlap(rect, other.rect) < _SAME_RECTANGLE for other in found):
            found.append(View(f"inside-{place + 1}", rect))
    return (*profile.query_views, *found)


def _reference_views(path: Path, info: MediaInfo, profile: Profile, limits: Limits) -> tuple[tuple[View, ...], float]:
    """The profile's reference views with the moving area filled in, and the displayed width over height.

    A reference may itself be letterboxed, and its copies not. It takes a look at the whole video before it is hashed.
    """
    taken = list(samples(path, info, evenly(info, sparse_step(info.duration, profile.sparse)), limits))
    area = bordered_area(np.stack([sample.luma for sample in taken]))
    views = tuple(
        dataclasses.replace(view, rect=area) if view.name.startswith("area") and area else view
        for view in profile.reference_views
    )
    return views, 1 / info.aspect if taken[0].turned else info.aspect


def _until_next(starts: npt.NDArray[np.float64], info: MediaInfo) -> npt.NDArray[np.float64]:
    ends: npt.NDArray[np.float64] = np.maximum(np.append(starts[1:], info.duration), starts)
    return ends


class _Reference:
    """Feeds dense samples in, keeps hashes of the frames that differ, and a thumbnail of each sample."""

    def __init__(self, profile: Profile, views: tuple[View, ...], aspect: float) -> None:
        self._profile = profile
        self._views = views
        self._aspect = aspect
        # Without borders the area is the full frame, which has a view already: quality 0 keeps it out of the index.
        self._void = [view.name.startswith("area") and view.rect == FULL for view in views]
        self._pending: list[Sample] = []
        self._slot = -1
        self._times: list[float] = []
        self._thumbs: list[npt.NDArray[np.float32]] = []
        self._starts: list[float] = []
        self._parts: list[tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8], npt.NDArray[np.uint8]]] = []
        self._anchor: tuple[npt.NDArray[np.uint8], npt.NDArray[np.float32]] | None = None

    def feed(self, sample: Sample) -> None:
        self._times.append(sample.time)
        self._thumbs.append(temporal.thumbnails(sample.luma[None])[0])
        slot = int(sample.time * self._profile.hash_rate + 1e-3)
        if slot > self._slot:
            self._slot = slot
            self._pending.append(sample)
        if len(self._pending) >= _BATCH:
            self._hash()

    def finish(self) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
        """hashes uint8 (n, views, 32), quality uint8 (n, views), phash uint8 (n, 8)."""
        self._hash()
        hashes, quality, phash = zip(*self._parts, strict=True)
        return np.concatenate(hashes), np.concatenate(quality), np.concatenate(phash)

    def timeline(self) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float32]]:
        """Times float64 (n,) and thumbnails float32 (n, 32, 32) of all samples."""
        return np.array(self._times), np.stack(self._thumbs)

    def spans(self, duration: float) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Start and end of what each kept frame stands for."""
        starts = np.array(self._starts)
        return starts, np.maximum(np.append(starts[1:], duration), starts)

    def _hash(self) -> None:
        if not self._pending:
            return
        lumas = np.stack([sample.luma for sample in self._pending])
        times = [sample.time for sample in self._pending]
        self._pending = []
        kept = self._fold(lumas)
        if not len(kept):
            return
        hashes, quality = hash_views(lumas[kept], self._views, self._aspect)
        quality[:, self._void] = 0
        self._parts.append((hashes, quality, signals.phashes(lumas[kept])))
        self._starts.extend(times[place] for place in kept)

    def _fold(self, lumas: npt.NDArray[np.uint8]) -> list[int]:
        """Places of the frames that are not near-identical to the last kept one."""
        full, _ = hash_views(lumas, self._views[:1])
        thumbs = temporal.thumbnails(lumas)
        kept = []
        for place in range(len(lumas)):
            if self._anchor is not None:
                distance = int(hamming(full[place, 0], self._anchor[0]))
                change = float(np.abs(thumbs[place] - self._anchor[1]).mean())
                if distance <= self._profile.fold_distance and change <= self._profile.fold_change:
                    continue
            self._anchor = (full[place, 0], thumbs[place])
            kept.append(place)
        return kept
