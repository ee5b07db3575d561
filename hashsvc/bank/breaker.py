"""A breaker: what became of an entry whose matches left their usual rate by far."""

import dataclasses
import datetime

from hashsvc.bank.model import Verdict

MAX_AFFECTED = 1000
"""Uploads that a breaker lists; of more it keeps the number."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Affected:
    """An upload that an entry stopped."""

    upload: str
    """SHA-256 of its bytes, or MD5, in hex; a digest of its fingerprint where the caller gave neither."""
    content_id: str = ""
    """The caller's own name for it, where there is one."""
    verdict: Verdict
    at: datetime.datetime


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Breaker:
    """While it is tripped, what would be BLOCK for a match of the entry is REVIEW."""

    bank: str
    entry: str
    external_id: str = ""
    tripped: bool
    tripped_at: datetime.datetime
    reset_at: datetime.datetime | None = None
    limit: int
    """Different uploads that it might block within the window; one more tripped it."""
    window_seconds: float
    query_coverage: float
    """Median over those uploads of the share of the upload that matched, 0-1."""
    reference_coverage: float
    """Median of the share of the entry that matched."""
    blocked: int = 0
    """Different uploads blocked within the window before it tripped."""
    reviewed: int = 0
    """Different uploads that came after it had tripped."""
    affected: tuple[Affected, ...] = ()
    """The first of both, in order."""
    allowed_hits: int = 0
    """Limit that was set at the reset; 0: the settings'."""
    revision: int = 0

    @property
    def place(self) -> tuple[str, str]:
        """Bank and entry."""
        return self.bank, self.entry
