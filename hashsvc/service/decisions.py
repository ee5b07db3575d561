"""Reading the decision log, checking it, and judging once more."""

import datetime
import re

from hashsvc.bank import rules
from hashsvc.bank.model import Page
from hashsvc.decisions import reading
from hashsvc.decisions.model import Decision, DecisionFilter, DecisionKind, LogCheck, Replay
from hashsvc.decisions.replay import replay
from hashsvc.errors import InvalidInputError
from hashsvc.service.base import Base, number_of

_HASH = re.compile(r"[0-9a-fA-F]{64}")


class Decisions(Base):
    """The part of the service that answers for what was decided."""

    def get_decision(self, decision: int) -> Decision:
        """A record of the log. Raises DECISION_NOT_FOUND."""
        return reading.get(self._store, decision)

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
        """Decisions in order, those of every filter given; `since` is included, `until` is not.

        A page may be short, or empty, and not be the last: only one without a next page token is.

        Raises InvalidInputError (FIELD_INVALID, FIELD_TOO_LONG, BANK_ID_INVALID, PAGE_TOKEN_INVALID).
        """
        if kind and kind not in list(DecisionKind):
            raise InvalidInputError(
                "FIELD_INVALID", f"a kind is one of {', '.join(DecisionKind)}, not {kind[:80]!r}", field="kind"
            )
        if bank:
            rules.check_bank_id(bank)
        if entry:
            rules.check_entry_id(entry)
        rules.check_text("content_id", content_id, rules.MAX_CONTENT_ID)
        for name, moment in (("since", since), ("until", until)):
            if moment is not None and moment.tzinfo is None:
                raise InvalidInputError("FIELD_INVALID", f"{name} has no time zone", field=name)
        wanted = DecisionFilter(kind=kind, bank=bank, entry=entry, content_id=content_id, since=since, until=until)
        return reading.page(self._store, wanted, number_of(page_token), self._page_size(page_size))

    def verify_decisions(self, *, head: str = "") -> LogCheck:
        """Follow the chain of hashes through the whole log; `head` is the hash of its last decision as noted earlier.

        Raises InvalidInputError FIELD_INVALID for what is no SHA-256 in hex.
        """
        if head and not _HASH.fullmatch(head):
            raise InvalidInputError("FIELD_INVALID", "head is a SHA-256, 64 hex digits", field="head")
        return reading.check(self._store, bytes.fromhex(head))

    def replay(self, decision: int) -> Replay:
        """Judge the upload of a verdict again, by everything as it was.

        Raises DECISION_NOT_FOUND; PreconditionError REPLAY_IMPOSSIBLE for what is no verdict and for what is no longer
        kept.
        """
        return replay(self._store, self._references, reading.get(self._store, decision))
