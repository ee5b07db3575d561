"""Counting a period of the decision log."""

import dataclasses
import datetime
import hashlib
import statistics
from collections import Counter
from typing import Any

import msgpack

from hashsvc.bank import decisions as changes
from hashsvc.bank.model import EntryState, Verdict
from hashsvc.decisions import reading, verdicts
from hashsvc.decisions.model import DecisionKind, VerdictRecord
from hashsvc.match.verdict import strictest
from hashsvc.report.model import (
    UNLABELLED,
    AppealCount,
    Enforcement,
    StepCount,
    TransparencyReport,
    UploadCount,
    VerdictCount,
)
from hashsvc_index import DecisionRecord, Store

_SCAN = 500
Place = tuple[str, str]
Cause = tuple[str, str]
"""Label and source."""


def count(store: Store, since: datetime.datetime, until: datetime.datetime) -> TransparencyReport:
    """Read the whole log, since what happened before tells what is the first of its kind, and verify it.

    Takes some 100 bytes of memory for each different upload of the period that was not let through.
    """
    period = _Period(since, until)
    after = 0
    while page := store.decisions(after, _SCAN):
        for record in page:
            period.add(record)
        after = page[-1].number
    check = reading.check(store, b"")
    return period.report(check.head, check.faults)


@dataclasses.dataclass(slots=True)
class _Upload:
    """The strictest that one upload got, and what for."""

    verdict: Verdict
    causes: frozenset[Cause]
    exact: bool


class _Period:
    """The count so far."""

    def __init__(self, since: datetime.datetime, until: datetime.datetime) -> None:
        self._since, self._until = since, until
        self._decisions = 0
        self._answers: Counter[Verdict] = Counter()
        self._uploads: dict[bytes, _Upload] = {}
        self._held: set[bytes] = set()
        self._steps: Counter[tuple[str, str]] = Counter()
        self._confirmed: dict[Place, datetime.datetime] = {}
        """Of every entry that ever was: when it was confirmed first."""
        self._blocking: set[Place] = set()
        self._delays: list[float] = []
        self._opened: dict[str, datetime.datetime] = {}
        """Appeals that are undecided so far."""
        self._appeals: Counter[str] = Counter()
        self._waits: list[float] = []

    def add(self, record: DecisionRecord) -> None:
        """Count one record, which may be before or after the period. Raises StoreCorruptError for one that says nothing."""
        try:
            self._add(record)
        except reading.UNREADABLE as error:
            raise reading.unreadable(record) from error

    def _add(self, record: DecisionRecord) -> None:
        fields: dict[str, Any] = msgpack.unpackb(record.payload, timestamp=3)
        if fields["at"] >= self._until:
            return
        within = fields["at"] >= self._since
        self._decisions += within
        if fields["kind"] == DecisionKind.VERDICT:
            self._add_verdict(fields, within)
        elif fields["kind"] == DecisionKind.APPEAL:
            self._add_appeal(fields, within)
        elif changes.is_change(record):
            self._add_change(record, within)
        elif fields["kind"] == DecisionKind.BREAKER:
            self._steps[fields["kind"], fields["action"]] += within

    def report(self, head: str, faults: tuple[str, ...]) -> TransparencyReport:
        """All that was counted."""
        causes = Counter((*cause, upload.verdict) for upload in self._uploads.values() for cause in upload.causes)
        return TransparencyReport(
            since=self._since,
            until=self._until,
            decisions=self._decisions,
            head=head,
            faults=faults,
            verdicts=tuple(self._verdict(verdict) for verdict in (Verdict.BLOCK, Verdict.REVIEW)),
            uploads=tuple(
                UploadCount(label=label, source=source, verdict=verdict, uploads=uploads)
                for (label, source, verdict), uploads in sorted(causes.items())
            ),
            held=len(self._held),
            steps=tuple(StepCount(kind=kind, step=step, count=n) for (kind, step), n in sorted(self._steps.items())),
            enforcement=Enforcement(
                entries=len(self._delays),
                median_seconds=statistics.median(self._delays) if self._delays else None,
                waiting=sum(at >= self._since and place not in self._blocking for place, at in self._confirmed.items()),
            ),
            appeals=AppealCount(
                opened=self._appeals["open"],
                upheld=self._appeals["uphold"],
                rejected=self._appeals["reject"],
                open_at_end=len(self._opened),
                median_seconds=statistics.median(self._waits) if self._waits else None,
                reinstated=self._appeals["reinstate"],
            ),
        )

    def _verdict(self, verdict: Verdict) -> VerdictCount:
        uploads = [one for one in self._uploads.values() if one.verdict is verdict]
        return VerdictCount(
            verdict=verdict,
            decisions=self._answers[verdict],
            uploads=len(uploads),
            exact=sum(one.exact for one in uploads),
        )

    def _add_verdict(self, fields: dict[str, Any], within: bool) -> None:
        if fields["action"] == Verdict.BLOCK:
            for place in verdicts.blocking(fields):
                if place not in self._blocking:
                    self._blocking.add(place)
                    if within and place in self._confirmed:
                        self._delays.append(_seconds(self._confirmed[place], fields["at"]))
        if within:
            self._add_upload(verdicts.unpack(fields))

    def _add_upload(self, record: VerdictRecord) -> None:
        self._answers[record.verdict] += 1
        key = hashlib.blake2b(record.upload.encode(), digest_size=10).digest()
        if any(ground.match.breaker for ground in record.grounds):
            self._held.add(key)
        stopping = [one for one in record.grounds if one.match.verdict is record.verdict]
        causes = frozenset((label, one.source) for one in stopping for label in one.labels or (UNLABELLED,))
        exact = any(one.match.digest for one in stopping)
        known = self._uploads.get(key)
        if known is None or strictest((known.verdict, record.verdict)) is not known.verdict:
            self._uploads[key] = _Upload(record.verdict, causes, exact)
        elif known.verdict is record.verdict:
            known.causes |= causes
            known.exact |= exact

    def _add_change(self, record: DecisionRecord, within: bool) -> None:
        change = changes.change_of(record)
        self._steps[change.kind, change.action] += within
        if change.kind == DecisionKind.ENTRY and (change.bank, change.entry) not in self._confirmed:
            state = msgpack.unpackb(change.after, timestamp=3)["state"]
            if state == EntryState.CONFIRMED:
                self._confirmed[change.bank, change.entry] = change.at

    def _add_appeal(self, fields: dict[str, Any], within: bool) -> None:
        self._appeals[fields["action"]] += within
        if fields["action"] == "open":
            self._opened[fields["appeal"]] = fields["at"]
        elif fields["action"] in ("uphold", "reject"):
            opened = self._opened.pop(fields["appeal"], None)
            if within and opened is not None:
                self._waits.append(_seconds(opened, fields["at"]))


def _seconds(begin: datetime.datetime, end: datetime.datetime) -> float:
    """Never negative: clocks of two machines may differ."""
    return max(0.0, (end - begin).total_seconds())
