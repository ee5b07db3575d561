"""Which frames to take: densely when a video is confirmed, sparsely when an upload is matched."""

import dataclasses
import enum
import math
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from hashsvc.config import Limits
from hashsvc.errors import LimitExceededError

if TYPE_CHECKING:  # what decodes is not for every process that knows of sampling
    from hashsvc.media.probe import MediaInfo

_NEARLY = 1.05
"""Keyframes may be so many times the asked gap apart: sixty frames at 29.97 a second are 2.002 s."""
_LONGEST_REST = 7.5
"""Seconds by which a frame may be late where the next keyframe is waited for."""
_ENOUGH = 18
"""Frames that a reading with rests has at least. Of 400 copies of 20 s quick readings found 340 with 12, 346 with 16 and 350
with 18; without rests, 24 on average, they found 354. With the deep readings that were asked for it was 393 each time."""
_TRIED = 24
"""Rests of so many lengths are tried, the longest first, until enough frames are taken."""
EARLY = 1e-4
"""Seconds by which a frame may come before it is due: times are rounded."""
_THREADS = 2
"""Of the decoder for a reference, for which somebody waits."""


class Work(enum.IntEnum):
    """What is done with a packet."""

    NONE = 0
    """It is passed over."""
    SUPPORT = 1
    """It is decoded if another frame needs it."""
    TAKE = 2
    """Its frame is wanted."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class DenseRule:
    """For a reference: every instant has a neighbour."""

    rate: float
    """Samples a second."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class SparseRule:
    """For an upload: as little as will do."""

    step: float
    """Seconds between samples of an ordinary upload."""
    long_step: float
    """The same for an upload longer than `long_after`."""
    long_after: float
    """Seconds."""
    min_frames: int
    """A short clip is sampled densely enough for so many frames."""
    max_frames: int
    """A very long upload is sampled no more often than this in all."""
    max_keyframe_gap: float
    """Keyframes alone will do when no two are farther apart, seconds. Where they are, so many seconds have one sample on
    average: a one-take video coded with one keyframe in 20 s must be covered like any other."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What the decoder is told."""

    step: float
    """Take the first frame at or after each multiple of this, seconds."""
    work: npt.NDArray[np.uint8] | None = None
    """The Work of each packet, uint8 (packets,); None: all are decoded, and what is due is taken as it comes."""
    threads: int = 1
    """The decoder's. Uploads come by the thousand, and there is a worker a core: a second thread would only cost more."""


def plan(info: "MediaInfo", rule: DenseRule | SparseRule, limits: Limits) -> Plan:
    """Pick the cheapest decode that satisfies the rule.

    Raises LimitExceededError LIMIT_FRAMES when a reference would need more hashed frames than allowed.
    """
    if isinstance(rule, DenseRule):
        if info.duration * rule.rate > limits.max_hashed_frames:
            raise LimitExceededError(
                "LIMIT_FRAMES",
                f"{info.duration * rule.rate:.0f} samples, over {limits.max_hashed_frames}",
                limit=limits.max_hashed_frames,
            )
        return Plan(step=1 / rule.rate, threads=_THREADS)
    step = sparse_step(info.duration, rule)
    if not info.timed:
        return Plan(step=step)
    shown = _Shown(info)
    spacing = step * rule.max_keyframe_gap / rule.step * _NEARLY
    for rest in np.linspace(_LONGEST_REST, 0.0, _TRIED + 1).tolist():
        taken = shown.taken(step, rest, spacing)
        if len(taken) >= max(rule.min_frames, _ENOUGH):
            break
    return Plan(step=step, work=_work(info, taken))


def evenly(info: "MediaInfo", step: float) -> Plan:
    """Frames all along, `step` seconds apart, wherever keyframes are."""
    return Plan(step=step, work=_work(info, _Shown(info).taken(step)) if info.timed else None)


def sparse_step(duration: float, rule: SparseRule) -> float:
    """Seconds between samples of an upload of `duration` seconds."""
    step = rule.step if duration <= rule.long_after else rule.long_step
    return max(min(step, duration / (rule.min_frames + 1)), duration / rule.max_frames)


def next_due(time: float, step: float) -> float:
    """When the next sample is due after one at `time`, seconds.

    The grid, not the last sample, sets it: late frames must not push all later ones.
    """
    return (math.floor(time / step + 1e-3) + 1) * step


class _Shown:
    """Frames in the order in which they are shown."""

    def __init__(self, info: "MediaInfo") -> None:
        places = np.flatnonzero(info.shown & (info.times >= 0.0))
        self._places = places[np.argsort(info.times[places], kind="stable")]
        """Which packet each frame is of."""
        self._times = info.times[self._places]
        self._keys = np.flatnonzero(info.keys[self._places])
        self._key_times = self._times[self._keys]
        self._duration = info.duration

    def taken(self, step: float, rest: float = 0.0, spacing: float = 0.0) -> list[int]:
        """Packets of the frames to take: the first of each `step` seconds.

        One may be late by `rest` seconds where it is a keyframe and, since the last that was late, there is a frame in
        `spacing` seconds. The end may come as late.
        """
        found: list[int] = []
        frame, began, since = 0, 0.0, 0
        while frame < len(self._times):
            found.append(int(self._places[frame]))
            since += 1
            due = next_due(float(self._times[frame]), step)
            key = int(np.searchsorted(self._key_times, due - EARLY))
            comes = float(self._key_times[key]) if key < len(self._keys) else self._duration
            resting = comes - due <= rest and comes - began <= since * spacing
            if due >= self._duration or (resting and key == len(self._keys)):
                break
            if resting:
                frame, began, since = int(self._keys[key]), comes, 0
            else:
                frame = max(int(np.searchsorted(self._times, due - EARLY)), frame + 1)
        return found


def _work(info: "MediaInfo", taken: list[int]) -> npt.NDArray[np.uint8]:
    """The Work of each packet where the frames of the packets `taken` are wanted."""
    wanted = np.sort(np.array(taken, np.int64))
    keys = np.union1d([0], np.flatnonzero(info.keys))
    last = np.searchsorted(keys, wanted, side="right") - 1
    # A frame that comes after a keyframe, and is shown before it, may need what there is from the keyframe before that.
    leading = info.times[keys[last]] > info.times[wanted]
    change = np.zeros(len(info.times) + 1, np.int64)
    np.add.at(change, keys[np.maximum(last - leading, 0)], 1)
    np.add.at(change, wanted + 1, -1)
    work = np.where(np.cumsum(change[:-1]) > 0, Work.SUPPORT, Work.NONE).astype(np.uint8)
    work[wanted] = Work.TAKE
    return work
