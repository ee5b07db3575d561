"""What is remembered of the store is forgotten when the store changes."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from hashsvc.bank.model import EntryState, Policy
from hashsvc.match import known
from hashsvc.match.known import Known
from hashsvc.service import DEFAULT_BANK, Service
from hashsvc_index import Store
from hashsvc_index.errors import BankNotFoundError
from tests.match.synthetic import a_reference

REFERENCE = a_reference(1, 4.0)


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    with Service.open(tmp_path / "data") as service:
        yield service


@pytest.fixture
def store(service: Service, tmp_path: Path) -> Iterator[Store]:
    """Another view of the service's store, as another process has it."""
    store = Store.open(tmp_path / "data")
    yield store
    store.close()


def test_nothing_is_read_twice(service: Service, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """While nothing changes, an entry, a bank and all banks are each read once."""
    entry = service.confirm(DEFAULT_BANK, REFERENCE)
    number = store.get_entry(DEFAULT_BANK, entry.entry).number
    at = Known(store).latest()
    first = at.entry(number), at.bank(DEFAULT_BANK), at.every_bank()
    assert first[0] is not None and first[0].entry == entry.entry
    assert first[1] == service.get_bank(DEFAULT_BANK) and list(first[2]) == [first[1]]
    for name in ("get_entry_by_number", "get_bank", "list_banks"):
        monkeypatch.setattr(Store, name, None)
    assert at.latest() is at
    assert (at.entry(number), at.bank(DEFAULT_BANK), at.every_bank()) == first


def test_a_change_is_seen(service: Service, store: Store) -> None:
    """A withdrawal, another policy, a new bank: whoever asks for the latest sees them at once."""
    entry = service.confirm(DEFAULT_BANK, REFERENCE)
    number = store.get_entry(DEFAULT_BANK, entry.entry).number
    before = Known(store).latest()
    assert before.entry(number) and len(before.every_bank()) == 1
    service.withdraw(DEFAULT_BANK, entry.entry, reason="in error")
    after = before.latest()
    assert after is not before and after.entry(number) is None
    service.create_bank("others")
    assert [bank.bank for bank in after.latest().every_bank()] == [DEFAULT_BANK, "others"]
    service.update_bank(DEFAULT_BANK, policy=Policy(block_coverage=0.9))
    assert after.latest().bank(DEFAULT_BANK).policy.block_coverage == 0.9


def test_what_is_not_there(service: Service, store: Store) -> None:
    at = Known(store).latest()
    assert at.entry(7) is None
    with pytest.raises(BankNotFoundError):
        at.bank("others")
    service.confirm(DEFAULT_BANK, REFERENCE)
    found = at.latest().entry(1)
    assert found is not None and found.state is EntryState.CONFIRMED


def test_it_remembers_so_many_only(service: Service, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """More entries than are kept are read again, and read right."""
    monkeypatch.setattr(known, "_MOST_ENTRIES", 2)
    names = [service.confirm(DEFAULT_BANK, a_reference(seed, 2.0)).entry for seed in range(5)]
    numbers = {name: store.get_entry(DEFAULT_BANK, name).number for name in names}
    at = Known(store).latest()
    for name in (*names, *reversed(names)):
        found = at.entry(numbers[name])
        assert found is not None and found.entry == name
        assert len(at._entries) <= 2
