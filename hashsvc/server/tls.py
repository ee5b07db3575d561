"""The server's side of TLS: certificates from files that may be renewed while it runs."""

from collections.abc import Callable
from pathlib import Path
from typing import cast

import grpc
import structlog

from hashsvc.config import TlsSettings
from hashsvc.errors import InvalidInputError, PreconditionError
from hashsvc.wire.pem import read_authorities, read_pair

CONNECTION_SECONDS = 600
"""How long a connection lasts at most where clients have certificates, so that one that has expired or whose authority
is no longer trusted is found out; calls that run on it end first."""

_Stamp = tuple[tuple[int, int, int], ...]

log = structlog.get_logger("hashsvc.server")


class Certificates:
    """The files of `[tls]`. What they hold is asked for at each handshake, on gRPC's threads."""

    def __init__(self, settings: TlsSettings) -> None:
        """Raises InvalidInputError CONFIG_INVALID for half a pair, PreconditionError TLS_INVALID for bad files."""
        if not (settings.certificate and settings.key):
            raise InvalidInputError("CONFIG_INVALID", "[tls] needs both certificate and key", setting="tls")
        self._certificate, self._key = Path(settings.certificate), Path(settings.key)
        self._client_ca = Path(settings.client_ca) if settings.client_ca else None
        self._stamp = self._stamps()
        self._first = self._read()
        self._refused: _Stamp | None = None

    def credentials(self) -> grpc.ServerCredentials:
        """What a secure port is opened with; client certificates are required where there is a client authority."""
        # That None means "as before" is in gRPC's documentation and not in its types.
        renewed = cast("Callable[[], grpc.ServerCertificateConfiguration]", self._renewed)
        return grpc.dynamic_ssl_server_credentials(
            self._first, renewed, require_client_authentication=self._client_ca is not None
        )

    def _renewed(self) -> grpc.ServerCertificateConfiguration | None:
        """What the files hold now; None, for what was there before, when they have not changed or make no sense.

        What made no sense is looked at again when it changes: strangers can begin as many handshakes as they like.
        """
        stamp: _Stamp = ()
        try:
            stamp = self._stamps()
            if stamp in (self._stamp, self._refused):
                return None
            found = self._read()
            if self._stamps() != stamp:  # one of them was replaced in between; the next handshake will see all
                return None
        except PreconditionError as error:
            if stamp != self._refused:
                log.error("certificates not renewed", cause=error.message)
            self._refused = stamp
            return None
        self._stamp = stamp
        log.info("certificates renewed", certificate=str(self._certificate))
        return found

    def _read(self) -> grpc.ServerCertificateConfiguration:
        certificate, key = read_pair(self._certificate, self._key)
        authorities = read_authorities(self._client_ca) if self._client_ca is not None else None
        return grpc.ssl_server_certificate_configuration([(key, certificate)], authorities)

    def _stamps(self) -> _Stamp:
        files = (self._certificate, self._key, *((self._client_ca,) if self._client_ca is not None else ()))
        try:
            found = [file.stat() for file in files]
        except OSError as error:
            raise PreconditionError(
                "TLS_INVALID", f"{error.filename}: {error.strerror}", path=error.filename
            ) from error
        return tuple((one.st_mtime_ns, one.st_ino, one.st_size) for one in found)
