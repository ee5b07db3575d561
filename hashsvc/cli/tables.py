"""Tables for people, with rich."""

import datetime
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

from hashsvc.access.model import Token
from hashsvc.bank.card import CardState, RobustnessCard
from hashsvc.bank.model import Bank, Entry, Verdict
from hashsvc.battery.catalogue import BY_NAME
from hashsvc.match import words
from hashsvc.match.model import MatchResult
from hashsvc.retro.model import DryRun, Hit

if TYPE_CHECKING:
    from hashsvc.appeals.model import Appeal
    from hashsvc.bank.breaker import Breaker
    from hashsvc.bank.incident import Counts, Incident
    from hashsvc.bank.taxonomy import Taxonomy
    from hashsvc.decisions.model import Decision, Ground
    from hashsvc.events.webhook import ListedWebhook, Webhook
    from hashsvc.fingerprint.model import Fingerprint

PIPED_WIDTH = 160
"""Columns of a table that goes into a file or another program."""
_STYLES = {Verdict.BLOCK: "bold red", Verdict.REVIEW: "yellow", Verdict.ALLOW: "green"}


def show(table: Table) -> None:
    """Print on stdout, in colour on a terminal."""
    Console(width=None if sys.stdout.isatty() else PIPED_WIDTH).print(table)


