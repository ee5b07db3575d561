"""Reads a file into the messages of an upload."""

import os
from asyncio import to_thread
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import BinaryIO, Self

from google.protobuf.message import Message

from hashsvc.errors import MediaError

CHUNK_BYTES = 256 * 1024


class Upload:
    """A file being sent: iterate it, either way, for the options and the chunks that follow.

    gRPC reads an iterator on a thread of its own and hides what it raises, so the error of a failed read is kept in
    `failure` for the caller of the call.
    """

    def __init__(self, options: Message, media: Path, progress: Callable[[float], None] | None) -> None:
        """Raises MediaError MEDIA_UNREADABLE when `media` cannot be opened."""
        self._options = options
        self._progress = progress
        self.failure: MediaError | None = None
        try:
            self._file: BinaryIO = media.open("rb")
        except OSError as error:
            raise _unreadable(error) from error
        self._size = max(1, os.fstat(self._file.fileno()).st_size)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def __iter__(self) -> Iterator[Message]:
        yield self._options
        while chunk := self._read():
            yield self._message(chunk)

    async def __aiter__(self) -> AsyncIterator[Message]:
        yield self._options
        while chunk := await to_thread(self._read):
            yield self._message(chunk)

    def _read(self) -> bytes:
        """The next chunk; nothing at the end, and after the call was over and the file closed."""
        if self._file.closed:
            return b""
        try:
            return self._file.read(CHUNK_BYTES)
        except OSError as error:
            self.failure = _unreadable(error)
            raise self.failure from error

    def _message(self, chunk: bytes) -> Message:
        if self._progress is not None and not self._file.closed:
            self._progress(min(1.0, self._file.tell() / self._size))
        return type(self._options)(chunk=chunk)


def _unreadable(error: OSError) -> MediaError:
    return MediaError("MEDIA_UNREADABLE", f"cannot be read: {error.strerror}")
