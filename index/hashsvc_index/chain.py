"""Checking the decision log: each record holds the hash of the one before it, and the store the hash of the last."""

from collections.abc import Iterator

from hashsvc_index.environment import Environment
from hashsvc_index.reader import Reader
from hashsvc_index.records import DamagedError, DecisionRecord

_PIECE = 1024


def faults(environment: Environment, noted: bytes = b"") -> Iterator[str]:
    """One sentence a fault. Reads a piece at a time, which is sound: records that are there never change.

    `noted` is the hash of some decision that somebody wrote down elsewhere, when it was the last.
    """
    check = _Check(noted)
    while not check.finished:
        with environment.read() as transaction:
            found = list(check.piece(Reader(environment, transaction)))
        yield from found


class _Check:
    """How far the chain was followed."""

    def __init__(self, noted: bytes) -> None:
        self._noted = noted
        self._is_known = noted in (b"", bytes(32))
        """Whether the noted hash was met; that of an empty log is in every log."""
        self._number = 0
        self._hash: bytes | None = bytes(32)
        """Of decision `_number`; None where it is not there to say."""
        self._revision = 0
        self._missing = 0
        self.finished = False

    def piece(self, reader: Reader) -> Iterator[str]:
        """Follow the chain a little further, and at its end compare it with what the store counts."""
        journal = reader.journal()
        for number in range(self._number + 1, min(self._number + _PIECE, journal.last_decision) + 1):
            yield from self._next(reader, number)
        if self._number < journal.last_decision:
            return
        self.finished = True
        yield from self._end_of_gap()
        if self._hash is not None and self._hash != journal.head:
            yield f"The log should end with another decision {self._number} than it does."
        if reader.last_number(b"decisions") > journal.last_decision:
            yield f"The log goes on to {reader.last_number(b'decisions')}, the store counts {journal.last_decision}."
        if not self._is_known:
            yield f"No decision has the hash {self._noted.hex()}: the log was cut off, or made anew."
        if self._revision > reader.counters().revision:
            yield f"The log knows revision {self._revision}, the store is at {reader.counters().revision}."

    def _next(self, reader: Reader, number: int) -> Iterator[str]:
        self._number = number
        try:
            record = reader.find_decision(number)
        except DamagedError:
            yield from self._end_of_gap(before=number)
            yield f"Decision {number} is damaged."
            self._hash = None
            return
        if record is None:
            self._missing += 1
            self._hash = None
            return
        yield from self._end_of_gap(before=number)
        yield from self._links(record)
        self._hash, self._revision = record.hash, record.revision
        self._is_known = self._is_known or self._hash == self._noted

    def _links(self, record: DecisionRecord) -> Iterator[str]:
        if self._hash is not None and record.previous != self._hash:
            before = f"decision {record.number - 1}" if record.number > 1 else "the beginning"
            yield f"Decision {record.number} does not follow from {before}: one of them was altered."
        if record.revision < self._revision:
            yield f"Decision {record.number} is of revision {record.revision}, the one before of {self._revision}."

    def _end_of_gap(self, before: int = 0) -> Iterator[str]:
        """Say which decisions were missing up to here."""
        if self._missing:
            last = (before or self._number + 1) - 1
            first = last - self._missing + 1
            yield f"Decision {first} is missing." if first == last else f"Decisions {first} to {last} are missing."
            self._missing = 0
