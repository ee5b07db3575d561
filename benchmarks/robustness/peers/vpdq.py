"""vPDQ as ThreatExchange's own client uses it: a bag of PDQ hashes, one a second."""

import subprocess
from pathlib import Path

import numpy as np

from benchmarks.robustness.peers.hamming import share_within
from benchmarks.robustness.peers.protocol import Hashes, PeerError

_DISTANCE = 31
_QUALITY = 50
_BYTES = 32
_SECONDS = 600.0
_PROGRAM = "import sys, vpdq\nfor one in vpdq.computeHash(sys.argv[1], seconds_per_hash=1): print(one.quality, one.hex)"


class VPDQ:
    """Share of the copy's hashes that have one of the reference's within 31 of 256 bits; 80 % make a match.

    The package needs the libraries of an FFmpeg to be built and brings down its process on some files, so it runs in a
    process of its own, of an interpreter that need not be this one.
    """

    name = "vpdq"
    about = "vpdq, 1 frame/s, quality >= 50, distance <= 31 of 256, match from 80 % of the copy's frames"
    default = 0.8

    def __init__(self, python: Path) -> None:
        self._python = python

    def missing(self) -> str:
        """Tries to import it."""
        try:
            self._run("import vpdq")
        except PeerError as error:
            return f"{self._python.name} cannot import the package vpdq ({error}); see --peer-python"
        return ""

    def hash(self, path: Path) -> Hashes:
        """Distinct hashes of quality 50 and more, in order of time."""
        lines = [line.split() for line in self._run(_PROGRAM, str(path)).splitlines()]
        distinct = dict.fromkeys(hex for quality, hex in lines if int(quality) >= _QUALITY)
        return np.frombuffer(bytes.fromhex("".join(distinct)), np.uint8).reshape(-1, _BYTES)

    def score(self, query: Hashes, reference: Hashes) -> float:
        return share_within(query, reference, _DISTANCE)

    def _run(self, program: str, *words: str) -> str:
        command = [str(self._python), "-P", "-c", program, *words]
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, errors="replace", timeout=_SECONDS, check=True
            )
        except subprocess.CalledProcessError as error:
            said = str(error.stderr).strip().splitlines() or [f"exit status {error.returncode}"]
            raise PeerError(said[-1]) from error
        except (OSError, subprocess.TimeoutExpired) as error:
            raise PeerError(str(error)) from error
        return done.stdout
