"""Incidents: entries that are watched together while they spread."""

from collections.abc import Sequence

from hashsvc.bank import records, rules
from hashsvc.bank.incident import DEFAULT_BREAKER_HITS, DEFAULT_HOURS, Counts, Debrief, Incident
from hashsvc.bank.model import Depth, Page
from hashsvc.errors import PreconditionError
from hashsvc.incidents.counts import counted
from hashsvc.incidents.debrief import debrief
from hashsvc.incidents.register import seen
from hashsvc.service.base import Base
from hashsvc.traffic.tally import Place


class Incidents(Base):
    """The part of the service that opens, reads, changes and closes incidents.

    An entry is named by bank and entry. `revision` other than 0 must be the incident's last, else REVISION_CONFLICT; what
    changes a closed one is PreconditionError INCIDENT_CLOSED, and one that there is not NotFoundError INCIDENT_NOT_FOUND.
    """

    def open_incident(
        self,
        incident: str,
        *,
        description: str = "",
        reason: str = "",
        entries: Sequence[Place] = (),
        depth: Depth = Depth.DEEP,
        breaker_hits: int = DEFAULT_BREAKER_HITS,
        hours: float = DEFAULT_HOURS,
        actor: str = "",
    ) -> Incident:
        """Open an incident, which closes by itself after `hours`.

        Raises InvalidInputError (FIELD_INVALID, FIELD_TOO_LONG), AlreadyExistsError INCIDENT_EXISTS, BANK_NOT_FOUND,
        ENTRY_NOT_FOUND, PreconditionError (ENTRY_WITHDRAWN, BANK_MODE for an entry of an allow bank).
        """
        made = self._register.open(
            incident,
            description=description,
            reason=reason,
            entries=entries,
            depth=depth,
            breaker_hits=breaker_hits,
            hours=hours,
            actor=actor or self._actor,
        )
        self._current.refresh()
        return made

    def get_incident(self, incident: str) -> tuple[Incident, Counts]:
        """An incident and what was counted of it, by this process up to now and by others up to a second ago."""
        known = seen(self._register.get(incident))
        self._current.flush()
        return known, counted(self._store, self._monitor.ledger, self._retro.hunts, known)

    def list_incidents(self, *, page_size: int = 0, page_token: str = "") -> Page[Incident]:
        """By name, closed ones too. Raises PAGE_TOKEN_INVALID, FIELD_INVALID."""
        size = self._page_size(page_size)
        if page_token:
            rules.check_bank_token(page_token)
        found = self._register.page(page_token, size + 1)
        token = found[size - 1].incident if len(found) > size else ""
        return Page(items=tuple(map(seen, found[:size])), next_page_token=token)

    def add_to_incident(
        self, incident: str, entries: Sequence[Place], *, revision: int = 0, actor: str = ""
    ) -> Incident:
        """Add entries; those that it has already stay.

        Raises BANK_NOT_FOUND, ENTRY_NOT_FOUND, PreconditionError (ENTRY_WITHDRAWN, BANK_MODE for an entry of an allow bank),
        InvalidInputError FIELD_TOO_LONG.
        """
        changed = self._register.add(incident, entries, revision=revision, actor=actor or self._actor)
        self._current.refresh()
        return changed

    def remove_from_incident(
        self, incident: str, entries: Sequence[Place], *, revision: int = 0, actor: str = ""
    ) -> Incident:
        """Remove entries, and what was counted of them. Raises NotFoundError INCIDENT_ENTRY_NOT_FOUND."""
        changed = self._register.remove(incident, entries, revision=revision, actor=actor or self._actor)
        self._current.refresh()
        return changed

    def extend_incident(
        self, incident: str, *, hours: float = DEFAULT_HOURS, reason: str = "", revision: int = 0, actor: str = ""
    ) -> Incident:
        """Have an open incident close by itself `hours` from now, be that later or sooner. Raises InvalidInputError."""
        changed = self._register.extend(
            incident, hours=hours, reason=reason, revision=revision, actor=actor or self._actor
        )
        self._current.refresh()
        return changed

    def reopen_incident(
        self, incident: str, *, hours: float = DEFAULT_HOURS, reason: str = "", revision: int = 0, actor: str = ""
    ) -> Incident:
        """Open a closed incident again, for `hours` from now; what was counted stays, and counting goes on.

        Raises PreconditionError INCIDENT_OPEN for one that is open, InvalidInputError (FIELD_INVALID, FIELD_TOO_LONG).
        """
        changed = self._register.reopen(
            incident, hours=hours, reason=reason, revision=revision, actor=actor or self._actor
        )
        self._current.refresh()
        return changed

    def close_incident(self, incident: str, *, reason: str = "", revision: int = 0, actor: str = "") -> Incident:
        """Close an incident: uploads are read, and its entries may flood, as usual from then on."""
        closed = self._register.close(incident, reason=reason, revision=revision, actor=actor or self._actor)
        self._current.refresh()
        return closed

    def debrief_incident(self, incident: str) -> Debrief:
        """The report on an incident, open or closed."""
        known, counts = self.get_incident(incident)
        entries = [records.entry_of(self._store.get_entry(*one.place)) for one in known.entries]
        breakers = []
        for one in known.entries:
            try:
                breakers.append(self._monitor.ledger.breaker(one.place))
            except PreconditionError:
                continue  # never tripped
        return debrief(known, counts, entries, breakers)
