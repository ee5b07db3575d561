"""One tree for every error that the store and the index raise on purpose.

StoreError
├── DataFormatTooNewError       DATA_FORMAT_TOO_NEW       written by a later version; left untouched
├── NotADataDirectoryError      NOT_A_DATA_DIRECTORY      a file, or a directory of somebody else's
├── DataDirectoryReadOnlyError  DATA_DIRECTORY_READ_ONLY  the directory cannot be written
├── StoreFullError              STORE_FULL                no room: disk, quota, file size limit, address space
├── StoreCorruptError           STORE_CORRUPT             bytes on disk are not what was written
├── StoreUnavailableError       STORE_UNAVAILABLE         input/output error, or every reader slot is taken
├── BankNotFoundError           BANK_NOT_FOUND
├── BankExistsError             BANK_EXISTS
├── EntryNotFoundError          ENTRY_NOT_FOUND
├── EntryExistsError            ENTRY_EXISTS
├── EntryWithdrawnError         ENTRY_WITHDRAWN           only a live entry can be replaced
├── DocumentNotFoundError       DOCUMENT_NOT_FOUND
├── DocumentExistsError         DOCUMENT_EXISTS
├── DecisionNotFoundError       DECISION_NOT_FOUND
├── RevisionConflictError       REVISION_CONFLICT         the record changed since the caller read it
└── IndexLoadingError           INDEX_LOADING             the index has not caught up with the store yet

Arguments that no state could make right (a wrong dtype, a name of 300 bytes) are ValueError.
"""

from collections.abc import Mapping
from typing import ClassVar


class StoreError(Exception):
    """Superclass of all errors here; never raised itself.

    `reason` is UPPER_SNAKE and fixed for each subclass; `metadata` holds every dynamic value of the message, as strings.
    """

    reason: ClassVar[str] = "STORE_ERROR"

    def __init__(self, message: str, **metadata: object) -> None:
        super().__init__(message)
        self.message = message
        self.metadata: Mapping[str, str] = {key: str(value) for key, value in metadata.items()}


class DataFormatTooNewError(StoreError):
    """The data directory was written by a later version. Metadata: path, format, supported."""

    reason = "DATA_FORMAT_TOO_NEW"


class NotADataDirectoryError(StoreError):
    """The path is a file, or a directory with foreign content. Metadata: path."""

    reason = "NOT_A_DATA_DIRECTORY"


class DataDirectoryReadOnlyError(StoreError):
    """The directory cannot be created or written. Metadata: path."""

    reason = "DATA_DIRECTORY_READ_ONLY"


class StoreFullError(StoreError):
    """No room for the change; nothing of it was kept, and reading goes on. Metadata: path."""

    reason = "STORE_FULL"


class StoreCorruptError(StoreError):
    """Bytes on disk are not what was written: a truncated file, a checksum that fails. Metadata: path."""

    reason = "STORE_CORRUPT"


class StoreUnavailableError(StoreError):
    """The same call may succeed later: an input/output error, or no free reader slot. Metadata: path."""

    reason = "STORE_UNAVAILABLE"


class BankNotFoundError(StoreError):
    """Metadata: bank."""

    reason = "BANK_NOT_FOUND"


class BankExistsError(StoreError):
    """Metadata: bank."""

    reason = "BANK_EXISTS"


class EntryNotFoundError(StoreError):
    """Metadata: bank and entry, or number."""

    reason = "ENTRY_NOT_FOUND"


class EntryExistsError(StoreError):
    """Metadata: bank, entry."""

    reason = "ENTRY_EXISTS"


class EntryWithdrawnError(StoreError):
    """Metadata: bank, entry."""

    reason = "ENTRY_WITHDRAWN"


class DocumentNotFoundError(StoreError):
    """Metadata: kind, name."""

    reason = "DOCUMENT_NOT_FOUND"


class DocumentExistsError(StoreError):
    """Metadata: kind, name."""

    reason = "DOCUMENT_EXISTS"


class DecisionNotFoundError(StoreError):
    """Metadata: decision."""

    reason = "DECISION_NOT_FOUND"


class RevisionConflictError(StoreError):
    """Metadata: expected, actual, and bank, bank and entry, or kind and name."""

    reason = "REVISION_CONFLICT"


class IndexLoadingError(StoreError):
    """The index is still loading or being rebuilt; a search now would miss entries."""

    reason = "INDEX_LOADING"
