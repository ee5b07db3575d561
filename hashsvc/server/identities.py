"""Which caller a client certificate stands for."""

from collections.abc import Iterable, Mapping

from hashsvc.access.model import Caller, Role
from hashsvc.errors import InvalidInputError

AuthContext = Mapping[str, Iterable[bytes]]
"""What gRPC says of a connection's peer."""


class Identities:
    """The names of `[tls.identities]` and their roles."""

    def __init__(self, identities: Iterable[tuple[str, str]]) -> None:
        """Raises InvalidInputError CONFIG_INVALID for a role that there is not."""
        self._roles: dict[str, Role] = {}
        for name, role in identities:
            if role not in list(Role):
                raise InvalidInputError(
                    "CONFIG_INVALID", f"[tls.identities]: {name!r} has no role of {', '.join(Role)}", setting=name
                )
            self._roles[name] = Role(role)

    def caller(self, context: AuthContext) -> Caller | None:
        """Who the peer's certificate says it is: the first of its names that has a role; None without one."""
        return next((Caller(name, self._roles[name]) for name in names(context) if name in self._roles), None)


def names(context: AuthContext) -> list[str]:
    """The names in a verified client certificate: URIs, then DNS names, and the common name where it has neither."""
    for kinds in (("peer_uri", "peer_dns"), ("x509_common_name",)):
        found = [name.decode("utf-8", "replace") for kind in kinds for name in context.get(kind, ())]
        if found:
            return found
    return []
