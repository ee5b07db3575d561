"""The address to listen on."""

import contextlib
import re
import socket

from hashsvc.errors import InvalidInputError, PreconditionError

_LISTEN = re.compile(r"(\[[0-9A-Fa-f:.%]+\]|[^\[\]:/\s]+):([0-9]{1,5})")


def check_listen(listen: str) -> str:
    """`listen` itself, HOST:PORT with an IPv6 host in brackets; port 0 takes a free one.

    gRPC says only that it could not bind, so the reasons are found out here: InvalidInputError LISTEN_INVALID for
    another form, PreconditionError LISTEN_FAILED for a port that is taken or a host that is not of this machine.
    """
    found = _LISTEN.fullmatch(listen)
    if found is None or int(found[2]) > 65535:
        raise InvalidInputError("LISTEN_INVALID", f"{listen!r} is not HOST:PORT", listen=listen)
    try:
        resolved = socket.getaddrinfo(found[1].strip("[]"), int(found[2]), type=socket.SOCK_STREAM)
        family, kind, protocol, _, address = resolved[0]
        with contextlib.closing(socket.socket(family, kind, protocol)) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        raise listen_failed(listen, error.strerror or str(error)) from error
    return listen


def listen_failed(listen: str, cause: str) -> PreconditionError:
    """The error of an address that cannot be had."""
    return PreconditionError("LISTEN_FAILED", f"cannot listen on {listen}: {cause}", listen=listen)
