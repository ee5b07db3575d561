"""The file of centroids; `index/README.md` gives the bytes."""

import struct
import zlib
from typing import BinaryIO

import numpy as np

from hashsvc_index.centroids import Centroids
from hashsvc_index.records import VECTOR_BYTES, Vectors

FORMAT = 2
"""Part of the format, do not change; likewise the magic and the layout. In format 1 a row may be in another list than the nearest."""
_MAGIC = b"HSVCCENT"
_HEADER = struct.Struct("<8sIIQQ")
_CRC = struct.Struct("<I")


def write_centroids(centroids: Centroids, file: BinaryIO) -> int:
    """Write the file; return its length. Raises OSError."""
    head = _HEADER.pack(_MAGIC, FORMAT, VECTOR_BYTES, len(centroids), centroids.rows)
    body = head + centroids.vectors.tobytes()
    return file.write(body + _CRC.pack(zlib.crc32(body)))


def read_centroids(file: BinaryIO) -> tuple[Vectors, int]:
    """The vectors, uint8 (l, 32), and for how many rows they were chosen. Raises ValueError, OSError."""
    content = file.read()
    if len(content) < _HEADER.size + VECTOR_BYTES + _CRC.size:
        raise ValueError("the file of centroids is cut off")
    body = content[: -_CRC.size]
    if _CRC.unpack_from(content, len(body))[0] != zlib.crc32(body):
        raise ValueError("the checksum of the centroids is wrong")
    magic, version, width, lists, rows = _HEADER.unpack_from(body)
    if (magic, version, width, lists) != (_MAGIC, FORMAT, VECTOR_BYTES, (len(body) - _HEADER.size) // VECTOR_BYTES):
        raise ValueError("the header of the centroids is not the one expected")
    return np.frombuffer(body, np.uint8, offset=_HEADER.size).reshape(-1, VECTOR_BYTES), rows
