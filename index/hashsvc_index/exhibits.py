"""What decisions refer to: kept by SHA-256, each once, and let go of when it was last appended too long ago."""

import hashlib
from collections.abc import Sequence

from hashsvc_index import records
from hashsvc_index.records import ExhibitUse
from hashsvc_index.writer import Writer

_TRIMMED = 256
"""Let go of in one transaction."""


def keep(writer: Writer, exhibits: Sequence[bytes], now: float) -> None:
    """Keep exhibits as the last that were appended; one that is there already is only moved to the end."""
    counts = writer.reader.exhibit_counts()
    for exhibit in exhibits:
        digest = hashlib.sha256(exhibit).digest()
        new = writer.put_new(b"exhibits", digest, exhibit)
        last = 0 if new else writer.reader.exhibit_use_of(digest)
        if last:
            writer.delete(b"exhibit_uses", records.number_key(last))
        else:
            counts = counts.moved(1, len(exhibit))
        counts = counts.used()
        use = ExhibitUse(number=counts.last_use, digest=digest, at=now, size=len(exhibit))
        writer.put(b"exhibit_uses", records.number_key(use.number), records.encode_use(use))
        writer.put(b"exhibit_ages", digest, records.number_key(use.number))
    if exhibits:
        writer.put(b"meta", records.KEY_EXHIBITS, records.encode_exhibits(counts))


def trim(writer: Writer, before: float, max_bytes: int) -> int:
    """Let go of the next few exhibits that were last appended before `before`, or are too many; return how many."""
    counts = writer.reader.exhibit_counts()
    gone = 0
    for use in writer.reader.exhibit_uses(_TRIMMED):
        if use.at >= before and counts.bytes <= max_bytes:
            break
        _drop(writer, use)
        counts = counts.moved(-1, -use.size)
        gone += 1
    if gone:
        writer.put(b"meta", records.KEY_EXHIBITS, records.encode_exhibits(counts))
    return gone


def _drop(writer: Writer, use: ExhibitUse) -> None:
    writer.delete(b"exhibit_uses", records.number_key(use.number))
    writer.delete(b"exhibit_ages", use.digest)
    writer.delete(b"exhibits", use.digest)
