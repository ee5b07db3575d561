"""What a server or data directory must still do after it has refused something, and commands in a process of their own."""

import json
import subprocess
import sys
from typing import Any, TypeAlias

from hashsvc.bank.model import Entry, Verdict
from hashsvc.client import Client
from hashsvc.service import Service
from tests.server.background import excerpt, reference

Operations: TypeAlias = Client | Service
FRAMES = 24
KNOWN = reference(1, frames=FRAMES)
"""In every bank that `check_works` looks at, as `known`."""


def state(operations: Operations) -> tuple[int, tuple[Entry, ...]]:
    """The revision and every entry."""
    revision = operations.revision if isinstance(operations, Service) else operations.status().store_revision
    return revision, operations.list_entries("default", page_size=1000).items


def check_works(operations: Operations) -> None:
    """What is known is found, what is not is not, verify is clean, and a new video is taken and found."""
    assert operations.match(excerpt(KNOWN, 4, 20)).matches[0].external_id == "known"
    assert operations.match(excerpt(reference(10**6, frames=FRAMES), 4, 20)).verdict is Verdict.ALLOW
    assert operations.verify() == []
    revision, entries = state(operations)
    video = reference(10**7 + revision, frames=FRAMES)
    made = operations.confirm("default", video, external_id=f"after {revision}")
    assert operations.match(excerpt(video, 4, 20), min_revision=made.revision).matches[0].entry == made.entry
    assert state(operations) == (revision + 1, (*entries, made))


def run(*arguments: object, **options: Any) -> tuple[int, list[dict[str, Any]], str]:
    """The command in a process of its own: exit status, objects on stdout, stderr."""
    command = [sys.executable, "-m", "hashsvc.cli", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120, **options)
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()], done.stderr
