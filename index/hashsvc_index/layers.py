"""Layers: which vectors of an entry a query may pass over."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

LAYERS = 3
"""Part of the format of cold slabs, do not change."""

Layers = npt.NDArray[np.uint8]
"""uint8 (n,), each below LAYERS. Of vectors: the layer of each, 0 for what every query looks for. Of queries: how many layers
each reaches beyond that one."""

LayersOf = Callable[[int], Layers]
"""Entry number to the layer of each of the entry's vectors, in order. Called from the keeper's thread."""


def every_layer(queries: int) -> Layers:
    """The reach of so many queries that pass over nothing."""
    return np.full(queries, LAYERS - 1, np.uint8)


def no_layers(_number: int) -> Layers:
    """For those who know nothing of an entry's vectors: every query is compared with them."""
    return np.zeros(0, np.uint8)
