"""The nouns: a decision as logged, the grounds of a verdict, and what a replay says."""

import dataclasses
import datetime
import enum

from hashsvc.bank.incident import Incident
from hashsvc.bank.model import Bank, Entry, Verdict
from hashsvc.fingerprint.model import Digests
from hashsvc.match.model import Excused, Match

_NO_DIGESTS = Digests()
State = Bank | Entry | Incident
"""What a change is of."""


class DecisionKind(enum.StrEnum):
    """What a decision is about."""

    BANK = "bank"
    """A change to a bank."""
    ENTRY = "entry"
    """A change to an entry."""
    INCIDENT = "incident"
    """A change to an incident."""
    BREAKER = "breaker"
    """An entry that may block again, after it had flooded."""
    VERDICT = "verdict"
    """An answer to an upload other than ALLOW."""
    APPEAL = "appeal"
    """A step of an appeal."""


OWN = "own"
"""Source of an entry that came from no partner."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """A match that a verdict rests on, and what was known of its entry."""

    match: Match
    labels: tuple[str, ...] = ()
    """Of the entry, when the verdict was given."""
    source: str = OWN
    """Whose entry it was: `own`, or the partner that it came from."""
    entry_revision: int = 0
    """The entry's last change then."""

    @property
    def place(self) -> tuple[str, str]:
        """Bank and entry."""
        return self.match.bank, self.match.entry


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class VerdictRecord:
    """An answer to an upload, with all that it takes to judge it once more."""

    verdict: Verdict
    judged_revision: int
    """The state of the store that was judged."""
    upload: str
    """What tells the upload from others, hex: SHA-256 or MD5 of its bytes, else a digest of its fingerprint."""
    content_id: str = ""
    """The caller's own name for it."""
    profile: str = ""
    """Of the fingerprint; empty for a verdict on digests alone."""
    duration: float = 0.0
    """Of the upload, seconds; 0 for a verdict on digests alone."""
    asked: tuple[str, ...] = ()
    """The banks that were asked for; none: every bank."""
    policies: tuple[Bank, ...] = ()
    """The banks of the matches with the policy that judged them, without their descriptions."""
    grounds: tuple[Ground, ...] = ()
    """The matches, strongest evidence first."""
    omitted: int = 0
    """Matches beyond those, left out for their number."""
    excused: tuple[Excused, ...] = ()
    digests: Digests = _NO_DIGESTS
    """Of the upload, where the caller gave them."""
    readings: tuple[str, ...] = ()
    """SHA-256, hex, of the exhibits that hold the upload's fingerprints; two where it was read quickly and deeply."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """A record of the log."""

    decision: int
    """Its number, from 1."""
    hash: str
    """SHA-256 of all of it, hex."""
    previous: str
    """Hash of the record before it; zeros for the first."""
    revision: int
    """The store's, once it was made."""
    kind: str
    """A `DecisionKind`; a later version may know others."""
    action: str
    """For a bank or entry the step, as create, confirm or withdraw; for an incident open, add, remove, update, close or reopen; for a
    breaker trip or reset; for an upload the verdict; for an appeal open, uphold, reject or reinstate."""
    actor: str
    """Who took it; for a verdict who asked, since the service judged."""
    at: datetime.datetime
    bank: str = ""
    entry: str = ""
    reason: str = ""
    content_id: str = ""
    before: State | None = None
    """What was changed, as it was; None for what is new and for what is no change."""
    after: State | None = None
    verdict: VerdictRecord | None = None
    """Of a verdict."""
    appeal: str = ""
    """Of an appeal: its identifier."""
    incident: str = ""
    """Of an incident: its name."""

    @property
    def places(self) -> frozenset[tuple[str, str]]:
        """The banks and entries that it is about."""
        grounds = self.verdict.grounds if self.verdict is not None else ()
        own = {(self.bank, self.entry)} if self.bank else set()
        incidents = [one for one in (self.before, self.after) if isinstance(one, Incident)]
        watched = {one.place for incident in incidents for one in incident.entries}
        return frozenset(own | watched | {one.place for one in grounds})


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class DecisionFilter:
    """Which decisions somebody wants; what is empty asks for nothing in particular."""

    kind: str = ""
    bank: str = ""
    entry: str = ""
    content_id: str = ""
    since: datetime.datetime | None = None
    """At or after this,"""
    until: datetime.datetime | None = None
    """and before this."""

    def wants(self, decision: Decision) -> bool:
        """Whether `decision` passes."""
        return (
            (not self.kind or decision.kind == self.kind)
            and (not self.content_id or decision.content_id == self.content_id)
            and (self.since is None or decision.at >= self.since)
            and (self.until is None or decision.at < self.until)
            and self._wants_place(decision)
        )

    def _wants_place(self, decision: Decision) -> bool:
        if not self.bank and not self.entry:
            return True
        return any(
            (not self.bank or bank == self.bank) and (not self.entry or entry == self.entry)
            for bank, entry in decision.places
        )


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class LogCheck:
    """What a verification of the log says."""

    faults: tuple[str, ...]
    """One sentence for each decision that was altered, removed or put elsewhere; none when the log is whole."""
    decisions: int
    """How many the log has."""
    head: str
    """Hash of the last one, hex: noted elsewhere, it shows later whether the log was cut off or made anew."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """A verdict judged once more, by the entries and policies as they were."""

    decision: int
    revision: int
    """The state of the store that was judged again."""
    same: bool
    """Whether the verdict and every match came out as logged: entry, verdict, and evidence to three digits."""
    logged: Verdict
    verdict: Verdict
    """What it is now found to be."""
    matches: tuple[Match, ...]
    differences: tuple[str, ...] = ()
    """One sentence each; none where it is the same."""
