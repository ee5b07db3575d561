"""Errors on the wire: both error trees to google.rpc.Status and back, driven by the tables below.

Every status carries exactly one ErrorInfo (reason, domain "hashsvc", metadata) and, where the same request may succeed
later, a RetryInfo.
"""

import math
from collections.abc import Mapping

import grpc
from google.protobuf.duration_pb2 import Duration
from google.rpc.error_details_pb2 import ErrorInfo, RetryInfo
from google.rpc.status_pb2 import Status

from hashsvc import errors
from hashsvc_index import errors as store

DOMAIN = "hashsvc"

CODES: Mapping[type[Exception], grpc.StatusCode] = {
    errors.InvalidInputError: grpc.StatusCode.INVALID_ARGUMENT,
    errors.LimitExceededError: grpc.StatusCode.INVALID_ARGUMENT,
    errors.NotFoundError: grpc.StatusCode.NOT_FOUND,
    errors.AlreadyExistsError: grpc.StatusCode.ALREADY_EXISTS,
    errors.ConflictError: grpc.StatusCode.ABORTED,
    errors.PreconditionError: grpc.StatusCode.FAILED_PRECONDITION,
    errors.AuthenticationError: grpc.StatusCode.UNAUTHENTICATED,
    errors.PermissionDeniedError: grpc.StatusCode.PERMISSION_DENIED,
    errors.UnavailableError: grpc.StatusCode.UNAVAILABLE,
    errors.InternalError: grpc.StatusCode.INTERNAL,
    store.DataFormatTooNewError: grpc.StatusCode.FAILED_PRECONDITION,
    store.NotADataDirectoryError: grpc.StatusCode.FAILED_PRECONDITION,
    store.DataDirectoryReadOnlyError: grpc.StatusCode.FAILED_PRECONDITION,
    store.StoreFullError: grpc.StatusCode.RESOURCE_EXHAUSTED,
    store.StoreCorruptError: grpc.StatusCode.DATA_LOSS,
    store.StoreUnavailableError: grpc.StatusCode.UNAVAILABLE,
    store.BankNotFoundError: grpc.StatusCode.NOT_FOUND,
    store.BankExistsError: grpc.StatusCode.ALREADY_EXISTS,
    store.EntryNotFoundError: grpc.StatusCode.NOT_FOUND,
    store.EntryExistsError: grpc.StatusCode.ALREADY_EXISTS,
    store.EntryWithdrawnError: grpc.StatusCode.FAILED_PRECONDITION,
    store.DocumentNotFoundError: grpc.StatusCode.NOT_FOUND,
    store.DocumentExistsError: grpc.StatusCode.ALREADY_EXISTS,
    store.DecisionNotFoundError: grpc.StatusCode.NOT_FOUND,
    store.RevisionConflictError: grpc.StatusCode.ABORTED,
    store.IndexLoadingError: grpc.StatusCode.UNAVAILABLE,
}
"""The status code of each error class; a subclass that is not named takes its nearest base's."""

_CODES_BY_REASON = {
    "OVERLOADED": grpc.StatusCode.RESOURCE_EXHAUSTED,
    "RATE_LIMITED": grpc.StatusCode.RESOURCE_EXHAUSTED,
}
"""Where one reason says more than its class."""

RETRY_AFTER = "retry_after"
"""Metadata of an error that knows when trying again can help, in seconds; it becomes the RetryInfo."""

_RETRY_SECONDS = {grpc.StatusCode.UNAVAILABLE: 1, grpc.StatusCode.RESOURCE_EXHAUSTED: 5}

CLASSES: Mapping[str, type[errors.HashsvcError]] = {
    reason: kind
    for kind, reasons in {
        errors.InvalidInputError: "REQUEST_MALFORMED FIELD_REQUIRED FIELD_INVALID FIELD_TOO_LONG BANK_ID_INVALID "
        "PAGE_TOKEN_INVALID EXPORT_FORMAT_UNKNOWN LABEL_UNKNOWN LABEL_RETIRED MESSAGE_OUT_OF_ORDER CONFIG_INVALID LISTEN_INVALID",
        errors.FingerprintError: "PROFILE_UNKNOWN FINGERPRINT_MALFORMED FINGERPRINT_WITHOUT_EVIDENCE",
        errors.MediaError: "MEDIA_EMPTY MEDIA_UNREADABLE MEDIA_TRUNCATED MEDIA_NO_VIDEO MEDIA_TOO_FEW_FRAMES "
        "MEDIA_DECODER_CRASHED",
        errors.LimitExceededError: "LIMIT_BYTES LIMIT_DURATION LIMIT_PIXELS LIMIT_FRAMES LIMIT_CPU LIMIT_MEMORY "
        "LIMIT_MESSAGE",
        errors.NotFoundError: "BANK_NOT_FOUND ENTRY_NOT_FOUND DOCUMENT_NOT_FOUND DECISION_NOT_FOUND TOKEN_NOT_FOUND "
        "WEBHOOK_NOT_FOUND APPEAL_NOT_FOUND INCIDENT_NOT_FOUND INCIDENT_ENTRY_NOT_FOUND",
        errors.AlreadyExistsError: "BANK_EXISTS ENTRY_EXISTS DOCUMENT_EXISTS INCIDENT_EXISTS",
        errors.ConflictError: "REVISION_CONFLICT",
        errors.PreconditionError: "ENTRY_WITHDRAWN ENTRY_STATE SECOND_PERSON_REQUIRED BREAKER_NOT_TRIPPED BANK_MODE "
        "LISTEN_FAILED LISTEN_INSECURE TLS_INVALID METHOD_UNKNOWN RECENT_DISABLED REPLAY_IMPOSSIBLE APPEAL_STATE "
        "INCIDENT_CLOSED INCIDENT_OPEN",
        errors.AuthenticationError: "TOKEN_MISSING TOKEN_MALFORMED TOKEN_UNKNOWN TOKEN_EXPIRED TOKEN_REVOKED",
        errors.PermissionDeniedError: "ROLE_FORBIDDEN",
        errors.UnavailableError: "INDEX_LOADING REVISION_NOT_REACHED OVERLOADED RATE_LIMITED UPLOAD_STALLED "
        "SERVER_UNREACHABLE SERVER_NOT_READY DEADLINE_EXCEEDED",
        errors.InternalError: "INTERNAL",
    }.items()
    for reason in reasons.split()
}
"""The class that a client raises for each reason; what only the store says is a StoreError, see STORE_CLASSES."""

