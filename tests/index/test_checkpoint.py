"""The checkpoint: used when it is whole and the store's own, else said to be wrong and made anew."""

import json
import logging
import shutil
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from hashsvc_index import Index, IndexSettings, Store, verify
from hashsvc_index.checkpoint import CheckpointDirectory
from hashsvc_index.records import Vectors

VECTORS = np.random.default_rng(3).integers(0, 256, (30, 100, 32), np.uint8)


def fill(path: Path, count: int = 30) -> None:
    """A closed data directory of so many entries, two of them withdrawn, and its checkpoint."""
    with Store.open(path) as store:
        store.put_bank("b", b"", create=True)
        index = started(store)
        for number in range(count):
            store.add_entry("b", str(number), b"", vectors=VECTORS[number], blobs={}, digests=[])
        for name in ("3", "4"):
            store.update_entry("b", name, b"", live=False)
        assert index.wait_for(store.revision(), 5)
        index.close()


def started(store: Store) -> Index:
    """An index of the store, ready, with all hashes in the hot tier: the cold one, and its files, have tests of their own."""
    index = Index(store, store.path, IndexSettings(hot_hashes=1 << 20))
    index.start()
    assert index.wait_ready(10)
    return index


def files(path: Path) -> list[str]:
    """The names in the index directory but the lock."""
    return sorted(file.name for file in (path / "index").iterdir() if file.name != "LOCK")


def found(index: Index, vectors: Vectors) -> int:
    """How many of the vectors are found."""
    return len(index.search(vectors.reshape(-1, 32), radius=0, limit=1))


def slab_file(path: Path) -> Path:
    """One of the slab files."""
    return min((path / "index").glob("*.slab"))


def flip(file: Path, place: int) -> None:
    """Flip one bit of the file."""
    content = bytearray(file.read_bytes())
    content[place] ^= 16
    file.write_bytes(content)


def rewrite(path: Path, **said: object) -> None:
    """Change what the manifest says, with a right checksum."""
    manifest = path / "index" / "MANIFEST"
    body = json.dumps({**json.loads(manifest.read_bytes().partition(b"\n")[2]), **said}).encode() + b"\n"
    manifest.write_bytes(b"%08x\n" % zlib.crc32(body) + body)


