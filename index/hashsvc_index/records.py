"""The byte layout of the store's tables. Everything here is part of the format, do not change.

Integers in keys and values are big-endian, so that LMDB's byte order is numeric order. Every value is sealed: four
bytes of CRC-32 over key and body come first, because LMDB itself has no checksums. `index/README.md` says it in full.
"""

import dataclasses
import enum
import hashlib
import struct
import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

FORMAT = 1
"""Version of the layout; a store that says more is refused."""

FIRST_TABLES = (b"meta", b"banks", b"entries", b"names", b"members", b"vectors", b"blobs", b"digests", b"changes")
"""LMDB's named databases that every store of format 1 has."""

LATER_TABLES = (b"documents", b"decisions", b"exhibits", b"events", b"exhibit_uses", b"exhibit_ages")
"""Those that came later; made when a store without them is opened."""

TABLES = FIRST_TABLES + LATER_TABLES

VECTOR_BYTES = 32
"""Bytes of one vector: 256 bits."""

KEY_FORMAT = b"format"
KEY_STORE_ID = b"store_id"
KEY_COUNTERS = b"counters"
KEY_JOURNAL = b"journal"
KEY_EXHIBITS = b"exhibits"

MAX_NAME_BYTES = 255
MAX_DIGEST_BYTES = 64
MAX_PAYLOAD_BYTES = 1 << 16
MAX_KIND_BYTES = 63
MAX_LONG_PAYLOAD_BYTES = 1 << 20
"""Of a document, a decision or an event."""
MAX_APPENDED = 4096
"""Decisions, exhibits and events in one transaction, each."""
MAX_BLOBS = (1 << 16) - 1
MAX_VALUE_BYTES = 1 << 30
"""One value is one write(2) in LMDB, which must stay below 2 GiB."""

_CRC = struct.Struct(">I")
_U64 = struct.Struct(">Q")
_COUNTERS = struct.Struct(">QQQQQ")
_BANK = struct.Struct(">QQ")
_ENTRY = struct.Struct(">QQQIHBBBB")
_CHANGE = struct.Struct(">BBQ8s")
_JOURNAL = struct.Struct(">QQQ32sQQ")
_DECISION = struct.Struct(">32sQ")
_HASHED = struct.Struct(">32sQQ")
_EXHIBITS = struct.Struct(">QQQ")
_USE = struct.Struct(">32sdQ")
_LIVE, _REPLACED = 1, 2
"""Values of an entry's state byte; 0 is withdrawn."""

Vectors = npt.NDArray[np.uint8]


class DamagedError(ValueError):
    """A value does not carry its own checksum, or has an impossible length."""


class ChangeKind(enum.IntEnum):
    """What a change did."""

    BANK_PUT = 1
    ENTRY_ADDED = 2
    ENTRY_UPDATED = 3


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Counters:
    """What the store counts; one record, rewritten by every change."""

    revision: int = 0
    """The last change."""
    last_bank: int = 0
    """The highest bank number given out."""
    last_entry: int = 0
    """The highest entry number given out; equals the number of entry records, since none is ever deleted."""
    live_entries: int = 0
    live_vectors: int = 0


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class BankRecord:
    """A bank as stored."""

    bank: str
    number: int
    payload: bytes
    revision: int
    """Its last change."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class EntryRecord:
    """An entry as stored, without its vectors and blobs."""

    number: int
    """Unique in the store, given out in order from 1, never reused."""
    bank: str
    bank_number: int
    entry: str
    payload: bytes
    live: bool
    """False once withdrawn or replaced: masked from search and from `find_digest`."""
    revision: int
    """Its last change."""
    created_revision: int
    vector_count: int
    blob_count: int
    digests: tuple[bytes, ...]
    replaced: bool = False
    """True when the name belongs to a later number; see `Store.replace_entry`."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One line of the change log."""

    revision: int
    kind: ChangeKind
    number: int
    """The number of the entry, or of the bank when `kind` is BANK_PUT."""
    live: bool
    """Whether the entry was live after the change; True for a bank."""
    mark: bytes
    """Eight random bytes: two stores that parted, say after a restore from a backup, differ in them."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Journal:
    """What the store counts besides changes; one record, absent before the first of them."""

    last_document: int = 0
    """The last revision of a document; theirs are counted apart from the store's."""
    documents: int = 0
    last_decision: int = 0
    head: bytes = bytes(32)
    """Hash of the last decision."""
    first_event: int = 1
    """The first event that is kept; `last_event + 1` when none is."""
    last_event: int = 0


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class DocumentRecord:
    """A document as stored: something that has a name and changes, and is neither a bank nor an entry."""

    kind: str
    name: str
    payload: bytes
    revision: int
    """Of its last change, counted over all documents; never the same again, also after the document was deleted."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class DecisionRecord:
    """One record of the decision log. It is never changed and never removed."""

    number: int
    """Given out in order from 1."""
    previous: bytes
    """Hash of the record before it; 32 zero bytes for the first."""
    revision: int
    """The store's, once the transaction that wrote it was done."""
    payload: bytes

    @property
    def hash(self) -> bytes:
        """SHA-256 of all of it."""
        return hashlib.sha256(_HASHED.pack(self.previous, self.number, self.revision) + self.payload).digest()


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ExhibitUse:
    """When an exhibit was last appended."""

    number: int
    """Given out in order from 1, never reused; the exhibit that was appended last has the highest."""
    digest: bytes
    """SHA-256 of the exhibit."""
    at: float
    """Seconds since 1970."""
    size: int
    """Bytes of the exhibit."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ExhibitCounts:
    """What the store counts of exhibits; one record, absent before the first of them."""

    last_use: int = 0
    exhibits: int = 0
    bytes: int = 0
    """Of all exhibits that are kept."""

    def moved(self, exhibits: int, size: int) -> "ExhibitCounts":
        """So many exhibits and bytes more."""
        return dataclasses.replace(self, exhibits=self.exhibits + exhibits, bytes=self.bytes + size)

    def used(self) -> "ExhibitCounts":
        """Once more."""
        return dataclasses.replace(self, last_use=self.last_use + 1)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class EventRecord:
    """Something that others want to be told, until it is trimmed."""

    number: int
    """Given out in order from 1, never reused."""
    revision: int
    """The store's, once the transaction that wrote it was done."""
    payload: bytes


