"""PDQ frame hashes (Facebook 2019, "The TMK+PDQF Video-Hashing Algorithm and the PDQ Image-Hashing Algorithm").

Built from the paper's definition: two box passes of a 128th of the picture make a triangular kernel of one cell's
width; a 64 x 64 grid of its values goes through a 16 x 16 DCT without its DC terms; each coefficient gives one bit, set
where it exceeds the median. Everything up to the median is linear and separable, so a frame read through any rectangle is
two small matrix products, and all frames go through at once.

The kernel runs on a 256 x 256 area reduction, not on the full picture; tests/conformance holds the distance to `pdqhash`.
"""

import functools
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from scipy.sparse import csr_array

GRID = 64
BANDS = 16
Floats = npt.NDArray[np.float32]
Rect = tuple[float, float, float, float]
"""x0, y0, x1, y1 as shares of the picture's width and height, 0-1."""

Quad = tuple[tuple[float, float], tuple[float, float], tuple[float, float], tuple[float, float]]
"""Corners (x, y) as shares of width and height: top left, top right, bottom left, bottom right."""

FULL: Rect = (0.0, 0.0, 1.0, 1.0)


def _dct() -> npt.NDArray[np.float64]:
    """float64 (16, 64): the DCT-II rows 1-16, DC left out."""
    band = np.arange(1, BANDS + 1)[:, None]
    cell = np.arange(GRID)[None, :]
    rows: npt.NDArray[np.float64] = np.sqrt(2 / GRID) * np.cos(np.pi / (2 * GRID) * band * (2 * cell + 1))
    return rows


@functools.lru_cache(maxsize=4096)
def _reduction(low: float, high: float, side: int) -> Floats:
    """float32 (64, side): triangular kernels, one cell wide, at the centres of 64 cells between `low` and `high`."""
    cell = (high - low) * side / GRID
    centres = low * side + (np.arange(GRID) + 0.5) * cell
    # At least a pixel on each side: below that the triangle is bilinear interpolation.
    reach = max(cell / 2, 1.0)
    weights = np.clip(1 - np.abs(np.arange(side) + 0.5 - centres[:, None]) / reach, 0, None)
    rows: Floats = (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)
    return rows


_DCT = _dct().astype(np.float32)


def coefficients(lumas: npt.NDArray[np.uint8] | Floats, rect: Rect = FULL) -> tuple[Floats, npt.NDArray[np.uint8]]:
    """DCT coefficients and quality of frames read through `rect`.

    `lumas` is (n, side, side); returns float32 (n, 16, 16), rows vertical frequencies, and uint8 (n,) quality 0-100.
    """
    return downwards(across(lumas.astype(np.float32, copy=False), rect), rect)


def across(pictures: Floats, rect: Rect) -> Floats:
    """Pictures (n, side, side) reduced along their rows to the 64 columns of `rect`: float32 (n, side, 64).

    Four fifths of the work, and the same for every rectangle between the same two columns.
    """
    reduced: Floats = pictures @ _reduction(rect[0], rect[2], pictures.shape[2]).T
    return reduced


def downwards(reduced: Floats, rect: Rect) -> tuple[Floats, npt.NDArray[np.uint8]]:
    """Coefficients and quality, as `coefficients`, of what `across` reduced for a rectangle of the same columns."""
    return _transformed(_reduction(rect[1], rect[3], reduced.shape[1]) @ reduced)


def tilted(
    lumas: npt.NDArray[np.uint8] | Floats, degrees: float, aspect: float
) -> tuple[Floats, npt.NDArray[np.uint8]]:
    """As `coefficients`, of frames turned clockwise about their middle inside the frame's own borders, corners black.

    `aspect` is the displayed width over height: the turn is rigid in the picture as shown, not in the square.
    """
    count, side = lumas.shape[:2]
    flat = lumas.reshape(count, side * side).astype(np.float32).T
    cells = (_rotation(degrees, round(aspect, 2), side) @ flat).T.reshape(count, GRID, GRID)
    return _transformed(np.ascontiguousarray(cells, np.float32))


@functools.lru_cache(maxsize=64)
def _rotation(degrees: float, aspect: float, side: int) -> "csr_array":
    """float32 (64 x 64, side x side): the mean of 4 x 4 points of each cell, each read where the turn takes it."""
    points = (np.arange(GRID * 4) + 0.5) / (GRID * 4) - 0.5
    down, across = np.meshgrid(points, points * aspect, indexing="ij")
    angle = np.deg2rad(degrees)
    column = ((np.cos(angle) * across + np.sin(angle) * down) / aspect + 0.5) * side - 0.5
    row = (np.cos(angle) * down - np.sin(angle) * across + 0.5) * side - 0.5
    return _gathering(column, row, side)


