"""Between an event loop and a process that matches for it: messages that come whole or not at all, pickled.

A stream may bring a part of a message and no more, for which an event loop must not wait. A socket that keeps messages apart
(SOCK_SEQPACKET, unix(7)) never does.
"""

import pickle
import socket
from typing import Any, Self

MOST_BYTES = 1 << 16
"""Of a pickled message. For much longer ones the system needs more memory in one piece than it can be sure to have."""


def packed(message: object) -> bytes:
    """What goes over a lane. Raises ValueError where the message is too long for one."""
    pickled = pickle.dumps(message, pickle.HIGHEST_PROTOCOL)
    if len(pickled) > MOST_BYTES:
        raise ValueError(f"a message of {len(pickled)} bytes, over {MOST_BYTES}")
    return pickled


class Lane:
    """One end. Neither takes messages from anybody but the other."""

    def __init__(self, end: socket.socket) -> None:
        self._end = end
        self._received = bytearray(MOST_BYTES)

    @classmethod
    def pair(cls) -> tuple[Self, socket.socket]:
        """An end that never waits, and the socket of the other one, which is given to a process."""
        own, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        for one in (own, other):
            one.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, MOST_BYTES)
        own.setblocking(False)
        return cls(own), other

    @classmethod
    def inherited(cls, descriptor: int) -> Self:
        """The end that waits for messages, by the number that it has in this process."""
        return cls(socket.socket(fileno=descriptor))

    def fileno(self) -> int:
        """-1 once it is closed."""
        return self._end.fileno()

    def send(self, message: object) -> None:
        """Raises ValueError as `packed` does, and OSError as `send_bytes` does."""
        self.send_bytes(packed(message))

    def send_bytes(self, message: bytes) -> None:
        """Send what is `packed`. Raises OSError where nobody is there, or an end that never waits would have to."""
        self._end.send(message)

    def recv(self) -> Any:
        """Raises EOFError when the other end is closed, BlockingIOError where this end never waits and nothing has come."""
        length = self._end.recv_into(self._received)
        if not length:
            raise EOFError
        return pickle.loads(memoryview(self._received)[:length])

    def close(self) -> None:
        self._end.close()
