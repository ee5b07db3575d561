"""What the fake target answers of decisions: what a test has put there."""

import datetime
from typing import Any

from hashsvc.bank.model import Page
from hashsvc.decisions.model import Decision, LogCheck, Replay


class FakeAnswers:
    """Decisions in a list; what was asked for is noted."""

    page_size: int

    def __init__(self) -> None:
        self.decisions: list[Decision] = []
        self.asked: dict[str, Any] = {}
        self.check = LogCheck(faults=(), decisions=0, head="00" * 32)
        self.replays: dict[int, Replay] = {}

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
