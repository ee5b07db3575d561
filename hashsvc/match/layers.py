"""What is looked for where: which views of references a view of an upload is searched for among.

What the whole picture of an upload shows may be any part of a reference, but what is inside a picture mostly shows a reference
whole, or a strip of it. Two thirds of an entry's vectors are of corners, centres and tilts, and as much of a search.
"""

import functools
import re
from collections.abc import Sequence

import numpy as np

from hashsvc.bank import records
from hashsvc.errors import FingerprintError
from hashsvc.fingerprint.encoding import decode
from hashsvc.fingerprint.model import HASH_BYTES
from hashsvc.fingerprint.profiles import profile_named
from hashsvc_index import Store
from hashsvc_index.errors import EntryNotFoundError, StoreCorruptError
from hashsvc_index.layers import Layers, LayersOf

_CUT = re.compile("(left|right)-72|middle-.*|centre-92(-mirror)?")
"""Reference views in layer 1; a little of two sides, or much of one, is what an inset loses."""
_FAR = re.compile("centre-.*|(top|bottom)-(left|right)-[0-9]+|tilt.*")
"""Reference views in layer 2. All others, also those that vaccination has added, are in layer 0."""
_STRIP = re.compile("(top|bottom)-72")
"""Upload views that reach layer 0: what a banner leaves, which is a strip of the reference as well."""
_INSIDE = re.compile("inside-[0-9]+|area|framed|moving|busy")
"""Upload views that reach layer 1: what is found inside the picture. All others reach every layer."""
_NAMES = 1024
"""Of views that are remembered; whoever calls may make up others."""


def layers_of_views(names: Sequence[str]) -> Layers:
    """The layer of each view of a reference, uint8 (v,)."""
    return np.array([_layer(name) for name in names], np.uint8)


def reach_of_views(names: Sequence[str]) -> Layers:
    """How deep each view of an upload reaches, uint8 (v,)."""
    return np.array([_reach(name) for name in names], np.uint8)


@functools.lru_cache(_NAMES)
def _layer(name: str) -> int:
    return 1 if _CUT.fullmatch(name) else 2 if _FAR.fullmatch(name) else 0


@functools.lru_cache(_NAMES)
def _reach(name: str) -> int:
    return 0 if _STRIP.fullmatch(name) else 1 if _INSIDE.fullmatch(name) else 2


def layers_from(store: Store) -> LayersOf:
    """For an index of the `store`."""

    def layers_of(number: int) -> Layers:
        """Of an entry that is gone meanwhile, or whose fingerprint cannot be read, nothing: the index goes on."""
        try:
            blob = store.blob(number, records.FINGERPRINT)
            bare = decode(blob, lambda quality, _: np.zeros((*quality.shape, HASH_BYTES), np.uint8))
            passed = bare.quality >= profile_named(bare.profile).quality_gate
        except (EntryNotFoundError, StoreCorruptError, FingerprintError):
            return np.zeros(0, np.uint8)
        return np.broadcast_to(layers_of_views(bare.views), passed.shape)[passed]

    return layers_of
