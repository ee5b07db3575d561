"""Searching a snapshot on several cores without ever starting more threads than there are."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

import faiss
import numpy as np

from hashsvc_index.layers import Layers
from hashsvc_index.records import Vectors
from hashsvc_index.snapshot import Hits

Find = Callable[[Vectors, Layers], Hits]

_ONE_THREAD_WORK = 1 << 24
"""Queries x vectors compared below which a search is not worth a second thread: 2 to 5 ms where the scan is compiled."""


class Searchers:
    """A pool that searches share. FAISS's own threads stay off: OpenMP starts a team for each thread that calls it,
    so that a server's searches would together run many times more threads than there are cores."""

    def __init__(self, threads: int) -> None:
        self._helpers = threads - 1
        self._pool = ThreadPoolExecutor(max(1, self._helpers), "hashsvc-index-search", initializer=keep_to_this_thread)

    def search(self, find: Find, queries: Vectors, reach: Layers, met: int, revision: int) -> Hits:
        """`find`, the queries and their reach shared out; what no helper has begun, the caller does itself.

        `met` is how many vectors each query is compared with, `revision` what they amount to.
        """
        keep_to_this_thread()
        queries = np.ascontiguousarray(queries)
        if len(queries) * met < _ONE_THREAD_WORK or not self._helpers:
            return find(queries, reach)
        shares = min(self._helpers + 1, len(queries))
        own, *others = zip(np.array_split(queries, shares), np.array_split(reach, shares), strict=True)
        try:
            asked = [self._pool.submit(find, *part) for part in others]
        except RuntimeError:  # Closed meanwhile.
            return find(queries, reach)
        found = [find(*own)]
        begins = len(own[0])
        for future, part in zip(asked, others, strict=True):
            hits = self._result(future, find, *part)
            found.append(hits.moved(begins))
            begins += len(part[0])
        return Hits.joined(found, revision)

    def close(self) -> None:
        """End the helpers; searches go on without."""
        self._helpers = 0
        self._pool.shutdown()

    @staticmethod
    def _result(future: "Future[Hits]", find: Find, queries: Vectors, reach: Layers) -> Hits:
        if future.cancel():
            return find(queries, reach)
        return future.result()


def keep_to_this_thread() -> None:
    """Have FAISS use no threads of its own in the calling one."""
    faiss.omp_set_num_threads(1)