@dataclasses.dataclass(frozen=True, slots=True)
class Appendix:
    """What a transaction appends besides its change."""

    decisions: tuple[bytes, ...]
    events: tuple[bytes, ...]
    exhibits: tuple[bytes, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.decisions or self.events or self.exhibits)

    def sizes(self) -> tuple[int, ...]:
        """Bytes of each."""
        return tuple(map(len, self.decisions + self.events + self.exhibits))


def seal(key: bytes, body: bytes | memoryview) -> bytes:
    """CRC-32 of key and body, then the body."""
    return b"".join((_CRC.pack(zlib.crc32(body, zlib.crc32(key))), body))


def unseal(key: bytes, value: bytes) -> memoryview:
    """The body of a sealed value. Raises DamagedError when the checksum fails."""
    body = memoryview(value)[_CRC.size :]
    if len(value) < _CRC.size or _CRC.unpack_from(value)[0] != zlib.crc32(body, zlib.crc32(key)):
        raise DamagedError(f"the value of key {key.hex()} fails its checksum")
    return body


def number_key(number: int) -> bytes:
    """Key of `entries`, `vectors` and `changes`; also the body of `names`."""
    return _U64.pack(number)


def key_number(key: bytes | memoryview) -> int:
    """The last eight bytes of a key as a number."""
    if len(key) < _U64.size:
        raise DamagedError(f"{len(key)} bytes where a number was expected")
    return int(_U64.unpack_from(key, len(key) - _U64.size)[0])


def bank_key(bank: str) -> bytes:
    """Key of `banks`. Raises ValueError for an empty name or one of more than 255 bytes."""
    return _name(bank, "bank")


def name_key(bank_number: int, entry: str) -> bytes:
    """Key of `names`: bank number, entry identifier. Raises ValueError as `bank_key` does."""
    return _U64.pack(bank_number) + _name(entry, "entry")


def member_key(bank_number: int, number: int) -> bytes:
    """Key of `members`: bank number, entry number."""
    return _U64.pack(bank_number) + _U64.pack(number)


def blob_key(number: int, name: str) -> bytes:
    """Key of `blobs`: entry number, name."""
    return _U64.pack(number) + _name(name, "blob")


def document_prefix(kind: str) -> bytes:
    """What the keys of `documents` begin with: length, kind. Raises ValueError for none or more than 63 bytes."""
    encoded = kind.encode()
    if not 1 <= len(encoded) <= MAX_KIND_BYTES:
        raise ValueError(f"a kind of document has 1 to {MAX_KIND_BYTES} bytes, not {len(encoded)}")
    return bytes((len(encoded),)) + encoded


def document_key(kind: str, name: str) -> bytes:
    """Key of `documents`: length, kind, name. Raises ValueError as `document_prefix` and `bank_key` do."""
    return document_prefix(kind) + _name(name, "document")


