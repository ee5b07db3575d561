"""Verdicts judged once more, by everything as it was."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from hashsvc.bank.model import Entry, Interval, Policy, Verdict
from hashsvc.config import IndexSettings, Settings
from hashsvc.decisions.past import PastIndex, PastStore
from hashsvc.fingerprint.model import Digests
from hashsvc.match import seeds
from hashsvc.service import Service
from hashsvc_index import Store
from hashsvc_index.errors import BankNotFoundError, EntryNotFoundError
from tests.decisions.conftest import BOTH, COPY, EXCERPT, OTHER, VIDEO, confirmed, refused, searched, verdicts
from tests.match.synthetic import a_reference, an_upload


def withdrawn(service: Service, entry: Entry) -> None:
    service.withdraw("default", entry.entry)


def disputed(service: Service, entry: Entry) -> None:
    service.dispute("default", entry.entry)


def excluded(service: Service, entry: Entry) -> None:
    service.set_exclusions("default", entry.entry, [Interval(0.0, 40.0)])


def lenient(service: Service, entry: Entry) -> None:
    service.update_bank("default", policy=Policy(block_evidence=-290.0, review_evidence=-280.0))


def rivalled(service: Service, entry: Entry) -> None:
    """Another entry has the same video, and three more banks have it."""
    service.confirm("default", dataclasses.replace(VIDEO, digests=Digests(sha256=b"r" * 32)), external_id="rival")
    for name in ("a", "b", "c"):
        service.create_bank(name)
        service.confirm(name, VIDEO, external_id=name)


def replaced(service: Service, entry: Entry) -> None:
    """As vaccination does: the entry has other vectors under another number."""
    record = service._store.get_entry("default", entry.entry)
    blobs = {"fingerprint": service._store.blob(record.number, "fingerprint")}
    vectors = np.zeros((5, 32), np.uint8)
    from hashsvc.bank import decisions, records

    known = records.entry_of(record)
    service._store.replace_entry(
        "default", entry.entry, record.payload, vectors=vectors, blobs=blobs,
        decisions=[decisions.of_entry("vaccinate", "hashsvc", known, known)],
    )  # fmt: skip


CHANGES = (withdrawn, disputed, excluded, lenient, rivalled, replaced)


@pytest.mark.parametrize("change", CHANGES, ids=[one.__name__ for one in CHANGES])
def test_the_same_whatever_was_changed_since(
    service: Service, entry: Entry, change: Callable[[Service, Entry], None]
) -> None:
    """Each verdict comes out as it was, by fingerprint and by digest, though now it would be another."""
    service.match(COPY)
    service.match(EXCERPT)
    service.match(VIDEO.digests)
    service.match(VIDEO)
    change(service, entry)
    searched(service)
    for decision in verdicts(service):
        again = service.replay(decision.decision)
        assert decision.verdict is not None
        assert (again.same, again.differences) == (True, ())
        assert again.matches == tuple(one.match for one in decision.verdict.grounds)
        assert (again.logged, again.verdict) == (decision.verdict.verdict, decision.verdict.verdict)
    assert [one.action for one in verdicts(service)] == ["BLOCK", "REVIEW", "BLOCK", "BLOCK"]


def test_each_state_of_a_life(service: Service, entry: Entry) -> None:
    """Verdicts before and after every step replay each by its own revision."""
    service.match(COPY)
    for step in ("dispute", "reinstate", "withdraw", "reinstate"):
        getattr(service, step)("default", entry.entry, reason=step)
        searched(service)
        service.match(COPY)
    found = verdicts(service)
    assert [one.action for one in found] == ["BLOCK", "REVIEW", "BLOCK", "BLOCK"]
    assert all(service.replay(one.decision).same for one in found)


def test_two_entries_and_asked_banks(service: Service, entry: Entry) -> None:
    """What weighs on what, and which banks were asked for, count as they did then."""
    confirmed(service, 2)
    service.create_bank("other")
    service.confirm("other", OTHER)
    searched(service)
    service.match(BOTH)
    service.match(BOTH, banks=["other"])
    service.withdraw("default", entry.entry)
    searched(service)
    everywhere, asked = verdicts(service)
    assert everywhere.verdict is not None and asked.verdict is not None
    assert (len(everywhere.verdict.grounds), len(asked.verdict.grounds)) == (3, 1)
    assert asked.verdict.asked == ("other",)
    assert service.replay(everywhere.decision).same
    assert service.replay(asked.decision).same


def test_what_a_breaker_held_back_is_held_again(service: Service, entry: Entry) -> None:
    """A verdict that a tripped breaker weakened comes out as weak, after a reset too."""
    for number in range(42):
        service.match(dataclasses.replace(COPY, digests=Digests(sha256=bytes([number + 1]) * 32)))
    service._monitor._round()
    service.reset_breaker("default", entry.entry)
    last = verdicts(service)[-1]
    assert last.action == "REVIEW"
    again = service.replay(last.decision)
    assert (again.same, again.verdict) == (True, Verdict.REVIEW)


def test_a_file_read_twice(service: Service, original: Path, tmp_path: Path) -> None:
    """Both readings of a file are judged and combined again, by real hashes and activity."""
    service.create_bank("deep", policy=Policy(depth="deep", block_evidence=-290.0))  # type: ignore[arg-type]
    made = service.confirm_media("deep", original)
    searched(service)
    copy = tmp_path / "copy.mp4"
    copy.write_bytes(original.read_bytes() + b"more")
    service.match_media(copy)
    service.withdraw("deep", made.entry)
    searched(service)
    [decision] = verdicts(service)
    assert decision.verdict is not None and len(decision.verdict.readings) == 2
    again = service.replay(decision.decision)
    assert (again.same, again.differences) == (True, ())


def test_entries_in_the_cold_tier(tmp_path: Path) -> None:
    """A verdict that the tier searched by list gave is found exactly as well."""
    settings = Settings(index=IndexSettings(hot_hashes=1000))
    with Service.open(tmp_path / "data", settings) as service:
        for seed in range(1, 8):
            confirmed(service, seed)
        service.match(COPY)
        [decision] = verdicts(service)
        again = service.replay(decision.decision)
        assert again.verdict is Verdict.BLOCK
        assert again.same


def test_says_what_differs(service: Service, entry: Entry) -> None:
    """A record whose grounds are other than what is found is told, sentence by sentence."""
    service.match(COPY)
    [decision] = verdicts(service)
    record = decision.verdict
    assert record is not None
    ground = record.grounds[0]
    forged = dataclasses.replace(
        record,
        verdict=Verdict.REVIEW,
        grounds=(
            dataclasses.replace(ground, match=dataclasses.replace(ground.match, verdict=Verdict.REVIEW, evidence=-4.0)),
            dataclasses.replace(ground, match=dataclasses.replace(ground.match, entry="nobody")),
        ),
    )
    number = service._decisions.append(forged, "mallory", [COPY]).result()
    again = service.replay(number)
    name = f"default/{entry.entry}"
    assert not again.same
    assert again.differences == (
        "The verdict was REVIEW, and is BLOCK.",
        f"{name}: the verdict was REVIEW, and is BLOCK.",
        f"{name}: the evidence was -4.0, and is {ground.match.evidence:.3f}.",
        "default/nobody was found, and is not.",
    )


def test_what_cannot_be_replayed(service: Service, entry: Entry) -> None:
    """No verdict, no such decision, and an exhibit that is gone are told apart."""
    assert "no" in refused(lambda: service.replay(1), "REPLAY_IMPOSSIBLE")
    refused(lambda: service.replay(99), "DECISION_NOT_FOUND")
    refused(lambda: service.replay(-1), "DECISION_NOT_FOUND")
    service.match(COPY)
    [decision] = verdicts(service)
    while service._store.trim_exhibits(0.0, 0):
        pass
    assert "expired" in refused(lambda: service.replay(decision.decision), "REPLAY_IMPOSSIBLE")


def test_vectors_that_are_gone(service: Service, entry: Entry) -> None:
    """A store that lost an entry's vectors says so."""
    service.match(COPY)
    [decision] = verdicts(service)
    number = service._store.get_entry("default", entry.entry).number
    store = service._store
    store.environment.write(
        0, lambda writing: writing.delete(number.to_bytes(8, "big"), db=store.environment.table(b"vectors"))
    )
    assert "gone" in refused(lambda: service.replay(decision.decision), "REPLAY_IMPOSSIBLE")


