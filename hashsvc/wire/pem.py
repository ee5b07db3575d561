"""Certificates and keys from PEM files, checked before gRPC gets them, which says little of what is wrong."""

import ssl
from pathlib import Path

from hashsvc.errors import PreconditionError


def read_pair(certificate: Path, key: Path) -> tuple[bytes, bytes]:
    """The bytes of a certificate chain and of its private key. Raises PreconditionError TLS_INVALID."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        # The password keeps OpenSSL from asking for one on the terminal.
        context.load_cert_chain(certificate, key, password=lambda: b"")
        return certificate.read_bytes(), key.read_bytes()
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        raise _invalid(f"{certificate} and {key}", certificate, error) from error


def read_authorities(path: Path) -> bytes:
    """The bytes of a file of authorities' certificates. Raises PreconditionError TLS_INVALID."""
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(path)
        return path.read_bytes()
    except (OSError, ValueError) as error:
        raise _invalid(str(path), path, error) from error


def _invalid(what: str, path: Path, error: Exception) -> PreconditionError:
    cause = (getattr(error, "strerror", None) or str(error)) if isinstance(error, OSError) else str(error)
    return PreconditionError("TLS_INVALID", f"{what}: {cause}", path=path)
