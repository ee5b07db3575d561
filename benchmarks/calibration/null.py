"""The null distribution: Hamming distances between frames of unrelated videos, and a table of knots fitted to it."""

import dataclasses
import math
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from benchmarks.calibration.footage import Clip
from hashsvc.fingerprint.pdq import hamming
from hashsvc.fingerprint.profiles import DEFAULT

CAP = 9.5
"""No distance is worth more -log10 P than this: beyond what any number of clips can be measured to, two videos that share
a picture without being copies (a title card, stock footage) are what sets the chance."""
_SEEN = 100
"""Pairs of hashes that a distance must have been seen in to be trusted, and"""
_SPREAD = 5
"""pairs of videos: one odd pair of clips is an anecdote."""
_DECADE = 1.0
"""The part of the tail, in powers of ten, whose slope is drawn on."""

Hashes = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float64]
Knot = tuple[int, float]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Null:
    """Distances between the hashes of many pairs of videos, each pair of videos with the same weight."""

    share: Floats
    """P(distance <= d) of one frame, float64 (257,): the mean over pairs of videos."""
    joint: Floats
    """The same of each of two frames that one pair of videos is compared in, float64 (257,): the root of the mean square.

    Pairs of videos differ, sixty times and more. The frames along a line are all of one pair, so that two of them agree
    more often than chance squared; this is the P whose square it is."""
    seen: npt.NDArray[np.int64]
    """Pairs of hashes at distance d or less, int64 (257,)."""
    videos: npt.NDArray[np.int64]
    """Pairs of videos with at least one pair of hashes at distance d or less, int64 (257,)."""

    @property
    def edge(self) -> int:
        """The least distance that was seen often enough to be trusted; 256 where none was."""
        trusted = (self.seen >= _SEEN) & (self.videos >= _SPREAD)
        return int(np.argmax(trusted)) if trusted.any() else 256


def measure(
    clips: Sequence[Clip], take: Callable[[Clip, Clip], bool], rows: int, seed: int, told: Callable[[], None]
) -> Null:
    """Distances of up to `rows` upload hashes of one clip from up to 2 x `rows` reference hashes of another.

    For each pair of clips that `take` says yes to, in both roles; `told` is called after each clip's uploads. Near-identical
    hashes of one clip are one (see `distinct`), and the hashes of every view are in the draw alike.
    """
    random = np.random.default_rng(seed)
    references = [distinct(_reference(clip), 2 * rows, random) for clip in clips]
    shares, squares = np.zeros(257), np.zeros(257)
    seen, videos = np.zeros(257, np.int64), np.zeros(257, np.int64)
    for one in clips:
        upload = distinct(_uploads(one), rows, random)
        for other, reference in zip(clips, references, strict=True):
            if not take(one, other) or not len(upload) or not len(reference):
                continue
            counts = np.bincount(hamming(upload[:, None], reference[None]).ravel(), minlength=257).cumsum()
            shares += counts / counts[-1]
            squares += (counts / counts[-1]) ** 2
            seen += counts
            videos += counts > 0
        told()
    pairs = max(int(videos[-1]), 1)
    return Null(share=shares / pairs, joint=np.sqrt(squares / pairs), seen=seen, videos=videos)


def surprise(share: Floats) -> Floats:
    """-log10 of probabilities; infinite of 0."""
    with np.errstate(divide="ignore"):
        return np.maximum(-np.log10(share), 0.0)


def distinct(hashes: Hashes, most: int, random: np.random.Generator) -> Hashes:
    """At most `most` of hashes (n, 32), drawn at random, none within the profile's fold distance of another."""
    kept = np.empty((most, 32), np.uint8)
    count = 0
    for one in random.permutation(hashes):
        if count == most:
            break
        if not count or hamming(kept[:count], one).min() > DEFAULT.fold_distance:
            kept[count] = one
            count += 1
    return kept[:count]


def _reference(clip: Clip) -> Hashes:
    """Hashes (n, 32) of all views that pass the gate."""
    return clip.reference.hashes[clip.reference.quality >= DEFAULT.quality_gate]


def _uploads(clip: Clip) -> Hashes:
    """Hashes (n, 32) of all views and variants that pass the gate."""
    prints = [upload.fingerprint for upload in clip.uploads]
    return np.concatenate([one.hashes[one.quality >= DEFAULT.quality_gate] for one in prints])


def fit(null: Null, distances: Sequence[int]) -> list[Knot]:
    """(distance, -log10 P) at `distances`, ascending; each rounded down, so that a knot never says more than was seen.

    Of `null.joint`, since that is what evidence multiplies. Down to `null.edge` as measured. Nearer, no distance was
    seen often enough, and the curve goes on as a straight line in log P as gently as the tail rises anywhere in its
    last power of ten (`tail_slope`), up to CAP.
    """
    curve, edge = surprise(null.joint), null.edge
    slope = tail_slope(curve, edge)
    values = [curve[d] if d >= edge else curve[edge] + slope * (edge - d) for d in distances]
    floored = [math.floor(min(value, CAP) * 100) / 100 for value in values]
    return list(zip(distances, floored, strict=True))


def tail_slope(curve: Floats, edge: int) -> float:
    """-log10 P gained for each bit nearer than `edge`: the least of the mean slopes over spans that begin there.

    A span rises by a quarter to the whole of the last power of ten; 0 where none does.
    """
    rise = curve[edge] - curve[edge + 1 :]
    spans = np.arange(1, len(rise) + 1)
    inside = (rise >= _DECADE / 4) & (rise <= _DECADE)
    return float((rise[inside] / spans[inside]).min()) if inside.any() else 0.0
