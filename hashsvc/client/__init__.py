"""The client library: the methods of `hashsvc.service.Service`, over gRPC, sync and asyncio."""

from hashsvc.client.asynchronous import AsyncClient
from hashsvc.client.credentials import Tls
from hashsvc.client.synchronous import Client

__all__ = ["AsyncClient", "Client", "Tls"]
