"""Hashes files on the client's machine, so that content need not leave it."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from hashsvc.config import Settings
from hashsvc.fingerprint.digests import digest_file
from hashsvc.fingerprint.model import Digests, Fingerprint
from hashsvc.fingerprint.reading import Reading

Progress = Callable[[float], None]


class Hasher(Protocol):
    """What a client needs of `hashsvc.fingerprint.sandbox.Sandbox`."""

    def fingerprint(self, path: Path, reading: Reading, *, progress: Progress | None = None) -> Fingerprint:
        """Hash a file; raises MediaError, LimitExceededError."""
        ...

    def close(self) -> None:
        """End the workers."""
        ...


class LocalHashing:
    """A sandbox, made when first needed; one that was given is the giver's to close. Thread-safe."""

    def __init__(self, settings: Settings, sandbox: Hasher | None) -> None:
        self._settings = settings
        self._given = sandbox
        self._made: Hasher | None = None
        self._lock = threading.Lock()

    def digests(self, path: Path) -> Digests:
        """Exact digests of the file."""
        return digest_file(path, self._settings.limits.max_bytes)

    def fingerprint(self, path: Path, reading: Reading, *, progress: Progress | None) -> Fingerprint:
        """The fingerprint of the file, hashed in the sandbox."""
        return self._sandbox().fingerprint(path, reading, progress=progress)

    def close(self) -> None:
        """Close the sandbox if it was made here."""
        with self._lock:
            if self._made is not None:
                self._made.close()
                self._made = None

    def _sandbox(self) -> Hasher:
        with self._lock:
            if self._given is not None:
                return self._given
            if self._made is None:
                # Here and not above: a client that never hashes starts no workers and loads nothing for them.
                from hashsvc.fingerprint.sandbox import Sandbox

                self._made = Sandbox(self._settings)
            return self._made
