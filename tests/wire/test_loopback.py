"""Which addresses stay within the machine."""

from hashsvc.wire.loopback import is_loopback


def test_loopback() -> None:
    """Only this machine can reach a loopback address."""
    assert all(map(is_loopback, ("127.0.0.1:1", "[::1]:1", "localhost:1")))
    assert not any(map(is_loopback, ("0.0.0.0:1", "[::]:1", "example.org:1", "10.0.0.1:1")))
