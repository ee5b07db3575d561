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
_THREADS = 2
"""Of the decoder for a reference, for which somebody waits."""


class Effort(enum.Enum):
    """What the decoder may leave out."""

    KEYFRAMES = "keyframes"
    """Only packets that stand alone are decoded."""
    REFERENCES = "references"
    """Frames that no other frame needs are skipped."""
    ALL = "all"


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
    """Keyframes alone will do when no two are farther apart, seconds: a one-take video coded with one keyframe in
    20 s must be covered like any other."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What the decoder is told."""

    effort: Effort
    step: float
    """Take the first frame at or after each multiple of this, seconds."""
    keyframes: npt.NDArray[np.float64] = dataclasses.field(default_factory=lambda: np.zeros(0))
    """With Effort.KEYFRAMES: the times to decode, seconds from the first frame."""
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
        return Plan(effort=Effort.ALL, step=1 / rule.rate, threads=_THREADS)
    step = sparse_step(info.duration, rule)
    keys = info.keyframes
    gaps = np.diff(np.concatenate([[0.0], keys, [info.duration]]))
    if info.timed and len(keys) >= rule.min_frames and gaps.max() <= rule.max_keyframe_gap * _NEARLY:
        return Plan(effort=Effort.KEYFRAMES, step=step, keyframes=thinned(keys, step))
    # Leaving frames out is only safe while enough are left; a stream without timestamps is timed by counting them.
    spare = info.timed and info.rate * step >= 8
    return Plan(effort=Effort.REFERENCES if spare else Effort.ALL, step=step)


def sparse_step(duration: float, rule: SparseRule) -> float:
    """Seconds between samples of an upload of `duration` seconds."""
    step = rule.step if duration <= rule.long_after else rule.long_step
    return max(min(step, duration / (rule.min_frames + 1)), duration / rule.max_frames)


def next_due(time: float, step: float) -> float:
    """When the next sample is due after one at `time`, seconds.

    The grid, not the last sample, sets it: late frames must not push all later ones.
    """
    return (math.floor(time / step + 1e-3) + 1) * step


def thinned(times: npt.NDArray[np.float64], step: float) -> npt.NDArray[np.float64]:
    """The first of `times` in each `step` seconds, so that an intra-only video is not decoded whole."""
    slots = np.floor(times / step + 1e-6)
    return times[np.concatenate([[True], np.diff(slots) > 0])] if len(times) else times
