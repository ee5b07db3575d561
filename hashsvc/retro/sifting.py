"""Finds the uploads in blocks of the ring that are worth comparing with a reference, each look closer than the one before.

Scouts of all uploads, in one go; the seeding hashes of those that a scout speaks for; lines of those that enough hashes
speak for. Only what is left is unpacked.
"""

import math
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from hashsvc.bank.model import Interval
from hashsvc.fingerprint.model import Fingerprint
from hashsvc.fingerprint.profiles import profile_named
from hashsvc.match.exclude import silenced
from hashsvc.retro.lines import Lines
from hashsvc.retro.packing import Recent, Seeding, seeding, seeding_hashes, unpack
from hashsvc.retro.sieve import COMPILED, Mask, Sieve
from hashsvc_index import Block, Item, Ring
from hashsvc_index.records import Vectors

_AT_ONCE, _PLAIN_AT_ONCE = 1024, 64
"""Uploads that are looked at together, and where that is not compiled: whoever has a moment only is asked sooner."""
_SHARE = 0.9
"""Share of the evidence of a match that a line must come to, though a match finds more on the frames between seeding ones."""
_SAME, _SAME_SHARE = 24.0, 0.45
"""Median distance up to which a line shows the very pictures of the reference; where they hardly change, few are news among
seeding frames, and half as many again among all."""
_DEEP_SHARE = 0.15
"""The same for deep readings, of which a match compares movement and further views as well."""


class Sifter:
    """One reference. Thread-safe."""

    def __init__(self, reference: Fingerprint, exclusions: Sequence[Interval], indexed: int, evidence: float) -> None:
        """`indexed` is how many hashes a match searches, `evidence` what it must come to; both as in `search.Task`."""
        gate = profile_named(reference.profile).quality_gate
        visible = silenced(reference, exclusions)
        self._sieve = Sieve(visible, gate)
        self._lines = Lines(visible, gate)
        self._indexed = indexed
        self._evidence = evidence

    def candidates(self, ring: Ring, blocks: Sequence[Block]) -> Iterator[tuple[Block, int, Recent]]:
        """Block, place and upload of what is worth a comparison; blocks that are gone by now are passed over.

        Raises StoreCorruptError.
        """
        scouted = list(self._scouted(ring, blocks))
        several = _PLAIN_AT_ONCE if COMPILED.module is None else _AT_ONCE
        for first in range(0, len(scouted), several):
            part = scouted[first : first + several]
            for place in self._passing([item for _, _, item in part]):
                block, number, item = part[place]
                yield block, number, unpack(item)

    def _scouted(self, ring: Ring, blocks: Sequence[Block]) -> Iterator[tuple[Block, int, Item]]:
        """Uploads that a scout speaks for."""
        there = [(block, rows) for block in blocks if len(rows := ring.rows(block.number)) == block.rows.sum()]
        if not there:
            return
        counts = np.concatenate([block.rows for block, _ in there])
        places = self._sieve.scouted(np.concatenate([rows for _, rows in there]), counts)
        begins = np.cumsum([0, *(len(block.rows) for block, _ in there)])
        for (block, rows), begin, end in zip(there, begins, begins[1:], strict=False):
            mine = (places[np.searchsorted(places, begin) : np.searchsorted(places, end)] - begin).tolist()
            yield from ((block, place, item) for place, item in zip(mine, items(ring, block, mine, rows), strict=False))

    def _passing(self, uploads: Sequence[Item]) -> npt.NDArray[np.intp]:
        """Places of the uploads that are worth a comparison."""
        hashes = [seeding_hashes(one) for one in uploads]
        counts = np.array([len(one) for one in hashes])
        places, near = self._sieve.passing(np.concatenate(hashes), counts)
        parts = np.split(near, np.cumsum(counts)[:-1])
        chosen = [seeding(uploads[place]) for place in places]
        return places[self._on_line(chosen, [parts[place] for place in places])]

    def _on_line(self, uploads: Sequence[Seeding], near: Sequence[Mask]) -> npt.NDArray[np.bool_]:
        """Which of them have a line that comes to enough of what a match must find."""
        wanted = [self._evidence - math.log10(max(self._indexed, 1) * one.of) for one in uploads]
        found = self._lines.find(uploads, near)
        share = np.where(found.distances <= _SAME, _SAME_SHARE, _SHARE)
        share[np.array([one.deep for one in uploads], bool)] = _DEEP_SHARE
        enough: npt.NDArray[np.bool_] = found.evidence <= share * wanted
        return enough


def items(ring: Ring, block: Block, places: Sequence[int], rows: Vectors) -> list[Item]:
    """The items at `places` of a block that has these rows; none where it is gone. Raises StoreCorruptError."""
    bodies = ring.bodies(block, places) if places else None
    if bodies is None or len(rows) != block.rows.sum():
        return []
    ends = np.cumsum(block.rows.astype(np.int64))
    return [
        Item(rows=rows[ends[place] - block.rows[place] : ends[place]], body=body)
        for place, body in zip(places, bodies, strict=True)
    ]
