"""Many rows compared with one at a time: a tile of them turned on its side, so that one register holds one digit of 32 rows or 64.

A row is 64 digits of four bits. In a plane of a tile lies one digit of every row, and how many bits it differs in from that of a query
is looked up for all of these at once in a table of sixteen bytes, which is one instruction where the processor has AVX2 or AVX-512
(pshufb). The method is that of quantized codes in André, Kermarrec and Le Scouarnec, "Cache locality is not enough:
high-performance nearest neighbor search with product quantization fast scan", PVLDB 9(4), 2015; here the codes are the bits
themselves and nothing is lost. Turning a tile has its cost, so it pays where the rows stay, as those of the centroids do.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
from llvmlite import binding, ir
from numba import config, types
from numba.core import cgutils

from hashsvc_index.arrays import Words
from hashsvc_index.kernels import data_of, intrinsic, part

TILE = 128
"""Rows of a tile."""
DIGITS = 64
"""Planes of a tile, digits of a row: the lower half of the first byte, its upper half, and so on."""
DIFFERING = np.array([[(one ^ other).bit_count() for other in range(16)] for one in range(16)], np.uint8)
"""In how many bits two digits differ."""

Planes = npt.NDArray[np.uint8]
"""uint8 (DIGITS, TILE)."""

_AT_ONCE = 32
"""Rows that are turned at once, each with a byte in one register."""
_REGISTERS = TILE // _AT_ONCE
_UNROLLED = 8
_FEATURES = {} if config.CPU_NAME or config.CPU_FEATURES else binding.get_host_cpu_features()
"""Of this processor, where code is made for it."""
_LOOK_UP = {32: "llvm.x86.avx2.pshuf.b", 64: "llvm.x86.avx512.pshuf.b.512"}
"""By how many digits they look up at once."""
_WIDTH = 64 if _FEATURES.get("avx512bw") else 32
"""Rows that are measured at once."""
_HAS_TABLES = bool(_FEATURES.get("avx2"))
"""Whether digits are looked up; else bits are counted."""
_BYTE, _INT, _WORD = ir.IntType(8), ir.IntType(32), ir.IntType(64)
_HALF, _FULL, _WIDE = (ir.VectorType(_BYTE, bytes) for bytes in (16, _AT_ONCE, _WIDTH))
_LANES = (0, 16)
_LOWER = [lane + source * _AT_ONCE + place for lane in _LANES for place in range(8) for source in (0, 1)]
_UPPER = [lane + source * _AT_ONCE + place for lane in _LANES for place in range(8, 16) for source in (0, 1)]
"""How two registers are interleaved, within each of their lanes."""


@intrinsic
def turned(typing: Any, rows: Any, first: Any, planes: Any, block: Any) -> Any:
    """Put 32 rows from `first` on, of uint64 (n, 4), into the `block`-th 32 columns of `planes`, uint8 (DIGITS, TILE)."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        vector, first, planes, block = arguments
        base = builder.bitcast(data_of(context, builder, signature.args[0], vector), _HALF.as_pointer())
        out = builder.bitcast(data_of(context, builder, signature.args[2], planes), _FULL.as_pointer())
        halves = builder.gep(base, [builder.mul(first, _WORD(2))])
        for half in range(2):
            for byte, register in enumerate(_transposed(builder, halves, half)):
                lower = builder.and_(register, ir.Constant(_FULL, [15] * _AT_ONCE))
                upper = builder.lshr(register, ir.Constant(_FULL, [4] * _AT_ONCE))
                for digit, plane in enumerate((lower, upper), 2 * (16 * half + byte)):
                    at = builder.add(block, _WORD(_REGISTERS * digit))
                    builder.store(plane, builder.gep(out, [at])).align = 8
        return context.get_dummy_value()

    return types.void(rows, types.intp, planes, types.intp), generate


