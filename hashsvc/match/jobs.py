"""What a server and the processes that match for it say to each other, pickled: neither takes it from anybody else."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

from hashsvc.bank.model import Bank
from hashsvc.config import HintSettings, IndexSettings
from hashsvc.fingerprint.model import HASH_BYTES, Digests, Fingerprint, activity_rows
from hashsvc.match.depths import Depths

AT_ONCE = 2
"""Uploads that one process is given at once by threads, and as many by an event loop, and a deep reading beside them: one is
matched, the next is there when it is done."""


class Packed(NamedTuple):
    """What matching reads of a fingerprint; arrays are bytes, of which pickle makes less ado."""

    profile: str
    duration: float
    views: tuple[str, ...]
    starts: bytes
    ends: bytes
    hashes: bytes
    quality: bytes
    activity: bytes
    digests: tuple[bytes, bytes]

    @classmethod
    def of(cls, query: Fingerprint) -> "Packed":
        """The fingerprint, checked before, without signals."""
        return cls(
            profile=query.profile,
            duration=query.duration,
            views=query.views,
            starts=query.starts.tobytes(),
            ends=query.ends.tobytes(),
            hashes=query.hashes.tobytes(),
            quality=query.quality.tobytes(),
            activity=query.activity.tobytes(),
            digests=(query.digests.md5, query.digests.sha256),
        )

    def fingerprint(self) -> Fingerprint:
        """The inverse of `of`."""
        starts = np.frombuffer(self.starts)
        md5, sha256 = self.digests
        return Fingerprint(
            profile=self.profile,
            duration=self.duration,
            views=self.views,
            starts=starts,
            ends=np.frombuffer(self.ends),
            hashes=np.frombuffer(self.hashes, np.uint8).reshape(len(starts), len(self.views), HASH_BYTES),
            quality=np.frombuffer(self.quality, np.uint8).reshape(len(starts), len(self.views)),
            activity=activity_rows(np.frombuffer(self.activity, np.float32), self.duration),
            digests=Digests(md5=md5, sha256=sha256),
        )


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """What a process is told first, on the last of its connections. There it answers Ready, or in words why it is not."""

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

    query: Packed
    banks: Mapping[str, Bank]
    """See `Matcher.match`."""
    depths: Depths
    revision: int
    """What has to be searchable first, 0 where nothing has to."""
    known: int
    """What the server has in its own index: waited for a moment, then what there is is searched."""
