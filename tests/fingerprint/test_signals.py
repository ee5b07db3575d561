"""The pHash signal is imagehash's, bit for bit."""

import imagehash
import numpy as np
import numpy.typing as npt
from PIL import Image

from hashsvc.fingerprint.signals import phashes


def lumas(count: int) -> npt.NDArray[np.uint8]:
    """Different smooth textures, uint8 (count, 256, 256)."""
    rng = np.random.default_rng(7)
    coarse = rng.integers(0, 256, (count, 16, 16), dtype=np.uint8)
    large = [np.asarray(Image.fromarray(cells).resize((256, 256), Image.Resampling.BICUBIC)) for cells in coarse]
    return np.stack(large)


def test_hex_is_what_imagehash_prints() -> None:
    """A partner who hashes the same picture with imagehash gets the same string."""
    pictures = lumas(20)
    ours = phashes(pictures)
    assert ours.shape == (20, 8) and ours.dtype == np.uint8
    assert [row.tobytes().hex() for row in ours] == [
        str(imagehash.phash(Image.fromarray(picture))) for picture in pictures
    ]
    assert len({row.tobytes() for row in ours}) == 20


def test_a_distance_is_imagehashs() -> None:
    """Distances between packed hashes are the ones that imagehash computes."""
    pictures = lumas(2)
    ours = phashes(pictures)
    theirs = imagehash.phash(Image.fromarray(pictures[0])) - imagehash.phash(Image.fromarray(pictures[1]))
    assert int(np.bitwise_count(ours[0] ^ ours[1]).sum()) == theirs


def test_no_frames() -> None:
    """A video without kept frames has no hashes, in the same shape."""
    assert phashes(np.zeros((0, 256, 256), np.uint8)).shape == (0, 8)


def test_flat_frames() -> None:
    """Black and white frames are hashed like any other and do not fail."""
    flat = np.stack([np.zeros((256, 256), np.uint8), np.full((256, 256), 255, np.uint8)])
    assert [row.tobytes().hex() for row in phashes(flat)] == [
        str(imagehash.phash(Image.fromarray(picture))) for picture in flat
    ]
