"""An incident: the videos of one attack, watched together while they spread, and what was counted of them."""

import dataclasses
import datetime

from hashsvc.bank.model import Depth

MAX_ENTRIES = 1000
"""Entries of one incident."""
MAX_OPEN = 100
"""Incidents open at once."""
MAX_HOURS = 90 * 24.0
MAX_CLOSURES = 100
"""Times that an incident may be reopened."""
DEFAULT_HOURS = 72.0
"""How long an incident lasts where nobody says or closes it before."""
DEFAULT_BREAKER_HITS = 10_000
"""Different uploads that an entry of an incident may block within the breaker's window."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class IncidentEntry:
    """An entry of an incident."""

    bank: str
    entry: str
    added_at: datetime.datetime
    added_by: str

    @property
    def place(self) -> tuple[str, str]:
        """Bank and entry."""
        return self.bank, self.entry


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Closure:
    """A time during which an incident was closed, before it was reopened."""

    closed_at: datetime.datetime
    closed_by: str
    closed_reason: str = ""
    reopened_at: datetime.datetime
    reopened_by: str
    reopened_reason: str = ""

    def holds(self, moment: datetime.datetime) -> bool:
        """Whether it was closed at `moment`."""
        return self.closed_at <= moment < self.reopened_at


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """A named set of entries. While it is open, uploads are read as deeply as it says, and its entries may flood."""

    incident: str
    """Identifier, `[a-z0-9][a-z0-9-]{0,62}`, picked by the caller."""
    description: str = ""
    depth: Depth = Depth.DEEP
    """How closely uploads are read for the banks of its entries, where the banks themselves ask for less."""
    breaker_hits: int = DEFAULT_BREAKER_HITS
    """Different uploads that each of its entries may block within the breaker's window, where that is more than usual."""
    entries: tuple[IncidentEntry, ...] = ()
    opened_at: datetime.datetime
    opened_by: str
    reason: str = ""
    """Why it was opened."""
    expires_at: datetime.datetime
    """When it closes by itself."""
    closed_at: datetime.datetime | None = None
    closed_by: str = ""
    closed_reason: str = ""
    closures: tuple[Closure, ...] = ()
    """What came before it was reopened, oldest first."""
    revision: int = 0
    """The revision of its last change, counted apart from the store's."""

    def is_open(self, moment: datetime.datetime) -> bool:
        """Whether it is open at `moment`, though its closing may not be written down yet."""
        return self.closed_at is None and moment < self.expires_at

    @property
    def ends_at(self) -> datetime.datetime:
        """When it was closed, or will be at the latest."""
        return self.closed_at or self.expires_at


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Hour:
    """Different uploads of one hour, each counted in the hour in which it came first."""

    start: datetime.datetime
    """UTC."""
    blocked: int = 0
    reviewed: int = 0
    let_through: int = 0


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class EntryCounts:
    """What was counted of one entry of an incident."""

    bank: str
    entry: str
    external_id: str = ""
    confirmed_at: datetime.datetime | None = None
    """When it was first confirmed; None for a candidate."""
    first_match_at: datetime.datetime | None = None
    """When it was first matched after that; None while it was not."""
    blocked: int = 0
    reviewed: int = 0
    let_through: int = 0

    @property
    def seconds_to_first_match(self) -> float | None:
        """From its confirmation to the first match; None while there is none."""
        if self.confirmed_at is None or self.first_match_at is None:
            return None
        return (self.first_match_at - self.confirmed_at).total_seconds()


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """What was counted of an incident. An upload that shows several of its entries counts once."""

    blocked: int = 0
    """Different uploads that were blocked;"""
    reviewed: int = 0
    """that went to review, and were not blocked by another reading;"""
    let_through: int = 0
    """and that had been let through and were found by a retro-hunt."""
    variants: int = 0
    """Different videos among those blocked and reviewed: by the digest of their bytes, else of what was hashed."""
    uncounted: int = 0
    """Uploads that came when more were counted already than are kept of one incident."""
    seconds_to_first_match: float | None = None
    """From the first confirmation of an entry to the first match of one; None while there is none."""
    hours: tuple[Hour, ...] = ()
    """Every hour from the first to the last that has any, without gaps."""
    entries: tuple[EntryCounts, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Debrief:
    """The report on an incident."""

    incident: str
    markdown: str
    """Names its figure as INCIDENT.svg."""
    figure: str
    """SVG of the hourly counts."""