def test_is_used(data: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    """A whole checkpoint is loaded without reading the store's vectors, and nothing is complained of."""
    fill(data)
    monkeypatch.setattr("hashsvc_index.index.rebuild", None)
    with Store.open(data) as store, caplog.at_level(logging.WARNING, "hashsvc_index"):
        index = started(store)
        assert (index.hashes, index.revision) == (2800, 33)
        assert found(index, VECTORS) == 2800
        assert verify(store, index) == []
        index.close()
    assert caplog.records == []


def test_replays_what_came_after(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Adds, withdrawals and restorations since the checkpoint are taken from the change log."""
    fill(data, 20)
    monkeypatch.setattr("hashsvc_index.index.rebuild", None)
    with Store.open(data) as store:
        for number in range(20, 30):
            store.add_entry("b", str(number), b"", vectors=VECTORS[number], blobs={}, digests=[])
        store.update_entry("b", "3", b"", live=True)
        store.update_entry("b", "5", b"", live=False)
        store.update_entry("b", "25", b"", live=False)
        index = started(store)
        assert found(index, VECTORS) == 2700
        assert found(index, VECTORS[[4, 5, 25]]) == 0
        assert verify(store, index) == []
        index.close()


def test_is_incremental(data: Path) -> None:
    """A slab that is on disk already is not written again, and files that are not needed any more go."""
    fill(data)
    with Store.open(data) as store:
        # Large enough that no merging of the small ones takes it in, however they came about.
        large = np.random.default_rng(4).integers(0, 256, (20_000, 32), np.uint8)
        store.add_entry("b", "large", b"", vectors=large, blobs={}, digests=[])
        index = started(store)
        assert index.checkpoint()
        before = {name: (data / "index" / name).stat().st_mtime_ns for name in files(data)}
        store.add_entry("b", "more", b"", vectors=VECTORS[0][:1] ^ 1, blobs={}, digests=[])
        assert index.wait_for(store.revision(), 5)
        assert index.checkpoint()
        after = {name: (data / "index" / name).stat().st_mtime_ns for name in files(data)}
        manifest = json.loads((data / "index" / "MANIFEST").read_bytes().partition(b"\n")[2])
        index.close()
    kept = [name for name in before if name in after and name != "MANIFEST"]
    assert kept
    assert all(before[name] == after[name] for name in kept)
    assert sorted([*(f"{slab['name']}.slab" for slab in manifest["slabs"]), "MANIFEST"]) == sorted(after)


DAMAGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "missing": (lambda path: shutil.rmtree(path / "index"), "there is none"),
    "manifest missing": (lambda path: (path / "index" / "MANIFEST").unlink(), "there is none"),
    "manifest empty": (lambda path: (path / "index" / "MANIFEST").write_bytes(b""), "checksum is wrong"),
    "manifest cut off": (
        lambda path: (path / "index" / "MANIFEST").write_bytes((path / "index" / "MANIFEST").read_bytes()[:-20]),
        "checksum is wrong",
    ),
    "manifest bit flipped": (lambda path: flip(path / "index" / "MANIFEST", 60), "checksum is wrong"),
    "manifest checksum flipped": (lambda path: flip(path / "index" / "MANIFEST", 2), "checksum is wrong"),
    "manifest is a directory": (
        lambda path: (
            (path / "index" / "MANIFEST").rename(path / "moved").with_name("index").joinpath("MANIFEST").mkdir()
        ),
        "cannot be read",
    ),
    "newer format": (lambda path: rewrite(path, format=3), "format 3, this version reads 1 to 2"),
    "another manifest": (lambda path: rewrite(path, slabs=[{"what": 1}]), "something else"),
    "foreign": (lambda path: rewrite(path, store_id="0" * 32), "another store, 000000"),
    "ahead of the store": (lambda path: rewrite(path, revision=34), "revision 34, which the store has not reached"),
    "of another past": (lambda path: rewrite(path, mark="00" * 8), "set back"),
    "slab missing": (lambda path: slab_file(path).unlink(), "No such file"),
    "slab empty": (lambda path: slab_file(path).write_bytes(b""), "header"),
    "slab cut off in its table": (
        lambda path: slab_file(path).write_bytes(slab_file(path).read_bytes()[:40]),
        "cut off",
    ),
    "slab cut off": (lambda path: slab_file(path).write_bytes(slab_file(path).read_bytes()[:-32]), "checksum"),
    "slab cut off in a row": (lambda path: slab_file(path).write_bytes(slab_file(path).read_bytes()[:-5]), "cut off"),
    "slab too long": (lambda path: slab_file(path).write_bytes(slab_file(path).read_bytes() + bytes(32)), "checksum"),
    "slab header flipped": (lambda path: flip(slab_file(path), 9), "header"),
    "slab number flipped": (lambda path: flip(slab_file(path), 32), "checksum"),
    "slab vector flipped": (lambda path: flip(slab_file(path), -1), "checksum"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damage(data: Path, damage: str, caplog: pytest.LogCaptureFixture) -> None:
    """A checkpoint with any damage is named in the log with its cause, and the index is whole all the same."""
    fill(data)
    spoil, cause = DAMAGES[damage]
    spoil(data)
    with Store.open(data) as store:
        with caplog.at_level(logging.WARNING, "hashsvc_index"):
            index = started(store)
        assert (index.hashes, found(index, VECTORS)) == (2800, 2800)
        assert verify(store, index) == []
        index.close()
    assert cause in caplog.records[0].message
    assert "rebuilt" in caplog.records[0].message


def test_damage_is_repaired(data: Path, caplog: pytest.LogCaptureFixture) -> None:
    """After a rebuild the checkpoint is saved anew, and the next start finds nothing wrong."""
    fill(data)
    flip(slab_file(data), 500)
    with Store.open(data) as store:
        started(store).close()
        caplog.clear()
        index = started(store)
        assert caplog.records == []
        assert found(index, VECTORS) == 2800
        index.close()


def test_new_store_has_nothing_to_complain_of(data: Path, caplog: pytest.LogCaptureFixture) -> None:
    """That an empty store has no checkpoint is no warning."""
    with Store.open(data) as store, caplog.at_level(logging.WARNING, "hashsvc_index"):
        started(store).close()
    assert caplog.records == []


def test_store_set_back(data: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A store restored from a backup that then went another way does not get the checkpoint of its first way."""
    fill(data, 10)
    shutil.copytree(data / "store", data / "backup")
    with Store.open(data) as store:
        index = started(store)
        store.add_entry("b", "first way", b"", vectors=VECTORS[20], blobs={}, digests=[])
        index.wait_for(store.revision(), 5)
        index.close()
    shutil.rmtree(data / "store")
    (data / "backup").rename(data / "store")
    with Store.open(data) as store, caplog.at_level(logging.WARNING, "hashsvc_index"):
        for number in (21, 22):
            store.add_entry("b", f"second way {number}", b"", vectors=VECTORS[number], blobs={}, digests=[])
        index = started(store)
        assert "set back" in caplog.records[0].message
        assert [found(index, VECTORS[number]) for number in (20, 21, 22)] == [0, 100, 100]
        index.close()


def test_one_process_saves(data: Path) -> None:
    """While one index holds the right to save, another does not save; afterwards it may."""
    fill(data)
    with Store.open(data) as store:
        first, second = started(store), started(store)
        assert first.checkpoint()
        assert not second.checkpoint()
        store.add_entry("b", "more", b"", vectors=VECTORS[0] ^ 1, blobs={}, digests=[])
        for index in (first, second):
            assert index.wait_for(store.revision(), 5)
        first.close()
        assert second.checkpoint()
        second.close()
        index = started(store)
        assert found(index, VECTORS[0] ^ 1) == 100
        index.close()


def test_replaced_while_it_is_read(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A checkpoint that another process replaces while it is being loaded is loaded from its successor."""
    fill(data)
    directory = CheckpointDirectory(data / "index")
    read = CheckpointDirectory._read_slab
    turns = 0

    def racing(self: CheckpointDirectory, file: object) -> object:
        nonlocal turns
        turns += 1
        if turns == 1:
            old = slab_file(data)
            old.rename(old.with_name("0" * 32 + ".slab"))
            manifest = json.loads((data / "index" / "MANIFEST").read_bytes().partition(b"\n")[2])
            for slab in manifest["slabs"]:
                slab["name"] = "0" * 32 if f"{slab['name']}.slab" == old.name else slab["name"]
            rewrite(data, slabs=manifest["slabs"])
        return read(self, file)  # type: ignore[arg-type]

    monkeypatch.setattr(CheckpointDirectory, "_read_slab", racing)
    assert directory.load(lambda _: None).hashes == 2800
    assert turns > 1


def test_saves_by_itself(data: Path) -> None:
    """A checkpoint is saved without being asked for once enough has changed."""
    with Store.open(data) as store:
        store.put_bank("b", b"", create=True)
        index = Index(store, data, IndexSettings(checkpoint_hashes=500))
        index.start()
        for number in range(10):
            store.add_entry("b", str(number), b"", vectors=VECTORS[number], blobs={}, digests=[])
        deadline = 500
        while not (data / "index" / "MANIFEST").exists() and deadline:
            deadline -= 1
            index.wait_for(99, 0.01)
        assert (data / "index" / "MANIFEST").exists()
        index.close()


def test_failing_disk_does_not_stop_the_service(data: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Where checkpoints cannot be saved that is logged, and everything else works."""
    with Store.open(data) as store:
        store.put_bank("b", b"", create=True)
        (data / "index").write_text("in the way")
        with caplog.at_level(logging.WARNING, "hashsvc_index"):
            index = started(store)
            store.add_entry("b", "e", b"", vectors=VECTORS[0], blobs={}, digests=[])
            assert index.wait_for(2, 5)
            assert found(index, VECTORS[0]) == 100
            index.close()
        assert any("cannot be saved" in record.message for record in caplog.records)
