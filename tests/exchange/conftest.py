"""Entries to export, made from a seed."""

import datetime
from collections.abc import Callable

import numpy as np
import pytest

from hashsvc.bank.model import Entry, EntryState
from hashsvc.exchange.model import ExportEntry
from hashsvc.fingerprint.model import Fingerprint, Signals

Maker = Callable[..., ExportEntry]


def make(
    seed: int = 0,
    *,
    spans: list[tuple[float, float]] | None = None,
    quality: list[int] | None = None,
    duration: float | None = None,
    phash: bool = True,
    **fields: object,
) -> ExportEntry:
    """An entry whose frames have `spans` and full views of `quality`; `fields` replace the entry's own."""
    rng = np.random.default_rng(seed)
    spans = [(0.0, 1.5), (1.5, 2.25), (3.0, 4.0)] if spans is None else spans
    quality = [100] * len(spans) if quality is None else quality
    length = duration if duration is not None else (spans[-1][1] if spans else 0.0)
    fingerprint = Fingerprint(
        profile="standard-1",
        duration=length,
        views=("full", "mirror"),
        starts=np.array([start for start, _ in spans]),
        ends=np.array([end for _, end in spans]),
        hashes=rng.integers(0, 256, (len(spans), 2, 32), dtype=np.uint8),
        quality=np.array([[grade, 90] for grade in quality], np.uint8).reshape(len(spans), 2),
        signals=Signals(phash=rng.integers(0, 256, (len(spans) if phash else 0, 8), dtype=np.uint8)),
    ).check()
    now = datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.UTC)
    values: dict[str, object] = {
        "bank": "bank", "entry": f"e{seed}", "external_id": f"video {seed}", "state": EntryState.CONFIRMED,
        "labels": ("a", "b"), "profile": "standard-1", "duration": length, "frames": len(spans), "hashes": 2 * len(spans),
        "md5": rng.bytes(16).hex(), "sha256": rng.bytes(32).hex(), "videohash": "0x00ff00ff00ff00ff",
        "created_at": now, "updated_at": now, "revision": seed + 1,
    }  # fmt: skip
    return ExportEntry(entry=Entry(**(values | fields)), fingerprint=fingerprint)  # type: ignore[arg-type]


@pytest.fixture
def maker() -> Maker:
    """`make`, which makes an entry to export."""
    return make
