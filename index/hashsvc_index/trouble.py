"""LMDB's and the system's errors, turned into ours."""

import errno
import os
from pathlib import Path

import lmdb

from hashsvc_index.errors import (
    DataDirectoryReadOnlyError,
    StoreCorruptError,
    StoreError,
    StoreFullError,
    StoreUnavailableError,
)
from hashsvc_index.records import DamagedError

_NO_ROOM = frozenset((errno.ENOSPC, errno.EFBIG, errno.EDQUOT, errno.ENOMEM))
_NO_WRITE = frozenset((errno.EROFS, errno.EACCES, errno.EPERM))
_KNOWN = (*_NO_ROOM, *_NO_WRITE, errno.EIO)
_CORRUPT = (
    lmdb.CorruptedError, lmdb.PageNotFoundError, lmdb.InvalidError, lmdb.VersionMismatchError, lmdb.IncompatibleError,
    lmdb.PanicError, lmdb.BadTxnError, lmdb.BadDbiError, DamagedError,
)  # fmt: skip


def error_code(error: Exception) -> int:
    """The errno of an OSError or LMDB error, 0 if it has none.

    Before version 3 py-lmdb puts it into words only, `what: strerror(errno)`.
    """
    code = int(getattr(error, "errno", None) or getattr(error, "code", None) or 0)
    if not code and isinstance(error, lmdb.Error):
        return next((known for known in _KNOWN if str(error).endswith(os.strerror(known))), 0)
    return code


def translate(path: Path, error: Exception, *, short_of_room: bool = False) -> StoreError:
    """The StoreError that says what `error` means for the data directory `path`.

    `short_of_room` tells what an input/output error comes from: LMDB reports a write cut short as one.
    """
    code = error_code(error)
    message = f"{path}: {error}"
    if isinstance(error, (lmdb.MapFullError, lmdb.DiskError)) or code in _NO_ROOM:
        return StoreFullError(message, path=path)
    if isinstance(error, lmdb.ReadonlyError) or code in _NO_WRITE:
        return DataDirectoryReadOnlyError(message, path=path)
    if isinstance(error, _CORRUPT):
        return StoreCorruptError(message, path=path)
    if code == errno.EIO and short_of_room:
        return StoreFullError(message, path=path)
    return StoreUnavailableError(message, path=path)
