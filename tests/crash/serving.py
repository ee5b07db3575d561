"""`hashsvc serve` as a process that can be killed, and what it logs."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

START_SECONDS = 60.0
STOP_SECONDS = 30.0


class Serving:
    """A serving process. Its uploads go below `uploads`, and its log is read as it comes."""

    def __init__(self, data: Path, uploads: Path, listen: str = "127.0.0.1:0", settings: str = "") -> None:
        """`settings` is what its configuration says, TOML."""
        uploads.mkdir(exist_ok=True)
        config = uploads / "settings.toml"
        config.write_text(settings)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "hashsvc.cli", "serve", "--data", str(data), "--listen", listen],
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "TMPDIR": str(uploads), "HASHSVC_CONFIG": str(config)},
        )
        self.log: list[dict[str, Any]] = []
        self._heard = threading.Event()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    @property
    def target(self) -> str:
        """HOST:PORT, as soon as the server listens with its store open."""
        assert self._heard.wait(START_SECONDS), "the server said nothing"
        listening = [line for line in self.log if line["event"] == "listening"]
        assert listening, f"the server ended before it listened: {self.log[-3:]}"
        return str(listening[0]["target"])

    def events(self, text: str) -> list[dict[str, Any]]:
        """The lines of the log whose event holds `text`."""
        return [line for line in self.log if text in line["event"]]

    def kill(self) -> None:
        """`kill -9`; nothing it was doing is finished."""
        self.process.kill()

    def terminate(self) -> None:
        """SIGTERM."""
        self.process.send_signal(signal.SIGTERM)

    def end(self) -> int:
        """Wait until it has ended, killing it where it takes too long; the exit status. May be called again."""
        try:
            return self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()
        finally:
            self._reader.join()
            assert self.process.stderr is not None
            self.process.stderr.close()

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            if not line.endswith("\n"):
                break  # killed in the middle of a line
            self.log.append(json.loads(line))
            if self.log[-1]["event"] == "listening":
                self._heard.set()
        self._heard.set()


@contextlib.contextmanager
def serving(data: Path, uploads: Path, listen: str = "127.0.0.1:0", settings: str = "") -> Iterator[Serving]:
    """A serving process; killed at the end if the block did not end it. An error in its log fails the test."""
    server = Serving(data, uploads, listen, settings)
    try:
        yield server
    finally:
        if server.process.poll() is None:
            server.kill()
        server.end()
    assert not [line for line in server.log if line["level"] == "error"], server.log
