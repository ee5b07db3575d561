"""The robustness card: what became of the hasher's own attack on an entry."""

import dataclasses
import datetime
import enum
from typing import Any


class CardState(enum.StrEnum):
    """How far vaccination has come."""

    NONE = "none"
    """Not asked for."""
    PENDING = "pending"
    """Waits for its turn."""
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    """`detail` says why. The entry matches as it did before."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class EditResult:
    """One edit of the battery, done to the video, and whether the copy found its entry."""

    edit: str
    """Its name in `hashsvc.battery.catalogue.BATTERY`."""
    matched: bool
    """Whether the copy was found; with several stretches of a long video, each of them."""
    evidence: float = 0.0
    """Of the weakest stretch; 0 where it was not found."""
    query_coverage: float = 0.0
    """Matched share of the copy, 0-1; of the weakest stretch."""
    added_view: str = ""
    """The view that was added for its sake, or empty."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class RobustnessCard:
    """Kept with the entry. Without a card the state is `none`."""

    state: CardState = CardState.NONE
    progress: float = 0.0
    """Share done, 0-1."""
    profile: str = ""
    """The profile under which the copies were hashed."""
    made_at: datetime.datetime | None = None
    """When it was finished."""
    detail: str = ""
    """Why it failed, or what was left out."""
    results: tuple[EditResult, ...] = ()

    @property
    def matched(self) -> int:
        """How many edits were found."""
        return sum(one.matched for one in self.results)

    @classmethod
    def of(cls, fields: dict[str, Any]) -> "RobustnessCard":
        """The inverse of `dataclasses.asdict`."""
        results = tuple(EditResult(**one) for one in fields["results"])
        return cls(**{**fields, "state": CardState(fields["state"]), "results": results})
