"""The checkpoint: a snapshot on disk, so that opening a large index does not begin with reading the whole store.

A slab is a file that is written once; a manifest names those that make up the snapshot and is replaced as a whole.
`index/README.md` gives the bytes.
"""

import dataclasses
import fcntl
import json
import os
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from hashsvc_index.directory import sync_directory
from hashsvc_index.records import VECTOR_BYTES
from hashsvc_index.slabs import BLOCK_ROWS, Slab, SlabBuilder
from hashsvc_index.snapshot import Snapshot

FORMAT = 1
"""Part of the format, do not change; likewise the names, the header and the manifest's keys."""
MANIFEST = "MANIFEST"
LOCK = "LOCK"
_SUFFIX = ".slab"
_HEADER = struct.Struct("<8sIIQQ")
_MAGIC = b"HSVCSLAB"
_RETRIES = 5


class CheckpointError(Exception):
    """There is no checkpoint that can be used; the message says why."""


class MissingCheckpointError(CheckpointError):
    """There is none at all."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class SlabFile:
    """A slab as the manifest names it."""

    name: str
    entries: int
    rows: int
    crc32: int
    """Of the whole file."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What a checkpoint says of itself."""

    store_id: str
    revision: int
    mark: str
    """The mark of the change that made `revision`, hex; empty at revision 0."""
    withdrawn: tuple[int, ...]
    slabs: tuple[SlabFile, ...]


class CheckpointDirectory:
    """The files of one index. Any process may load; the one that holds the lock may save."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock: int | None = None

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
        return _decode_manifest(text)

    def load(self, check: Callable[[Manifest], None]) -> Snapshot:
        """The snapshot on disk. Raises CheckpointError if any byte of it is wrong, or from `check`, which may refuse."""
        manifest = self.manifest()
        for _ in range(_RETRIES):
            check(manifest)
            try:
                return self._load(manifest)
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
        files = [self._intact(known.get(slab.name)) or self._write_slab(slab) for slab in snapshot.slabs]
        manifest = Manifest(
            store_id=store_id, revision=snapshot.revision, mark=mark,
            withdrawn=tuple(snapshot.withdrawn.tolist()), slabs=tuple(files),
        )  # fmt: skip
        sync_directory(self.path)
        new = self.path / f"{MANIFEST}.new"
        with new.open("wb") as file:
            file.write(_encode_manifest(manifest))
            _sync(file)
        new.replace(self.path / MANIFEST)
        sync_directory(self.path)
        self._remove_all_but(manifest)

    def _load(self, manifest: Manifest) -> Snapshot:
        slabs = tuple(self._read_slab(file) for file in manifest.slabs)
        numbers = np.concatenate([np.zeros(0, np.int64), *(slab.numbers for slab in slabs)])
        if len(np.unique(numbers)) != len(numbers):
            raise CheckpointError("an entry is in two slabs")
        rows = sum(slab.rows for slab in slabs)
        snapshot = Snapshot(slabs=slabs, revision=manifest.revision, hashes=rows)
        return snapshot.advanced(manifest.revision, None, dict.fromkeys(manifest.withdrawn, False))

    def _intact(self, file: SlabFile | None) -> SlabFile | None:
        """`file`, if it is there in its full length."""
        if file is None:
            return None
        path = self.path / f"{file.name}{_SUFFIX}"
        length = _HEADER.size + 16 * file.entries + VECTOR_BYTES * file.rows
        return file if path.exists() and path.stat().st_size == length else None

    def _write_slab(self, slab: Slab) -> SlabFile:
        path = self.path / f"{slab.name}{_SUFFIX}"
        try:
            with path.open("wb") as file:
                crc = _encode_slab(slab, file)
                _sync(file)
        except OSError:
            path.unlink(missing_ok=True)
            raise
        return SlabFile(name=slab.name, entries=len(slab.numbers), rows=slab.rows, crc32=crc)

    def _read_slab(self, expected: SlabFile) -> Slab:
        name = f"{expected.name}{_SUFFIX}"
        try:
            with (self.path / name).open("rb") as file:
                return _decode_slab(file, expected)
        except (OSError, ValueError) as error:
            raise CheckpointError(f"{name}: {error}") from error

    def _remove_all_but(self, manifest: Manifest) -> None:
        wanted = {f"{file.name}{_SUFFIX}" for file in manifest.slabs}
        for path in self.path.glob(f"*{_SUFFIX}"):
            if path.name not in wanted:
                path.unlink(missing_ok=True)


def _encode_slab(slab: Slab, file: BinaryIO) -> int:
    """Write the slab; return the CRC-32 of its bytes."""
    crc = 0
    counts = np.diff(slab.starts)
    head = _HEADER.pack(_MAGIC, FORMAT, VECTOR_BYTES, len(slab.numbers), slab.rows)
    for piece in (head, slab.numbers.astype("<i8").tobytes(), counts.astype("<i8").tobytes()):
        crc = zlib.crc32(piece, crc)
        file.write(piece)
    for rows in slab.pieces():
        crc = zlib.crc32(rows.data, crc)
        file.write(rows.data)
    return crc


def _decode_slab(file: BinaryIO, expected: SlabFile) -> Slab:
    """Raises ValueError for what is not the file expected."""
    head = file.read(_HEADER.size)
    if head != _HEADER.pack(_MAGIC, FORMAT, VECTOR_BYTES, expected.entries, expected.rows):
        raise ValueError("the header is not the one expected")
    table = file.read(16 * expected.entries)
    if len(table) != 16 * expected.entries:
        raise ValueError("the file is cut off")
    numbers, counts = np.frombuffer(table, "<i8").astype(np.int64).reshape(2, -1)
    if (counts < 1).any():
        raise ValueError("an entry has no rows")
    crc = zlib.crc32(table, zlib.crc32(head))
    builder = SlabBuilder()
    builder.add_entries(numbers, counts)
    while piece := file.read(BLOCK_ROWS * VECTOR_BYTES):
        crc = zlib.crc32(piece, crc)
        if len(piece) % VECTOR_BYTES:
            raise ValueError("the file is cut off")
        builder.add_rows(np.frombuffer(piece, np.uint8).reshape(-1, VECTOR_BYTES))
    if crc != expected.crc32:
        raise ValueError("the checksum is wrong")
    slab = builder.finish(expected.name)
    if slab is None:
        raise ValueError("there are no rows")
    return slab


def _encode_manifest(manifest: Manifest) -> bytes:
    body = json.dumps({"format": FORMAT, **dataclasses.asdict(manifest)}, sort_keys=True).encode() + b"\n"
    return b"%08x\n" % zlib.crc32(body) + body


def _decode_manifest(text: bytes) -> Manifest:
    """Raises CheckpointError."""
    checksum, _, body = text.partition(b"\n")
    if checksum != b"%08x" % zlib.crc32(body):
        raise CheckpointError("the manifest's checksum is wrong")
    try:
        said: dict[str, Any] = json.loads(body)
        if said["format"] != FORMAT:
            raise CheckpointError(f"it has format {said['format']}, this version reads {FORMAT}")
        return Manifest(
            store_id=said["store_id"], revision=said["revision"], mark=said["mark"],
            withdrawn=tuple(said["withdrawn"]), slabs=tuple(SlabFile(**file) for file in said["slabs"]),
        )  # fmt: skip
    except (KeyError, TypeError, ValueError) as error:
        raise CheckpointError(f"the manifest says something else than it should: {error!r}") from error


def _sync(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())
