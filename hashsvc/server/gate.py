"""Who is calling, and whether they may: asked before anything else of every call."""

import functools
import ipaddress
import re
from collections.abc import Hashable, Iterable
from contextvars import ContextVar
from urllib.parse import unquote

from hashsvc.access.model import ANYBODY, Caller
from hashsvc.config import Settings
from hashsvc.errors import AuthenticationError
from hashsvc.server.backend import Backend
from hashsvc.server.context import Context
from hashsvc.server.identities import Identities, names
from hashsvc.server.permissions import check_permission
from hashsvc.server.rates import Rates

_BEARER = re.compile(r"Bearer +([!-~]+)", re.IGNORECASE | re.ASCII)
_PEER = re.compile(r"ipv[46]:\[?([^\]]+?)\]?:\d+")
_PEERS = 1 << 12
"""Connections whose address is remembered."""
_IPV6_PREFIX = 64
"""Bits of an IPv6 address that tell callers apart: a host may use any address under them."""

_caller: ContextVar[Caller] = ContextVar("caller")


def current_caller() -> Caller:
    """Who makes the call that runs in this task. The name is what decisions and changes are signed with."""
    return _caller.get()


class Gate:
    """Lets calls in: identifies, counts, checks the permission, in this order.

    A bearer token decides where there is one, else the client certificate. With neither, the caller is `ANYBODY` if
    the server may be `open` and no token was ever made.
    """

    def __init__(self, backend: Backend, settings: Settings, *, open: bool) -> None:
        """Raises InvalidInputError CONFIG_INVALID for identities without a role."""
        self._backend = backend
        self._identities = Identities(settings.tls.identities)
        self._rates = Rates(settings.rates)
        self._open = open

    def identify(self, context: Context) -> Caller:
        """Who calls. Raises AuthenticationError, UnavailableError (INDEX_LOADING; RATE_LIMITED, for nobody known)."""
        try:
            caller = self._known(context)
        except AuthenticationError:
            self._rates.take(peer_host(context.peer()))  # guesses count, but not against whom they claim to be
            raise
        _caller.set(caller)
        return caller

    def admit(self, caller: Caller, method: str, peer: str) -> None:
        """Count one call and check that the role may make it; `method` is `package.Service/Method`.

        Raises UnavailableError RATE_LIMITED, PermissionDeniedError ROLE_FORBIDDEN.
        """
        key: Hashable = peer_host(peer) if caller is ANYBODY else (caller.name, caller.role)
        self._rates.take(key)
        check_permission(method, caller)

    def _known(self, context: Context) -> Caller:
        # On the event loop: two pages of the store's map are looked at, which takes less than to hand that to a thread.
        token = bearer_token(context.invocation_metadata() or ())
        if token is not None:
            return self._backend.service.tokens.caller(token)
        known = self._identities.caller(context.auth_context())
        if known is not None:
            return known
        if self._open and not self._tokens_made():
            return ANYBODY
        error = AuthenticationError("TOKEN_MISSING", "the call has no bearer token")
        error.identity = next(iter(names(context.auth_context())), "")
        raise error

    def _tokens_made(self) -> bool:
        """Once true it stays so: a server does not open again when the last token is revoked."""
        if self._backend.service.tokens.any_made():
            self._open = False
        return not self._open


def bearer_token(metadata: Iterable[tuple[str, str | bytes]]) -> str | None:
    """The token in the `authorization` header, None without one. Raises AuthenticationError TOKEN_MALFORMED."""
    headers = [value for key, value in metadata if key == "authorization"]
    if not headers:
        return None
    found = _BEARER.fullmatch(str(headers[0])) if len(headers) == 1 else None
    if found is None:
        raise AuthenticationError("TOKEN_MALFORMED", "the authorization header is not one bearer token")
    return found[1]


@functools.lru_cache(_PEERS)
def peer_host(peer: str) -> str:
    """The address in gRPC's name of a peer, without its port; of IPv6 the part that the host cannot choose."""
    found = _PEER.fullmatch(unquote(peer))
    if found is None:
        return peer
    try:
        address = ipaddress.ip_address(found[1].partition("%")[0])
    except ValueError:
        return found[1]
    if address.version == 4:
        return str(address)
    return str(ipaddress.ip_network((address, _IPV6_PREFIX), strict=False))
