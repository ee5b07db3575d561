"""Messages between an event loop and a process: whole or not at all."""

import pytest

from hashsvc.match.lane import MOST_BYTES, Lane, packed


@pytest.fixture
def ends() -> "tuple[Lane, Lane]":
    """An end that never waits, and the other one."""
    own, other = Lane.pair()
    return own, Lane.inherited(other.detach())


def test_messages_come_one_by_one(ends: tuple[Lane, Lane]) -> None:
    """As they were sent, in order, both ways."""
    own, other = ends
    for message in ("first", {"second": bytes(10)}):
        own.send(message)
    assert [other.recv(), other.recv()] == ["first", {"second": bytes(10)}]
    other.send_bytes(packed(3))
    assert own.recv() == 3
    for one in ends:
        one.close()


def test_one_end_never_waits(ends: tuple[Lane, Lane]) -> None:
    """Neither for a message nor until there is room for one."""
    own = ends[0]
    with pytest.raises(BlockingIOError):
        own.recv()
    with pytest.raises(BlockingIOError):
        for _ in range(1000):
            own.send(bytes(1000))
    for one in ends:
        one.close()


def test_the_longest_message(ends: tuple[Lane, Lane]) -> None:
    """What is longer is refused before anything of it is sent."""
    own, other = ends
    longest = bytes(MOST_BYTES - len(packed(bytes(MOST_BYTES // 2))) + MOST_BYTES // 2)
    assert len(packed(longest)) == MOST_BYTES
    own.send(longest)
    assert other.recv() == longest
    with pytest.raises(ValueError, match="65537 bytes"):
        own.send(longest + b"1")
    with pytest.raises(BlockingIOError):
        own.recv()
    for one in ends:
        one.close()


def test_the_other_end_is_gone(ends: tuple[Lane, Lane]) -> None:
    """What was sent before is read, and then that there is nobody."""
    own, other = ends
    other.send("last")
    other.close()
    assert own.recv() == "last"
    with pytest.raises(EOFError):
        own.recv()
    with pytest.raises(OSError, match=r"Broken pipe|not connected"):
        own.send("anybody?")
    own.close()
