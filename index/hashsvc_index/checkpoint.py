"""The checkpoint: a snapshot on disk, so that opening a large index does not begin with reading the whole store.

A slab is a file that is written once; a manifest names those that make up the snapshot and is replaced as a whole.
A cold slab is written when it is made, since its file is also what is searched. `index/README.md` gives the bytes.
"""

import fcntl
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np

from hashsvc_index.arrays import Numbers
from hashsvc_index.centroids import Centroids
from hashsvc_index.centroids_file import read_centroids, write_centroids
from hashsvc_index.cold import ColdSlab, Layout
from hashsvc_index.cold_writer import ColdWriter, crc_of
from hashsvc_index.directory import sync_directory
from hashsvc_index.flat_file import read_flat, write_flat
from hashsvc_index.layers import LayersOf, no_layers
from hashsvc_index.manifest import CheckpointError, Manifest, MissingCheckpointError, SlabFile
from hashsvc_index.slabs import FlatSlab, Slab
from hashsvc_index.snapshot import Snapshot
from hashsvc_index.tiers import TierSettings

MANIFEST = "MANIFEST"
"""Part of the format, do not change; likewise the other names."""
LOCK = "LOCK"
_FLAT, _COLD, _CENTROIDS, _NEW = ".slab", ".cold", ".centroids", ".new"
_RETRIES = 5
_TIERS = TierSettings()


