"""What is under way: the bytes, for as long as they are needed, and a sign that somebody works on them.

`DATA/vaccination/ENTRY` is such a sign. The process that works on the entry has it locked; a sign that can be locked by
another was left by a process that was killed, and so were the bytes it names. They are kept apart from the data
directory, in a private temporary directory, since a data directory never holds the video.
"""

import contextlib
import fcntl
import json
import os
import shutil
import tempfile
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import structlog

_DIRECTORY = "vaccination"
_PREFIX = "hashsvc-vaccination-"
MEDIA = "media"

log = structlog.get_logger(__name__)


class Claim:
    """One entry that this process works on, until `release`."""

    def __init__(self, sign: Path, handle: IO[bytes], folder: Path) -> None:
        self._sign = sign
        self._handle = handle
        self.folder = folder
        """Private; gone after `release`."""
        self.report(0.0)

    def hold(self, media: Path) -> None:
        """Keep the bytes of `media`, which may then go, as MEDIA in `folder`; without copying where possible."""
        try:
            os.link(media, self.folder / MEDIA)
        except OSError:
            shutil.copyfile(media, self.folder / MEDIA)

    def report(self, share: float) -> None:
        """Let other processes see the share done, 0-1."""
        with contextlib.suppress(OSError, ValueError):  # a full disk must not end the work
            os.pwrite(self._handle.fileno(), _line(self.folder, share), 0)

    def release(self) -> None:
        """Remove the bytes and the sign."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self._sign.unlink(missing_ok=True)
        self._handle.close()


class Spool:
    """The signs of one data directory."""

    def __init__(self, data: Path) -> None:
        self._path = data / _DIRECTORY
        self._claiming = threading.Lock()

    def claim(self, entry: str) -> Claim | None:
        """Take an entry on; None where a process does so already. Raises OSError."""
        with self._claiming:
            return None if self.share(entry) is not None else self._claim(entry)

    def _claim(self, entry: str) -> Claim:
        self._path.mkdir(exist_ok=True)
        name = uuid.uuid4().hex
        new, folder = self._path / f".{name}", Path(tempfile.gettempdir()) / f"{_PREFIX}{name}"
        handle = new.open("w+b")
        try:
            # Locked and written before it has its name, so that nobody sees it otherwise; and there before the folder
            # is, so that none is left that no sign names.
            fcntl.flock(handle, fcntl.LOCK_EX)
            claim = Claim(self._path / entry, handle, folder)
            new.rename(self._path / entry)
            folder.mkdir(mode=0o700)
        except OSError:
            handle.close()
            new.unlink(missing_ok=True)
            (self._path / entry).unlink(missing_ok=True)
            raise
        return claim

    def share(self, entry: str) -> float | None:
        """The share done of an entry that some process works on, 0-1; None where none does."""
        with contextlib.suppress(OSError), (self._path / entry).open("rb") as sign:
            try:
                fcntl.flock(sign, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                said = _read(sign)
                return 0.0 if said is None else said[1]
        return None

    def clean(self) -> None:
        """Remove what processes left behind that were killed."""
        with contextlib.suppress(OSError):
            for path in list(self._path.iterdir()):
                for folder in _abandoned(path):
                    shutil.rmtree(folder, ignore_errors=True)
                    log.warning("vaccination was interrupted; its copy of the video is removed", entry=path.name)


def _abandoned(path: Path) -> Iterator[Path]:
    """The folder named by a sign that nobody has locked; the sign is gone afterwards."""
    with contextlib.suppress(OSError), path.open("rb") as sign:
        fcntl.flock(sign, fcntl.LOCK_EX | fcntl.LOCK_NB)
        said = _read(sign)
        if said is not None and said[0].name.startswith(_PREFIX) and not said[0].is_symlink():
            yield said[0]
        path.unlink()


def _line(folder: Path, share: float) -> bytes:
    """Always of one length for one folder, so that it can be written in place."""
    return json.dumps({"progress": f"{share:.3f}", "folder": str(folder)}).encode()


def _read(sign: IO[bytes]) -> tuple[Path, float] | None:
    try:
        said = json.loads(sign.read())
        return Path(said["folder"]), float(said["progress"])
    except (ValueError, KeyError, TypeError):
        return None
