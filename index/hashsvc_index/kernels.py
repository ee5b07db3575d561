"""Functions that numba makes machine code of, and what they ask of the processor: bits counted, eight rows at a time.

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
_EIGHT, _LANE_BITS = 8, 16
_BELOW_TOP, _ONCE_EACH, _TOPS = 0x7FFF, 0x0001_0001_0001_0001, 0x8000_8000_8000_8000
_INT, _WORD = ir.IntType(32), ir.IntType(64)
_ROW, _TWO_ROWS = ir.VectorType(_WORD, 4), ir.VectorType(_WORD, 8)
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
def eight_beyond(typing: Any, rows: Any, first: Any, row: Any, mask: Any, radius: Any) -> Any:
    """Whether rows `first` to `first` + 7 of uint64 (n, 4) all differ from a row, four uint64, in more bits of a mask than `radius`.

    Two rows fill one register of 512 bits, or two of 256. A lane of 16 bits is for one row, the radius at most 256.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        vector, first, *others, radius = arguments
        base = builder.bitcast(data_of(context, builder, signature.args[0], vector), _ROW.as_pointer())
        query, told = (_twice(builder, cgutils.unpack_tuple(builder, one)) for one in others)
        for ahead in range(_AHEAD, _AHEAD + _EIGHT, _LINE):
            _call_for(builder, builder.gep(base, [builder.add(first, _WORD(ahead))]))
        lanes = ir.Constant(_TWO_ROWS, [0] * _TWO_ROWS.count)
        for lane in range(_EIGHT // 2):
            at = builder.gep(base, [builder.add(first, _WORD(2 * lane))])
            words = builder.load(builder.bitcast(at, _TWO_ROWS.as_pointer()))
            words.align = 8
            counts = _counts(builder, builder.and_(builder.xor(words, query), told))
            shift = ir.Constant(_TWO_ROWS, [_LANE_BITS * lane] * _TWO_ROWS.count)
            lanes = builder.or_(lanes, builder.shl(counts, shift))
        # Where a lane is beyond the radius its top bit is set when this is added.
        added = builder.mul(builder.sub(_WORD(_BELOW_TOP), radius), _WORD(_ONCE_EACH))
        several, others = (builder.add(one, added) for one in _sums(builder, lanes))
        tops = _WORD(_TOPS)
        return builder.icmp_unsigned("==", builder.and_(builder.and_(several, others), tops), tops)

    return types.boolean(rows, types.intp, row, mask, types.intp), generate


def data_of(context: Any, builder: Any, kind: Any, array: Any) -> Any:
    """Where the elements of an array are."""
    return make_array(kind)(context, builder, array).data


def _twice(builder: Any, words: Any) -> Any:
    register = ir.Constant(_ROW, ir.Undefined)
    for place, word in enumerate(words):
        register = builder.insert_element(register, word, _INT(place))
    return _shuffled(builder, register, [*range(4), *range(4)])


def _call_for(builder: Any, address: Any) -> None:
    """Have the line at an address brought into the caches: it will be read."""
    kind = ir.FunctionType(ir.VoidType(), [_BYTES, _INT, _INT, _INT])
    prefetch = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
    # To read, to be kept in all caches, as data.
    builder.call(prefetch, [builder.bitcast(address, _BYTES), _INT(0), _INT(3), _INT(1)])


def _counts(builder: Any, register: Any) -> Any:
    """Ones in each word."""
    kind = ir.FunctionType(_TWO_ROWS, [_TWO_ROWS])
    count = cgutils.get_or_insert_function(builder.module, kind, f"llvm.ctpop.v{_TWO_ROWS.count}i64")
    return builder.call(count, [register])


def _sums(builder: Any, lanes: Any) -> list[Any]:
    """The four words of each of two rows added up."""
    several = builder.add(*(_shuffled(builder, lanes, range(first, 8, 2)) for first in range(2)))
    both = builder.add(*(_shuffled(builder, several, range(first, 4, 2)) for first in range(2)))
    return [builder.extract_element(both, _INT(place)) for place in range(2)]


def _shuffled(builder: Any, register: Any, order: Any) -> Any:
    places = ir.Constant(ir.VectorType(_INT, len(order)), [*order])
    return builder.shuffle_vector(register, register, places)