def quadrilateral(lumas: npt.NDArray[np.uint8] | Floats, quad: Quad) -> tuple[Floats, npt.NDArray[np.uint8]]:
    """As `coefficients`, of what is inside four corners, as if it were seen from the front."""
    count, side = lumas.shape[:2]
    flat = lumas.reshape(count, side * side).astype(np.float32, copy=False).T
    cells = (_perspective(quad, side) @ flat).T.reshape(count, GRID, GRID)
    return _transformed(np.ascontiguousarray(cells, np.float32))


@functools.lru_cache(maxsize=64)
def _perspective(quad: Quad, side: int) -> "csr_array":
    """float32 (64 x 64, side x side): the mean of 4 x 4 points of each cell, each read where the projection takes it.

    The projection of the unit square onto four points after Heckbert 1989, "Fundamentals of texture mapping and image
    warping". Points outside the picture read as black.
    """
    (x0, y0), (x1, y1), (x3, y3), (x2, y2) = quad  # his order goes around, ours by rows
    dx1, dx2, dx3 = x1 - x2, x3 - x2, x0 - x1 + x2 - x3
    dy1, dy2, dy3 = y1 - y2, y3 - y2, y0 - y1 + y2 - y3
    area = dx1 * dy2 - dx2 * dy1
    g, h = (dx3 * dy2 - dx2 * dy3) / area, (dx1 * dy3 - dx3 * dy1) / area
    points = (np.arange(GRID * 4) + 0.5) / (GRID * 4)
    v, u = np.meshgrid(points, points, indexing="ij")
    depth = g * u + h * v + 1
    column = ((x1 - x0 + g * x1) * u + (x3 - x0 + h * x3) * v + x0) / depth * side - 0.5
    row = ((y1 - y0 + g * y1) * u + (y3 - y0 + h * y3) * v + y0) / depth * side - 0.5
    return _gathering(column, row, side)


def _gathering(column: npt.NDArray[np.float64], row: npt.NDArray[np.float64], side: int) -> "csr_array":
    """float32 (64 x 64, side x side): means of 4 x 4 points, whose places in the picture are given, (256, 256) each."""
    from scipy.sparse import csr_array  # not at the top: 20 MB that a process which compares hashes has no use for

    inside = (column > -0.5) & (column < side - 0.5) & (row > -0.5) & (row < side - 0.5)
    x, y = np.rint(column[inside]).astype(int), np.rint(row[inside]).astype(int)
    cell_rows, cell_columns = np.indices((GRID * 4, GRID * 4)) // 4
    cell = (cell_rows * GRID + cell_columns)[inside]
    weights = np.full(len(cell), 1 / 16, np.float32)
    return csr_array((weights, (cell, y * side + x)), shape=(GRID * GRID, side * side))


def _transformed(cells: Floats) -> tuple[Floats, npt.NDArray[np.uint8]]:
    return (_DCT @ cells @ _DCT.T).astype(np.float32, copy=False), _quality(cells)


def _quality(cells: Floats) -> npt.NDArray[np.uint8]:
    """PDQ's quality: the sum of gradients of the 64 x 64 picture in whole percents of full scale, over 90, capped."""
    total = np.zeros(len(cells), np.int64)
    for axis in (1, 2):
        steps = np.abs(np.diff(cells, axis=axis)) * (100 / 255)
        total += steps.astype(np.int32).sum(axis=(1, 2), dtype=np.int64)
    return np.minimum(total // 90, 100).astype(np.uint8)


def bits(coefs: Floats) -> npt.NDArray[np.uint8]:
    """256-bit hashes, uint8 (n, 32), of coefficients (n, 16, 16).

    The highest bit of byte 0 is coefficient (15, 15), so that `.hex()` is the usual PDQ string.
    """
    flat = coefs.reshape(len(coefs), BANDS * BANDS)
    median = np.median(flat, axis=1, keepdims=True)
    return np.packbits((flat > median)[:, ::-1], axis=1)


def hash_lumas(lumas: npt.NDArray[np.uint8], rect: Rect = FULL) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
    """PDQ hashes uint8 (n, 32) and qualities uint8 (n,) of lumas (n, side, side), read through `rect`."""
    coefs, quality = coefficients(lumas, rect)
    return bits(coefs), quality


def hamming(left: npt.NDArray[np.uint8], right: npt.NDArray[np.uint8]) -> npt.NDArray[np.int32]:
    """Hamming distances, broadcasting over all axes but the last of 32 bytes; int32, 0-256."""
    left, right = np.ascontiguousarray(left).view(np.uint64), np.ascontiguousarray(right).view(np.uint64)
    distances: npt.NDArray[np.int32] = np.bitwise_count(left[..., 0] ^ right[..., 0]).astype(np.int32)
    # Word by word: to sum over an axis of four takes numpy five times as long.
    for word in range(1, left.shape[-1]):
        distances += np.bitwise_count(left[..., word] ^ right[..., word])
    return distances
