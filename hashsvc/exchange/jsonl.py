"""One JSON object a line with every signal of an entry, for partners that read no client's format.

    {"bank", "entry", "external_id", "labels": [], "state", "revision", "created_at", "updated_at", "profile",
     "duration", "md5", "sha256", "videohash", "vpdq", "phash": [{"start", "end", "hash"}]}

Times of the video are seconds, rounded to a millisecond; `created_at` and `updated_at` are ISO 8601. A signal that the
entry does not have is null, and `phash` an empty list. `vpdq` is a string, the same bytes as in the other formats.
"""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from hashsvc.errors import FingerprintError
from hashsvc.exchange import vpdq
from hashsvc.exchange.model import ExportEntry, live
from hashsvc.fingerprint.model import Fingerprint


def export(entries: Iterable[ExportEntry]) -> Iterator[str]:
    """One object an entry. Raises FingerprintError FINGERPRINT_MALFORMED where pHashes and frames differ in number."""
    for exported in live(entries):
        yield json.dumps(_record(exported))


def _record(exported: ExportEntry) -> dict[str, Any]:
    entry, fingerprint = exported.entry, exported.fingerprint
    return {
        "bank": entry.bank,
        "entry": entry.entry,
        "external_id": entry.external_id,
        "labels": list(entry.labels),
        "state": entry.state.value,
        "revision": entry.revision,
        "created_at": entry.created_at.isoformat(),
        "updated_at": entry.updated_at.isoformat(),
        "profile": entry.profile,
        "duration": round(entry.duration, 3),
        "md5": entry.md5.lower() or None,
        "sha256": entry.sha256.lower() or None,
        "videohash": entry.videohash or None,
        "vpdq": vpdq.signal(fingerprint) or None,
        "phash": _phashes(fingerprint),
    }


def _phashes(fingerprint: Fingerprint) -> list[dict[str, Any]]:
    hashes = fingerprint.signals.phash
    if not len(hashes):
        return []
    if len(hashes) != fingerprint.frames:
        fault = f"{len(hashes)} pHashes for {fingerprint.frames} frames"
        raise FingerprintError("FINGERPRINT_MALFORMED", fault)
    return [
        {"start": round(start, 3), "end": round(end, 3), "hash": frame.tobytes().hex()}
        for start, end, frame in zip(fingerprint.starts.tolist(), fingerprint.ends.tolist(), hashes, strict=True)
    ]