def _table(*columns: str, title: str = "") -> Table:
    table = Table(title=title or None, title_justify="left", header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def _row(table: Table, *cells: object) -> None:
    """Cells as they are: file names and labels may hold what rich would read as markup."""
    table.add_row(*(cell if isinstance(cell, Text) else Text(str(cell)) for cell in cells))


def verdict_text(verdict: Verdict) -> Text:
    """The verdict in its colour."""
    return Text(verdict, style=_STYLES[verdict])


def matches(results: Iterable[tuple[object, MatchResult]]) -> Table:
    """One row a match or an excuse, at least one an upload: file, verdict, entry, why, evidence."""
    table = _table("file", "verdict", "bank", "entry", "external id", "why", "evidence")
    for file, result in results:
        if not result.matches and not result.excused:
            _row(table, file, verdict_text(result.verdict), "", "", "", words.strongest(result), "")
        for match in result.matches:
            evidence = f"{match.evidence:.1f} ({words.evidence_in_words(match.evidence)})"
            verdict = verdict_text(match.verdict)
            _row(table, file, verdict, match.bank, match.entry, match.external_id, words.why(match), evidence)
        for one in result.excused:
            verdict = verdict_text(Verdict.ALLOW)
            _row(table, file, verdict, one.bank, one.entry, one.external_id, words.excuse(one), "")
    return table


def hits(found: Iterable[Hit]) -> Table:
    """One row a recent upload that shows the entry."""
    table = _table("content id", "uploaded", "verdict", "why", "evidence")
    for hit in found:
        evidence = f"{hit.match.evidence:.1f} ({words.evidence_in_words(hit.match.evidence)})"
        verdict = verdict_text(hit.match.verdict)
        _row(table, hit.content_id, _when(hit.seen_at), verdict, words.why(hit.match), evidence)
    return table


def dry_runs(runs: Iterable[tuple[object, DryRun]]) -> Table:
    """One row a recent upload that a file would find, and one a file with how many there are."""
    table = _table("file", "content id", "uploaded", "verdict", "why", "evidence")
    for file, run in runs:
        for hit in run.hits:
            verdict = verdict_text(hit.match.verdict)
            _row(
                table,
                file,
                hit.content_id,
                _when(hit.seen_at),
                verdict,
                words.why(hit.match),
                f"{hit.match.evidence:.1f}",
            )
        for one in run.known_good:
            verdict, name = verdict_text(one.verdict), f"{one.bank}/{one.entry} {one.external_id}"
            _row(table, file, name, "known good", verdict, words.why(one), f"{one.evidence:.1f}")
        allowed = f", of which a rule lets {run.allowed} pass" if run.allowed else ""
        _row(table, file, "", "", "", f"would find {run.total} of {run.searched} recent uploads{allowed}", "")
        if run.held_back:
            warning = Text("somebody else would have to approve it", style="bold red")
            _row(table, file, "", "", warning, run.held_back, "")
    return table


def confirmed(entries: Iterable[tuple[object, Entry]]) -> Table:
    table = _table("file", "bank", "entry", "external id", "state", "duration", "hashes", "revision")
    for file, entry in entries:
        duration = f"{entry.duration:.1f} s"
        state = f"{entry.state}: {entry.reason}" if entry.reason else entry.state
        _row(table, file, entry.bank, entry.entry, entry.external_id, state, duration, entry.hashes, entry.revision)
    return table


def fingerprints(made: Iterable[tuple[object, "Fingerprint"]]) -> Table:
    table = _table("file", "profile", "duration", "frames", "views", "mean quality", "SHA-256")
    for file, one in made:
        quality = f"{one.quality[:, 0].mean():.0f}" if one.frames else "-"
        duration, sha256 = f"{one.duration:.1f} s", one.digests.sha256.hex()
        _row(table, file, one.profile, duration, one.frames, len(one.views), quality, sha256)
    return table


def banks(listed: Iterable[Bank]) -> Table:
    table = _table(
        "bank", "description", "mode", "BLOCK at", "REVIEW at", "depth", "labels", "people", "changed", "revision"
    )
    for bank in listed:
        policy = bank.policy
        block = f"evidence <= {policy.block_evidence:g}, {policy.block_coverage:.0%} of the upload"
        review = f"evidence <= {policy.review_evidence:g}"
        changed = _when(bank.updated_at)
        if policy.rules:
            block = "\n".join((*(f"{place}. {rule}" for place, rule in enumerate(policy.rules, 1)), f"else {block}"))
        labels = "taxonomy" if bank.taxonomy_only else "free"
        people = "two" if bank.two_person else "one"
        _row(
            table,
            bank.bank,
            bank.description,
            bank.mode,
            block,
            review,
            policy.depth,
            labels,
            people,
            changed,
            bank.revision,
        )
    return table


def labels(taxonomy: "Taxonomy") -> Table:
    """One row a label, retired ones too."""
    table = _table("label", "title", "", title=f"Taxonomy {taxonomy.version}")
    for one in taxonomy.labels:
        retired = "retired" + (f", replaced by {one.replaced_by}" if one.replaced_by else "")
        _row(table, one.label, one.title, "" if one.current else retired)
    return table


def entries(listed: Iterable[Entry]) -> Table:
    table = _table(
        "entry",
        "external id",
        "state",
        "labels",
        "from",
        "review by",
        "expires",
        "duration",
        "hashes",
        "changed",
        "revision",
    )
    for entry in listed:
        labels, duration = ", ".join(entry.labels), f"{entry.duration:.1f} s"
        dates = (one.strftime("%Y-%m-%d") if one else "" for one in (entry.details.review_by, entry.details.expires_at))
        about = entry.entry, entry.external_id, entry.state, labels, entry.details.partner, *dates
        _row(table, *about, duration, entry.hashes, _when(entry.updated_at), entry.revision)
    return table


def tokens(listed: Iterable[Token]) -> Table:
    table = _table("token", "name", "role", "made", "by", "expires", "revoked", "by")
    for token in listed:
        revoked = "" if token.revoked_at is None else _when(token.revoked_at)
        made, expires = _when(token.created_at), _when(token.expires_at)
        _row(table, token.token, token.name, token.role, made, token.created_by, expires, revoked, token.revoked_by)
    return table


def one_entry(entry: Entry) -> Table:
    """Every field of an entry, one a row."""
    table = _table("field", "value")
    for name, value in (
        ("bank", entry.bank),
        ("entry", entry.entry),
        ("external id", entry.external_id),
        ("state", entry.state),
        ("reason", entry.reason),
        ("labels", ", ".join(entry.labels) + (f" ({entry.taxonomy})" if entry.taxonomy else "")),
        ("from", f"{entry.details.partner} {entry.details.partner_id}".strip() or "ourselves"),
        ("legal basis", entry.details.legal_basis),
        ("review by", _when(entry.details.review_by) if entry.details.review_by else ""),
        ("expires", _when(entry.details.expires_at) if entry.details.expires_at else ""),
        ("metadata", "\n".join(f"{name}={value}" for name, value in entry.details.metadata.items())),
        ("exclusions", ", ".join(f"{one} s" for one in entry.exclusions)),
        ("duration", f"{entry.duration:.3f} s"),
        ("frames, hashes", f"{entry.frames}, {entry.hashes}"),
        ("profile", entry.profile),
        ("MD5", entry.md5),
        ("SHA-256", entry.sha256),
        ("videohash", entry.videohash),
        ("created", _when(entry.created_at)),
        ("changed", _when(entry.updated_at)),
        ("revision", entry.revision),
        ("robustness", _card_in_words(entry.card)),
    ):
        _row(table, name, value)
    return table


def history(entry: Entry) -> Table:
    """One row a change of state, oldest first."""
    table = _table("state", "by", "when", "why", title="History")
    for one in entry.history:
        _row(table, one.state, one.actor, _when(one.at), one.reason)
    return table


def _card_in_words(card: RobustnessCard) -> str:
    match card.state:
        case CardState.NONE:
            return "not tried; see `hashsvc confirm --help`"
        case CardState.RUNNING:
            return f"being tried with edited copies, {card.progress:.0%} done"
        case CardState.DONE:
            summary = f"{card.matched} of {len(card.results)} edits are found"
            return f"{summary}; {card.detail}" if card.detail else summary
        case CardState.FAILED:
            return f"not tried: {card.detail}"
    return "waits to be tried with edited copies"


def robustness(card: RobustnessCard) -> Table:
    """One row an edit: was the copy found, how surely, how much of it, and what was added for its sake."""
    table = _table("edit", "what was done", "found", "evidence", "covered", "view added", title="Robustness card")
    for one in card.results:
        known = BY_NAME.get(one.edit)
        found = Text("yes", style="green") if one.matched else Text("no", style="bold red")
        evidence, covered = (f"{one.evidence:.1f}", f"{one.query_coverage:.0%}") if one.matched else ("", "")
        _row(table, one.edit, known.title if known else "", found, evidence, covered, one.added_view)
    return table


def breakers(listed: Iterable["Breaker"]) -> Table:
    table = _table(
        "bank",
        "entry",
        "external id",
        "state",
        "tripped",
        "blocked",
        "to review since",
        "of the upload",
        "of the entry",
    )
    for one in listed:
        state = Text("tripped", style="bold red") if one.tripped else Text("reset", style="green")
        covered = f"{one.query_coverage:.0%}", f"{one.reference_coverage:.0%}"
        when = _when(one.tripped_at)
        _row(table, one.bank, one.entry, one.external_id, state, when, one.blocked, one.reviewed, *covered)
    return table


def affected(breaker: "Breaker") -> Table:
    """One row an upload, in the order in which they came."""
    table = _table("content id", "upload", "verdict", "when", title="Affected uploads")
    for one in breaker.affected:
        _row(table, one.content_id, one.upload, verdict_text(one.verdict), _when(one.at))
    return table


def decisions(listed: Iterable["Decision"]) -> Table:
    """One row a decision: what was done, to what, by whom and why."""
    table = _table("decision", "at", "kind", "action", "by", "about", "reason")
    for one in listed:
        place = "/".join(part for part in (one.bank, one.entry) if part)
        about = place or one.incident or one.content_id or (one.verdict.upload[:16] if one.verdict is not None else "")
        why = one.reason or (_strongest(one.verdict.grounds) if one.verdict is not None else "")
        _row(table, one.decision, _when(one.at), one.kind, one.action, one.actor, about, why)
    return table


def grounds(found: Iterable["Ground"]) -> Table:
    """One row a match that a verdict rests on."""
    table = _table("verdict", "bank", "entry", "external id", "labels", "source", "why", "evidence")
    for one in found:
        match = one.match
        _row(
            table, verdict_text(match.verdict), match.bank, match.entry, match.external_id, ", ".join(one.labels),
            one.source, words.why(match), f"{match.evidence:.1f}",
        )  # fmt: skip
    return table


def appeals(listed: Iterable["Appeal"]) -> Table:
    """One row an appeal: against what, by whom, and what became of it."""
    table = _table("appeal", "opened", "by", "upload", "decision", "got", "for", "state", "decided by", "up again")
    for one in listed:
        causes = ", ".join(f"{cause.bank}/{cause.entry}" for cause in one.causes)
        again = "" if one.reinstated_at is None else _when(one.reinstated_at)
        _row(
            table, one.appeal, _when(one.opened_at), one.appellant or one.opened_by, one.content_id, one.decision,
            verdict_text(one.verdict), causes, one.state, one.decided_by, again,
        )  # fmt: skip
    return table


def _strongest(found: Sequence["Ground"]) -> str:
    return f"{found[0].match.bank}/{found[0].match.entry}: {words.why(found[0].match)}" if found else ""


def incidents(listed: Iterable["Incident"]) -> Table:
    table = _table("incident", "description", "state", "entries", "depth", "may block", "opened", "by", "ends")
    for one in listed:
        state = Text("open", style="bold red") if one.closed_at is None else Text("closed", style="green")
        _row(
            table,
            one.incident,
            one.description,
            state,
            len(one.entries),
            one.depth,
            one.breaker_hits,
            _when(one.opened_at),
            one.opened_by,
            _when(one.ends_at),
        )
    return table


def one_incident(incident: "Incident", counts: "Counts") -> Table:
    """An incident and its counts, one a row."""
    table = _table("field", "value")
    closed = "" if incident.closed_at is None else f"{_when(incident.closed_at)} by {incident.closed_by}"
    first = counts.seconds_to_first_match
    for name, value in (
        ("incident", incident.incident),
        ("description", incident.description),
        ("opened", f"{_when(incident.opened_at)} by {incident.opened_by}"),
        ("why opened", incident.reason),
        ("depth", incident.depth),
        ("an entry may block", f"{incident.breaker_hits} uploads"),
        ("closes by itself", _when(incident.expires_at)),
        ("closed", closed),
        ("why closed", incident.closed_reason),
        *(("reopened", f"{_when(one.reopened_at)} by {one.reopened_by}") for one in incident.closures),
        ("revision", incident.revision),
        ("blocked at upload", counts.blocked),
        ("sent to review", counts.reviewed),
        ("let through, found later", counts.let_through),
        ("distinct variants", counts.variants),
        ("first match after", "no match yet" if first is None else f"{first:.1f} s"),
        ("not counted", counts.uncounted or ""),
    ):
        _row(table, name, value)
    return table


def incident_entries(counts: "Counts") -> Table:
    table = _table(
        "bank", "entry", "external id", "confirmed", "first match after", "blocked", "to review", "let through"
    )
    for one in counts.entries:
        confirmed = "not yet" if one.confirmed_at is None else _when(one.confirmed_at)
        seconds = one.seconds_to_first_match
        first = "" if seconds is None else f"{seconds:.1f} s"
        _row(table, one.bank, one.entry, one.external_id, confirmed, first, one.blocked, one.reviewed, one.let_through)
    return table


def incident_hours(counts: "Counts") -> Table:
    """One row an hour that has any."""
    table = _table("hour", "blocked", "to review", "let through")
    for one in counts.hours:
        if one.blocked or one.reviewed or one.let_through:
            _row(table, _when(one.start), one.blocked, one.reviewed, one.let_through)
    return table


def webhooks(listed: Iterable["Webhook"]) -> Table:
    table = _table("webhook", "URL", "events", "bank", "description", "active", "added")
    for one in listed:
        _row(table, *_webhook(one))
    return table


def listed_webhooks(listed: Iterable["ListedWebhook"]) -> Table:
    table = _table(
        "webhook", "URL", "events", "bank", "description", "active", "added", "sent up to", "held", "trouble"
    )
    for one in listed:
        _row(table, *_webhook(one.webhook), one.after, one.held, one.trouble)
    return table


def _webhook(one: "Webhook") -> tuple[object, ...]:
    types, active = ", ".join(one.types) or "all", "yes" if one.active else "paused"
    return one.webhook, one.url, types, one.bank or "all", one.description, active, _when(one.created_at)


def _when(moment: datetime.datetime) -> str:
    return moment.astimezone(datetime.UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
