"""Fingerprints of random hashes, edited in time, for matching without a video."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from hashsvc.fingerprint.model import Digests, Fingerprint
from hashsvc.fingerprint.profiles import DEFAULT
from hashsvc.match.seeds import Nomination

REFERENCE_RATE = 4.0
Hashes = npt.NDArray[np.uint8]


def flipped(of: Hashes, bits: int, random: np.random.Generator) -> Hashes:
    """The same hashes, uint8 (n, 32), with so many bits of each changed."""
    mask = np.zeros((len(of), 256), np.uint8)
    places = np.argsort(random.random(mask.shape), axis=1)[:, :bits]
    np.put_along_axis(mask, places, 1, axis=1)
    return of ^ np.packbits(mask, axis=1)


def a_reference(seed: int, seconds: float = 40.0) -> Fingerprint:
    """A reference in all views, each frame and view of its own; four frames a second."""
    random = np.random.default_rng(seed)
    frames = int(seconds * REFERENCE_RATE)
    views = DEFAULT.reference_names
    starts = np.arange(frames) / REFERENCE_RATE
    return Fingerprint(
        profile=DEFAULT.name,
        duration=seconds,
        views=views,
        starts=starts,
        ends=starts + 1 / REFERENCE_RATE,
        hashes=random.integers(0, 256, (frames, len(views), 32), np.uint8),
        quality=np.full((frames, len(views)), 100, np.uint8),
        digests=Digests(md5=random.bytes(16), sha256=random.bytes(32)),
    )


def an_upload(
    parts: Sequence[tuple[Fingerprint | None, float, float, float]],
    *,
    step: float = 0.5,
    bits: int = 30,
    view: str = "full",
    seed: int = 99,
) -> Fingerprint:
    """An upload of parts one after the other: (reference or None, from second, seconds of the upload, speed).

    Each sample is the reference's frame shown then, in the reference's `view`, with `bits` changed; None is other footage.
    """
    random = np.random.default_rng(seed)
    duration = sum(seconds for _, _, seconds, _ in parts)
    starts = np.arange(0, duration, step)
    hashes = random.integers(0, 256, (len(starts), 1, 32), np.uint8)
    begin = 0.0
    for reference, start, seconds, speed in parts:
        rows = np.flatnonzero((starts >= begin) & (starts < begin + seconds))
        if reference is not None:
            at = start + (starts[rows] - begin) * speed
            frames = np.searchsorted(reference.starts, at + 1e-9, side="right") - 1
            shown = reference.hashes[frames, reference.views.index(view)]
            hashes[rows, 0] = flipped(shown, bits, random)
        begin += seconds
    return Fingerprint(
        profile=DEFAULT.name,
        duration=duration,
        views=("full",),
        starts=starts,
        ends=np.append(starts[1:], duration),
        hashes=hashes,
        quality=np.full((len(starts), 1), 100, np.uint8),
    )


def nominated(reference: Fingerprint, view: str = "full", hits: int = 3) -> Nomination:
    """A nomination by `hits` seeds of the query's full view in one of the reference's."""
    rows = np.arange(hits) * len(reference.views) + reference.views.index(view)
    return Nomination(
        number=1,
        query_views=np.zeros(hits, np.intp),
        positions=rows.astype(np.int64),
        gains=np.full(hits, 5, np.float32),
        worth=5.0 * hits,
    )
