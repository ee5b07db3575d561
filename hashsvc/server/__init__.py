"""The gRPC edge: servicers, errors to statuses, health, uploads."""

from hashsvc.server.serve import DEFAULT_LISTEN, serve
from hashsvc.server.server import Server

__all__ = ["DEFAULT_LISTEN", "Server", "serve"]
