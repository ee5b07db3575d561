"""How surprising aligned frames are: distances to evidence.

The null model is the measured distribution of distances between quality-gated frames of unrelated real videos; its tail is
far heavier than a binomial's. `python -m benchmarks calibration` measures it anew, and counts what matches by chance.
"""

import math

import numpy as np
import numpy.typing as npt

from hashsvc.fingerprint.pdq import hamming
from hashsvc_index.compilation import Compiled

COMPILED = Compiled("hashsvc.match.compiled")
"""The dearest steps of a comparison, once they are compiled."""

KNOTS = (
    (0, 8.7), (12, 8.1), (20, 7.7), (31, 7.0), (40, 6.5), (48, 6.0), (56, 5.6), (64, 5.1), (72, 4.6), (80, 4.1), (88, 3.6), (96, 3.08), (100, 2.75), (104, 2.36),
    (108, 1.92), (112, 1.47), (116, 1.07), (120, 0.72), (124, 0.45), (128, 0.26), (140, 0.03), (256, 0.0),
)  # fmt: skip
"""(distance, -log10 P(distance or less | unrelated)), from 6.7e8 pairs of frames in 962 pairs of unrelated clips.

P is the root of the mean square over pairs of clips, not the mean: the frames along a line are all of one pair, and some
pairs agree sixty times as often as the mean. (With the mean, 0.8 more at 64, real negatives reached -5.) The knots
are the measurement or up to 0.25 under it. Under 52 too few pairs were seen to trust; knots there stay under a straight
line with the slope of the tail before, 0.054 a bit.
"""

SURPRISE: npt.NDArray[np.float32] = np.interp(
    np.arange(257), [knot[0] for knot in KNOTS], [knot[1] for knot in KNOTS]
).astype(np.float32)
"""float32 (257,): -log10 P of each distance, whatever the quality."""

RICH = 80
"""PDQ quality from which on, on both sides, a picture has so much in it that few others come near by chance."""
_RICH = (
    (0, 12.7), (60, 7.3), (64, 6.95), (72, 6.0), (80, 5.3), (88, 4.55), (96, 3.63), (104, 2.53),
    (112, 1.5), (116, 1.07), (120, 0.72), (124, 0.45), (128, 0.26), (140, 0.03), (256, 0.0),
)  # fmt: skip
"""As KNOTS, from 4.0e8 pairs of frames of such quality, the mean over pairs of clips: what a pair of clips has beyond it is
counted, pair by pair, as `excess`. Below 64, where next to no pair was seen, a straight line with a slope of 0.09 a bit; the
measured tail has 0.12 there and 0.09 to 0.12 up to 96."""
_SURPRISE_RICH: npt.NDArray[np.float32] = np.interp(
    np.arange(257), [knot[0] for knot in _RICH], [knot[1] for knot in _RICH]
).astype(np.float32)

_RELIEF, _RELIEF_FROM, _MOST_RELIEF = 2.0, 2.0, 6.0
"""Lines of several frames are less frequent by chance than the number of lines tried and the frames' own chances say: tried
lines overlap, and the table is cautious frame by frame. So many decades a counted frame are given back, from the
third on, and so many in all; measured by `python -m benchmarks calibration`."""

_FEW_PICTURES, _FEW_PICTURES_MOST, _A_PICTURE_MORE = 2.0, -5.9, 20.0
"""Up to so many different pictures evidence is at most this, and so many decades more for each further one."""

FLOOR = 1.0
"""A frame that gains less -log10 P than this is passed over. Gains of unrelated frames are exponentially distributed, hence
without memory: what exceeds the floor is distributed as the whole was, so passing over is paid for by taking it off."""
FRESH_LEAST, FRESH_MOST, FRESH_OVER, FRESH_SLOPE = 20.0, 110.0, 16.0, 4.0
"""A frame counts whole when it is so many bits from every one counted before, on both sides; less, in proportion. How many
depends on how well the sides agree: that both moved by 20 bits together says much at a distance of 4, and little at 85,
where two dark or still scenes do so by chance. So it is FRESH_SLOPE x distance + FRESH_OVER, between FRESH_LEAST and
FRESH_MOST. With a slope of 4, noise that is not shared does not count up to 13 bits: noise of b bits on each side moves
both by 2b and keeps them 2b apart, a quarter of what is asked at most."""
LEAST_FRESH = 0.26
"""What would count less than this does not count, and hides no later frame."""


NEAR = 88
"""Frames so near are counted to see how often two videos come near beside their line."""
_OFTEN_NEAR = 10.0 ** -float(SURPRISE[NEAR])
_FEW = 4.0
"""Counted and expected alike, so that a handful of frames says little."""
_MOST_EXCESS = 2.0
_FADES, _FADED = 40.0, 64.0
_SAME, _OTHER = 40.0, 80.0
_UNRELATED = 124.0


