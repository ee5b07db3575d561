"""Our PDQ against the reference implementation's, whose hashes are checked in (see pdq/make_vectors.py)."""

from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
import pytest
from av.video.reformatter import Interpolation

from hashsvc.fingerprint.pdq import hash_lumas
from tests.conformance.pdq.frames import drawn, find

VECTORS = Path(__file__).parent / "pdq" / "vectors.npz"
CORPUS = Path(__file__).parents[2] / ".." / "shared" / "corpus" / "videos"
GATE = 50
"""The quality below which a PDQ hash is not to be compared."""

Bytes = npt.NDArray[np.uint8]


@pytest.fixture(scope="module")
def vectors() -> dict[str, npt.NDArray[np.generic]]:
    """The reference implementation's hashes."""
    with np.load(VECTORS, allow_pickle=False) as archive:
        return dict(archive)


def luma(frame: av.VideoFrame) -> Bytes:
    """The frame as the decoder hands it to the hasher, uint8 (256, 256)."""
    return frame.reformat(256, 256, "gray", interpolation=Interpolation.AREA).to_ndarray().astype(np.uint8, copy=False)


def distances(ours: Bytes, theirs: Bytes) -> npt.NDArray[np.int64]:
    """Hamming distances of hashes uint8 (n, 32), int64 (n,)."""
    counts: npt.NDArray[np.int64] = np.bitwise_count(ours ^ theirs).sum(axis=1, dtype=np.int64)
    return counts


def compare(name: str, lumas: list[Bytes], hashes: Bytes, quality: Bytes) -> None:
    """Hash, print mean and maximum distance and the quality's error, and hold them to the bounds."""
    ours, our_quality = hash_lumas(np.stack(lumas))
    judged = quality >= GATE
    distance = distances(ours[judged], hashes[judged])
    error = np.abs(our_quality.astype(int) - quality.astype(int))
    print(
        f"\n{name}: {len(distance)} frames of quality >= {GATE}, distance mean {distance.mean():.2f} max {distance.max()};"
        f" quality of all {len(quality)} differs by {error.mean():.2f} on average, {error.max()} at most;"
        f" {int(((our_quality >= GATE) != judged).sum())} on the other side of the gate"
    )
    assert distance.mean() <= 8.0
    assert distance.max() <= 31  # the radius within which partners call two hashes the same picture
    assert error.mean() <= 5.0
    assert ((our_quality >= GATE) == judged).mean() >= 0.95


def test_drawn_pictures(vectors: dict[str, npt.NDArray[np.generic]]) -> None:
    """Textured pictures drawn from a seed hash as the reference hashes them."""
    frames = [av.VideoFrame.from_ndarray(drawn(int(seed)), format="rgb24") for seed in vectors["drawn_seed"].tolist()]
    compare(
        "drawn", [luma(frame) for frame in frames],
        vectors["drawn_hash"].astype(np.uint8), vectors["drawn_quality"].astype(np.uint8),
    )  # fmt: skip


@pytest.mark.skipif(not CORPUS.is_dir(), reason="the corpus of real clips is not beside this checkout")
def test_real_frames(vectors: dict[str, npt.NDArray[np.generic]]) -> None:
    """Frames of every clip of the corpus hash as the reference hashes them."""
    names, stamps = vectors["real_video"], vectors["real_pts"].astype(np.int64)
    lumas: list[Bytes] = []
    rows: list[int] = []
    for name in np.unique(names).tolist():
        here = np.flatnonzero(names == name)
        row_of = {int(stamps[row]): int(row) for row in here}
        for found in find(CORPUS / name, sorted(row_of)):
            lumas.append(luma(found.frame))
            rows.append(row_of[found.pts])
    assert len(rows) >= 0.9 * len(names), "the decoder no longer finds the frames of the vectors"
    compare("real", lumas, vectors["real_hash"][rows].astype(np.uint8), vectors["real_quality"][rows].astype(np.uint8))


def test_the_order_of_bits_is_pdqs(vectors: dict[str, npt.NDArray[np.generic]]) -> None:
    """The hash bytes in hex are the PDQ string: with its bits reversed or its rows turned, a hash no longer fits."""
    picture = luma(av.VideoFrame.from_ndarray(drawn(4), format="rgb24"))
    ours, _ = hash_lumas(picture[None])
    theirs = vectors["drawn_hash"][4].astype(np.uint8)[None]
    assert distances(ours, theirs)[0] <= 31
    bits = np.unpackbits(ours, axis=1)
    for wrong in (bits[:, ::-1], bits.reshape(16, 16).T.reshape(1, 256), bits.reshape(32, 8)[:, ::-1].reshape(1, 256)):
        assert distances(np.packbits(wrong, axis=1), theirs)[0] > 80
