"""Which entries move as an upload does: activity curves of all live entries in one FAISS inner-product index.

Blind to the picture, it nominates entries that no frame hash points at. It follows the store as it is asked, so that it is
never behind what it answers for; the first question after a start reads the curves of all entries.
"""

import threading

import faiss
import numpy as np
import numpy.typing as npt

from hashsvc.fingerprint.model import ACTIVITY_RATE
from hashsvc.match import curves
from hashsvc_index import Store
from hashsvc_index.errors import EntryNotFoundError

_SPEEDS = (0.5, 0.67, 0.8, 0.9, 1.0, 1.12, 1.25, 1.5, 2.0, -1.0)
"""Each entry is indexed as it runs at these speeds."""
_STRIDE = ACTIVITY_RATE
"""Samples between indexed windows; a query's windows begin at each of these phases."""
_ANCHORS = 8
"""Places in a query that are looked for."""
_NEAREST = 16
_LIKELY = 0.6
"""Mean agreement of a window from which on it speaks for an entry."""
_DEAD = 0.5
"""Share of withdrawn windows from which on the index is made anew."""


class CurveIndex:
    """Thread-safe. `load` gives the activity curve (m,) of an entry by number; empty where there is none."""

    def __init__(self, store: Store, load: "curves.Load") -> None:
        self._store = store
        self._load = load
        self._lock = threading.Lock()
        self._clear()

    def nominate(self, activity: npt.NDArray[np.float32], most: int) -> list[int]:
        """Numbers of the entries that agree best with some row of a query's activity (rows, n), best first.

        Withdrawn ones may be among them.
        """
        windows = _query_windows(activity)
        if not len(windows):
            return []
        with self._lock:
            self._follow()
            if not self._index.ntotal:
                return []
            scores, rows = self._index.search(windows, min(_NEAREST, self._index.ntotal))
            owners = np.concatenate(self._owners)
        good = (scores >= _LIKELY) & (rows >= 0)
        best: dict[int, float] = {}
        for number, score in zip(owners[rows[good]].tolist(), scores[good].tolist(), strict=True):
            best[number] = max(best.get(number, 0.0), score)
        return sorted(best, key=lambda number: -best[number])[:most]

    def _clear(self) -> None:
        self._index = faiss.IndexScalarQuantizer(
            2 * curves.WINDOW, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT
        )
        self._owners: list[npt.NDArray[np.int64]] = []
        self._known: set[int] = set()
        self._revision = -1

    def _follow(self) -> None:
        """Add what is new in the store; begin anew when much of it is withdrawn."""
        revision = self._store.revision()
        if revision == self._revision:
            return
        live = {number for number, _ in self._store.live_entries()}
        if len(self._known - live) > _DEAD * len(self._known):
            self._clear()
        for number in sorted(live - self._known):
            try:
                windows = _reference_windows(self._load(number))
            except EntryNotFoundError:  # withdrawn in this instant
                continue
            self._known.add(number)
            if len(windows):
                self._index.add(windows)
                self._owners.append(np.full(len(windows), number, np.int64))
        self._revision = revision


def _query_windows(activity: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Windows float32 (w, 2 x WINDOW) of the rows, at _ANCHORS places and each phase of the indexed ones."""
    rows, length = activity.shape
    room = length - curves.WINDOW
    if not rows or room < 0:
        return np.zeros((0, 2 * curves.WINDOW), np.float32)
    anchors = np.unique(np.linspace(0, max(room - _STRIDE + 1, 0), _ANCHORS).astype(int))
    begins = np.unique(np.minimum(anchors[:, None] + np.arange(_STRIDE), room))
    times = (np.arange(length) + 0.5) / ACTIVITY_RATE
    return np.concatenate([curves.windows(row, times, 1.0, begins) for row in activity])


def _reference_windows(activity: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Windows float32 (w, 2 x WINDOW) of a curve (m,) at each speed."""
    found = [np.zeros((0, 2 * curves.WINDOW), np.float32)]
    for speed in _SPEEDS:
        length = int(len(activity) / abs(speed))
        times = (np.arange(length) + 0.5) * abs(speed) / ACTIVITY_RATE
        if speed < 0:
            times = times[::-1]
        begins = np.arange(0, length - curves.WINDOW + 1, _STRIDE)
        if len(begins):
            found.append(curves.windows(activity, times, abs(speed), begins))
    return np.concatenate(found)
