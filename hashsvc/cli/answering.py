"""What commands call that answer for decisions; see `hashsvc.cli.target.Operations`."""

import datetime
from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from hashsvc.bank.model import Page

if TYPE_CHECKING:
    from hashsvc.appeals.model import Appeal
    from hashsvc.decisions.model import Decision, LogCheck, Replay
    from hashsvc.report.model import TransparencyReport


class Answering(Protocol):
    """The methods that `hashsvc.service.Service` and `hashsvc.client.Client` share."""

    def get_decision(self, decision: int) -> "Decision": ...
    def list_decisions(
        self,
        *,
        kind: str = ...,
        bank: str = ...,
        entry: str = ...,
        content_id: str = ...,
        since: datetime.datetime | None = ...,
        until: datetime.datetime | None = ...,
        page_size: int = ...,
        page_token: str = ...,
    ) -> "Page[Decision]": ...
    def verify_decisions(self, *, head: str = ...) -> "LogCheck": ...
    def open_appeal(
        self, text: str, *, decision: int = ..., content_id: str = ..., appellant: str = ...
    ) -> "Appeal": ...
    def get_appeal(self, appeal: str) -> "Appeal": ...
    def list_appeals(
        self, *, state: str = ..., content_id: str = ..., page_size: int = ..., page_token: str = ...
    ) -> "Page[Appeal]": ...
    def decide_appeal(
        self,
        appeal: str,
        *,
        upheld: bool,
        reason: str,
        dispute: Sequence[tuple[str, str]] | None = ...,
        revision: int = ...,
    ) -> "Appeal": ...
    def reinstate_content(self, appeal: str) -> "Appeal": ...
    def report(self, since: datetime.datetime, until: datetime.datetime | None = ...) -> "TransparencyReport": ...
    def replay(self, decision: int) -> "Replay": ...
