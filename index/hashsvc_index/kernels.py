"""Functions that numba makes machine code of, and what they ask of the processor: bits counted, four rows at a time.

Importing this module, or one with such functions, takes a second, and many where nothing is kept from an earlier time; see
`hashsvc_index.compilation`.
"""

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic as numba_intrinsic
from numba.np.arrayobj import make_array

Function = TypeVar("Function", bound=Callable[..., Any])

intrinsic: Callable[[Callable[..., Any]], Any] = numba_intrinsic
"""A function of which the IR is given, with a type for mypy."""
_OPTIONS = {"nogil": True, "error_model": "numpy"}
_AHEAD = 64
"""Rows that are called for before they are needed, 2 KiB: the processor itself looks ahead no further than to the end of a page."""
_LINE = 2
"""Rows in a line of its cache."""
_LANE_BITS = 16
_INT, _WORD = ir.IntType(32), ir.IntType(64)
_ROW = ir.VectorType(_WORD, 4)
_BYTES = ir.IntType(8).as_pointer()


def readable(kind: Any, dimensions: int) -> Any:
    """The type of a contiguous array that is only read, for `compiled`."""
    return types.Array(kind, dimensions, "C", readonly=True)


def compiled(*signature: Any) -> Callable[[Function], Function]:
    """Compile a function for arguments of these types at once, not when it is first called; it runs without the GIL.

    What was compiled is kept beside the source, or where else numba may write; where it may nowhere, each process
    compiles anew. It notices changes of the function's own file only.
    """

    def decorated(function: Function) -> Function:
        try:
            return cast(Function, numba.njit(tuple(signature), cache=True, **_OPTIONS)(function))
        except RuntimeError as error:
            if "cannot cache" not in str(error):
                raise
            return cast(Function, numba.njit(tuple(signature), **_OPTIONS)(function))

    return decorated


def part(function: Function) -> Function:
    """Let compiled functions of the same file call this one."""
    return cast(Function, numba.njit(**_OPTIONS)(function))


@intrinsic
def ones(typing: Any, word: Any) -> Any:
    """How many bits of a uint64 are set, uint64."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.ctpop(arguments[0])

    return types.uint64(types.uint64), generate


@intrinsic
def four_distances(typing: Any, rows: Any, first: Any, row: Any, mask: Any) -> Any:
    """Hamming distances of a row, four uint64, to rows `first` to `first` + 3 of uint64 (n, 4), in the bits of a mask.

    A uint64 of four 16-bit lanes, the lowest for the first row. One row fills one register of 256 bits.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        vector, first, *others = arguments
        base = builder.bitcast(data_of(context, builder, signature.args[0], vector), _ROW.as_pointer())
        query, told = (_register(builder, cgutils.unpack_tuple(builder, one)) for one in others)
        for ahead in range(_AHEAD, _AHEAD + 4, _LINE):
            _call_for(builder, builder.gep(base, [builder.add(first, _WORD(ahead))]))
        lanes = ir.Constant(_ROW, [0] * 4)
        for lane in range(4):
            words = builder.load(builder.gep(base, [builder.add(first, _WORD(lane))]))
            words.align = 8
            counts = _counts(builder, builder.and_(builder.xor(words, query), told))
            lanes = builder.or_(lanes, builder.shl(counts, ir.Constant(_ROW, [_LANE_BITS * lane] * 4)))
        return _sum(builder, lanes)

    return types.uint64(rows, types.intp, row, mask), generate


def data_of(context: Any, builder: Any, kind: Any, array: Any) -> Any:
    """Where the elements of an array are."""
    return make_array(kind)(context, builder, array).data


def _register(builder: Any, words: Any) -> Any:
    register = ir.Constant(_ROW, ir.Undefined)
    for place, word in enumerate(words):
        register = builder.insert_element(register, word, _INT(place))
    return register


def _call_for(builder: Any, address: Any) -> None:
    """Have the line at an address brought into the caches: it will be read."""
    kind = ir.FunctionType(ir.VoidType(), [_BYTES, _INT, _INT, _INT])
    prefetch = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
    # To read, to be kept in all caches, as data.
    builder.call(prefetch, [builder.bitcast(address, _BYTES), _INT(0), _INT(3), _INT(1)])


def _counts(builder: Any, register: Any) -> Any:
    """Ones in each of the four words."""
    kind = ir.FunctionType(_ROW, [_ROW])
    return builder.call(cgutils.get_or_insert_function(builder.module, kind, "llvm.ctpop.v4i64"), [register])


def _sum(builder: Any, register: Any) -> Any:
    half = ir.VectorType(_INT, 2)
    low, high = (builder.shuffle_vector(register, register, ir.Constant(half, [*part])) for part in ((0, 1), (2, 3)))
    both = builder.add(low, high)
    return builder.add(*(builder.extract_element(both, _INT(place)) for place in range(2)))
