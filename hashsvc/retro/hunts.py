"""Hunts and their hits as the store keeps them: documents `hunt` and `hunt-hits`, MessagePack maps.

The keys are part of the format; `index/README.md` describes them.
"""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import msgpack

from hashsvc.bank.model import EntryState, Page, Verdict
from hashsvc.match.model import Match, Segment
from hashsvc.retro.model import Hit, Hunt, HuntState
from hashsvc_index import Store
from hashsvc_index.errors import DocumentNotFoundError

HUNT, HITS = "hunt", "hunt-hits"
BATCH = 200
"""Hits in one document, and in one event, which names no more."""

Announce = Callable[[str, str, Sequence[Hit]], bytes]
"""The event that tells of new hits of an entry, (bank, entry, hits)."""


@dataclasses.dataclass(frozen=True, slots=True)
class Kept:
    """A hunt with what only its keeping needs."""

    hunt: Hunt
    number: int = 0
    """The entry's number in the store when it was hunted: another one has other views."""
    batches: int = 0
    """Documents of hits."""


class Hunts:
    """Thread-safe. Whoever writes holds the lock of all hunts, see `hashsvc.retro.retro`."""

    def __init__(self, store: Store, announce: Announce | None = None) -> None:
        self._store = store
        self._announce = announce

    def get(self, bank: str, entry: str) -> Kept:
        """The last hunt for an entry; one of state NONE where there was none."""
        try:
            record = self._store.get_document(HUNT, _name(bank, entry))
        except DocumentNotFoundError:
            return Kept(Hunt(bank=bank, entry=entry))
        fields = _unpacked(record.payload)
        number, batches = fields.pop("number"), fields.pop("batches")
        fields["state"] = HuntState(fields["state"])
        return Kept(Hunt(**fields), number, batches)

    def put(self, kept: Kept) -> None:
        """Write how far a hunt is."""
        fields = {**dataclasses.asdict(kept.hunt), "number": kept.number, "batches": kept.batches}
        self._write(HUNT, _name(kept.hunt.bank, kept.hunt.entry), _packed(fields), ())

    def add(self, kept: Kept, hits: Sequence[Hit]) -> Kept:
        """Write new hits, at most BATCH, and one event that tells of them, in one transaction; returns what `put` takes."""
        bank, entry = kept.hunt.bank, kept.hunt.entry
        payload = _packed({"hits": [dataclasses.asdict(hit) for hit in hits]})
        events = () if self._announce is None else (self._announce(bank, entry, hits),)
        self._write(HITS, _name(bank, entry, kept.batches), payload, events)
        hunt = dataclasses.replace(kept.hunt, hits=kept.hunt.hits + len(hits))
        return dataclasses.replace(kept, hunt=hunt, batches=kept.batches + 1)

    def hits(self, bank: str, entry: str) -> list[Hit]:
        """All hits of an entry, in the order they were found."""
        found: list[Hit] = []
        for batch in range(self.get(bank, entry).batches):
            found += self._batch(bank, entry, batch)
        return found

    def page(self, bank: str, entry: str, size: int, first: int) -> Page[Hit]:
        """At most `size` hits from the `first` on; the token is the number of the next."""
        found = self.hits(bank, entry)
        token = str(first + size) if first + size < len(found) else ""
        return Page(items=tuple(found[first : first + size]), next_page_token=token)

    def _batch(self, bank: str, entry: str, batch: int) -> list[Hit]:
        record = self._store.get_document(HITS, _name(bank, entry, batch))
        return [_hit(fields) for fields in _unpacked(record.payload)["hits"]]

    def _write(self, kind: str, name: str, payload: bytes, events: Sequence[bytes]) -> None:
        try:
            self._store.put_document(kind, name, payload, create=False, events=events)
        except DocumentNotFoundError:
            self._store.put_document(kind, name, payload, create=True, events=events)


def _name(bank: str, entry: str, batch: int | None = None) -> str:
    return f"{bank}/{entry}" if batch is None else f"{bank}/{entry}/{batch:08d}"


def _packed(fields: dict[str, Any]) -> bytes:
    return bytes(msgpack.packb(fields, datetime=True))


def _unpacked(payload: bytes) -> dict[str, Any]:
    fields: dict[str, Any] = msgpack.unpackb(payload, timestamp=3)
    return fields


def _hit(fields: dict[str, Any]) -> Hit:
    match = dict(fields["match"])
    match["verdict"] = Verdict(match["verdict"])
    match["state"] = EntryState(match.get("state", EntryState.CONFIRMED))
    if match.get("observed") is not None:  # hits of before there were banks that observe have none
        match["observed"] = Verdict(match["observed"])
    match["segments"] = tuple(Segment(**one) for one in match["segments"])
    return Hit(content_id=fields["content_id"], seen_at=fields["seen_at"], match=Match(**match))
