"""Addresses to listen on, right and wrong."""

import socket

import pytest

from hashsvc.errors import InvalidInputError, PreconditionError
from hashsvc.server.address import check_listen


@pytest.mark.parametrize("listen", ["127.0.0.1:0", "localhost:0", "[::1]:0", "0.0.0.0:0"])
def test_good(listen: str) -> None:
    """HOST:PORT, with IPv6 in brackets."""
    if listen.startswith("[") and not socket.has_ipv6:
        pytest.skip("no IPv6")
    assert check_listen(listen) == listen


@pytest.mark.parametrize(
    "listen", ["", "localhost", ":50051", "127.0.0.1:", "127.0.0.1:65536", "::1:5", "a b:1", "h:x"]
)
def test_bad_form(listen: str) -> None:
    """Another form is LISTEN_INVALID."""
    with pytest.raises(InvalidInputError) as caught:
        check_listen(listen)
    assert caught.value.reason == "LISTEN_INVALID"


def test_taken_and_foreign() -> None:
    """A port that is taken and a host of somebody else are LISTEN_FAILED, with the cause."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        listen = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(PreconditionError, match="in use") as caught:
            check_listen(listen)
    assert (caught.value.reason, caught.value.metadata) == ("LISTEN_FAILED", {"listen": listen})
    with pytest.raises(PreconditionError):
        check_listen("192.0.2.1:50051")
