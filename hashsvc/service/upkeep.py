"""Checking the data directory, and giving signals to partners."""

from collections.abc import Iterator

from hashsvc.bank import records, rules
from hashsvc.exchange import formats
from hashsvc.exchange.model import ExportEntry
from hashsvc.match.exclude import silenced
from hashsvc.service.banks import Banks
from hashsvc.service.base import DEFAULT_PAGE
from hashsvc_index import verify


class Upkeep(Banks):
    """The part of the service that reads all of a bank, or of the directory."""

    def verify(self) -> list[str]:
        """Check store and index against each other; one sentence a fault, none when clean."""
        return verify(self._store, self._index)

    def export(self, bank: str, format: str) -> Iterator[str]:
        """Lines, without newlines, of the bank's live signals, in one of `hashsvc.exchange.formats.FORMATS`.

        Raises InvalidInputError EXPORT_FORMAT_UNKNOWN, PreconditionError BANK_MODE for an allow bank; BANK_NOT_FOUND.
        """
        exporter = formats.exporter(format)
        rules.check_hunting(self.get_bank(bank), "partners would block it")
        return exporter(self._live(bank))

    def _live(self, bank: str) -> Iterator[ExportEntry]:
        after = ""
        seen: set[str] = set()
        while page := self._store.list_entries(bank, after, DEFAULT_PAGE):
            for record in page:
                # What is strengthened meanwhile comes again at the end of the list.
                if record.live and record.entry not in seen:
                    seen.add(record.entry)
                    entry = records.entry_of(record)
                    # Partners would block what is harmless; they drop frames of no quality.
                    fingerprint = silenced(self._references.get(record.number), entry.exclusions)
                    yield ExportEntry(entry=entry, fingerprint=fingerprint)
            after = str(page[-1].number)
