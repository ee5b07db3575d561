"""Would an upload be found if a reference had other views, or were confirmed? Answered without touching store or index."""

from collections.abc import Sequence

import faiss
import numpy as np

from hashsvc.bank.model import Interval, Policy
from hashsvc.fingerprint.model import HASH_BYTES, Fingerprint
from hashsvc.match import seeds
from hashsvc.match.extend import Finding, covered, find
from hashsvc.match.seeds import Nomination
from hashsvc.match.verdict import Judgement, judge


class Trial:
    """One reference, against which many uploads are tried. Thread-safe."""

    def __init__(self, reference: Fingerprint, gate: int, exclusions: Sequence[Interval] = ()) -> None:
        self._reference = reference
        self._gate = gate
        self._exclusions = exclusions
        self._index = faiss.IndexBinaryFlat(HASH_BYTES * 8)
        self._index.add(np.ascontiguousarray(reference.hashes[reference.quality >= gate]))

    def find(self, query: Fingerprint, indexed: int) -> Finding | None:
        """What `Matcher` would find of the reference alone in an index of `indexed` hashes; None where that is nothing."""
        nomination = self._nominate(query)
        if nomination is None:
            return None
        return find(query, self._reference, nomination, self._gate, indexed, self._exclusions)

    def _nominate(self, query: Fingerprint) -> Nomination | None:
        picked = seeds.pick(query, self._gate)
        # FAISS's radius is exclusive.
        limits, distance, place = self._index.range_search(picked.hashes, seeds.RADIUS + 1)
        row = np.repeat(np.arange(len(picked.hashes)), np.diff(limits.astype(np.int64)))
        order = np.lexsort((place, distance, row))
        row, place, distance = row[order], place[order], distance[order]
        nearest = np.arange(len(row)) - np.searchsorted(row, row) < seeds.PER_QUERY
        nominated = seeds.nominate(
            picked,
            row[nearest].astype(np.int32),
            np.zeros(int(nearest.sum()), np.int64),
            place[nearest].astype(np.int32),
            distance[nearest].astype(np.int32),
        )
        return nominated[0] if nominated else None


def would_match(
    query: Fingerprint, reference: Fingerprint, gate: int, indexed: int, exclusions: Sequence[Interval] = ()
) -> Finding | None:
    """`Trial.find` of a single upload."""
    return Trial(reference, gate, exclusions).find(query, indexed)


def ruled(policy: Policy, finding: Finding, labels: Sequence[str] = ()) -> Judgement:
    """What `policy` would make of a finding if the reference were a confirmed entry with these labels."""
    seconds = covered([(one.query_start, one.query_end) for one in finding.segments])
    return judge(policy, finding.evidence, finding.query_coverage, seconds, labels)
