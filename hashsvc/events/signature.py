"""Signatures of webhooks, as standardwebhooks.com has them, so that receivers may check them with a ready library.

Header `webhook-signature` holds `v1,` and the base64 of HMAC-SHA256 over `webhook-id`, `webhook-timestamp` (Unix
seconds) and the body, with dots between; the key is what follows `whsec_` in the secret, in base64.
"""

import base64
import binascii
import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping

from hashsvc.errors import InvalidInputError

_PREFIX = "whsec_"
_SECRET = re.compile(rf"{_PREFIX}[A-Za-z0-9+/]{{32,88}}={{0,2}}")
_KEY_BYTES = range(24, 65)


def new_secret() -> str:
    """`whsec_` and 32 random bytes in base64."""
    return _PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


def check_secret(secret: str) -> str:
    """`secret` itself. Raises InvalidInputError FIELD_INVALID, without the secret, for another form."""
    if not _SECRET.fullmatch(secret) or _key(secret) is None:
        raise InvalidInputError("FIELD_INVALID", f"a secret is {_PREFIX} and 24 to 64 bytes in base64", field="secret")
    return secret


def headers(secret: str, identifier: str, timestamp: int, body: bytes) -> Mapping[str, str]:
    """What a webhook is sent with: its id, when it was signed, and the signature."""
    return {
        "webhook-id": identifier,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": signature(secret, identifier, timestamp, body),
    }


def signature(secret: str, identifier: str, timestamp: int, body: bytes) -> str:
    """The value of `webhook-signature`."""
    signed = b".".join((identifier.encode(), str(timestamp).encode(), body))
    digest = hmac.new(_key(secret) or b"", signed, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"


def _key(secret: str) -> bytes | None:
    """The bytes that sign, or None when they are not base64 of a proper length."""
    try:
        key = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except binascii.Error:
        return None
    return key if len(key) in _KEY_BYTES else None
