"""The appeals of a data directory: documents of the store, each step of which is in the decision log and told."""

import contextlib
import dataclasses
import hashlib
import secrets
from collections.abc import Sequence
from typing import Any

import msgpack

from hashsvc.appeals.model import Appeal, AppealState, Cause
from hashsvc.bank import decisions as changes
from hashsvc.bank import life, records
from hashsvc.bank.model import Entry, EntryState, Page, Verdict
from hashsvc.decisions.model import Decision, DecisionKind
from hashsvc.errors import InvalidInputError, NotFoundError, PreconditionError
from hashsvc.events import payloads
from hashsvc.events.model import EventType
from hashsvc.events.outbox import Outbox
from hashsvc_index import DocumentRecord, EntryUpdate, Store
from hashsvc_index.errors import DocumentNotFoundError, RevisionConflictError

Place = tuple[str, str]
"""Bank and entry."""
_KIND = "appeal"
_VERSION = 1
_SCAN = 500
_MOST_SCANNED = 20_000


class Docket:
    """Thread-safe; several processes may work on one at once."""

    def __init__(self, store: Store, outbox: Outbox) -> None:
        self._store = store
        self._outbox = outbox

    def get(self, appeal: str) -> Appeal:
        """Raises NotFoundError APPEAL_NOT_FOUND."""
        try:
            return _appeal(self._store.get_document(_KIND, appeal))
        except DocumentNotFoundError:
            raise NotFoundError("APPEAL_NOT_FOUND", f"there is no appeal {appeal!r}", appeal=appeal) from None

    def page(self, state: AppealState | None, content_id: str, after: str, size: int) -> Page[Appeal]:
        """At most `size` appeals after the one called `after`, oldest first. A page may be short and not the last."""
        found: list[Appeal] = []
        scanned = 0
        while rows := self._store.list_documents(_KIND, after, _SCAN):
            for row in rows:
                after, scanned = row.name, scanned + 1
                one = _appeal(row)
                if (state is None or one.state is state) and (not content_id or one.content_id == content_id):
                    found.append(one)
                    if len(found) == size:
                        return Page(items=tuple(found), next_page_token=self._token(after))
            if scanned >= _MOST_SCANNED:
                return Page(items=tuple(found), next_page_token=self._token(after))
        return Page(items=tuple(found))

    def open(self, decision: Decision, content_id: str, appellant: str, text: str, actor: str) -> Appeal:
        """Open an appeal against a verdict; it is on the disk when this returns."""
        assert decision.verdict is not None
        now = records.now()
        appeal = Appeal(
            appeal=f"{int(now.timestamp() * 1000):012x}{secrets.token_hex(2)}",
            decision=decision.decision,
            content_id=content_id,
            verdict=decision.verdict.verdict,
            causes=_causes(decision),
            appellant=appellant,
            text=text,
            opened_by=actor,
            opened_at=now,
            updated_at=now,
        )
        # What people say of themselves is not for a log that forgets nothing: it has a digest of it.
        said = hashlib.sha256(text.encode()).hexdigest()
        logged = _logged("open", actor, appeal, text_sha256=said)
        told = [self._told(EventType.APPEAL_OPENED, appeal)]
        revision = self._store.put_document(
            _KIND, appeal.appeal, _payload(appeal), create=True, decisions=[logged], events=told
        )
        return dataclasses.replace(appeal, revision=revision)

    def decide(
        self, appeal: str, *, upheld: bool, reason: str, dispute: Sequence[Place] | None, revision: int, actor: str
    ) -> Appeal:
        """Decide an appeal. One that is upheld moves entries that it is about to `disputed`, in the same write: those
        that `dispute` names, all of them where it is None.

        Raises APPEAL_NOT_FOUND, PreconditionError (APPEAL_STATE for one that is decided, SECOND_PERSON_REQUIRED for who
        opened it), InvalidInputError FIELD_INVALID for an entry that it is not about, REVISION_CONFLICT.
        """
        while True:
            before = self.get(appeal)
            _check_decidable(before, actor)
            moved = self._disputable(before, dispute) if upheld else []
            changed = dataclasses.replace(
                before,
                state=AppealState.UPHELD if upheld else AppealState.REJECTED,
                decided_by=actor,
                decided_at=(now := records.now()),
                updated_at=now,
                reason=reason,
                disputed=tuple(Cause(bank=one.bank, entry=one.entry) for one in moved),
            )
            with contextlib.suppress(RevisionConflictError):
                return self._written(changed, revision or before.revision, moved, actor)
            if revision:
                raise RevisionConflictError(
                    f"appeal {appeal!r}, or an entry that it is about, has changed", expected=revision, appeal=appeal
                )

    def reinstate(self, appeal: str, *, actor: str) -> Appeal:
        """Note that the upload of an upheld appeal is up again.

        Raises APPEAL_NOT_FOUND, PreconditionError APPEAL_STATE for one that is not upheld, or was noted before.
        """
        while True:
            before = self.get(appeal)
            if before.state is not AppealState.UPHELD or before.reinstated_at is not None:
                state = "was reinstated already" if before.reinstated_at else f"is {before.state}, not upheld"
                raise PreconditionError("APPEAL_STATE", f"{appeal} {state}", appeal=appeal, state=before.state)
            now = records.now()
            changed = dataclasses.replace(before, reinstated_by=actor, reinstated_at=now, updated_at=now)
            with contextlib.suppress(RevisionConflictError):
                written = self._store.put_document(
                    _KIND,
                    appeal,
                    _payload(changed),
                    create=False,
                    expected_revision=before.revision,
                    decisions=[_logged("reinstate", actor, changed)],
                    events=[self._told(EventType.CONTENT_REINSTATED, changed)],
                )
                return dataclasses.replace(changed, revision=written)

    def _disputable(self, appeal: Appeal, wanted: Sequence[Place] | None) -> list[Entry]:
        """The entries that the appeal is about, of those the wanted ones, and that can be put in doubt; what is withdrawn
        blocks nothing."""
        causes = [(one.bank, one.entry) for one in appeal.causes]
        for place in wanted or ():
            if place not in causes:
                raise InvalidInputError(
                    "FIELD_INVALID",
                    f"{place[1]} of bank {place[0]} did not get the upload its verdict",
                    field="dispute",
                )
        chosen = causes if wanted is None else [place for place in causes if place in wanted]
        found = (records.entry_of(self._store.get_entry(*place)) for place in chosen)
        return [one for one in found if one.state in (EntryState.CANDIDATE, EntryState.CONFIRMED)]

    def _written(self, appeal: Appeal, revision: int, entries: Sequence[Entry], actor: str) -> Appeal:
        """Write a decided appeal and the entries that it moves, log and tell all of it, in one transaction."""
        reason = f"appeal {appeal.appeal} upheld: {appeal.reason}"
        updates = []
        logged = [_logged("uphold" if appeal.state is AppealState.UPHELD else "reject", actor, appeal)]
        told = [self._told(EventType.APPEAL_DECIDED, appeal)]
        for before in entries:
            bank = records.bank_of(self._store.get_bank(before.bank))
            after = dataclasses.replace(
                life.stepped(before, life.Step.DISPUTE, bank, actor, reason), updated_at=appeal.updated_at
            )
            updates.append(
                EntryUpdate(
                    bank=before.bank, entry=before.entry, payload=records.entry_payload(after), live=True,
                    expected_revision=before.revision,
                )
            )  # fmt: skip
            logged.append(changes.of_entry(life.Step.DISPUTE, actor, before, after, reason))
            told.append(payloads.entry_changed(self._outbox.source, after, str(after.state)).encode())
        document = DocumentRecord(kind=_KIND, name=appeal.appeal, payload=_payload(appeal), revision=revision)
        self._store.update_with_document(updates, document, decisions=logged, events=told)
        return self.get(appeal.appeal)

    def _told(self, kind: EventType, appeal: Appeal) -> bytes:
        causes = [(one.bank, one.entry) for one in appeal.causes]
        return payloads.appeal_step(
            self._outbox.source, kind, appeal.appeal, str(appeal.state), appeal.decision, appeal.content_id,
            str(appeal.verdict), causes, [(one.bank, one.entry) for one in appeal.disputed],
        ).encode()  # fmt: skip

    def _token(self, after: str) -> str:
        return after if self._store.list_documents(_KIND, after, 1) else ""


