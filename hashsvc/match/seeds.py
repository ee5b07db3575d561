"""Which entries are worth a closer look: one search for a few frames of the upload in all its views."""

import dataclasses

import numpy as np
import numpy.typing as npt

from hashsvc.fingerprint.model import Fingerprint
from hashsvc.match.score import SURPRISE
from hashsvc_index.arrays import Numbers, as_words
from hashsvc_index.compilation import Compiled

COMPILED_SEEDS = Compiled("hashsvc.match.compiled_seeds")
"""How seeds are picked and sorted out, once that is compiled."""

RADIUS = 84
"""Hamming distance within which a hash is a seed."""
PER_QUERY = 64
"""Nearest hits kept for one hash."""
_SPACING = 2.0
"""Seconds between seeding frames of a long upload, so that an excerpt of 8 s still gets four."""
_FEWEST, _MOST = 16, 400
_MOST_ENTRIES = 24
_WORTH = 5.0
"""An entry is compared when distinct query frames sum up to this much -log10 P."""
_ROUNDING = 0.01
"""More than sums of the same in another order differ by."""


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Seeds:
    """What to search for, and where each row came from."""

    hashes: npt.NDArray[np.uint8]
    """uint8 (m, 32)."""
    frames: npt.NDArray[np.intp]
    views: npt.NDArray[np.intp]


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Nomination:
    """An entry that seeds point at."""

    number: int
    query_views: npt.NDArray[np.intp]
    """View of the query of each hit, (k,)."""
    positions: npt.NDArray[np.int64]
    """Row among the entry's vectors of each hit, (k,)."""
    gains: npt.NDArray[np.float32]
    """-log10 P of each hit, (k,)."""
    worth: float


def unseeded(number: int) -> Nomination:
    """An entry that something else than seeds points at."""
    return Nomination(number, np.zeros(0, np.intp), np.zeros(0, np.int64), np.zeros(0, np.float32), 0.0)


def pick(query: Fingerprint, gate: int) -> Seeds:
    """Evenly spaced frames of the query in every view that passes the quality gate."""
    wanted = int(min(max(query.duration / _SPACING, _FEWEST), _MOST))
    if COMPILED_SEEDS.module is not None:
        words, frames, views = COMPILED_SEEDS.module.picked(as_words(query.hashes), query.quality, gate, wanted)
        return Seeds(words.view(np.uint8), frames, views)
    good = query.quality >= gate
    usable = np.flatnonzero(good.any(axis=1))
    if len(usable) > wanted:
        usable = usable[np.round(np.linspace(0, len(usable) - 1, wanted)).astype(int)]
    frames, views = np.nonzero(good[usable])
    frames = usable[frames]
    return Seeds(np.ascontiguousarray(query.hashes[frames, views]), frames, views)


def nominate(
    seeds: Seeds,
    query: npt.NDArray[np.int32],
    entry: npt.NDArray[np.int64],
    position: npt.NDArray[np.int32],
    distance: npt.NDArray[np.int32],
) -> list[Nomination]:
    """Group hits (k,) by entry; the most promising entries first, chance ones left out."""
    if not len(entry):
        return []
    order, bounds = _promising(seeds, query, entry, distance)
    found = []
    for begin, end in bounds.tolist():
        part = order[begin:end]
        gains, frames = SURPRISE[distance[part]], seeds.frames[query[part]]
        best = np.zeros(int(frames.max()) + 1, np.float32)
        np.maximum.at(best, frames, gains)
        worth = float(best.sum())
        if worth >= _WORTH:
            found.append(
                Nomination(
                    number=int(entry[part[0]]),
                    query_views=seeds.views[query[part]],
                    positions=position[part].astype(np.int64),
                    gains=gains,
                    worth=worth,
                )
            )
    found.sort(key=lambda one: -one.worth)
    return found[:_MOST_ENTRIES]


def _promising(
    seeds: Seeds, query: npt.NDArray[np.int32], entry: npt.NDArray[np.int64], distance: npt.NDArray[np.int32]
) -> tuple[Numbers, Numbers]:
    """Hits in the order of their entries, (k,), and where those of an entry that may be worth it begin and end, (n, 2)."""
    if COMPILED_SEEDS.module is not None:
        found: tuple[Numbers, Numbers] = COMPILED_SEEDS.module.promising(
            entry, seeds.frames, query, distance, _WORTH - _ROUNDING
        )
        return found
    order = np.argsort(entry, kind="stable")
    numbers = entry[order]
    ends = np.append(np.flatnonzero(numbers[1:] != numbers[:-1]) + 1, len(numbers))
    begins = np.append(0, ends[:-1])
    # No entry is worth more than all its hits, and most not even that.
    most = np.add.reduceat(SURPRISE[distance[order]], begins)
    return order, np.stack([begins, ends], axis=1)[most >= _WORTH - _ROUNDING]