@intrinsic
def measured(typing: Any, planes: Any, digits: Any, query: Any, differing: Any, distances: Any) -> Any:
    """Fill in the `distances`, uint8 (TILE,), of a tile from a query; what is farther than 254 is 255.

    `digits` is uint8 (m, DIGITS), `query` the row of it, `differing` DIFFERING.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kinds = (_WIDE, _BYTE, None, _HALF, _WIDE)
        base, digit, table, out = (
            builder.bitcast(data_of(context, builder, signature.args[place], arguments[place]), kind.as_pointer())
            for place, kind in enumerate(kinds)
            if kind is not None
        )
        digit = builder.gep(digit, [builder.mul(arguments[2], _WORD(DIGITS))])
        several = TILE // _WIDTH
        sums = [cgutils.alloca_once_value(builder, ir.Constant(_WIDE, [0] * _WIDTH)) for _ in range(several)]
        with cgutils.for_range(builder, _WORD(DIGITS // _UNROLLED)) as loop:
            for turn in range(_UNROLLED):
                place = builder.add(builder.mul(loop.index, _WORD(_UNROLLED)), _WORD(turn))
                count = _counting(builder, table, builder.load(builder.gep(digit, [place])))
                for register, total in enumerate(sums):
                    at = builder.add(builder.mul(place, _WORD(several)), _WORD(register))
                    plane = builder.load(builder.gep(base, [at]))
                    plane.align = 8
                    builder.store(_added(builder, builder.load(total), count(plane)), total)
        for register, total in enumerate(sums):
            builder.store(builder.load(total), builder.gep(out, [_WORD(register)])).align = 8
        return context.get_dummy_value()

    return types.void(planes, digits, types.intp, differing, distances), generate


@intrinsic
def within(typing: Any, distances: Any, first: Any, radius: Any) -> Any:
    """Which of 64 `distances`, uint8 (n,), from `first` on are within the radius, at most 255: a uint64, its lowest bit for the first."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        base = builder.gep(data_of(context, builder, signature.args[0], arguments[0]), [arguments[1]])
        base = builder.bitcast(base, _WIDE.as_pointer())
        widest, bits = _everywhere(builder, builder.trunc(arguments[2], _BYTE)), ir.Constant(_WORD, 0)
        for register in range(_WORD.width // _WIDTH):
            some = builder.load(builder.gep(base, [_WORD(register)]))
            some.align = 1
            near = builder.bitcast(builder.icmp_unsigned("<=", some, widest), ir.IntType(_WIDTH))
            bits = builder.or_(bits, builder.shl(builder.zext(near, _WORD), _WORD(_WIDTH * register)))
        return bits

    return types.uint64(distances, types.intp, types.intp), generate


def _transposed(builder: Any, halves: Any, half: int) -> list[Any]:
    """Sixteen registers, of each of the bytes in one half of 32 rows.

    Interleaving the first eight of sixteen registers with the last eight moves each bit of a byte's address one place on; after four
    times rows and bytes have changed places.
    """
    registers = []
    for row in range(16):
        parts = [builder.load(builder.gep(halves, [_WORD(2 * one + half)])) for one in (row, row + 16)]
        for one in parts:
            one.align = 8
        registers.append(_shuffled(builder, parts, range(_AT_ONCE)))
    for _ in range(4):
        registers = [_shuffled(builder, registers[place::8], order) for place in range(8) for order in (_LOWER, _UPPER)]
    return registers


def _counting(builder: Any, table: Any, digit: Any) -> Any:
    """How to make of a plane in how many bits its digits differ from one."""
    if not _HAS_TABLES:
        kind = ir.FunctionType(_WIDE, [_WIDE])
        ones = cgutils.get_or_insert_function(builder.module, kind, f"llvm.ctpop.v{_WIDTH}i8")
        other = _everywhere(builder, digit)
        return lambda plane: builder.call(ones, [builder.xor(plane, other)])
    kind = ir.FunctionType(_WIDE, [_WIDE, _WIDE])
    look_up = cgutils.get_or_insert_function(builder.module, kind, _LOOK_UP[_WIDTH])
    counts = builder.load(builder.gep(table, [builder.zext(digit, _WORD)]))
    counts.align = 1
    everywhere = _shuffled(builder, [counts, counts], [*range(16)] * (_WIDTH // 16))
    return lambda plane: builder.call(look_up, [everywhere, plane])


def _added(builder: Any, total: Any, counts: Any) -> Any:
    """The sum, where it does not fit the largest there is."""
    kind = ir.FunctionType(_WIDE, [_WIDE, _WIDE])
    add = cgutils.get_or_insert_function(builder.module, kind, f"llvm.uadd.sat.v{_WIDTH}i8")
    return builder.call(add, [total, counts])


def _everywhere(builder: Any, byte: Any) -> Any:
    one = builder.insert_element(ir.Constant(_WIDE, ir.Undefined), byte, _INT(0))
    return _shuffled(builder, [one, one], [0] * _WIDTH)


def _shuffled(builder: Any, pair: Any, order: Any) -> Any:
    return builder.shuffle_vector(*pair, ir.Constant(ir.VectorType(_INT, len(order)), [*order]))


@part
def digits_of(queries: Words) -> Planes:
    """The digits of each query, uint8 (m, DIGITS)."""
    digits = np.empty((len(queries), DIGITS), np.uint8)
    for query in range(len(queries)):
        for digit in range(DIGITS):
            digits[query, digit] = (queries[query, digit // 16] >> np.uint64(4 * (digit % 16))) & np.uint64(15)
    return digits


@part
def turn_tile(rows: Words, first: int, count: int, planes: Planes) -> None:
    """Turn so many rows from `first` on, at most TILE; in the columns after them is what happens to be there."""
    if count == TILE:
        for block in range(4):
            turned(rows, first + 32 * block, planes, block)
        return
    # What lies behind the last row may not be ours to read.
    tile = np.empty((TILE, 4), np.uint64)
    tile[:count] = rows[first : first + count]
    for block in range(4):
        turned(tile, 32 * block, planes, block)
