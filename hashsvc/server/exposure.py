"""Who can reach a server, and whether it may then start and let anybody in."""

import dataclasses

import structlog

from hashsvc.config import TlsSettings
from hashsvc.errors import InvalidInputError, PreconditionError
from hashsvc.wire.loopback import is_loopback

log = structlog.get_logger("hashsvc.server")


@dataclasses.dataclass(frozen=True, slots=True)
class Exposure:
    """An address to listen on, what protects it, and whether the operator said to do without.

    Raises InvalidInputError CONFIG_INVALID for client authorities or identities without what they need, PreconditionError
    LISTEN_INSECURE where other machines would reach a server without TLS.
    """

    listen: str
    tls: TlsSettings
    insecure: bool = False

    def __post_init__(self) -> None:
        if self.tls.client_ca and not self.encrypted:
            raise InvalidInputError("CONFIG_INVALID", "[tls] client_ca needs certificate and key", setting="client_ca")
        if self.tls.identities and not self.tls.client_ca:
            raise InvalidInputError("CONFIG_INVALID", "[tls.identities] needs client_ca", setting="identities")
        if not (self.insecure or self._local or self.encrypted):
            raise PreconditionError(
                "LISTEN_INSECURE",
                f"{self.listen} can be reached from other machines: give a certificate and key ([tls] in the "
                "configuration, or --cert and --key), or say --insecure",
                listen=self.listen,
            )

    @property
    def encrypted(self) -> bool:
        """True when the server has, or was meant to have, a certificate."""
        return bool(self.tls.certificate or self.tls.key)

    @property
    def may_be_open(self) -> bool:
        """True when calls without proof are let in as long as no token was made."""
        return not self.tls.client_ca and (self.insecure or (self._local and not self.encrypted))

    def check_tokens(self, made: bool) -> None:
        """Warn of what is open. `made` tells whether a token was ever made.

        Raises PreconditionError LISTEN_INSECURE where other machines reach a server that has no way to know anybody.
        """
        if not self.encrypted and not self._local:
            log.warning("listening without TLS beyond this machine", listen=self.listen)
        if made or self.tls.client_ca:
            return
        if self.may_be_open:
            log.warning(
                "open: whoever reaches this address may do anything; make a token to end that", listen=self.listen
            )
        elif self._local:
            log.warning("no token was made yet: nobody can call", listen=self.listen)
        else:
            raise PreconditionError(
                "LISTEN_INSECURE",
                f"{self.listen} can be reached from other machines, and no token was made: make one with `hashsvc token "
                "create --data DIR`, or give a client authority ([tls] client_ca, --client-ca), or say --insecure",
                listen=self.listen,
            )

    @property
    def _local(self) -> bool:
        return is_loopback(self.listen)
