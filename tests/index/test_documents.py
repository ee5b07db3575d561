"""Documents: what has a kind and a name and is neither a bank nor an entry."""

from pathlib import Path

import pytest

from hashsvc_index import Store, verify
from hashsvc_index.errors import DocumentExistsError, DocumentNotFoundError, RevisionConflictError


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
