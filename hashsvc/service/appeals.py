"""Objections to verdicts."""

from collections.abc import Sequence

from hashsvc.appeals.docket import Place
from hashsvc.appeals.model import Appeal, AppealState
from hashsvc.bank import rules
from hashsvc.bank.model import Page
from hashsvc.decisions import reading
from hashsvc.decisions.model import Decision
from hashsvc.errors import InvalidInputError, NotFoundError
from hashsvc.service.base import Base


class Appeals(Base):
    """The part of the service by which people object, and others decide."""

    def open_appeal(
        self, text: str, *, decision: int = 0, content_id: str = "", appellant: str = "", actor: str = ""
    ) -> Appeal:
        """Object to a verdict: to a decision, by number, or to the last verdict on the upload called `content_id`.

        `appellant` is who objects, as the platform calls them; `actor` who writes it down, and may not decide it.

        Raises InvalidInputError (FIELD_REQUIRED, FIELD_INVALID, FIELD_TOO_LONG), DECISION_NOT_FOUND, also where no verdict
        on the upload is logged.
        """
        rules.check_text("text", text)
        rules.check_text("appellant", appellant, rules.MAX_EXTERNAL_ID)
        rules.check_text("content_id", content_id, rules.MAX_CONTENT_ID)
        for field, value in (("text", text.strip()), ("decision or content_id", decision or content_id)):
            if not value:
                raise InvalidInputError("FIELD_REQUIRED", f"{field} is required", field=field.partition(" ")[0])
        against = self._against(decision, content_id)
        name = content_id or against.content_id
        return self._docket.open(against, name, appellant, text, actor or self._actor)

    def get_appeal(self, appeal: str) -> Appeal:
        """Raises NotFoundError APPEAL_NOT_FOUND, InvalidInputError (FIELD_REQUIRED, FIELD_TOO_LONG)."""
        _check_appeal(appeal)
        return self._docket.get(appeal)

    def list_appeals(
        self, *, state: str = "", content_id: str = "", page_size: int = 0, page_token: str = ""
    ) -> Page[Appeal]:
        """Appeals, oldest first, of one state or upload where that is given. A page may be short and not be the last.

        Raises InvalidInputError (FIELD_INVALID, FIELD_TOO_LONG, PAGE_TOKEN_INVALID).
        """
        if state and state not in list(AppealState):
            raise InvalidInputError(
                "FIELD_INVALID", f"a state is one of {', '.join(AppealState)}, not {state[:80]!r}", field="state"
            )
        rules.check_text("content_id", content_id, rules.MAX_CONTENT_ID)
        if page_token and not (len(page_token) <= rules.MAX_ENTRY_ID and page_token.isalnum() and page_token.isascii()):
            raise InvalidInputError("PAGE_TOKEN_INVALID", "page_token is not one that a list returned")
        wanted = AppealState(state) if state else None
        return self._docket.page(wanted, content_id, page_token, self._page_size(page_size))

    def decide_appeal(
        self,
        appeal: str,
        *,
        upheld: bool,
        reason: str,
        dispute: Sequence[Place] | None = None,
        revision: int = 0,
        actor: str = "",
    ) -> Appeal:
        """Uphold or reject an appeal. One that is upheld puts the entries that got the upload its verdict in doubt:
        they are `disputed`, REVIEW at most, in the same write. `dispute` names those of them, by bank and entry, that
        are to be, none at all where they are right and only this use was lawful. `revision` other than 0 must be the
        appeal's last.

        Raises APPEAL_NOT_FOUND, PreconditionError (APPEAL_STATE, SECOND_PERSON_REQUIRED), InvalidInputError
        (FIELD_REQUIRED, FIELD_TOO_LONG, FIELD_INVALID for an entry that the appeal is not about), REVISION_CONFLICT.
        """
        _check_appeal(appeal)
        rules.check_text("reason", reason)
        if not reason.strip():
            raise InvalidInputError("FIELD_REQUIRED", "a reason is required", field="reason")
        if dispute is not None and not upheld:
            raise InvalidInputError("FIELD_INVALID", "a rejected appeal disputes nothing", field="dispute")
        decided = self._docket.decide(
            appeal, upheld=upheld, reason=reason, dispute=dispute, revision=revision, actor=actor or self._actor
        )
        self._index.notify()
        return decided

    def reinstate_content(self, appeal: str, *, actor: str = "") -> Appeal:
        """Note that the upload of an upheld appeal can be seen again: only the platform can see to that.

        Raises APPEAL_NOT_FOUND, PreconditionError APPEAL_STATE.
        """
        _check_appeal(appeal)
        return self._docket.reinstate(appeal, actor=actor or self._actor)

    def _against(self, number: int, content_id: str) -> Decision:
        if number:
            found = reading.get(self._store, number)
            if found.verdict is None:
                raise InvalidInputError(
                    "FIELD_INVALID", f"decision {number} is about a {found.kind}, not an upload", field="decision"
                )
            if content_id and found.content_id not in ("", content_id):
                raise InvalidInputError(
                    "FIELD_INVALID", f"decision {number} is about {found.content_id!r}", field="content_id"
                )
            return found
        last = reading.last_verdict(self._store, content_id)
        if last is None:
            raise NotFoundError(
                "DECISION_NOT_FOUND", f"no verdict on {content_id!r} is in the log", content_id=content_id
            )
        return last


def _check_appeal(appeal: str) -> None:
    if not appeal:
        raise InvalidInputError("FIELD_REQUIRED", "an appeal is required", field="appeal")
    rules.check_text("appeal", appeal, rules.MAX_ENTRY_ID)
