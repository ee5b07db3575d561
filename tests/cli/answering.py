"""What the fake target answers of decisions: what a test has put there."""

import dataclasses
import datetime
from collections.abc import Sequence
from typing import Any

from hashsvc.appeals.model import Appeal, AppealState, Cause
from hashsvc.bank.model import Page, Verdict
from hashsvc.decisions.model import Decision, LogCheck, Replay
from hashsvc.report.model import (
    AppealCount,
    Enforcement,
    StepCount,
    TransparencyReport,
    UploadCount,
    VerdictCount,
)

MOMENT = datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.UTC)
APPEAL = Appeal(
    appeal="a", decision=2, verdict=Verdict.BLOCK, causes=(Cause(bank="default", entry="e1"),), text="",
    opened_by="mia", opened_at=MOMENT, updated_at=MOMENT, revision=3,
)  # fmt: skip
REPORT = TransparencyReport(
    since=MOMENT, until=MOMENT + datetime.timedelta(days=1), decisions=9, head="ab" * 32,
    verdicts=(VerdictCount(verdict=Verdict.BLOCK, decisions=7, uploads=5, exact=2),),
    uploads=(UploadCount(label="in|cident\n7", source="own", verdict=Verdict.BLOCK, uploads=5),),
    held=1, steps=(StepCount(kind="entry", step="confirm", count=3),),
    enforcement=Enforcement(entries=2, median_seconds=7200.0, waiting=1),
    appeals=AppealCount(opened=4, upheld=1, rejected=2, open_at_end=1, median_seconds=90.0, reinstated=1),
)  # fmt: skip


class FakeAnswers:
    """Decisions in a list; what was asked for is noted."""

    page_size: int

    def __init__(self) -> None:
        self.decisions: list[Decision] = []
        self.asked: dict[str, Any] = {}
        self.check = LogCheck(faults=(), decisions=0, head="00" * 32)
        self.replays: dict[int, Replay] = {}
        self.appeals: list[Appeal] = []
        self.reported = REPORT

    def get_decision(self, decision: int) -> Decision:
        return self.decisions[decision - 1]

    def list_decisions(
        self,
        *,
        kind: str = "",
        bank: str = "",
        entry: str = "",
        content_id: str = "",
        since: datetime.datetime | None = None,
        until: datetime.datetime | None = None,
        page_size: int = 0,
        page_token: str = "",
    ) -> Page[Decision]:
        self.asked = {
            "kind": kind, "bank": bank, "entry": entry, "content_id": content_id, "since": since, "until": until,
            "first": self.asked.get("first", page_token),
        }  # fmt: skip
        start = int(page_token or 0)
        end = start + self.page_size
        more = str(end) if end < len(self.decisions) else ""
        return Page(items=tuple(self.decisions[start:end]), next_page_token=more)

    def verify_decisions(self, *, head: str = "") -> LogCheck:
        self.asked = {"head": head}
        return self.check

    def replay(self, decision: int) -> Replay:
        return self.replays[decision]

    def open_appeal(self, text: str, *, decision: int = 0, content_id: str = "", appellant: str = "") -> Appeal:
        made = dataclasses.replace(
            APPEAL,
            text=text,
            decision=decision,
            content_id=content_id,
            appellant=appellant,
            appeal=f"a{len(self.appeals)}",
        )
        self.appeals.append(made)
        return made

    def get_appeal(self, appeal: str) -> Appeal:
        return next(one for one in self.appeals if one.appeal == appeal)

    def list_appeals(
        self, *, state: str = "", content_id: str = "", page_size: int = 0, page_token: str = ""
    ) -> Page[Appeal]:
        self.asked = {"state": state, "content_id": content_id}
        start = int(page_token or 0)
        end = start + self.page_size
        more = str(end) if end < len(self.appeals) else ""
        return Page(items=tuple(self.appeals[start:end]), next_page_token=more)

    def decide_appeal(
        self,
        appeal: str,
        *,
        upheld: bool,
        reason: str,
        dispute: Sequence[tuple[str, str]] | None = None,
        revision: int = 0,
    ) -> Appeal:
        self.asked = {"upheld": upheld, "reason": reason, "dispute": dispute, "revision": revision}
        state = AppealState.UPHELD if upheld else AppealState.REJECTED
        return dataclasses.replace(
            self.get_appeal(appeal), state=state, reason=reason, decided_by="ben", decided_at=MOMENT,
            disputed=APPEAL.causes if upheld else (),
        )  # fmt: skip

    def reinstate_content(self, appeal: str) -> Appeal:
        return dataclasses.replace(self.get_appeal(appeal), reinstated_by="ben", reinstated_at=MOMENT)

    def report(self, since: datetime.datetime, until: datetime.datetime | None = None) -> TransparencyReport:
        self.asked = {"since": since, "until": until}
        return self.reported
