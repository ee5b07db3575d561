"""What two videos' frames are worth to each other, spread over reference time, and the lines that are read off that."""

import dataclasses
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from hashsvc.match.score import COMPILED, SURPRISE

_CLOSENESS = np.where(np.arange(258) < 40, (40 - np.arange(258)) * 0.08, 0).astype(np.float32)
"""Added to SURPRISE for steering only: a line must keep to the nearest frames, more sharply than evidence asks."""

_STEERING = np.append(SURPRISE, np.float32(0)) + _CLOSENESS
"""Steering gain of each distance, float32 (258,)."""

SLOT = 0.125
"""Seconds of reference time a column of the score matrix."""
REACH = 1
"""Slots on each side among which a query frame may find its neighbour: the dense reference has 4 frames a second."""

Floats = npt.NDArray[np.float32]


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """Every query frame against every slot of reference time."""

    gains: Floats
    """Steering gains, float32 (query frames, slots): -log10 P and closeness, the best of neighbouring slots."""
    frames: npt.NDArray[np.intp]
    """The reference frame shown in each slot, (slots,)."""
    times: npt.NDArray[np.float64]
    """Query times, seconds, (query frames,)."""


@dataclasses.dataclass(frozen=True, slots=True)
class Line:
    """reference = speed x query + offset."""

    speed: float
    offset: float


def distinct(ordered: Iterable[Line], most: int) -> list[Line]:
    """The first lines that differ from those before them by more than 0.2 s or 2 %, at most `most`."""
    kept: list[Line] = []
    for line in ordered:
        if all(abs(line.offset - one.offset) > 0.2 or abs(line.speed - one.speed) > 0.02 for one in kept):
            kept.append(line)
        if len(kept) == most:
            break
    return kept


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Alignment:
    """A line, and the query frames `first` to `last` (inclusive) over which it pays."""

    line: Line
    first: int
    last: int
    slots: npt.NDArray[np.intp]
    """The slot each of those frames found, -1 where it found none."""
    total: float


def compare(
    distances: npt.NDArray[np.int32],
    starts: npt.NDArray[np.float64],
    duration: float,
    times: npt.NDArray[np.float64],
) -> Comparison:
    """Spread distances (query frames, reference frames) over slots of reference time.

    257 in `distances` marks a pair without evidence. `starts` (reference frames,) ascending, seconds.
    """
    slots = max(1, int(duration / SLOT))
    if COMPILED.module is not None:
        gained, shown = COMPILED.module.spread(distances, starts, slots)
        return Comparison(gained, shown, times)
    # A frame was hashed at the start of its span; half a sampling step before that it is already the nearest one.
    instants = (np.arange(slots) + 0.5) * SLOT + SLOT
    frames = np.clip(np.searchsorted(starts, instants, side="right") - 1, 0, len(starts) - 1)
    gains = _STEERING[distances][:, frames]
    best = gains.copy()
    for shift in range(1, REACH + 1):
        # A neighbour's gain is worth a little less, so that the line keeps to the middle.
        best[:, shift:] = np.maximum(best[:, shift:], gains[:, :-shift] - 0.2 * shift)
        best[:, :-shift] = np.maximum(best[:, :-shift], gains[:, shift:] - 0.2 * shift)
    return Comparison(best, frames, times)
