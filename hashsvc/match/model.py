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
    """What this bank makes of this match alone."""
    reason: str = ""
    """The rule or threshold that the verdict comes from; empty where an older server answered."""
    observed: Verdict | None = None
    """In a bank that observes, what the verdict would be if it did not; `verdict` is then ALLOW. None in other banks."""
    segments: tuple[Segment, ...]
    state: EntryState = EntryState.CONFIRMED
    """Of the entry; with another than `confirmed` the verdict is REVIEW at most."""
    digest: str = ""
    """`md5` or `sha256` when the bytes were equal, else empty."""
    breaker: str = ""
    """Name of the breaker, `bank/entry`, that made REVIEW of what would be BLOCK; empty where none did."""

    @property
    def judged(self) -> Verdict:
        """What the bank's policy says, whether or not it is enforced."""
        return self.observed or self.verdict


EXCLUDED = "excluded part of the entry"
"""Reason of an `Excused`: without the entry's exclusions it would have been a match."""
ALLOWED = "as well explained by an allow bank"
"""Reason of an `Excused`: an entry of an allow bank explains those parts of the upload at least as well."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Excused:
    """An entry that was recognised and is no match all the same, and why; or parts of it, where another part is a match."""

    bank: str
    entry: str
    external_id: str
    reason: str
    """EXCLUDED, ALLOWED, or the rule of the bank that allows it: `rule 1: allow if label=film`; later versions may know others."""
    seconds: float
    """Of the upload, in which it shows the entry, or only its excluded parts."""
    by_bank: str = ""
    """With ALLOWED, the allow bank,"""
    by_entry: str = ""
    """its entry that explains the upload as well,"""
    by_external_id: str = ""
    segments: tuple[Segment, ...] = ()
    """and the parts in question, aligned with the entry that is excused."""


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
    def observed(self) -> Verdict | None:
        """What the verdict would be if the banks that observe enforced; None where none of them has a match."""
        if all(one.observed is None for one in self.matches):
            return None
        return max((one.judged for one in self.matches), key=list(Verdict).index)

    @property
    def is_exact(self) -> bool:
        """Whether the very bytes of the upload are blocked, so that nothing more has to be hashed."""
        return any(one.digest and one.verdict is Verdict.BLOCK for one in self.matches)