def test_the_past_is_as_it_was(service: Service) -> None:
    """At every revision the store of then lists what was listed then, and searches as the index did."""
    store = service._store
    seen = []

    def look() -> None:
        searched(service)
        banks = [(one.bank, one.payload) for one in store.list_banks("", 99)]
        places = [(one.bank, one.entry, one.payload) for bank in banks for one in store.list_entries(bank[0], "", 99)]
        seen.append((store.revision(), banks, sorted(places), list(store.live_entries())))

    first = confirmed(service)
    look()
    service.create_bank("other", description="new")
    look()
    second = service.confirm("other", OTHER)
    look()
    service.dispute("default", first.entry)
    look()
    service.withdraw("other", second.entry)
    look()
    replaced(service, first)
    look()
    service.update_bank("other", description="newer")
    look()
    for revision, banks, places, live in seen:
        past = PastStore(store, revision)
        assert [(one.bank, one.payload) for one in past.list_banks("", 1)] == banks[:1]
        assert [(one.bank, one.payload) for one in past.list_banks("", 99)] == banks
        assert list(past.live_entries()) == live
        then = [past.get_entry(bank, entry) for bank, entry, _ in places]
        assert [(one.bank, one.entry, one.payload) for one in then] == places
        assert {one.number for one in then if one.live} == {number for number, _ in live}
        for digest in (VIDEO.digests.sha256, OTHER.digests.md5):
            found = past.find_digest(digest)
            assert [one.number for one in found] == [one.number for one in then if one.live and digest in _digests(one)]
        if all(one[0] != "other" for one in banks):
            with pytest.raises(BankNotFoundError):
                past.get_bank("other")
        with pytest.raises(EntryNotFoundError):
            past.get_entry("default", "never")
        past.close()
    assert service.verify() == []


