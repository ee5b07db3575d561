"""The noun: an appeal."""

import dataclasses
import datetime
import enum

from hashsvc.bank.model import Verdict


class AppealState(enum.StrEnum):
    """Where an appeal is."""

    OPEN = "open"
    UPHELD = "upheld"
    """The upload should not have been stopped."""
    REJECTED = "rejected"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """An entry that a verdict rests on."""

    bank: str
    entry: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Appeal:
    """Somebody's objection to a verdict."""

    appeal: str
    """Identifier, made by the service; in order of time."""
    state: AppealState = AppealState.OPEN
    decision: int
    """The verdict that it is against."""
    content_id: str = ""
    """The uploading caller's own name for the upload."""
    verdict: Verdict
    """What the upload got."""
    causes: tuple[Cause, ...]
    """The entries whose matches got it that."""
    appellant: str = ""
    """Who objects, as the platform calls them; empty where that is not said."""
    text: str
    """What they say."""
    opened_by: str
    """Who wrote it down."""
    opened_at: datetime.datetime
    decided_by: str = ""
    decided_at: datetime.datetime | None = None
    reason: str = ""
    """Why it was decided so."""
    disputed: tuple[Cause, ...] = ()
    """The entries that it moved to `disputed`."""
    reinstated_by: str = ""
    """Who said that the upload is up again."""
    reinstated_at: datetime.datetime | None = None
    updated_at: datetime.datetime
    revision: int = 0
    """Of its last change; send it back to detect a lost update."""
