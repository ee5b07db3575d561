"""What a retro-hunt says: how far it is, and which recent uploads show the entry."""

import dataclasses
import datetime
import enum

from hashsvc.match.model import Match


class HuntState(enum.StrEnum):
    """Where a hunt for an entry is."""

    NONE = "none"
    """Nobody has hunted for it: the process that does has not come to it, or keeps no recent uploads."""
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    """`detail` says why; what was found before counts."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Hunt:
    """The last hunt for one entry."""

    bank: str
    entry: str
    state: HuntState = HuntState.NONE
    detail: str = ""
    searched: int = 0
    """Recent uploads looked at so far."""
    of: int = 0
    """Recent uploads that there were."""
    hits: int = 0
    """Uploads found, by this hunt and those before it."""
    started_at: datetime.datetime | None = None
    updated_at: datetime.datetime | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """A recent upload that shows the entry."""

    content_id: str
    """The uploading caller's own name for it."""
    seen_at: datetime.datetime
    """When it was matched."""
    match: Match
    """What a match of it says now."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class DryRun:
    """What an entry would find, if it were confirmed."""

    searched: int
    """Recent uploads looked at."""
    hits: tuple[Hit, ...]
    """Those it would find, strongest evidence first. Their entry has no name yet."""
    total: int
    """How many there are; `hits` holds the first of them."""
    allowed: int = 0
    """Those among them that a rule of the bank would let pass."""
    known_good: tuple[Match, ...] = ()
    """Known-good videos that it would find, strongest evidence first; `bank`, `entry` and `external_id` are theirs."""
    held_back: str = ""
    """Why a confirm would make it a candidate that takes a second person; empty where these hits are no reason to."""
