"""The incidents of a data directory, as the store keeps them."""

import dataclasses
import datetime
from collections.abc import Callable, Sequence

from hashsvc.bank import decisions, records, rules
from hashsvc.bank.incident import MAX_CLOSURES, MAX_ENTRIES, MAX_HOURS, MAX_OPEN, Closure, Incident, IncidentEntry
from hashsvc.bank.incident_records import INCIDENT, incident_of, payload_of
from hashsvc.bank.model import Depth
from hashsvc.errors import AlreadyExistsError, InvalidInputError, NotFoundError, PreconditionError
from hashsvc.events import payloads
from hashsvc.events.outbox import Outbox
from hashsvc.traffic.tally import MOST_HITS, Place
from hashsvc_index import Store
from hashsvc_index.errors import DocumentExistsError, DocumentNotFoundError, RevisionConflictError

_PAGE = 200
_EXPIRED = "its time was over"
_NOT_SPREADING = "nothing is stopped by it that an incident could count"


class Register:
    """Thread-safe; several processes may write to it at once. Every change is in the decision log and told as an event."""

    def __init__(self, store: Store, outbox: Outbox) -> None:
        self._store = store
        self._outbox = outbox

    def open(
        self,
        incident: str,
        *,
        description: str,
        reason: str,
        entries: Sequence[Place],
        depth: Depth,
        breaker_hits: int,
        hours: float,
        actor: str,
    ) -> Incident:
        """Raises InvalidInputError, AlreadyExistsError INCIDENT_EXISTS, and of entries what `add` raises."""
        rules.check_incident_id(incident)
        rules.check_text("description", description)
        rules.check_text("reason", reason)
        _check_hours(hours)
        if not 0 < breaker_hits < MOST_HITS:
            raise InvalidInputError(
                "FIELD_INVALID", f"breaker_hits is 1 to {MOST_HITS - 1}, not {breaker_hits}", field="breaker_hits"
            )
        moment = records.now()
        self._check_room()
        made = Incident(
            incident=incident,
            description=description,
            depth=depth,
            breaker_hits=breaker_hits,
            entries=self._with((), entries, moment, actor),
            opened_at=moment,
            opened_by=actor,
            reason=reason,
            expires_at=moment + datetime.timedelta(hours=hours),
        )
        try:
            return self._written("open", None, made, actor, reason)
        except DocumentExistsError as error:
            raise AlreadyExistsError(
                "INCIDENT_EXISTS", f"there is an incident {incident} already", incident=incident
            ) from error

    def get(self, incident: str) -> Incident:
        """Raises InvalidInputError FIELD_INVALID, NotFoundError INCIDENT_NOT_FOUND."""
        rules.check_incident_id(incident)
        try:
            return incident_of(self._store.get_document(INCIDENT, incident))
        except DocumentNotFoundError as error:
            raise NotFoundError("INCIDENT_NOT_FOUND", f"there is no incident {incident}", incident=incident) from error

    def page(self, after: str, limit: int) -> list[Incident]:
        """At most `limit` incidents whose name comes after `after`, closed ones too."""
        return [incident_of(one) for one in self._store.list_documents(INCIDENT, after, limit)]

    def unclosed(self) -> list[Incident]:
        """Those that nobody has closed yet, whether or not their time is over."""
        found: list[Incident] = []
        after = ""
        while page := self.page(after, _PAGE):
            found += [one for one in page if one.closed_at is None]
            after = page[-1].incident
        return found

    def add(self, incident: str, entries: Sequence[Place], *, revision: int, actor: str) -> Incident:
        """Those that it has already stay as they are.

        Raises BANK_NOT_FOUND, ENTRY_NOT_FOUND, PreconditionError (ENTRY_WITHDRAWN, INCIDENT_CLOSED, BANK_MODE for one of an
        allow bank), InvalidInputError FIELD_TOO_LONG for more than MAX_ENTRIES, REVISION_CONFLICT.
        """

        def change(known: Incident) -> Incident:
            added = self._with(known.entries, entries, records.now(), actor)
            return dataclasses.replace(known, entries=added)

        return self._change("add", incident, revision, actor, "", change)

    def remove(self, incident: str, entries: Sequence[Place], *, revision: int, actor: str) -> Incident:
        """Raises NotFoundError INCIDENT_ENTRY_NOT_FOUND, PreconditionError INCIDENT_CLOSED, REVISION_CONFLICT."""

        def change(known: Incident) -> Incident:
            for place in sorted(set(entries) - {one.place for one in known.entries}):
                raise NotFoundError(
                    "INCIDENT_ENTRY_NOT_FOUND",
                    f"{place[1]} of bank {place[0]} is not in incident {incident}",
                    incident=incident, bank=place[0], entry=place[1],
                )  # fmt: skip
            return dataclasses.replace(
                known, entries=tuple(one for one in known.entries if one.place not in set(entries))
            )

        return self._change("remove", incident, revision, actor, "", change)

    def extend(self, incident: str, *, hours: float, reason: str, revision: int, actor: str) -> Incident:
        """Have it close by itself `hours` from now. Raises FIELD_INVALID, PreconditionError INCIDENT_CLOSED, REVISION_CONFLICT."""
        _check_hours(hours)
        rules.check_text("reason", reason)

        def change(known: Incident) -> Incident:
            return dataclasses.replace(known, expires_at=records.now() + datetime.timedelta(hours=hours))

        return self._change("update", incident, revision, actor, reason, change)

    def reopen(self, incident: str, *, hours: float, reason: str, revision: int, actor: str) -> Incident:
        """Open a closed one again. Raises PreconditionError INCIDENT_OPEN, InvalidInputError, REVISION_CONFLICT."""
        _check_hours(hours)
        rules.check_text("reason", reason)
        self._check_room()

        def change(known: Incident) -> Incident:
            ended, moment = seen(known), records.now()
            assert ended.closed_at is not None
            closure = Closure(
                closed_at=ended.closed_at, closed_by=ended.closed_by, closed_reason=ended.closed_reason,
                reopened_at=moment, reopened_by=actor, reopened_reason=reason,
            )  # fmt: skip
            if len(known.closures) >= MAX_CLOSURES:
                raise InvalidInputError(
                    "FIELD_TOO_LONG", f"an incident is reopened up to {MAX_CLOSURES} times", field="closures",
                    limit=MAX_CLOSURES,
                )  # fmt: skip
            return dataclasses.replace(
                known,
                closures=(*known.closures, closure),
                expires_at=moment + datetime.timedelta(hours=hours),
                closed_at=None,
                closed_by="",
                closed_reason="",
            )

        return self._change("reopen", incident, revision, actor, reason, change, of_open=False)

    def close(self, incident: str, *, reason: str, revision: int, actor: str) -> Incident:
        """Raises PreconditionError INCIDENT_CLOSED, REVISION_CONFLICT."""
        rules.check_text("reason", reason)

        def change(known: Incident) -> Incident:
            return dataclasses.replace(known, closed_at=records.now(), closed_by=actor, closed_reason=reason)

        return self._change("close", incident, revision, actor, reason, change)

    def expire(self, known: Incident) -> None:
        """Close one whose time is over; nothing where somebody else was first."""
        try:
            self._written("close", known, _ended(known), decisions.HASHER, _EXPIRED)
        except RevisionConflictError:
            return

    def _check_room(self) -> None:
        if len(self.unclosed()) >= MAX_OPEN:
            raise InvalidInputError(
                "FIELD_TOO_LONG", f"{MAX_OPEN} incidents are open already", field="incidents", limit=MAX_OPEN
            )

    def _with(
        self, known: tuple[IncidentEntry, ...], places: Sequence[Place], moment: datetime.datetime, actor: str
    ) -> tuple[IncidentEntry, ...]:
        """`known` and the entries at `places` that are not among them."""
        there = {one.place for one in known}
        new = [place for place in dict.fromkeys(places) if place not in there]
        for bank, entry in new:
            rules.check_bank_id(bank)
            rules.check_entry_id(entry)
            rules.check_hunting(records.bank_of(self._store.get_bank(bank)), _NOT_SPREADING)
            if not self._store.get_entry(bank, entry).live:
                raise PreconditionError("ENTRY_WITHDRAWN", f"{entry} is withdrawn", bank=bank, entry=entry)
        if len(known) + len(new) > MAX_ENTRIES:
            raise InvalidInputError(
                "FIELD_TOO_LONG", f"an incident has up to {MAX_ENTRIES} entries", field="entries", limit=MAX_ENTRIES
            )
        made = [IncidentEntry(bank=bank, entry=entry, added_at=moment, added_by=actor) for bank, entry in new]
        return (*known, *made)

    def _change(
        self, action: str, incident: str, revision: int, actor: str, reason: str,
        change: Callable[[Incident], Incident], *, of_open: bool = True,
    ) -> Incident:  # fmt: skip
        """Write what `change` makes of an open incident, or of a closed one, under `revision` where that is not 0."""
        while True:
            known = self.get(incident)
            is_open = known.is_open(records.now())
            if of_open and not is_open:
                raise PreconditionError("INCIDENT_CLOSED", f"incident {incident} is closed", incident=incident)
            if is_open and not of_open:
                raise PreconditionError("INCIDENT_OPEN", f"incident {incident} is open", incident=incident)
            if revision not in (0, known.revision):
                raise RevisionConflictError(
                    f"incident {incident} is at revision {known.revision}, not {revision}",
                    incident=incident, expected=revision, actual=known.revision,
                )  # fmt: skip
            changed = change(known)
            if changed == known:
                return known
            try:
                return self._written(action, known, changed, actor, reason)
            except RevisionConflictError:
                if revision:
                    raise

    def _written(self, action: str, before: Incident | None, after: Incident, actor: str, reason: str) -> Incident:
        event = payloads.incident_changed(self._outbox.source, before, after, actor)
        logged = decisions.of_incident(
            action, actor, records.now(), after.incident, b"" if before is None else payload_of(before),
            payload_of(after), reason,
        )  # fmt: skip
        revision = self._store.put_document(
            INCIDENT,
            after.incident,
            payload_of(after),
            create=before is None,
            expected_revision=0 if before is None else before.revision,
            decisions=[logged],
            events=[event.encode()],
        )
        return dataclasses.replace(after, revision=revision)


def _check_hours(hours: float) -> None:
    if not 0 < hours <= MAX_HOURS:
        raise InvalidInputError("FIELD_INVALID", f"hours is up to {MAX_HOURS:g}, not {hours}", field="hours")


def seen(incident: Incident) -> Incident:
    """As it is at this moment: closed once its time is over, though nobody has written that down."""
    return incident if incident.closed_at or incident.is_open(records.now()) else _ended(incident)


def _ended(incident: Incident) -> Incident:
    return dataclasses.replace(
        incident, closed_at=incident.expires_at, closed_by=decisions.HASHER, closed_reason=_EXPIRED
    )
