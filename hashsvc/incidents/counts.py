"""What was counted of an incident, made one of what all processes wrote down."""

import datetime
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from hashsvc.bank import records
from hashsvc.bank.incident import Counts, EntryCounts, Hour, Incident
from hashsvc.bank.model import Entry, EntryState
from hashsvc.incidents.counter import BLOCKED, REVIEWED, ROW, hash_of, read
from hashsvc.retro.hunts import Hunts
from hashsvc.traffic.ledger import Ledger
from hashsvc_index import Store

_HOUR = datetime.timedelta(hours=1)
_MILLISECONDS = 1000.0
_LET_THROUGH = 0
"""The verdict of an upload that a hunt found, as a row has it."""


def counted(store: Store, ledger: Ledger, hunts: Hunts, incident: Incident) -> Counts:
    """Everything up to the end of the incident; uploads that hunts found may have come before it was opened."""
    places = [one.place for one in incident.entries]
    rows, uncounted = read(store, incident.incident, places)
    rows = rows[rows["at"] < int(incident.ends_at.timestamp() * _MILLISECONDS)]
    entries = [records.entry_of(store.get_entry(*place)) for place in places]
    missed = np.array(list(_missed(hunts, incident, entries, np.unique(rows["upload"]))), ROW)
    everything = np.concatenate([rows, missed])
    uploads = _strictest(everything, ["upload"])
    # An upload is one video, though without digests its quick and its deep reading are told apart: the first one counts.
    stopped = _strictest(everything[everything["verdict"] != _LET_THROUGH], ["upload"])
    by_entry = _strictest(everything, ["entry", "upload"])
    found = tuple(_of_entry(ledger, one, by_entry[by_entry["entry"] == place]) for place, one in enumerate(entries))
    return Counts(
        blocked=_sum(uploads, BLOCKED),
        reviewed=_sum(uploads, REVIEWED),
        let_through=_sum(uploads, _LET_THROUGH),
        variants=len(np.unique(stopped["variant"])),
        uncounted=uncounted,
        seconds_to_first_match=_to_first_match(found),
        hours=tuple(_hours(uploads)),
        entries=found,
    )


def _missed(
    hunts: Hunts, incident: Incident, entries: Sequence[Entry], stopped: npt.NDArray[np.uint64]
) -> Iterator[tuple[int, int, int, int, int]]:
    """A row for each upload that hunts found, and that was let through when it came.

    Hunts find uploads that were stopped when they came, too. Those of the incident were counted. Of what came between the
    confirmation of an entry and its place in the incident nobody knows, nor of what came while the incident was closed, and
    it counts as stopped.
    """
    known = frozenset(stopped.tolist())
    for number, (one, entry) in enumerate(zip(incident.entries, entries, strict=True)):
        confirmed = confirmed_at(entry) or incident.ends_at
        for hit in hunts.hits(one.bank, one.entry):
            upload = hash_of(hit.content_id)
            if any(closure.holds(hit.seen_at) for closure in incident.closures):
                continue
            # What came in the very millisecond was matched before: an entry is searched only after it is written.
            if upload not in known and (hit.seen_at <= confirmed or hit.seen_at >= one.added_at):
                yield int(hit.seen_at.timestamp() * _MILLISECONDS), upload, 0, number, _LET_THROUGH


def confirmed_at(entry: Entry) -> datetime.datetime | None:
    """When an entry was first confirmed, as far as its history tells; None where it never was."""
    if not entry.history:
        return entry.created_at if entry.state is EntryState.CONFIRMED else None
    return next((one.at for one in entry.history if one.state is EntryState.CONFIRMED), None)


def _strictest(rows: npt.NDArray[np.void], key: list[str]) -> npt.NDArray[np.void]:
    """One row for each `key`: its strictest verdict, and when it came first."""
    if not len(rows):
        return rows
    rows = rows[np.lexsort((rows["at"], *(rows[name] for name in reversed(key))))]
    differs = np.any([rows[name][1:] != rows[name][:-1] for name in key], axis=0)
    first = np.flatnonzero(np.r_[True, differs])
    one = rows[first].copy()
    one["verdict"] = np.maximum.reduceat(rows["verdict"], first)
    return one


def _of_entry(ledger: Ledger, entry: Entry, uploads: npt.NDArray[np.void]) -> EntryCounts:
    confirmed = confirmed_at(entry)
    return EntryCounts(
        bank=entry.bank,
        entry=entry.entry,
        external_id=entry.external_id,
        confirmed_at=confirmed,
        first_match_at=None if confirmed is None else _first_match(ledger, entry, uploads, confirmed),
        blocked=_sum(uploads, BLOCKED),
        reviewed=_sum(uploads, REVIEWED),
        let_through=_sum(uploads, _LET_THROUGH),
    )


def _first_match(
    ledger: Ledger, entry: Entry, uploads: npt.NDArray[np.void], confirmed: datetime.datetime
) -> datetime.datetime | None:
    """After the confirmation: the first one of all where that is known to be it, else the first in the incident."""
    after = confirmed.timestamp()
    found = uploads["at"][uploads["verdict"] != _LET_THROUGH] / _MILLISECONDS
    found = np.r_[found, ledger.known((entry.bank, entry.entry)).first_at]
    found = found[found >= after]
    return datetime.datetime.fromtimestamp(round(float(found.min()), 3), datetime.UTC) if len(found) else None


def _to_first_match(entries: Sequence[EntryCounts]) -> float | None:
    confirmed = [one.confirmed_at for one in entries if one.confirmed_at is not None]
    matched = [one.first_match_at for one in entries if one.first_match_at is not None]
    return (min(matched) - min(confirmed)).total_seconds() if matched else None


def _hours(uploads: npt.NDArray[np.void]) -> Iterator[Hour]:
    if not len(uploads):
        return
    hours = (uploads["at"] // 3_600_000).astype(np.int64)
    first, length = int(hours.min()), int(hours.max() - hours.min()) + 1
    counts = {
        verdict: np.bincount(hours[uploads["verdict"] == verdict] - first, minlength=length)
        for verdict in (BLOCKED, REVIEWED, _LET_THROUGH)
    }
    start = datetime.datetime.fromtimestamp(first * 3600, datetime.UTC)
    for number in range(length):
        yield Hour(
            start=start + number * _HOUR,
            blocked=int(counts[BLOCKED][number]),
            reviewed=int(counts[REVIEWED][number]),
            let_through=int(counts[_LET_THROUGH][number]),
        )


def _sum(uploads: npt.NDArray[np.void], verdict: int) -> int:
    return int(np.count_nonzero(uploads["verdict"] == verdict))