def digest_prefix(digest: bytes) -> bytes:
    """What the keys of `digests` begin with: length, digest. Raises ValueError for none or more than 64 bytes."""
    if not 1 <= len(digest) <= MAX_DIGEST_BYTES:
        raise ValueError(f"a digest has 1 to {MAX_DIGEST_BYTES} bytes, not {len(digest)}")
    return bytes((len(digest),)) + digest


def digest_key(digest: bytes, number: int) -> bytes:
    """Key of `digests`: length, digest, entry number. The body is empty."""
    return digest_prefix(digest) + _U64.pack(number)


def _name(name: str, what: str) -> bytes:
    encoded = name.encode()
    if not 1 <= len(encoded) <= MAX_NAME_BYTES:
        raise ValueError(f"a {what} name has 1 to {MAX_NAME_BYTES} bytes, not {len(encoded)}")
    return encoded


def encode_counters(counters: Counters) -> bytes:
    return _COUNTERS.pack(
        counters.revision, counters.last_bank, counters.last_entry, counters.live_entries, counters.live_vectors
    )


def decode_counters(body: memoryview) -> Counters:
    revision, last_bank, last_entry, live_entries, live_vectors = _unpack(_COUNTERS, body, exact=True)
    return Counters(
        revision=revision, last_bank=last_bank, last_entry=last_entry, live_entries=live_entries,
        live_vectors=live_vectors,
    )  # fmt: skip


def encode_bank(record: BankRecord) -> bytes:
    return _BANK.pack(record.number, record.revision) + record.payload


def decode_bank(bank: str, body: memoryview) -> BankRecord:
    number, revision = _unpack(_BANK, body)
    return BankRecord(bank=bank, number=number, revision=revision, payload=bytes(body[_BANK.size :]))


def encode_entry(record: EntryRecord) -> bytes:
    bank, entry = record.bank.encode(), record.entry.encode()
    head = _ENTRY.pack(
        record.bank_number, record.revision, record.created_revision, record.vector_count, record.blob_count,
        _REPLACED if record.replaced else int(record.live), len(bank), len(entry), len(record.digests),
    )  # fmt: skip
    digests = b"".join(digest_prefix(digest) for digest in record.digests)
    return b"".join((head, bank, entry, digests, record.payload))


def decode_entry(number: int, body: memoryview) -> EntryRecord:
    bank_number, revision, created, vectors, blobs, state, bank_bytes, entry_bytes, digests = _unpack(_ENTRY, body)
    bank, rest = _split(body[_ENTRY.size :], bank_bytes)
    entry, rest = _split(rest, entry_bytes)
    found: list[bytes] = []
    for _ in range(digests):
        length, rest = _split(rest, 1)
        digest, rest = _split(rest, length[0])
        found.append(digest)
    return EntryRecord(
        number=number, bank=bank.decode(), bank_number=bank_number, entry=entry.decode(), payload=bytes(rest),
        live=state == _LIVE, revision=revision, created_revision=created, vector_count=vectors, blob_count=blobs,
        digests=tuple(found), replaced=state == _REPLACED,
    )  # fmt: skip


def encode_change(change: Change) -> bytes:
    return _CHANGE.pack(change.kind, change.live, change.number, change.mark)


def decode_change(revision: int, body: memoryview) -> Change:
    kind, live, number, mark = _unpack(_CHANGE, body, exact=True)
    try:
        known = ChangeKind(kind)
    except ValueError:
        raise DamagedError(f"change {revision} is of unknown kind {kind}") from None
    return Change(revision=revision, kind=known, live=bool(live), number=number, mark=mark)


def encode_journal(journal: Journal) -> bytes:
    return _JOURNAL.pack(
        journal.last_document, journal.documents, journal.last_decision, journal.head, journal.first_event,
        journal.last_event,
    )  # fmt: skip


def decode_journal(body: memoryview) -> Journal:
    last_document, documents, last_decision, head, first_event, last_event = _unpack(_JOURNAL, body, exact=True)
    return Journal(
        last_document=last_document, documents=documents, last_decision=last_decision, head=head,
        first_event=first_event, last_event=last_event,
    )  # fmt: skip


def encode_document(record: DocumentRecord) -> bytes:
    return _U64.pack(record.revision) + record.payload


def decode_document(key: bytes, body: memoryview) -> DocumentRecord:
    kind, name = key[1 : 1 + key[0]].decode(), key[1 + key[0] :].decode()
    (revision,) = _unpack(_U64, body)
    return DocumentRecord(kind=kind, name=name, payload=bytes(body[_U64.size :]), revision=revision)


def encode_decision(record: DecisionRecord) -> bytes:
    return _DECISION.pack(record.previous, record.revision) + record.payload


def decode_decision(number: int, body: memoryview) -> DecisionRecord:
    previous, revision = _unpack(_DECISION, body)
    return DecisionRecord(number=number, previous=previous, revision=revision, payload=bytes(body[_DECISION.size :]))


