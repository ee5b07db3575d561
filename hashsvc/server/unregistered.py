"""Keeps generated code from registering methods with a gRPC server."""

from collections.abc import Mapping, Sequence
from typing import cast

import grpc
import grpc.aio


class _Unregistered:
    """Takes services for a server, and registers none of their methods."""

    def __init__(self, server: grpc.aio.Server) -> None:
        self._server = server

    def add_generic_rpc_handlers(self, handlers: Sequence[grpc.GenericRpcHandler]) -> None:
        """Through these each method is found by its name."""
        self._server.add_generic_rpc_handlers(handlers)

    def add_registered_method_handlers(self, service: str, handlers: Mapping[str, object]) -> None:
        """As generated code asks."""


def unregistered(server: grpc.aio.Server) -> grpc.aio.Server:
    """What `add_...Servicer_to_server` may be given for the `server`: its methods are then found by their names alone.

    For every registered method grpc.aio keeps a future, and for each call it waits for all of them anew: with sixty methods
    that is a third of what the event loop does for a call (grpcio 1.85).
    """
    return cast(grpc.aio.Server, _Unregistered(server))
