"""Documents: what has a kind and a name and is neither a bank nor an entry."""

import dataclasses
from pathlib import Path

import pytest

from hashsvc_index import DocumentRecord, EntryUpdate, Store, verify
from hashsvc_index.errors import DocumentExistsError, DocumentNotFoundError, RevisionConflictError

from .conftest import Add


def test_round_trip(store: Store) -> None:
    """A document comes back as put; to change it takes its revision on, and leaves the store's where it is."""
    revision = store.revision()
    first = store.put_document("token", "a", b"one", create=True)
    assert store.get_document("token", "a").payload == b"one"
    second = store.put_document("token", "a", b"two", create=False, expected_revision=first)
    found = store.get_document("token", "a")
    assert (found.kind, found.name, found.payload, found.revision) == ("token", "a", b"two", second)
    assert second > first
    assert store.revision() == revision
    assert verify(store, None) == []


def test_refuses(store: Store) -> None:
    """Twice, not there, and a lost update are told apart, change nothing and append nothing."""
    store.put_document("token", "a", b"one", create=True)
    with pytest.raises(DocumentExistsError) as exists:
        store.put_document("token", "a", b"", create=True, decisions=[b"no"])
    assert (exists.value.reason, exists.value.metadata) == ("DOCUMENT_EXISTS", {"kind": "token", "name": "a"})
    with pytest.raises(DocumentNotFoundError):
        store.put_document("token", "b", b"", create=False)
    with pytest.raises(DocumentNotFoundError):
        store.get_document("tok", "ena")  # kind and name are told apart
    with pytest.raises(DocumentNotFoundError):
        store.delete_document("token", "b", events=[b"no"])
    for write in (
        lambda: store.put_document("token", "a", b"", create=False, expected_revision=7, decisions=[b"no"]),
        lambda: store.delete_document("token", "a", expected_revision=7, decisions=[b"no"]),
    ):
        with pytest.raises(RevisionConflictError) as conflict:
            write()
        assert conflict.value.metadata == {"expected": "7", "actual": "1", "kind": "token", "name": "a"}
    assert store.get_document("token", "a").payload == b"one"
    assert (store.decisions(0, 9), store.events(0, 9)) == ([], [])


@pytest.mark.parametrize(
    ("kind", "name", "size"), [("", "a", 0), ("k" * 64, "a", 0), ("k", "", 0), ("k", "n" * 256, 0), ("k", "n", 1 << 21)]
)
def test_wrong_arguments(store: Store, kind: str, name: str, size: int) -> None:
    """What no state could make right is a ValueError."""
    with pytest.raises(ValueError, match="bytes"):
        store.put_document(kind, name, bytes(size), create=True)


def test_lists_one_kind_in_pages(store: Store) -> None:
    """Pages follow one another by name, and hold nothing of a kind that begins alike."""
    for kind in ("cursor", "cursors"):
        for name in ("c", "a", "bb", "b"):
            store.put_document(kind, name, kind.encode(), create=True)
    seen: list[str] = []
    while page := store.list_documents("cursor", seen[-1] if seen else "", 3):
        assert {one.payload for one in page} == {b"cursor"}
        seen.extend(one.name for one in page)
    assert seen == ["a", "b", "bb", "c"]


def test_deleted(store: Store, data: Path) -> None:
    """What was deleted is gone, and made again it has a revision that it never had."""
    before = store.put_document("token", "a", b"", create=True)
    store.delete_document("token", "a", expected_revision=before)
    assert store.list_documents("token", "", 9) == []
    assert store.put_document("token", "a", b"", create=True) > before
    assert verify(store, None) == []


def test_entries_and_a_document_change_together(store: Store, add: Add) -> None:
    """All are written with one decision, or none where one of them has changed since."""
    first, second = add("first"), add("second")
    held = store.put_document("appeal", "a", b"open", create=True)
    document = DocumentRecord(kind="appeal", name="a", payload=b"done", revision=held)
    updates = [
        EntryUpdate(bank="b", entry=one.entry, payload=b"new", live=True, expected_revision=one.revision)
        for one in (first, second)
    ]
    with pytest.raises(RevisionConflictError):
        store.update_with_document(
            [updates[0], dataclasses.replace(updates[1], expected_revision=1)], document, decisions=[b"no"]
        )
    assert (store.get_entry("b", "first"), store.get_document("appeal", "a").payload) == (first, b"open")
    changed = store.update_with_document(updates, document, decisions=[b"yes"], events=[b"told"])
    assert [one.payload for one in changed] == [b"new", b"new"]
    assert [store.get_entry("b", one.entry) for one in changed] == changed
    assert store.get_document("appeal", "a").payload == b"done"
    assert [(one.payload, one.revision) for one in store.decisions(0, 9)] == [(b"yes", changed[1].revision)]
    with pytest.raises(RevisionConflictError):
        store.update_with_document([], document)
    assert verify(store, None) == []
