"""A service, and what is uploaded to it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hashsvc.bank.model import Entry
from hashsvc.decisions.model import Decision
from hashsvc.errors import HashsvcError
from hashsvc.fingerprint.model import Digests
from hashsvc.service import Service
from hashsvc_index import StoreError
from tests.match.synthetic import a_reference, an_upload

VIDEO, OTHER = a_reference(1), a_reference(2)
COPY = an_upload([(VIDEO, 3.0, 12.0, 1.0)])
EXCERPT = an_upload([(VIDEO, 3.0, 6.0, 1.0), (None, 0.0, 20.0, 1.0)], seed=5)
BOTH = an_upload([(VIDEO, 3.0, 10.0, 1.0), (OTHER, 5.0, 10.0, 1.0)], seed=6)
STRANGER = an_upload([(None, 0.0, 12.0, 1.0)], seed=7)


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    """A new one."""
    with Service.open(tmp_path / "data", actor="mia") as opened:
        yield opened


@pytest.fixture
def entry(service: Service) -> Entry:
    """VIDEO, confirmed and searched."""
    return confirmed(service)


def confirmed(service: Service, seed: int = 1, **others: object) -> Entry:
    """An entry that is searched when this returns."""
    made = service.confirm("default", a_reference(seed), external_id=str(seed), **others)  # type: ignore[arg-type]
    searched(service)
    return made


def searched(service: Service) -> None:
    """Wait until the next match knows of every change."""
    service.match(Digests(md5=bytes(16)), min_revision=service.revision)


def verdicts(service: Service) -> list[Decision]:
    """The verdicts of the log, in order."""
    return list(service.list_decisions(kind="verdict").items)


def refused(call: Callable[[], object], reason: str) -> str:
    """It raises an error with that reason; its message."""
    with pytest.raises((HashsvcError, StoreError)) as caught:
        call()
    assert caught.value.reason == reason  # type: ignore[attr-defined]
    return str(caught.value)