class CheckpointDirectory:
    """The files of one index. Any process may load; the one that holds the lock may save and make cold slabs."""

    def __init__(self, path: Path, tiers: TierSettings = _TIERS, layers_of: LayersOf = no_layers) -> None:
        """`layers_of` says in which layers the rows go of cold slabs that are made here and of flat ones that are read."""
        self.path = path
        self._tiers = tiers
        self._layers_of = layers_of
        self._lock: int | None = None
        self._centroids: dict[str, Centroids] = {}
        """Those of the checkpoint being loaded, so that its slabs share them."""
        self._unnamed: set[str] = set()
        """Files that are not for the manifest to name yet, nor for anyone to remove."""

    def lock(self) -> bool:
        """Take the right to save, if no other has it; it is kept until `unlock`. Raises OSError."""
        if self._lock is None:
            self.path.mkdir(exist_ok=True)
            handle = os.open(self.path / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(handle)
                return False
            self._lock = handle
        return True

    def unlock(self) -> None:
        """Let another process save."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def manifest(self) -> Manifest:
        """Raises CheckpointError."""
        try:
            text = (self.path / MANIFEST).read_bytes()
        except FileNotFoundError:
            raise MissingCheckpointError("there is none") from None
        except OSError as error:
            raise CheckpointError(f"the manifest cannot be read: {error}") from error
        return Manifest.decode(text)

    def load(self, check: Callable[[Manifest], None], opened: Sequence[Slab] = ()) -> Snapshot:
        """The snapshot on disk. Raises CheckpointError if any byte of it is wrong, or from `check`, which may refuse.

        Cold slabs that are `opened` already are not opened, and not read through, once more.
        """
        cold = {slab.name: slab for slab in opened if isinstance(slab, ColdSlab)}
        manifest = self.manifest()
        for _ in range(_RETRIES):
            check(manifest)
            try:
                return self._load(manifest, cold)
            except CheckpointError:
                # The process that holds the lock may have saved a newer one and removed the files of this.
                newer = self.manifest()
                if newer == manifest:
                    raise
                manifest = newer
        raise CheckpointError("it was replaced each time while it was read")

    def save(self, snapshot: Snapshot, store_id: str, mark: str) -> None:
        """Make `snapshot` the checkpoint. The lock must be held. Raises OSError; the old checkpoint then still holds."""
        try:
            known = {file.name: file for file in self.manifest().slabs}
        except CheckpointError:
            known = {}
        files = [self._saved(slab, known.get(slab.name)) for slab in snapshot.slabs]
        manifest = Manifest(
            store_id=store_id, revision=snapshot.revision, mark=mark,
            withdrawn=tuple(snapshot.withdrawn.tolist()), slabs=tuple(files),
        )  # fmt: skip
        sync_directory(self.path)
        new = self.path / f"{MANIFEST}{_NEW}"
        with new.open("wb") as file:
            file.write(manifest.encode())
            _sync(file)
        new.replace(self.path / MANIFEST)
        sync_directory(self.path)
        self._remove_all_but(manifest)

    def make_cold(
        self,
        name: str,
        centroids: Centroids,
        slabs: Sequence[Slab],
        withdrawn: Numbers,
        give_way: Callable[[], None],
    ) -> ColdSlab | None:
        """A cold slab of all rows of `slabs` but those of the entries `withdrawn`; None if none is left.

        The lock must be held. Its file stays until `named` was called and a manifest without it was saved.
        Raises OSError, or from `give_way`, and then leaves nothing.
        """
        path, new = self.path / f"{name}{_COLD}", self.path / f"{name}{_COLD}{_NEW}"
        self._unnamed |= {path.name, new.name, f"{centroids.name}{_CENTROIDS}"}
        try:
            made = ColdWriter(centroids, slabs, withdrawn, self._layers_of, give_way).write(new)
            if made is None:
                return None
            layout, crc = made
            new.replace(path)
            return ColdSlab(name, centroids, layout, path, crc)
        except BaseException:
            for left in (path, new):
                left.unlink(missing_ok=True)
            self.named()
            raise

    def named(self) -> None:
        """From now on files are removed that the manifest being saved does not name."""
        self._unnamed.clear()

    def _load(self, manifest: Manifest, opened: Mapping[str, ColdSlab]) -> Snapshot:
        self._centroids = {slab.centroids.name: slab.centroids for slab in opened.values()}
        slabs = tuple(opened.get(file.name) or self._read_slab(file) for file in manifest.slabs)
        numbers = np.concatenate([np.zeros(0, np.int64), *(slab.numbers for slab in slabs)])
        if len(np.unique(numbers)) != len(numbers):
            raise CheckpointError("an entry is in two slabs")
        rows = sum(slab.rows for slab in slabs)
        snapshot = Snapshot(slabs=slabs, revision=manifest.revision, hashes=rows)
        return snapshot.advanced(manifest.revision, None, dict.fromkeys(manifest.withdrawn, False))

    def _read_slab(self, expected: SlabFile) -> Slab:
        name = f"{expected.name}{_COLD if expected.centroids else _FLAT}"
        try:
            if expected.centroids:
                return self._open_cold(self.path / name, expected)
            with (self.path / name).open("rb") as file:
                return read_flat(
                    file, name=expected.name, entries=expected.entries, rows=expected.rows, crc32=expected.crc32,
                    layers_of=self._layers_of,
                )  # fmt: skip
        except (OSError, ValueError) as error:
            raise CheckpointError(f"{name}: {error}") from error

    def _open_cold(self, path: Path, expected: SlabFile) -> ColdSlab:
        with path.open("rb") as file:
            layout = Layout.read(file)
        if (len(layout.numbers), layout.rows) != (expected.entries, expected.rows):
            raise ValueError("the header is not the one expected")
        slab = ColdSlab(expected.name, self._centroids_named(expected.centroids), layout, path, expected.crc32)
        if crc_of(path) != expected.crc32:
            raise ValueError("the checksum is wrong")
        return slab

    def _centroids_named(self, name: str) -> Centroids:
        if name not in self._centroids:
            with (self.path / f"{name}{_CENTROIDS}").open("rb") as file:
                vectors, rows = read_centroids(file)
            self._centroids[name] = Centroids(name, vectors, rows, self._tiers.probes_for(len(vectors), rows))
        return self._centroids[name]

    def _saved(self, slab: Slab, known: SlabFile | None) -> SlabFile:
        """What the manifest says of a slab, whose file is written unless it is there in its full length."""
        if isinstance(slab, ColdSlab):
            return self._saved_cold(slab)
        if known is not None and self._is_there(f"{known.name}{_FLAT}", known.bytes):
            return known
        assert isinstance(slab, FlatSlab)
        crc = self._write(f"{slab.name}{_FLAT}", lambda file: write_flat(slab, file))
        length = (self.path / f"{slab.name}{_FLAT}").stat().st_size
        return SlabFile(
            name=slab.name, entries=len(slab.numbers), rows=slab.rows, bytes=length, crc32=crc, centroids=""
        )

    def _saved_cold(self, slab: ColdSlab) -> SlabFile:
        if not self._is_there(f"{slab.name}{_COLD}", len(slab.content)):
            self._write(f"{slab.name}{_COLD}", lambda file: file.write(slab.content.data))
        centroids = slab.centroids
        if not (self.path / f"{centroids.name}{_CENTROIDS}").exists():
            self._write(f"{centroids.name}{_CENTROIDS}", lambda file: write_centroids(centroids, file))
        return SlabFile(
            name=slab.name, entries=len(slab.numbers), rows=slab.rows, bytes=len(slab.content), crc32=slab.crc32,
            centroids=centroids.name,
        )  # fmt: skip

    def _is_there(self, name: str, length: int) -> bool:
        path = self.path / name
        return path.exists() and path.stat().st_size == length

    def _write(self, name: str, write: Callable[[BinaryIO], int]) -> int:
        """Write a whole file and sync it; what `write` returned."""
        path = self.path / name
        try:
            with path.open("wb") as file:
                written = write(file)
                _sync(file)
        except OSError:
            path.unlink(missing_ok=True)
            raise
        return written

    def _remove_all_but(self, manifest: Manifest) -> None:
        wanted = {f"{file.name}{_COLD if file.centroids else _FLAT}" for file in manifest.slabs}
        wanted |= {f"{file.centroids}{_CENTROIDS}" for file in manifest.slabs}
        for path in self.path.iterdir():
            if path.suffix in (_FLAT, _COLD, _CENTROIDS, _NEW) and path.name not in wanted | self._unnamed:
                path.unlink(missing_ok=True)


def _sync(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())
