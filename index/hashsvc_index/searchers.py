"""Searching a snapshot on several cores without ever starting more threads than there are."""

from concurrent.futures import Future, ThreadPoolExecutor

import faiss
import numpy as np

from hashsvc_index.records import Vectors
from hashsvc_index.snapshot import Hits, Snapshot

_ONE_THREAD_WORK = 1 << 22
"""Queries x hashes below which a search is not worth a second thread: about 5 ms."""


class Searchers:
    """A pool that searches share. FAISS's own threads stay off: OpenMP starts a team for each thread that calls it,
    so that a server's searches would together run many times more threads than there are cores."""

    def __init__(self, threads: int) -> None:
        self._helpers = threads - 1
        self._pool = ThreadPoolExecutor(max(1, self._helpers), "hashsvc-index-search", initializer=_alone)

    def search(self, snapshot: Snapshot, queries: Vectors, *, radius: int, limit: int) -> Hits:
        """`Snapshot.search`, the queries shared out; what no helper has begun, the caller does itself."""
        _alone()
        queries = np.ascontiguousarray(queries)
        if len(queries) * snapshot.hashes < _ONE_THREAD_WORK or not self._helpers:
            return snapshot.search(queries, radius=radius, limit=limit)
        own, *others = np.array_split(queries, min(self._helpers + 1, len(queries)))
        try:
            asked = [self._pool.submit(snapshot.search, part, radius=radius, limit=limit) for part in others]
        except RuntimeError:  # Closed meanwhile.
            return snapshot.search(queries, radius=radius, limit=limit)
        found = [snapshot.search(own, radius=radius, limit=limit)]
        begins = len(own)
        for future, part in zip(asked, others, strict=True):
            hits = self._result(future, snapshot, part, radius, limit)
            found.append(hits.moved(begins))
            begins += len(part)
        return Hits.joined(found, snapshot.revision)

    def close(self) -> None:
        """End the helpers; searches go on without."""
        self._helpers = 0
        self._pool.shutdown()

    @staticmethod
    def _result(future: "Future[Hits]", snapshot: Snapshot, part: Vectors, radius: int, limit: int) -> Hits:
        if future.cancel():
            return snapshot.search(part, radius=radius, limit=limit)
        return future.result()


def _alone() -> None:
    """FAISS keeps to the calling thread."""
    faiss.omp_set_num_threads(1)
