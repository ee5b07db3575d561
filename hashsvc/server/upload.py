"""Receives an upload into a temporary file, within limits, and removes the file whatever happens."""

import asyncio
import contextlib
import errno
import fcntl
import os
import shutil
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import BinaryIO, TypeVar

import structlog

from hashsvc.errors import InvalidInputError, LimitExceededError, UnavailableError
from hashsvc.v1 import bank_service_pb2, match_service_pb2

IDLE_SECONDS = 60.0
"""An upload of which no byte comes for so long is given up, so that dead peers do not hold its place."""

_PREFIX = "hashsvc-uploads-"
_LOCK = "lock"
_WRITE_BYTES = 1 << 20
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)

Request = TypeVar("Request", match_service_pb2.MatchMediaRequest, bank_service_pb2.ConfirmEntryMediaRequest)

log = structlog.get_logger(__name__)


class UploadDirectory:
    """A private temporary directory that is locked while its server lives.

    What a killed server left behind is removed when the next one starts. Used on the event loop only.
    """

    def __init__(self, *, max_bytes: int, places: int, idle_seconds: float = IDLE_SECONDS) -> None:
        self._max_bytes = max_bytes
        self._places = places
        self._idle_seconds = idle_seconds
        self._running = 0
        _remove_abandoned(Path(tempfile.gettempdir()))
        self.path = Path(tempfile.mkdtemp(prefix=_PREFIX))
        self._lock = (self.path / _LOCK).open("wb")
        fcntl.flock(self._lock, fcntl.LOCK_EX)

    def close(self) -> None:
        """Remove the directory and all in it."""
        self._lock.close()
        shutil.rmtree(self.path, ignore_errors=True)

    async def options(self, requests: AsyncIterator[Request]) -> Request:
        """The first message, which must hold the options, else InvalidInputError MESSAGE_OUT_OF_ORDER."""
        try:
            request = await self._next(requests)
        except StopAsyncIteration:
            raise _out_of_order(0, "the upload ended before its options") from None
        if request.WhichOneof("payload") != "options":
            raise _out_of_order(0, "the first message must hold the options")
        return request

    @contextlib.asynccontextmanager
    async def receive(self, requests: AsyncIterator[Request]) -> AsyncIterator[Path]:
        """The file with all chunks that follow the options; gone when the block is left.

        Raises LimitExceededError LIMIT_BYTES as soon as a byte too many arrives, InvalidInputError
        MESSAGE_OUT_OF_ORDER, UnavailableError OVERLOADED (as many uploads as there are places, or no room on the
        disk) or UPLOAD_STALLED.
        """
        if self._running >= self._places:
            raise UnavailableError("OVERLOADED", f"{self._places} uploads are running", queue=self._places)
        self._running += 1
        descriptor, name = tempfile.mkstemp(dir=self.path)
        media = Path(name)
        try:
            with os.fdopen(descriptor, "wb") as file:
                await self._receive(requests, file)
            yield media
        finally:
            self._running -= 1
            media.unlink(missing_ok=True)

    async def _receive(self, requests: AsyncIterator[Request], file: BinaryIO) -> None:
        buffer = bytearray()
        total = position = 0
        while True:
            position += 1
            try:
                request = await self._next(requests)
            except StopAsyncIteration:
                break
            if request.WhichOneof("payload") != "chunk":
                raise _out_of_order(position, "only chunks may follow the options")
            total += len(request.chunk)
            if total > self._max_bytes:
                raise LimitExceededError("LIMIT_BYTES", f"over {self._max_bytes} bytes", limit=self._max_bytes)
            buffer += request.chunk
            if len(buffer) >= _WRITE_BYTES:
                await _write(file, buffer)
                buffer = bytearray()
        await _write(file, buffer)

    async def _next(self, requests: AsyncIterator[Request]) -> Request:
        try:
            async with asyncio.timeout(self._idle_seconds):
                return await anext(requests)
        except TimeoutError as error:
            seconds = self._idle_seconds
            raise UnavailableError("UPLOAD_STALLED", f"nothing came for {seconds} s", seconds=seconds) from error


async def _write(file: BinaryIO, buffer: bytearray) -> None:
    """Write off the event loop, which a slow disk must not stop, and through to the disk's own answer."""
    try:
        await asyncio.to_thread(_write_through, file, buffer)
    except OSError as error:
        if error.errno in _NO_ROOM:
            raise UnavailableError("OVERLOADED", "no room on the disk for the upload") from error
        raise


def _write_through(file: BinaryIO, buffer: bytearray) -> None:
    file.write(buffer)
    file.flush()  # here, where an error is expected, and not when the file is closed


def _out_of_order(position: int, message: str) -> InvalidInputError:
    return InvalidInputError("MESSAGE_OUT_OF_ORDER", message, position=position)


def _remove_abandoned(parent: Path) -> None:
    """Remove upload directories of this user whose server is gone: their lock can be taken."""
    for directory in parent.glob(f"{_PREFIX}*"):
        with contextlib.suppress(OSError):
            if directory.is_symlink() or directory.stat().st_uid != os.getuid():
                continue
            with (directory / _LOCK).open("rb") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(directory)
                log.warning("removed the uploads of a server that was killed", path=str(directory))
