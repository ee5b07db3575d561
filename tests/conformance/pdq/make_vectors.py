"""Make `vectors.npz` with the reference implementation of PDQ, the `pdqhash` package (its install needs a compiler).

    python tests/conformance/pdq/make_vectors.py [CORPUS]

CORPUS is a folder of videos; without it the vectors hold the drawn pictures alone. The file holds hashes and
qualities only, never a picture: the drawn ones are drawn again from their seeds, the real ones are decoded again.

Arrays of `vectors.npz`: `drawn_seed` int64 (n,), `drawn_hash` uint8 (n, 32), `drawn_quality` uint8 (n,);
`real_video` str (m,) file names, `real_pts` int64 (m,) stream time base, `real_seconds` float64 (m,),
`real_hash` uint8 (m, 32), `real_quality` uint8 (m,).
"""

import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pdqhash

sys.path.insert(0, str(Path(__file__).parents[3]))  # run as a script from anywhere

from tests.conformance.pdq.frames import Rgb, drawn, pick

DRAWN = 48
FRAMES_PER_VIDEO = 6


def reference(picture: Rgb) -> tuple[npt.NDArray[np.uint8], int]:
    """Hash uint8 (32,), whose hex is the PDQ hex string, and quality 0-100 of an RGB picture."""
    bits, quality = pdqhash.compute(np.ascontiguousarray(picture))
    return np.packbits(np.asarray(bits, np.uint8)), int(quality)


def main(corpus: Path | None) -> None:
    """Write the vectors beside this script."""
    drawn_pairs = [reference(drawn(seed)) for seed in range(DRAWN)]
    names: list[str] = []
    stamps: list[tuple[int, float]] = []
    real_pairs: list[tuple[npt.NDArray[np.uint8], int]] = []
    for video in sorted(corpus.iterdir()) if corpus else ():
        for found in pick(video, FRAMES_PER_VIDEO):
            names.append(video.name)
            stamps.append((found.pts, found.seconds))
            real_pairs.append(reference(found.frame.to_ndarray(format="rgb24").astype(np.uint8)))
        print(f"{video.name}: {names.count(video.name)} frames")
    np.savez_compressed(
        Path(__file__).with_name("vectors.npz"),
        drawn_seed=np.arange(DRAWN),
        drawn_hash=np.stack([pair[0] for pair in drawn_pairs]),
        drawn_quality=np.array([pair[1] for pair in drawn_pairs], np.uint8),
        real_video=np.array(names, np.str_),
        real_pts=np.array([stamp[0] for stamp in stamps], np.int64),
        real_seconds=np.array([stamp[1] for stamp in stamps], np.float64),
        real_hash=np.array([pair[0] for pair in real_pairs], np.uint8).reshape(-1, 32),
        real_quality=np.array([pair[1] for pair in real_pairs], np.uint8),
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else None)
