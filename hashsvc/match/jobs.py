"""What a server and the processes that match for it say to each other, pickled: neither takes it from anybody else."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path

from hashsvc.bank.model import Bank
from hashsvc.config import HintSettings, IndexSettings
from hashsvc.fingerprint.model import Digests, Fingerprint
from hashsvc.match.depths import Depths


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """What a process is told first, on the last of its connections. There it answers Ready."""

    data: Path
    index: IndexSettings
    hints: HintSettings
    reference_cache_bytes: int


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """Its index has caught up."""

    pid: int
    not_compiled: str
    """Why it is slower than it might be; empty where it is not."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Job:
    """An upload to be matched; the answer is a MatchResult, or in words why there is none."""

    query: Fingerprint | Digests
    banks: Mapping[str, Bank]
    """See `Matcher.match`."""
    depths: Depths
    revision: int
    """What has to be searchable first."""
