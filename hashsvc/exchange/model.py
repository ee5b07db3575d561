"""What goes out to partners: an entry with its fingerprint."""

import dataclasses
from collections.abc import Iterable, Iterator

from hashsvc.bank.model import Entry, EntryState
from hashsvc.fingerprint.model import Fingerprint


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ExportEntry:
    """An entry and the fingerprint it was confirmed with."""

    entry: Entry
    fingerprint: Fingerprint


def live(entries: Iterable[ExportEntry]) -> Iterator[ExportEntry]:
    """The confirmed ones. Partners act on whatever they are given and these formats cannot take a hash back, so
    anything withdrawn must never leave."""
    return (exported for exported in entries if exported.entry.state is EntryState.CONFIRMED)
