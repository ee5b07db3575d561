"""The state of the index on the wire."""

import dataclasses

from hashsvc.v1 import index_service_pb2 as pb


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """How far the index has come."""

    ready: bool
    """False while the index loads, when matches are refused as INDEX_LOADING, and for some seconds while processes that
    match start."""
    store_revision: int
    """The last change of the store."""
    index_revision: int
    """The last change that matches see."""
    entries: int
    """Live entries."""
    hashes: int
    """Frame hashes of live entries in the index."""


def encode_status(status: Status) -> pb.GetStatusResponse:
    """The message of `status`."""
    return pb.GetStatusResponse(
        ready=status.ready,
        store_revision=status.store_revision,
        index_revision=status.index_revision,
        entries=status.entries,
        hashes=status.hashes,
    )


def decode_status(message: pb.GetStatusResponse) -> Status:
    """The status in `message`."""
    return Status(
        ready=message.ready,
        store_revision=message.store_revision,
        index_revision=message.index_revision,
        entries=message.entries,
        hashes=message.hashes,
    )
