"""One tree for every error that hashsvc raises on purpose.

HashsvcError
├── InvalidInputError          the caller's words are wrong in any state
│   ├── MediaError             the bytes are not a video that can be fingerprinted
│   └── FingerprintError       the fingerprint is malformed or of another profile
├── LimitExceededError         a configured bound was broken (bytes, seconds, pixels, frames, CPU)
├── NotFoundError              no such bank, entry, webhook, incident
├── AlreadyExistsError         such a bank or entry is there already
├── ConflictError              somebody else changed it first
├── PreconditionError          right words, wrong state (withdrawn already, a read-only directory)
├── AuthenticationError        nobody known is asking: no credentials, or none that hold
├── PermissionDeniedError      somebody known is asking for what their role may not do
├── UnavailableError           try again: still loading, revision not reached, overloaded
└── InternalError              a defect of hashsvc itself, as the far side of a connection sees it

The store and index below raise `hashsvc_index.errors.StoreError`, which carries the same two attributes,
`reason` and `metadata`, so that one table at each edge serves both trees.
"""

from collections.abc import Mapping


class HashsvcError(Exception):
    """Superclass of all hashsvc errors; never raised itself.

    `reason` is UPPER_SNAKE and one of `hashsvc.v1.ErrorReason` without its prefix; `metadata` holds every
    dynamic value of the message, as strings.
    """

    def __init__(self, reason: str, message: str, **metadata: object) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.metadata: Mapping[str, str] = {key: str(value) for key, value in metadata.items()}


class InvalidInputError(HashsvcError):
    """The request is wrong whatever the state of the service."""


class MediaError(InvalidInputError):
    """The bytes cannot be fingerprinted: MEDIA_EMPTY, MEDIA_UNREADABLE, MEDIA_TRUNCATED, MEDIA_NO_VIDEO,
    MEDIA_TOO_FEW_FRAMES, MEDIA_DECODER_CRASHED."""


class FingerprintError(InvalidInputError):
    """PROFILE_UNKNOWN, FINGERPRINT_MALFORMED."""


class LimitExceededError(HashsvcError):
    """A bound of `hashsvc.config.Limits` was broken: LIMIT_BYTES, LIMIT_DURATION, LIMIT_PIXELS, LIMIT_FRAMES,
    LIMIT_CPU, LIMIT_MEMORY."""


class NotFoundError(HashsvcError):
    """BANK_NOT_FOUND, ENTRY_NOT_FOUND, TOKEN_NOT_FOUND, WEBHOOK_NOT_FOUND, INCIDENT_NOT_FOUND."""


class AlreadyExistsError(HashsvcError):
    """BANK_EXISTS, ENTRY_EXISTS, INCIDENT_EXISTS."""


class ConflictError(HashsvcError):
    """REVISION_CONFLICT: the resource changed since the caller read it."""


class PreconditionError(HashsvcError):
    """ENTRY_WITHDRAWN and the like: the state forbids it."""


class AuthenticationError(HashsvcError):
    """TOKEN_MISSING, TOKEN_MALFORMED, TOKEN_UNKNOWN, TOKEN_EXPIRED, TOKEN_REVOKED: the call is nobody's."""

    identity = ""
    """Whose credentials they would be, where that is known: for the server's log, never told to the caller."""


class PermissionDeniedError(HashsvcError):
    """ROLE_FORBIDDEN: the caller's role may not call the method."""


class UnavailableError(HashsvcError):
    """INDEX_LOADING, REVISION_NOT_REACHED, OVERLOADED, RATE_LIMITED: the same request may succeed later."""


class InternalError(HashsvcError):
    """INTERNAL: a defect; the server's log has the traceback. Never raised by the domain, only by a client."""
