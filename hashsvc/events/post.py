"""One event to one receiver over HTTP."""

import contextlib
import enum
import functools
import http.client
import socket
import ssl
import threading
import time
import urllib.parse
from importlib.metadata import version

from hashsvc.events.model import CONTENT_TYPE, Event
from hashsvc.events.signature import headers

_NOT_NOW = frozenset((408, 425, 429, 502, 503, 504))
_ANSWER_BYTES = 4096


class Outcome(enum.Enum):
    """What became of a delivery."""

    DELIVERED = "delivered"
    REFUSED = "refused"
    """The receiver answered, and it was no to this event: others may still be welcome."""
    UNREACHABLE = "unreachable"
    """Nobody answered, or the answer was that nothing is taken just now."""


class Post:
    """Sends to one URL. One thread sends; any other may `abort`. Redirects are not followed: a redirect is a refusal."""

    def __init__(self, url: str, secret: str, timeout: float) -> None:
        self._url = urllib.parse.urlsplit(url)
        self._secret = secret
        self._timeout = timeout
        self._connection: http.client.HTTPConnection | None = None
        self._aborted = threading.Event()

    def send(self, event: Event) -> tuple[Outcome, str]:
        """The outcome, and for people what went wrong. Takes no longer than the timeout, once the name is resolved."""
        body = event.encode()
        self._connection = connection = self._connect()
        timer = threading.Timer(self._timeout, _shut, [connection])
        timer.daemon = True
        timer.start()
        try:
            target = urllib.parse.urlunsplit(("", "", self._url.path or "/", self._url.query, ""))
            connection.request("POST", target, body, self._headers(event, body))
            answer = connection.getresponse()
            answer.read(_ANSWER_BYTES)
        except (OSError, http.client.HTTPException) as error:
            return Outcome.UNREACHABLE, f"{type(error).__name__}: {error}"[:200]
        finally:
            timer.cancel()
            connection.close()
        if 200 <= answer.status < 300:
            return Outcome.DELIVERED, ""
        outcome = Outcome.UNREACHABLE if answer.status in _NOT_NOW else Outcome.REFUSED
        return outcome, f"HTTP {answer.status}"

    def abort(self) -> None:
        """End a running `send`, and every later one at once."""
        self._aborted.set()
        if self._connection is not None:
            _shut(self._connection)

    def _connect(self) -> http.client.HTTPConnection:
        host, timeout = self._url.hostname or "", 0.001 if self._aborted.is_set() else self._timeout
        if self._url.scheme == "https":
            context = ssl.create_default_context()
            return http.client.HTTPSConnection(host, self._url.port, timeout=timeout, context=context)
        return http.client.HTTPConnection(host, self._url.port, timeout=timeout)

    def _headers(self, event: Event, body: bytes) -> dict[str, str]:
        return {
            "content-type": f"{CONTENT_TYPE}; charset=utf-8",
            "user-agent": _agent(),
            "connection": "close",
            **headers(self._secret, event.id, int(time.time()), body),
        }


@functools.cache
def _agent() -> str:
    return f"hashsvc/{version('hashsvc')}"


def _shut(connection: http.client.HTTPConnection) -> None:
    """Make a blocked read or write of the connection end now."""
    with contextlib.suppress(OSError, AttributeError):  # not connected yet, or no more
        connection.sock.shutdown(socket.SHUT_RDWR)
