"""Frame hashes in a format of partners' own: imagehash's 64-bit pHash. Matching does not use them."""

import imagehash
import numpy as np
import numpy.typing as npt
from PIL import Image

PHASH_BYTES = 8


def phashes(lumas: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """imagehash's pHash of each luma picture of `lumas`, uint8 (n, height, width); returns uint8 (n, 8).

    The bytes of a row in hex are what `str(imagehash.phash(picture))` prints: rows of the 8 x 8 bits from the top,
    each from its most significant bit. No frames give (0, 8).
    """
    hashes = np.zeros((len(lumas), PHASH_BYTES), np.uint8)
    for row, luma in zip(hashes, lumas, strict=True):
        row[:] = np.packbits(imagehash.phash(Image.fromarray(luma)).hash)
    return hashes
