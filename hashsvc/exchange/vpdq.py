"""The `vpdq` signal: frame hashes of a video as python-threatexchange's VPDQSignal reads them.

A signal is one line, a JSON array of strings `"<64 hex digits>,<quality 0-100>,<seconds>"`. Clients take the whole line
as the key of a record, so the same fingerprint must always give the same bytes.
"""

import json
from collections.abc import Iterable, Iterator

import numpy as np
import numpy.typing as npt

from hashsvc.exchange.model import ExportEntry, live
from hashsvc.fingerprint.model import Fingerprint

QUALITY_GATE = 50
"""Clients drop the hashes below this quality. Part of the partners' format, do not change."""


def signal(fingerprint: Fingerprint) -> str:
    """The `vpdq` signal of the unaltered picture (view `full`), one hash for each whole second.

    Empty when no hash reaches QUALITY_GATE: a client would be left with a record that has no hashes.
    """
    seconds = np.arange(max(1, int(np.ceil(fingerprint.duration))))
    shown = _shown(fingerprint, seconds.astype(np.float64))
    quality = fingerprint.quality[shown, 0]
    if not (quality >= QUALITY_GATE).any():
        return ""
    hashes = fingerprint.hashes[shown, 0]
    return json.dumps(
        [
            f"{frame.tobytes().hex()},{grade},{second}.0"
            for frame, grade, second in zip(hashes, quality.tolist(), seconds.tolist(), strict=True)
        ]
    )


def _shown(fingerprint: Fingerprint, times: npt.NDArray[np.float64]) -> npt.NDArray[np.intp]:
    """Which kept frame stands for each of `times`: the one whose span covers it, else the nearest; none if there
    are no frames."""
    if not fingerprint.frames:
        return np.zeros(0, np.intp)
    following = np.searchsorted(fingerprint.starts, times, side="right")
    before = np.maximum(following - 1, 0)
    after = np.minimum(following, fingerprint.frames - 1)
    since = np.maximum(times - fingerprint.ends[before], 0.0)
    until = np.abs(fingerprint.starts[after] - times)
    return np.where(since <= until, before, after)


def export(entries: Iterable[ExportEntry]) -> Iterator[str]:
    """One signal a line, an entry without a usable one left out: a `local_file` exchange of signal type `vpdq`."""
    for exported in live(entries):
        line = signal(exported.fingerprint)
        if line:
            yield line
