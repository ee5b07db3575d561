"""The report on an incident, for people who were not there: Markdown."""

import datetime
from collections.abc import Iterator, Sequence

from hashsvc.bank.breaker import Breaker
from hashsvc.bank.incident import Counts, Debrief, EntryCounts, Incident
from hashsvc.bank.model import Entry
from hashsvc.incidents.figure import figure

_MOST_LISTED = 200
"""Entries that are listed each."""
_NOTES = """\
An upload counts once, in the hour in which it came first, whichever entries it shows and however often it was matched; it
is told from others by the uploader's content id, or else by its bytes. Blocked and reviewed are counted while an entry is
in the open incident. Let through are uploads that a retro-hunt found: of before the entry was confirmed, or of before a
further view of it was added; only uploads that were matched with a content id can be found, and only for as long as the
service keeps them. A server that was killed may not have written down its last second."""


def debrief(incident: Incident, counts: Counts, entries: Sequence[Entry], breakers: Sequence[Breaker]) -> Debrief:
    """What happened, in figures and in order; `entries` are the incident's, `breakers` those of them that ever tripped."""
    lines = [
        f"# Incident {incident.incident}",
        "",
        *([_text(incident.description), ""] if incident.description else []),
        *_summary(incident, counts),
        "## By hour, UTC",
        "",
        f"![Uploads by hour]({incident.incident}.svg)",
        "",
        *_hours(counts),
        "## Entries",
        "",
        *_entries(counts.entries),
        "## Course",
        "",
        *_course(incident, counts, entries, breakers),
        "## What is counted",
        "",
        _NOTES,
    ]
    return Debrief(incident=incident.incident, markdown="\n".join(lines) + "\n", figure=figure(incident, counts))


def _summary(incident: Incident, counts: Counts) -> Iterator[str]:
    ended = (
        "open" if incident.closed_at is None else f"closed {_when(incident.closed_at)} by {_text(incident.closed_by)}"
    )
    if incident.closed_reason:
        ended += f": {_text(incident.closed_reason)}"
    first = counts.seconds_to_first_match
    yield "| | |"
    yield "|---|---|"
    why = f": {_text(incident.reason)}" if incident.reason else ""
    yield f"| opened | {_when(incident.opened_at)} by {_text(incident.opened_by)}{why} |"
    yield f"| state | {ended} |"
    yield f"| entries | {len(incident.entries)} |"
    yield f"| blocked at upload | {counts.blocked} |"
    yield f"| sent to review | {counts.reviewed} |"
    yield f"| let through and found later by retro-hunt | {counts.let_through} |"
    yield f"| distinct variants blocked or reviewed | {counts.variants} |"
    yield f"| from the first confirmation to the first match | {'no match yet' if first is None else _seconds(first)} |"
    if counts.uncounted:
        yield f"| uploads beyond what is kept, not in these figures | {counts.uncounted} |"
    yield ""


def _hours(counts: Counts) -> Iterator[str]:
    yield "| hour | blocked | to review | let through |"
    yield "|---|---|---|---|"
    for one in counts.hours:
        if one.blocked or one.reviewed or one.let_through:
            yield f"| {one.start:%Y-%m-%d %H:%M} | {one.blocked} | {one.reviewed} | {one.let_through} |"
    yield ""


def _entries(entries: Sequence[EntryCounts]) -> Iterator[str]:
    yield "| entry | external id | confirmed | first match after | blocked | to review | let through |"
    yield "|---|---|---|---|---|---|---|"
    for one in entries[:_MOST_LISTED]:
        confirmed = "not yet" if one.confirmed_at is None else _when(one.confirmed_at)
        seconds = one.seconds_to_first_match
        first = "none" if seconds is None else _seconds(seconds)
        yield (
            f"| {one.bank}/{one.entry} | {_text(one.external_id)} | {confirmed} | {first} | {one.blocked} "
            f"| {one.reviewed} | {one.let_through} |"
        )
    if len(entries) > _MOST_LISTED:
        yield f"| and {len(entries) - _MOST_LISTED} more | | | | | | |"
    yield ""


def _course(incident: Incident, counts: Counts, entries: Sequence[Entry], breakers: Sequence[Breaker]) -> Iterator[str]:
    for moment, what in sorted(_moments(incident, counts, entries, breakers), key=lambda one: one[0]):
        yield f"- {_when(moment)}: {what}"
    yield ""


def _moments(
    incident: Incident, counts: Counts, entries: Sequence[Entry], breakers: Sequence[Breaker]
) -> Iterator[tuple[datetime.datetime, str]]:
    """When, and what happened; of each entry as far as its history reaches."""
    yield incident.opened_at, f"opened by {_text(incident.opened_by)}"
    for closure in incident.closures:
        yield closure.closed_at, f"closed by {_text(closure.closed_by)}"
        yield closure.reopened_at, f"reopened by {_text(closure.reopened_by)}"
    for added, entry in list(zip(incident.entries, entries, strict=True))[:_MOST_LISTED]:
        name = _text(entry.external_id) or entry.entry
        yield added.added_at, f"{name} added by {_text(added.added_by)}"
        for step in entry.history:
            reason = f": {_text(step.reason)}" if step.reason else ""
            yield step.at, f"{name} {step.state} by {_text(step.actor)}{reason}"
    for one in counts.entries[:_MOST_LISTED]:
        if one.first_match_at is not None:
            yield one.first_match_at, f"first match of {_text(one.external_id) or one.entry}"
    for breaker in breakers:
        name = _text(breaker.external_id) or breaker.entry
        yield breaker.tripped_at, f"breaker of {name} tripped after {breaker.blocked} uploads"
        if breaker.reset_at is not None:
            yield breaker.reset_at, f"breaker of {name} reset"
    if incident.closed_at is not None:
        yield incident.closed_at, f"closed by {_text(incident.closed_by)}"


def _seconds(seconds: float) -> str:
    return (
        f"{seconds:.1f} s"
        if seconds < 120
        else f"{seconds / 60:.1f} min"
        if seconds < 7200
        else f"{seconds / 3600:.1f} h"
    )


def _when(moment: datetime.datetime) -> str:
    return moment.astimezone(datetime.UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _text(text: str) -> str:
    """What people wrote, on one line and as no markup: neither a table's border nor a link nor HTML."""
    line = " ".join(text.split())
    return "".join(f"\\{sign}" if sign in "\\`*_{}[]<>|#!" else sign for sign in line)
