"""The figures of a report. All are counted from the decision log, and from nothing else."""

import dataclasses
import datetime

from hashsvc.bank.model import Verdict

UNLABELLED = "(none)"
"""What is counted as the label of an entry that has none."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class VerdictCount:
    """How often a verdict was given."""

    verdict: Verdict
    decisions: int
    """Answers; one upload may get several, when it is asked for again or read twice."""
    uploads: int
    """Different uploads that got this and nothing stricter within the period."""
    exact: int
    """Of them, those recognised by equal bytes; the others are recognised by likeness."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class UploadCount:
    """Different uploads by what stopped them. One that shows entries of several labels or sources counts for each."""

    label: str
    source: str
    """`own`, or the partner that the entry came from."""
    verdict: Verdict
    uploads: int


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class StepCount:
    """How often a step was taken with a bank, entry, incident or breaker."""

    kind: str
    """`bank`, `entry`, `incident` or `breaker`."""
    step: str
    count: int


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Enforcement:
    """How long it took from the confirmation of an entry to the first upload that it blocked."""

    entries: int = 0
    """Those whose first block is in the period."""
    median_seconds: float | None = None
    """Of them; None where there are none."""
    waiting: int = 0
    """Entries confirmed in the period that have blocked nothing until its end."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class AppealCount:
    """Appeals of the period."""

    opened: int = 0
    upheld: int = 0
    """Decided in the period, whenever they were opened; so, too, rejected."""
    rejected: int = 0
    open_at_end: int = 0
    """Undecided at the end of the period, whenever they were opened."""
    median_seconds: float | None = None
    """From opening to decision, of those decided in the period; None where there are none."""
    reinstated: int = 0
    """Uploads that were noted to be visible again."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class TransparencyReport:
    """What was decided from `since` on and before `until`."""

    since: datetime.datetime
    until: datetime.datetime
    decisions: int
    """Records of the log in the period."""
    head: str
    """Hash of the last record of the log when it was counted, hex."""
    faults: tuple[str, ...] = ()
    """What is wrong with the log; the figures of a log with faults prove nothing."""
    verdicts: tuple[VerdictCount, ...] = ()
    uploads: tuple[UploadCount, ...] = ()
    held: int = 0
    """Different uploads that were not blocked because an entry's breaker had tripped."""
    steps: tuple[StepCount, ...] = ()
    enforcement: Enforcement = Enforcement()
    appeals: AppealCount = AppealCount()