def _causes(decision: Decision) -> tuple[Cause, ...]:
    """The entries whose matches had the verdict that the upload got."""
    assert decision.verdict is not None
    verdict = decision.verdict.verdict
    grounds = (one.match for one in decision.verdict.grounds if one.match.verdict is verdict)
    return tuple(Cause(bank=one.bank, entry=one.entry) for one in grounds)


def _check_decidable(appeal: Appeal, actor: str) -> None:
    if appeal.state is not AppealState.OPEN:
        raise PreconditionError(
            "APPEAL_STATE", f"{appeal.appeal} is {appeal.state} already", appeal=appeal.appeal, state=appeal.state
        )
    if appeal.opened_by == actor:
        raise PreconditionError(
            "SECOND_PERSON_REQUIRED",
            f"{actor} opened appeal {appeal.appeal}; somebody else has to decide it",
            appeal=appeal.appeal,
            actor=actor,
        )


def _logged(action: str, actor: str, appeal: Appeal, **others: str) -> bytes:
    """What the decision log says of a step."""
    fields: dict[str, Any] = {
        "version": _VERSION,
        "kind": str(DecisionKind.APPEAL),
        "action": action,
        "actor": actor,
        "at": appeal.updated_at,
        "appeal": appeal.appeal,
        "content_id": appeal.content_id,
        "reason": appeal.reason,
        "decision": appeal.decision,
        "causes": [dataclasses.asdict(one) for one in appeal.causes],
        "disputed": [dataclasses.asdict(one) for one in appeal.disputed],
        **others,
    }
    return bytes(msgpack.packb(fields, datetime=True))


def _payload(appeal: Appeal) -> bytes:
    """All of an appeal but its revision, which is the document's."""
    fields = dataclasses.asdict(appeal)
    del fields["revision"]
    return bytes(msgpack.packb(fields, datetime=True))


def _appeal(record: DocumentRecord) -> Appeal:
    fields: dict[str, Any] = msgpack.unpackb(record.payload, timestamp=3)
    for name in ("causes", "disputed"):
        fields[name] = tuple(Cause(**one) for one in fields[name])
    fields |= {"state": AppealState(fields["state"]), "verdict": Verdict(fields["verdict"])}
    return Appeal(**fields, revision=record.revision)
