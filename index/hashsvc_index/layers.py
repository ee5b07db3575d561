"""Layers: which vectors of an entry a query may pass over."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from hashsvc_index.arrays import Numbers

LAYERS = 3
"""Part of the format of cold slabs, do not change."""

Layers = npt.NDArray[np.uint8]
"""uint8 (n,), each below LAYERS. Of vectors: the layer of each, 0 for what every query looks for. Of queries: how many layers
each reaches beyond that one."""

LayersOf = Callable[[int], Layers]
"""Entry number to the layer of each of the entry's vectors, in order. Called from threads of the index."""


def every_layer(queries: int) -> Layers:
    """The reach of so many queries that pass over nothing."""
    return np.full(queries, LAYERS - 1, np.uint8)


def no_layers(_number: int) -> Layers:
    """For those who know nothing of an entry's vectors: every query is compared with them."""
    return np.zeros(0, np.uint8)


def layers_of_rows(
    numbers: Numbers, starts: Numbers, layers_of: LayersOf, give_way: Callable[[], None] = lambda: None
) -> Layers:
    """The layer of each row of a slab with these entries, int64 (e,), and first rows, int64 (e + 1,).

    Of an entry of which nothing is said, or nothing that fits, 0. Raises what `give_way` raises, called at each entry.
    """
    layers = np.zeros(int(starts[-1]), np.uint8)
    for number, first, end in zip(numbers.tolist(), starts[:-1].tolist(), starts[1:].tolist(), strict=True):
        give_way()
        said = layers_of(number)
        if len(said) == end - first:
            np.minimum(said, LAYERS - 1, out=layers[first:end])
    return layers
