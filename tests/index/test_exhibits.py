"""What decisions refer to: kept once, let go of by age and size, and never missed by the log."""

import hashlib
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from hashsvc_index import Store, journal, records, verify


class Clock:
    """The time of the store's journal."""

    def __init__(self) -> None:
        self.now = time.time()

    def time(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[Clock]:
    """A clock that stands still unless it is set."""
    stopped = Clock()
    monkeypatch.setattr(journal, "time", stopped)
    yield stopped


def kept(store: Store, *exhibits: bytes) -> list[bool]:
    """Which of them are there."""
    return [store.exhibit(hashlib.sha256(one).digest()) == one for one in exhibits]


def trimmed(store: Store, before: float, max_bytes: int) -> int:
    """How many go, however many transactions that takes."""
    total = 0
    while gone := store.trim_exhibits(before, max_bytes):
        total += gone
    return total


def test_kept_once(store: Store) -> None:
    """The same exhibit again takes no more room."""
    for _ in range(3):
        store.append(decisions=[b"d"], exhibits=[b"one", b"one", b"other"])
    counts = store.exhibit_counts()
    assert (counts.exhibits, counts.bytes) == (2, 8)
    assert verify(store, None) == []


def test_let_go_of_by_age(store: Store, clock: Clock) -> None:
    """What was last appended too long ago goes; what was appended again since stays; the log verifies all the same."""
    store.append(decisions=[b"1", b"2"], exhibits=[b"old", b"again"])
    clock.now += 100
    store.append(decisions=[b"3"], exhibits=[b"again", b"new"])
    assert trimmed(store, clock.now - 50, 1 << 30) == 1
    assert kept(store, b"old", b"again", b"new") == [False, True, True]
    assert verify(store, None) == []
    assert len(store.decisions(0, 9)) == 3


def test_let_go_of_by_size(store: Store) -> None:
    """Over the quota those appended longest ago go, however many transactions that takes."""
    exhibits = [b"%04d" % number for number in range(1000)]
    for first in range(0, 1000, 100):
        store.append(exhibits=exhibits[first : first + 100])
    store.append(exhibits=exhibits[:1])
    assert store.trim_exhibits(0.0, 400) < 900
    trimmed(store, 0.0, 400)
    assert kept(store, exhibits[0], exhibits[900], exhibits[901], exhibits[999]) == [True, False, True, True]
    assert store.exhibit_counts().bytes == 400
    assert verify(store, None) == []


def test_appended_again_after_it_went(store: Store) -> None:
    """What was let go of comes back when it is appended again, in a store that was opened anew as well."""
    store.append(exhibits=[b"one"])
    assert trimmed(store, 0.0, 0) == 1
    store.append(exhibits=[b"one"])
    with Store.open(store.path) as again:
        assert kept(again, b"one") == [True]
        assert again.exhibit_counts().last_use == 2
    assert verify(store, None) == []


@pytest.mark.parametrize("table", [b"exhibits", b"exhibit_uses", b"exhibit_ages"])
def test_verify_misses_a_row(store: Store, table: bytes) -> None:
    """An exhibit without one of its rows is told."""
    store.append(exhibits=[b"one"])
    key = records.number_key(1) if table == b"exhibit_uses" else hashlib.sha256(b"one").digest()
    store.environment.write(0, lambda writing: writing.delete(key, db=store.environment.table(table)))
    assert any("xhibit" in fault for fault in verify(store, None))


def test_a_noted_head_shows_what_was_cut_off(store: Store, tmp_path: Path) -> None:
    """A log that was made anew without its end verifies by itself, and not against a head that was noted before."""
    store.append(decisions=[b"1", b"2"])
    _, early = store.decision_head()
    store.append(decisions=[b"3"])
    _, late = store.decision_head()
    assert store.verify_decisions(early) == store.verify_decisions(late) == store.verify_decisions(bytes(32)) == []
    with Store.open(tmp_path / "forged") as forged:
        forged.put_bank("b", b"", create=True)
        forged.append(decisions=[b"1", b"2"])
        assert forged.verify_decisions() == forged.verify_decisions(early) == []
        [fault] = forged.verify_decisions(late)
    assert late.hex() in fault
