"""What is only ever appended: the decision log, a chain of hashes, and the outbox of events."""

import dataclasses
import time
from collections.abc import Sequence

from hashsvc_index import chain, records
from hashsvc_index.errors import DecisionNotFoundError
from hashsvc_index.exhibits import keep, trim
from hashsvc_index.handle import Handle
from hashsvc_index.reader import Reader
from hashsvc_index.records import DecisionRecord, EventRecord, ExhibitCounts
from hashsvc_index.writer import Writer, need

_TRIMMED = 4096


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Appended:
    """The numbers that were given out, in the order of what was appended."""

    decisions: range
    events: range


class Journal(Handle):
    """The part of a store that keeps decisions, their exhibits, and events.

    A decision or event is any bytes up to 1 MiB. Each has a number, counted from 1 over all processes and never
    reused, and says the store's revision at the end of the transaction that wrote it. Every call of a store that writes
    takes `decisions` and `events`, and appends them in its own transaction: they are there if and only if the change is.
    """

    def append(
        self, *, decisions: Sequence[bytes] = (), events: Sequence[bytes] = (), exhibits: Sequence[bytes] = ()
    ) -> Appended:
        """Append without another change, all in one transaction; on the disk when the call returns.

        An exhibit is what a decision refers to by its SHA-256, apart from the chain: it may be removed and the log still
        verifies, see `trim_exhibits`. Appended again it is kept once, and counts as appended now. Raises ValueError for
        more than 4,096 of a kind or one that is too long.
        """
        appendix = records.checked_appendix(decisions, events, exhibits)

        now = time.time()

        def change(writer: Writer) -> Appended:
            writer.append(appendix)
            keep(writer, appendix.exhibits, now)
            decision, event = writer.journal.last_decision, writer.journal.last_event
            return Appended(
                decisions=range(decision - len(decisions) + 1, decision + 1),
                events=range(event - len(events) + 1, event + 1),
            )

        rows = (64 for _ in range(3 * len(appendix.exhibits)))
        return self._write(need(*appendix.sizes(), *rows), change)

    def decision(self, number: int) -> DecisionRecord:
        """Raises DecisionNotFoundError."""
        with self.environment.read() as transaction:
            record = Reader(self.environment, transaction).find_decision(number)
        if record is None:
            raise DecisionNotFoundError(f"there is no decision {number}", decision=number)
        return record

    def decisions(self, after: int, limit: int) -> list[DecisionRecord]:
        """At most `limit` decisions with a number above `after`, in order."""
        with self.environment.read() as transaction:
            return Reader(self.environment, transaction).decisions(after, limit)

    def decision_head(self) -> tuple[int, bytes]:
        """(number, hash) of the last decision, (0, 32 zero bytes) before the first.

        Who notes it elsewhere can later tell whether somebody who could write the whole store has made another chain.
        """
        with self.environment.read() as transaction:
            journal = Reader(self.environment, transaction).journal()
        return journal.last_decision, journal.head

    def verify_decisions(self, head: bytes = b"") -> list[str]:
        """One sentence for each decision that was altered, removed or put elsewhere, also at the end of the log.

        With a `head` that was noted before, also whether the log still has the decision of that hash.
        """
        return list(chain.faults(self.environment, head))

    def exhibit(self, digest: bytes) -> bytes:
        """What was appended with this SHA-256, b"" where it is not, or no longer, kept."""
        with self.environment.read() as transaction:
            return Reader(self.environment, transaction).exhibit(digest)

    def trim_exhibits(self, before: float, max_bytes: int) -> int:
        """Let go of some exhibits that were last appended before `before`, seconds since 1970, or take more than
        `max_bytes` with those after them; return how many, 0 when there are no more. The log stays as it is.

        At most 256 go at once, those appended longest ago first, so that whoever else writes does not wait long.
        """
        return self._write(need(*(64 for _ in range(1024))), lambda writer: trim(writer, before, max_bytes))

    def exhibit_counts(self) -> ExhibitCounts:
        """How many exhibits are kept, and their bytes."""
        with self.environment.read() as transaction:
            return Reader(self.environment, transaction).exhibit_counts()

    def events(self, after: int, limit: int) -> list[EventRecord]:
        """At most `limit` events with a number above `after`, in order."""
        with self.environment.read() as transaction:
            return Reader(self.environment, transaction).events(after, limit)

    def trim_events(self, through: int) -> None:
        """Forget the events up to number `through`, in several transactions where they are many."""
        while self._write(need(*(64 for _ in range(256))), lambda writer: _trim(writer, through)):
            pass


def _trim(writer: Writer, through: int) -> bool:
    """Forget the next few events; whether there are more to forget."""
    first = writer.journal.first_event
    end = min(first + _TRIMMED, min(through, writer.journal.last_event) + 1)
    for number in range(first, end):
        writer.delete(b"events", records.number_key(number))
    if end > first:
        writer.keep(first_event=end)
    return end <= min(through, writer.journal.last_event)
