"""The file of a flat slab; `index/README.md` gives the bytes."""

import struct
import zlib
from typing import BinaryIO

import numpy as np

from hashsvc_index.layers import LayersOf, no_layers
from hashsvc_index.records import VECTOR_BYTES
from hashsvc_index.slabs import BLOCK_ROWS, FlatSlab, SlabBuilder

FORMAT = 1
"""Part of the format, do not change; likewise the magic and the header."""
_MAGIC = b"HSVCSLAB"
_HEADER = struct.Struct("<8sIIQQ")


def write_flat(slab: FlatSlab, file: BinaryIO) -> int:
    """Write the slab; return the CRC-32 of its bytes. Raises OSError."""
    crc = 0
    counts = np.diff(slab.starts)
    head = _HEADER.pack(_MAGIC, FORMAT, VECTOR_BYTES, len(slab.numbers), slab.rows)
    for part in (head, slab.numbers.astype("<i8").tobytes(), counts.astype("<i8").tobytes()):
        crc = zlib.crc32(part, crc)
        file.write(part)
    for piece in slab.pieces():
        crc = zlib.crc32(piece.vectors.data, crc)
        file.write(piece.vectors.data)
    return crc


def read_flat(
    file: BinaryIO, *, name: str, entries: int, rows: int, crc32: int, layers_of: LayersOf = no_layers
) -> FlatSlab:
    """The slab, streamed in. Raises ValueError for what is not the file expected, OSError."""
    head = file.read(_HEADER.size)
    if head != _HEADER.pack(_MAGIC, FORMAT, VECTOR_BYTES, entries, rows):
        raise ValueError("the header is not the one expected")
    table = file.read(16 * entries)
    if len(table) != 16 * entries:
        raise ValueError("the file is cut off")
    numbers, counts = np.frombuffer(table, "<i8").astype(np.int64).reshape(2, -1)
    if (counts < 1).any():
        raise ValueError("an entry has no rows")
    crc = zlib.crc32(table, zlib.crc32(head))
    builder = SlabBuilder(layers_of)
    builder.add_entries(numbers, counts)
    while part := file.read(BLOCK_ROWS * VECTOR_BYTES):
        crc = zlib.crc32(part, crc)
        if len(part) % VECTOR_BYTES:
            raise ValueError("the file is cut off")
        builder.add_rows(np.frombuffer(part, np.uint8).reshape(-1, VECTOR_BYTES))
    if crc != crc32:
        raise ValueError("the checksum is wrong")
    slab = builder.finish(name)
    if slab is None:
        raise ValueError("there are no rows")
    return slab