def surprise(distances: npt.NDArray[np.int32], quality: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """-log10 P of distances (n,) between frames whose lower quality is `quality` (n,), float32 (n,)."""
    found: npt.NDArray[np.float32] = np.where(quality >= RICH, _SURPRISE_RICH[distances], SURPRISE[distances])
    return found


def excess(count: int, near: int) -> float:
    """Decades by which `near` of `count` distances beside a line, those up to NEAR, are more than in unrelated videos, 0 to _MOST_EXCESS.

    Two recordings of the same kind of scene come near again and again, at any offset; then a line of near frames says
    less than the table has it.
    """
    expected = count * _OFTEN_NEAR
    return min(max(math.log10((near + _FEW) / (expected + _FEW)), 0.0), _MOST_EXCESS)


def fading(distances: npt.NDArray[np.int32]) -> npt.NDArray[np.float32]:
    """Share of the excess that each distance pays, 0-1: under 40 bits it is the same picture whatever else there is."""
    share: npt.NDArray[np.float32] = np.clip((distances - _FADES) / (_FADED - _FADES), 0, 1).astype(np.float32)
    return share


def discounted(distances: npt.NDArray[np.integer]) -> npt.NDArray[np.int32]:
    """Distances (n, m) of one view pair, excused by the medians of their rows and columns; see `excused`."""
    low = distances < _UNRELATED
    rows, columns = _low_medians(distances, low), _low_medians(distances.T, low.T)
    return excused(distances, np.minimum(rows[:, None], columns[None, :]))


def _low_medians(distances: npt.NDArray[np.integer], low: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
    """The medians of rows, float64 (n,), where they are under _UNRELATED, and else that; `low` says which distances are."""
    medians = np.full(len(distances), _UNRELATED)
    # Rows of unrelated frames need no sorting, and they are nearly all rows.
    some = np.flatnonzero(low.sum(axis=1) > (distances.shape[1] - 1) // 2)
    if len(some):
        medians[some] = np.minimum(np.median(distances[some], axis=1), _UNRELATED)
    return medians


def excused(distances: npt.NDArray[np.integer], usual: npt.NDArray[np.float64]) -> npt.NDArray[np.int32]:
    """Distances with what two videos share at *any* instant taken off, int32 like `distances`.

    Two still, dark or flat scenes may lie at 90 bits in every pair of frames, which says nothing of either: where the
    usual distance is below what unrelated frames have, the distance is moved up by the difference. Under 40 bits it is
    the same picture whatever else there is, and stays; between 40 and 80 the correction fades in.
    """
    excess = np.clip(_UNRELATED - usual, 0, None)
    if not excess.any():
        same: npt.NDArray[np.int32] = np.minimum(distances, 256).astype(np.int32)
        return same
    share = np.clip((distances - _SAME) / (_OTHER - _SAME), 0, 1)
    moved: npt.NDArray[np.int32] = np.minimum(distances + excess * share, 256).astype(np.int32)
    return moved


def novelty(
    query: npt.NDArray[np.uint8],
    reference: npt.NDArray[np.uint8],
    distances: npt.NDArray[np.integer],
    gains: npt.NDArray[np.float32],
) -> npt.NDArray[np.float64]:
    """Weights 0-1, float64 (n,), of aligned frames: how far both sides are from every one counted before.

    `query` and `reference` are the aligned hashes, uint8 (n, 32), in order of time, `distances` (n,) those between
    them. A static shot is one piece of evidence, not sixty, and so is a scene that keeps coming back to where it was. A
    frame under FLOOR is passed over, so that it does not hide the next one.
    """
    fresh = np.clip(FRESH_SLOPE * distances + FRESH_OVER, FRESH_LEAST, FRESH_MOST)
    weights = np.zeros(len(gains))
    counted: list[int] = []
    for place in np.flatnonzero(gains > FLOOR).tolist():
        weight = 1.0
        if counted:
            apart = np.minimum(hamming(query[counted], query[place]), hamming(reference[counted], reference[place]))
            weight = min(1.0, int(apart.min()) / float(fresh[place]))
        if weight >= LEAST_FRESH:
            weights[place] = weight
            counted.append(place)
    return weights


def relief(weights: npt.NDArray[np.float64]) -> float:
    """Decades given back to an alignment whose counted frames have these weights (n,)."""
    return min(max(_RELIEF * (float(weights.sum()) - _RELIEF_FROM), 0.0), _MOST_RELIEF)


def most(pictures: float) -> float:
    """The strongest evidence that an alignment may be given which rests on so many different pictures.

    However near, one picture or two may be a title card, a logo or a screen that others show, too: enough for a person to
    look, and by the default policy never enough to block.
    """
    return _FEW_PICTURES_MOST - _A_PICTURE_MORE * max(pictures - _FEW_PICTURES, 0.0)


def log10_chance(gains: npt.NDArray[np.float32], weights: npt.NDArray[np.float64]) -> float:
    """log10 of an upper bound on the probability that unrelated frames gain so much.

    `gains` (n,) are -log10 P of each frame, so 2.303 x (gain - FLOOR) of a counted frame is exponentially distributed
    for unrelated frames, and the sum over n of them gamma distributed (Fisher's method). Chernoff's bound on its tail
    holds for the fractional n that `weights` give, and far beyond where the gamma function itself underflows.
    """
    count = float(weights.sum())
    total = float(((gains - FLOOR) * weights).sum()) * math.log(10)
    if count == 0 or total <= count:
        return 0.0
    return (count - total + count * math.log(total / count)) / math.log(10)
