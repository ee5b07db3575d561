"""How a client proves who it is, and knows that the server is the right one."""

import dataclasses
from pathlib import Path

import grpc
import structlog

from hashsvc.errors import InvalidInputError
from hashsvc.wire.loopback import is_loopback
from hashsvc.wire.pem import read_authorities, read_pair

log = structlog.get_logger("hashsvc.client")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Tls:
    """TLS as a client speaks it; PEM files, read when a client is made."""

    ca: Path | None = None
    """Authorities to trust; None trusts those that are trusted publicly."""
    certificate: Path | None = None
    """The client's own certificate, for servers that ask for one,"""
    key: Path | None = None
    """and its private key, not encrypted."""


def channel_credentials(tls: Tls) -> grpc.ChannelCredentials:
    """Raises InvalidInputError FIELD_REQUIRED for half a pair, PreconditionError TLS_INVALID for bad files."""
    if (tls.certificate is None) != (tls.key is None):
        raise InvalidInputError("FIELD_REQUIRED", "a client certificate and its key go together", field="key")
    authorities = None if tls.ca is None else read_authorities(tls.ca)
    certificate = key = None
    if tls.certificate is not None and tls.key is not None:
        certificate, key = read_pair(tls.certificate, tls.key)
    return grpc.ssl_channel_credentials(authorities, key, certificate)


def token_metadata(token: str | None, target: str, tls: Tls | None) -> tuple[tuple[str, str], ...]:
    """What goes with every call; warns of a token that others could read on its way.

    Raises InvalidInputError FIELD_INVALID for what no header can hold.
    """
    if token is None:
        return ()
    token = token.strip()
    if not (token.isascii() and token.isprintable() and token):
        raise InvalidInputError("FIELD_INVALID", "the token is not one line of visible ASCII", field="token")
    if tls is None and not is_loopback(target):
        log.warning("a token goes to another machine without TLS", target=target)
    return (("authorization", f"Bearer {token}"),)
