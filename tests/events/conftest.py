"""Receivers for webhooks."""

from collections.abc import Iterator

import pytest

from tests.events.receiver import Receiver, receiving


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A receiver that is up."""
    with receiving() as receiver:
        yield receiver
