"""A real HTTP receiver that a test can make go down, come back, and refuse."""

import contextlib
import http.server
import json
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from hashsvc.events.model import Event


class Receiver:
    """Listens on a port of the loopback that stays the same while it is down."""

    def __init__(self) -> None:
        self.received: list[tuple[dict[str, str], bytes]] = []
        """Headers and body of everything that was accepted."""
        self.asked = 0
        """Requests that came, accepted or not."""
        self.status: Callable[[Event], int] = lambda event: 204
        self.headers: dict[str, str] = {}
        self._port = 0
        self._server: http.server.ThreadingHTTPServer | None = None
        self.up()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}/hook?a=b"

    @property
    def events(self) -> list[Event]:
        """What was accepted, in order, each as often as it came."""
        return [Event.decode(body) for _, body in self.received]

    def up(self) -> None:
        """Listen."""
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                receiver.asked += 1
                body = self.rfile.read(int(self.headers["content-length"]))
                status = receiver.status(Event.decode(body))
                if 200 <= status < 300:
                    headers = {name.lower(): value for name, value in self.headers.items()} | {"path": self.path}
                    receiver.received.append((headers, body))
                self.send_response(status)
                for name, value in receiver.headers.items():
                    self.send_header(name, value)
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                """Not on the test's output."""

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", self._port), Handler)
        self._port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def down(self) -> None:
        """Refuse connections."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None


@contextlib.contextmanager
def receiving() -> Iterator[Receiver]:
    """A receiver that is up."""
    receiver = Receiver()
    try:
        yield receiver
    finally:
        receiver.down()


def until(condition: Callable[[], object], seconds: float = 20.0) -> None:
    """Wait for `condition`; fail when it does not come."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.02)


def envelope(body: bytes) -> dict[str, Any]:
    """A CloudEvent as any receiver reads it."""
    fields: dict[str, Any] = json.loads(body)
    return fields
