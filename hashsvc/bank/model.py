"""The nouns: bank, entry, policy, verdict."""

import dataclasses
import datetime
import enum
import shlex
from collections.abc import Mapping
from typing import Generic, TypeVar

from hashsvc.bank.card import RobustnessCard

Item = TypeVar("Item")


class Verdict(enum.StrEnum):
    """What to do with an upload, weakest first."""

    ALLOW = "ALLOW"
    REVIEW = "REVIEW"
    BLOCK = "BLOCK"


class EntryState(enum.StrEnum):
    """Where an entry is in its life."""

    CANDIDATE = "candidate"
    """Waits for a second person; its matches are REVIEW at most."""
    CONFIRMED = "confirmed"
    DISPUTED = "disputed"
    """In doubt; its matches are REVIEW at most, and it is not exported."""
    WITHDRAWN = "withdrawn"
    """Matched no more."""


class BankMode(enum.StrEnum):
    """What comes of the matches of a bank's entries."""

    ENFORCE = "enforce"
    """The verdict that its policy gives."""
    OBSERVE = "observe"
    """They are told with the verdict that they would have; they count as ALLOW."""
    ALLOW = "allow"
    """Its entries are harmless: what they explain at least as well is no match of other banks' entries."""


class Depth(enum.StrEnum):
    """How closely uploads are read for a bank."""

    QUICK = "quick"
    """One quick reading, whatever it says."""
    AUTO = "auto"
    """A deep reading where the quick one leaves a hint: something was nearly found, or the picture looks put together."""
    DEEP = "deep"
    """A deep reading after every quick one that ends short of BLOCK: for the hours of an incident."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A verdict, and what a match must have for it; what is None, 0 or empty is not asked for."""

    verdict: Verdict
    evidence: float | None = None
    """At or below this."""
    share: float = 0.0
    """At least this share of the upload matched, 0-1."""
    seconds: float = 0.0
    """At least so many seconds of the upload matched."""
    labels: tuple[str, ...] = ()
    """The entry has any of these."""

    def __str__(self) -> str:
        """`block if evidence<=-6 share>=0.5`, as the command line takes it; see `hashsvc.bank.rule_text`."""
        asked = [] if self.evidence is None else [f"evidence<={self.evidence:.12g}"]
        asked += [f"{name}>={value:.12g}" for name in ("share", "seconds") if (value := getattr(self, name))]
        if self.labels:
            asked.append(f"label={shlex.quote(','.join(self.labels))}")
        return " ".join([self.verdict.lower(), *(["if", *asked] if asked else [])])


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What a match in a bank means. Evidence is log10 of the chance matches expected: more negative is stronger."""

    block_evidence: float = -6.0
    """BLOCK needs evidence at or below this,"""
    block_coverage: float = 0.5
    """and at least this share of the upload matched, 0-1."""
    review_evidence: float = -4.0
    """REVIEW needs evidence at or below this; what is weaker is not reported as a match."""
    depth: Depth = Depth.AUTO
    """How closely uploads are read."""
    rules: tuple[Rule, ...] = ()
    """The first that applies decides; where none does, the thresholds do."""

    @property
    def thresholds(self) -> tuple[Rule, Rule]:
        """The thresholds as rules."""
        return (
            Rule(verdict=Verdict.BLOCK, evidence=self.block_evidence, share=self.block_coverage),
            Rule(verdict=Verdict.REVIEW, evidence=self.review_evidence),
        )


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Bank:
    """A named set of entries with a policy."""

    bank: str
    """Identifier, `[a-z0-9][a-z0-9-]{0,62}`, picked by the caller."""
    description: str = ""
    policy: Policy = Policy()
    two_person: bool = False
    """Whether an entry takes a second person's approval to be confirmed."""
    mode: BankMode = BankMode.ENFORCE
    """What comes of its entries' matches; whether that is `allow` is settled when it is made."""
    taxonomy_only: bool = False
    """Whether its entries are given current labels of the taxonomy only."""
    created_at: datetime.datetime
    updated_at: datetime.datetime
    revision: int
    """The revision of its last change; send it back to detect a lost update."""


@dataclasses.dataclass(frozen=True, slots=True, order=True)
class Interval:
    """A stretch of a video, seconds from its first frame."""

    start: float
    end: float

    def __str__(self) -> str:
        """`95.5-110`, as the command line takes it."""
        return f"{self.start:.12g}-{self.end:.12g}"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class StateChange:
    """A step in the life of an entry."""

    state: EntryState
    """What it was from then on."""
    actor: str
    """Who made it so."""
    at: datetime.datetime
    reason: str = ""
    """Why; shortened, in full in the decision log."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Details:
    """What people keep with an entry, for themselves and for whoever asks later."""

    metadata: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """Whatever they like, by name; never changed in place."""
    partner: str = ""
    """Who gave it; empty: it is our own."""
    partner_id: str = ""
    """What the partner calls it."""
    legal_basis: str = ""
    review_by: datetime.datetime | None = None
    """When somebody is to look at it again; then that is told once."""
    expires_at: datetime.datetime | None = None
    """When it is withdrawn by itself."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One video in a bank."""

    bank: str
    entry: str
    """Identifier, made by the service, unique in the data directory."""
    external_id: str = ""
    """The caller's own name for the video."""
    state: EntryState = EntryState.CONFIRMED
    labels: tuple[str, ...] = ()
    taxonomy: str = ""
    """Version of the taxonomy that its labels were checked against; empty for free ones."""
    details: Details = Details()
    exclusions: tuple[Interval, ...] = ()
    """Harmless parts of it, which are no evidence in a match: in order, apart from each other."""
    reason: str = ""
    """Why it is in its state, as who made it so said."""
    history: tuple[StateChange, ...] = ()
    """Its last changes of state, oldest first; empty for one of before they were kept."""
    profile: str
    duration: float
    """Seconds."""
    frames: int
    hashes: int
    """Frame hashes in the index: frames x views that passed the quality gate."""
    md5: str = ""
    """Hex, or empty."""
    sha256: str = ""
    videohash: str = ""
    created_at: datetime.datetime
    updated_at: datetime.datetime
    revision: int
    """The revision of its last change."""
    card: RobustnessCard = RobustnessCard()
    """What became of the hasher's own attack on it."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[Item]):
    """One page of a list."""

    items: tuple[Item, ...]
    next_page_token: str = ""
    """Empty at the end."""
