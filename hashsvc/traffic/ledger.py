"""What the store keeps of entries' matches: whether there ever was one, their usual rate, and breakers."""

import contextlib
import dataclasses
from collections.abc import Sequence

import msgpack

from hashsvc.bank import decisions, records
from hashsvc.bank.breaker import MAX_AFFECTED, Affected, Breaker
from hashsvc.bank.model import Verdict
from hashsvc.errors import PreconditionError
from hashsvc.events import payloads
from hashsvc.events.model import Event
from hashsvc.events.outbox import Outbox
from hashsvc.traffic.tally import Known, Place
from hashsvc_index import DocumentRecord, Store
from hashsvc_index.errors import DocumentExistsError, DocumentNotFoundError, RevisionConflictError

_TRAFFIC, _BREAKER, _AFFECTED = "traffic", "breaker", "breaker-affected"
_APART = ("reviewed", "affected", "revision")
_PAGE = 500


class Ledger:
    """Thread-safe; several processes may write to it at once."""

    def __init__(self, store: Store, outbox: Outbox) -> None:
        self._store = store
        self._outbox = outbox

    def known(self, place: Place) -> Known:
        """What is on disk of an entry's matches; what it has of an entry without any, when there is nothing."""
        try:
            return Known(**msgpack.unpackb(self._store.get_document(_TRAFFIC, name_of(place)).payload))
        except DocumentNotFoundError:
            return Known()

    def first_match(self, place: Place, known: Known, event: Event) -> None:
        """Write down that an entry was matched, and tell it; nothing where another process has done so before."""
        payload = bytes(msgpack.packb(dataclasses.asdict(known)))
        with contextlib.suppress(DocumentExistsError):
            self._store.put_document(_TRAFFIC, name_of(place), payload, create=True, events=(event.encode(),))

    def save(self, place: Place, known: Known) -> None:
        """Write down the usual rate of an entry that was matched before."""
        payload = bytes(msgpack.packb(dataclasses.asdict(known)))
        with contextlib.suppress(DocumentNotFoundError):
            self._store.put_document(_TRAFFIC, name_of(place), payload, create=False)

    def states(self) -> list[Breaker]:
        """Every breaker that ever tripped, by bank and entry, without the uploads that it affected."""
        found: list[Breaker] = []
        name = ""
        while page := self._store.list_documents(_BREAKER, name, _PAGE):
            found += map(_breaker, page)
            name = page[-1].name
        return found

    def breakers(self, after: str, limit: int) -> list[Breaker]:
        """At most `limit` breakers after the one called `after`, with the uploads that they affected."""
        found = map(_breaker, self._store.list_documents(_BREAKER, after, limit))
        return [self._with_affected(one) for one in found]

    def breaker(self, place: Place) -> Breaker:
        """Raises PreconditionError BREAKER_NOT_TRIPPED for an entry whose breaker never tripped."""
        known = self._find(place)
        if known is None:
            raise _not_tripped(place)
        return self._with_affected(known)

    def trip(self, breaker: Breaker, event: Event) -> None:
        """Write down that a breaker tripped, which is in the decision log, and tell it; nothing where another process was first."""
        while True:
            known = self._find(breaker.place)
            if known is not None and known.tripped:
                self.add(breaker.place, breaker.affected)
                return
            self._put_affected(breaker)  # first: whoever is told may ask for them
            tripped = dataclasses.replace(breaker, allowed_hits=known.allowed_hits if known else 0)
            if self._put(tripped, known, event, decisions.of_trip(tripped)):
                return

    def add(self, place: Place, affected: Sequence[Affected]) -> None:
        """Write down uploads that came to a tripped entry, each once as far as they are listed."""
        while True:
            try:
                record = self._store.get_document(_AFFECTED, name_of(place))
            except DocumentNotFoundError:
                return
            fields = msgpack.unpackb(record.payload, timestamp=3)
            there = {one["upload"] for one in fields["affected"]}
            new = [dataclasses.asdict(one) for one in affected if one.upload not in there]
            fields["affected"] = (fields["affected"] + new)[:MAX_AFFECTED]
            fields["reviewed"] += len(new)
            payload = bytes(msgpack.packb(fields, datetime=True))
            with contextlib.suppress(RevisionConflictError):
                self._store.put_document(
                    _AFFECTED, name_of(place), payload, create=False, expected_revision=record.revision
                )
                return

    def reset(self, place: Place, allowed_hits: int, actor: str) -> Breaker:
        """Let an entry block again, which is in the decision log. Raises PreconditionError BREAKER_NOT_TRIPPED."""
        event = payloads.breaker_reset(self._outbox.source, *place, allowed_hits)
        while True:
            known = self._find(place)
            if known is None or not known.tripped:
                raise _not_tripped(place)
            now = records.now()
            changed = dataclasses.replace(known, tripped=False, reset_at=now, allowed_hits=allowed_hits)
            if self._put(changed, known, event, decisions.of_reset(actor, now, changed)):
                return self.breaker(place)

    def _find(self, place: Place) -> Breaker | None:
        try:
            return _breaker(self._store.get_document(_BREAKER, name_of(place)))
        except DocumentNotFoundError:
            return None

    def _put(self, breaker: Breaker, known: Breaker | None, event: Event, *logged: bytes) -> bool:
        """Write a breaker in place of `known`, tell and log it; False where somebody else wrote in between."""
        fields = dataclasses.asdict(breaker)
        for name in _APART:
            del fields[name]
        payload = bytes(msgpack.packb(fields, datetime=True))
        try:
            self._store.put_document(
                _BREAKER,
                name_of(breaker.place),
                payload,
                create=known is None,
                expected_revision=known.revision if known else 0,
                decisions=logged,
                events=(event.encode(),),
            )
        except (DocumentExistsError, RevisionConflictError):
            return False
        return True

    def _put_affected(self, breaker: Breaker) -> None:
        """Begin the list of uploads anew."""
        fields = {"reviewed": 0, "affected": [dataclasses.asdict(one) for one in breaker.affected[:MAX_AFFECTED]]}
        payload, name = bytes(msgpack.packb(fields, datetime=True)), name_of(breaker.place)
        try:
            self._store.put_document(_AFFECTED, name, payload, create=True)
        except DocumentExistsError:
            self._store.put_document(_AFFECTED, name, payload, create=False)

    def _with_affected(self, breaker: Breaker) -> Breaker:
        record = self._store.get_document(_AFFECTED, name_of(breaker.place))
        fields = msgpack.unpackb(record.payload, timestamp=3)
        affected = tuple(Affected(**one | {"verdict": Verdict(one["verdict"])}) for one in fields["affected"])
        return dataclasses.replace(breaker, reviewed=fields["reviewed"], affected=affected)


def name_of(place: Place) -> str:
    """What documents of an entry are called."""
    return "/".join(place)


def _breaker(record: DocumentRecord) -> Breaker:
    return Breaker(**msgpack.unpackb(record.payload, timestamp=3), revision=record.revision)


def _not_tripped(place: Place) -> PreconditionError:
    bank, entry = place
    return PreconditionError("BREAKER_NOT_TRIPPED", f"the breaker of {entry} is not tripped", bank=bank, entry=entry)