def encode_exhibits(counts: ExhibitCounts) -> bytes:
    return _EXHIBITS.pack(counts.last_use, counts.exhibits, counts.bytes)


def decode_exhibits(body: memoryview) -> ExhibitCounts:
    last_use, exhibits, size = _unpack(_EXHIBITS, body, exact=True)
    return ExhibitCounts(last_use=last_use, exhibits=exhibits, bytes=size)


def encode_use(use: ExhibitUse) -> bytes:
    return _USE.pack(use.digest, use.at, use.size)


def decode_use(number: int, body: memoryview) -> ExhibitUse:
    digest, at, size = _unpack(_USE, body, exact=True)
    return ExhibitUse(number=number, digest=digest, at=at, size=size)


def encode_event(record: EventRecord) -> bytes:
    return _U64.pack(record.revision) + record.payload


def decode_event(number: int, body: memoryview) -> EventRecord:
    (revision,) = _unpack(_U64, body)
    return EventRecord(number=number, revision=revision, payload=bytes(body[_U64.size :]))


def encode_vectors(vectors: Vectors) -> memoryview:
    """The rows one after another."""
    return np.ascontiguousarray(vectors).reshape(-1).data


def decode_vectors(body: memoryview) -> Vectors:
    """uint8 (n, 32), read-only."""
    if len(body) % VECTOR_BYTES:
        raise DamagedError(f"{len(body)} bytes are not whole vectors")
    return np.frombuffer(body, np.uint8).reshape(-1, VECTOR_BYTES)


def checked_vectors(vectors: Vectors) -> Vectors:
    """`vectors`, if it is uint8 (n, 32) and fits one value; else ValueError."""
    if vectors.dtype != np.uint8 or vectors.ndim != 2 or vectors.shape[1] != VECTOR_BYTES:
        raise ValueError(f"vectors are uint8 (n, {VECTOR_BYTES}), not {vectors.dtype} {vectors.shape}")
    if vectors.nbytes > MAX_VALUE_BYTES:
        raise ValueError(f"{vectors.nbytes} bytes of vectors are more than one entry may have, {MAX_VALUE_BYTES}")
    return vectors


def checked_payload(payload: bytes) -> bytes:
    """`payload`, if it is at most 64 KiB; else ValueError."""
    if len(payload) > MAX_PAYLOAD_BYTES:
        raise ValueError(f"a payload has at most {MAX_PAYLOAD_BYTES} bytes, not {len(payload)}")
    return payload


def checked_long(payload: bytes) -> bytes:
    """`payload`, if it is at most 1 MiB; else ValueError."""
    if len(payload) > MAX_LONG_PAYLOAD_BYTES:
        raise ValueError(f"a payload has at most {MAX_LONG_PAYLOAD_BYTES} bytes, not {len(payload)}")
    return payload


def checked_appendix(decisions: Sequence[bytes], events: Sequence[bytes], exhibits: Sequence[bytes] = ()) -> Appendix:
    """The three as one, if none has more than 4,096 items and no item more than 1 MiB (an exhibit: 1 GiB); else
    ValueError.
    """
    for what, items in (("decisions", decisions), ("events", events), ("exhibits", exhibits)):
        if len(items) > MAX_APPENDED:
            raise ValueError(f"at most {MAX_APPENDED} {what} at once, not {len(items)}")
    for payload in (*decisions, *events):
        checked_long(payload)
    if any(len(exhibit) > MAX_VALUE_BYTES for exhibit in exhibits):
        raise ValueError(f"an exhibit has at most {MAX_VALUE_BYTES} bytes")
    return Appendix(tuple(decisions), tuple(events), tuple(exhibits))


def checked_digests(digests: Sequence[bytes]) -> tuple[bytes, ...]:
    """Each once, in the order given; ValueError for more than 255 or one of a wrong length."""
    unique = tuple(dict.fromkeys(digests))
    if len(unique) > 255:
        raise ValueError(f"an entry has at most 255 digests, not {len(unique)}")
    for digest in unique:
        digest_prefix(digest)
    return unique


def _unpack(layout: struct.Struct, body: memoryview, *, exact: bool = False) -> tuple[Any, ...]:
    if len(body) < layout.size or (exact and len(body) != layout.size):
        raise DamagedError(f"{len(body)} bytes where {layout.size} were expected")
    return layout.unpack_from(body)


def _split(body: memoryview, size: int) -> tuple[bytes, memoryview]:
    if len(body) < size:
        raise DamagedError(f"{len(body)} bytes where {size} were expected")
    return bytes(body[:size]), body[size:]
