"""The manifest: which files make up the checkpoint, of which store, and at which revision."""

import dataclasses
import json
import zlib
from typing import Any

FORMAT = 2
"""Part of the format, do not change; likewise the keys."""
_ONLY_FLAT = 1
"""The format before there were cold slabs."""
_FLAT_HEADER_BYTES, _FLAT_ENTRY_BYTES, _FLAT_ROW_BYTES = 32, 16, 32


class CheckpointError(Exception):
    """There is no checkpoint that can be used; the message says why."""


class MissingCheckpointError(CheckpointError):
    """There is none at all."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class SlabFile:
    """A slab as the manifest names it."""

    name: str
    """32 hex digits."""
    entries: int
    rows: int
    bytes: int
    """Length of the file."""
    crc32: int
    """Of the whole file."""
    centroids: str
    """Name of a cold slab's centroids; empty for a flat slab."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What a checkpoint says of itself."""

    store_id: str
    revision: int
    mark: str
    """The mark of the change that made `revision`, hex; empty at revision 0."""
    withdrawn: tuple[int, ...]
    slabs: tuple[SlabFile, ...]

    def encode(self) -> bytes:
        """Its file."""
        body = json.dumps({"format": FORMAT, **dataclasses.asdict(self)}, sort_keys=True).encode() + b"\n"
        return b"%08x\n" % zlib.crc32(body) + body

    @classmethod
    def decode(cls, text: bytes) -> "Manifest":
        """Raises CheckpointError."""
        checksum, _, body = text.partition(b"\n")
        if checksum != b"%08x" % zlib.crc32(body):
            raise CheckpointError("the manifest's checksum is wrong")
        try:
            said: dict[str, Any] = json.loads(body)
            version = said["format"]
            if version not in (_ONLY_FLAT, FORMAT):
                raise CheckpointError(f"it has format {version}, this version reads {_ONLY_FLAT} to {FORMAT}")
            if version == _ONLY_FLAT:
                said["slabs"] = [_flat(**file) for file in said["slabs"]]
            return cls(
                store_id=said["store_id"], revision=said["revision"], mark=said["mark"],
                withdrawn=tuple(said["withdrawn"]), slabs=tuple(SlabFile(**file) for file in said["slabs"]),
            )  # fmt: skip
        except (KeyError, TypeError, ValueError) as error:
            raise CheckpointError(f"the manifest says something else than it should: {error!r}") from error


def _flat(*, name: str, entries: int, rows: int, crc32: int) -> dict[str, Any]:
    """What format 2 would say of a slab of format 1."""
    length = _FLAT_HEADER_BYTES + _FLAT_ENTRY_BYTES * entries + _FLAT_ROW_BYTES * rows
    return {"name": name, "entries": entries, "rows": rows, "bytes": length, "crc32": crc32, "centroids": ""}