STORE_CLASSES: Mapping[str, type[store.StoreError]] = {
    kind.reason: kind for kind in store.StoreError.__subclasses__() if kind.reason not in CLASSES
}

_CLASSES_BY_CODE: Mapping[grpc.StatusCode, type[errors.HashsvcError]] = {
    grpc.StatusCode.INVALID_ARGUMENT: errors.InvalidInputError,
    grpc.StatusCode.NOT_FOUND: errors.NotFoundError,
    grpc.StatusCode.ALREADY_EXISTS: errors.AlreadyExistsError,
    grpc.StatusCode.ABORTED: errors.ConflictError,
    grpc.StatusCode.FAILED_PRECONDITION: errors.PreconditionError,
    grpc.StatusCode.UNAUTHENTICATED: errors.AuthenticationError,
    grpc.StatusCode.PERMISSION_DENIED: errors.PermissionDeniedError,
    grpc.StatusCode.UNAVAILABLE: errors.UnavailableError,
    grpc.StatusCode.RESOURCE_EXHAUSTED: errors.UnavailableError,
}
"""For a reason that a newer server sends and this version does not know."""

_BY_NUMBER: Mapping[int, grpc.StatusCode] = {code.value[0]: code for code in grpc.StatusCode}

_MESSAGE_BYTES = 512
_VALUE_BYTES = 256
"""A status travels in HTTP/2 headers, of which gRPC takes 8 KiB: longer texts are shortened, keys never dropped."""


def code_of(error: Exception) -> grpc.StatusCode:
    """The status code of `error`; INTERNAL for what neither tree knows."""
    by_class = next((CODES[kind] for kind in type(error).__mro__ if kind in CODES), grpc.StatusCode.INTERNAL)
    return _CODES_BY_REASON.get(getattr(error, "reason", ""), by_class)


def encode_error(error: Exception) -> Status:
    """The status of `error`. What neither tree knows is INTERNAL and tells nothing of itself."""
    if not isinstance(error, errors.HashsvcError | store.StoreError):
        error = errors.InternalError("INTERNAL", "internal error; the server's log has the details")
    code = code_of(error)
    status = Status(code=code.value[0], message=_shorten(error.message, _MESSAGE_BYTES))
    metadata = {_shorten(key, _VALUE_BYTES): _shorten(value, _VALUE_BYTES) for key, value in error.metadata.items()}
    status.details.add().Pack(ErrorInfo(reason=error.reason, domain=DOMAIN, metadata=metadata))
    if code in _RETRY_SECONDS:
        delay = Duration()
        delay.FromMilliseconds(math.ceil(float(error.metadata.get(RETRY_AFTER, _RETRY_SECONDS[code])) * 1000))
        status.details.add().Pack(RetryInfo(retry_delay=delay))
    return status


def decode_error(status: Status) -> errors.HashsvcError | store.StoreError:
    """The error that `status` stands for: same class, reason, message and metadata as the server raised.

    Where both trees have the reason, the class is of `hashsvc.errors`. A status without an ErrorInfo of ours becomes
    InternalError INTERNAL.
    """
    for detail in status.details:
        info = ErrorInfo()
        if detail.Unpack(info) and info.domain == DOMAIN:
            error = _rebuild(info.reason, status)
            error.metadata = dict(info.metadata)
            return error
    return errors.InternalError("INTERNAL", status.message)


def _rebuild(reason: str, status: Status) -> errors.HashsvcError | store.StoreError:
    if reason in STORE_CLASSES:
        return STORE_CLASSES[reason](status.message)
    code = _BY_NUMBER.get(status.code, grpc.StatusCode.UNKNOWN)
    kind = CLASSES.get(reason) or _CLASSES_BY_CODE.get(code, errors.InternalError)
    return kind(reason, status.message)


def _shorten(text: str, limit: int) -> str:
    """At most `limit` bytes of UTF-8; what cannot be UTF-8 (a file name in another encoding) is replaced."""
    encoded = text.encode("utf-8", "replace")
    if len(encoded) <= limit:
        return encoded.decode("utf-8")
    return encoded[: limit - 3].decode("utf-8", "ignore") + "…"