def _digests(record: object) -> tuple[bytes, ...]:
    """Of a reference that the record is of, also where a later number has them now."""
    return {
        "default": (VIDEO.digests.md5, VIDEO.digests.sha256),
        "other": (OTHER.digests.md5, OTHER.digests.sha256),
    }[record.bank]  # type: ignore[attr-defined]


def test_the_exact_search_finds_what_the_index_finds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Over several pieces of the store, and with entries left out. The index keeps all of it hot: of the cold it may miss some."""
    monkeypatch.setattr("hashsvc_index.exact._ROWS", 3000)
    with Service.open(tmp_path / "data", Settings(index=IndexSettings(hot_hashes=1 << 20))) as service:
        for seed in range(1, 6):
            confirmed(service, seed)
        queries = np.concatenate([seeds.pick(an_upload([(a_reference(n), 1.0, 9.0, 1.0)]), 50).hashes for n in (1, 4)])
        past = PastIndex(PastStore(service._store, service.revision))

        def odd(numbers: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
            return np.asarray(numbers % 2 == 1)

        for keep in (None, odd):
            for limit in (1, 7, 64):
                wanted = service._index.search(queries, radius=90, limit=limit, keep=keep)
                found = past.search(queries, radius=90, limit=limit, keep=keep)
                for column in ("query", "distance"):
                    assert getattr(found, column).tolist() == getattr(wanted, column).tolist()
                if limit == 64:
                    pairs = [
                        set(zip(one.query.tolist(), one.entry.tolist(), one.position.tolist(), strict=True))
                        for one in (found, wanted)
                    ]
                    assert pairs[0] == pairs[1] != set()
        assert past.hashes == service.hashes


def test_stores_share_their_files(service: Service, entry: Entry) -> None:
    """A store of then is closed without the other."""
    past = PastStore(service._store, service.revision)
    past.close()
    assert isinstance(past, Store)
    assert service.get_entry("default", entry.entry) == entry
