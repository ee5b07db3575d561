"""What a match says: which entry, which intervals, how sure, and what the bank makes of it."""

import dataclasses

from hashsvc.bank.model import EntryState, Verdict


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """Aligned intervals of upload (query) and entry (reference), seconds."""

    query_start: float
    query_end: float
    reference_start: float
    reference_end: float
    speed: float
    """Reference seconds that pass in one query second; 1.5 where the copy was sped up 1.5 times, negative where it
    runs backwards."""
    view: str
    """`query view/reference view` along this segment, `full/mirror` for a mirrored copy."""
    mean_distance: float
    """Hamming distance of 256, averaged over the frames of the segment."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """An entry found, with what proves it."""

    bank: str
    entry: str
    external_id: str
    evidence: float
    """log10 of the chance matches this good expected in this bank; more negative is stronger. -300 for equal digests."""
    query_coverage: float
    """Share of the upload's duration inside segments, 0-1."""
    reference_coverage: float
    """Share of the entry's duration inside segments, 0-1."""
    mean_distance: float
    verdict: Verdict
    """What this bank's policy makes of this match alone."""
    segments: tuple[Segment, ...]
    state: EntryState = EntryState.CONFIRMED
    """Of the entry; with another than `confirmed` the verdict is REVIEW at most."""
    digest: str = ""
    """`md5` or `sha256` when the bytes were equal, else empty."""
    breaker: str = ""
    """Name of the breaker, `bank/entry`, that made REVIEW of what would be BLOCK; empty where none did."""


EXCLUDED = "excluded part of the entry"
"""Reason of an `Excused`: without the entry's exclusions it would have been a match."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Excused:
    """An entry that was recognised and is no match all the same, and why."""

    bank: str
    entry: str
    external_id: str
    reason: str
    """EXCLUDED; later versions may know others."""
    seconds: float
    """Of the upload, in which it shows excluded parts of the entry."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class MatchResult:
    """The answer to one upload: the strictest verdict of its matches."""

    verdict: Verdict
    revision: int
    """The state of the store that was judged."""
    matches: tuple[Match, ...] = ()
    """Strongest evidence first."""
    deepen: bool = False
    """Whether a deep reading of the same upload should be matched, too: the quick one left a hint, or a bank asks for it."""
    excused: tuple[Excused, ...] = ()
    """What was left out of `matches`, longest first."""

    @property
    def is_exact(self) -> bool:
        """Whether a confirmed entry has the very bytes of the upload, so that nothing more has to be hashed."""
        return any(one.digest and one.state is EntryState.CONFIRMED for one in self.matches)
