"""Exact digests of a file's bytes."""

import hashlib
from pathlib import Path

from hashsvc.errors import LimitExceededError, MediaError
from hashsvc.fingerprint.model import Digests

_CHUNK = 1 << 20


def digest_file(path: Path, max_bytes: int) -> Digests:
    """MD5 and SHA-256 of the whole file.

    Raises MediaError (MEDIA_EMPTY, MEDIA_UNREADABLE when it cannot be read) and LimitExceededError LIMIT_BYTES.
    """
    # MD5 is what partners exchange, not a safeguard.
    md5, sha256 = hashlib.md5(usedforsecurity=False), hashlib.sha256()
    size = 0
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                size += len(chunk)
                if size > max_bytes:
                    raise LimitExceededError("LIMIT_BYTES", f"over {max_bytes} bytes", limit=max_bytes)
                md5.update(chunk)
                sha256.update(chunk)
    except OSError as error:
        raise MediaError("MEDIA_UNREADABLE", f"cannot be read: {error.strerror}") from error
    if not size:
        raise MediaError("MEDIA_EMPTY", "the file is empty")
    return Digests(md5=md5.digest(), sha256=sha256.digest())
