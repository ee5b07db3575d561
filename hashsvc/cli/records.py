"""Nouns as JSON objects: what `--format json` prints. Keys are promised; more may be added, none renamed."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hashsvc.access.model import NewToken, Token
from hashsvc.bank.card import RobustnessCard
from hashsvc.bank.model import Bank, Entry
from hashsvc.cli.trouble import Explained
from hashsvc.match.model import Excused, Match, MatchResult, Segment
from hashsvc.retro.model import DryRun, Hit, Hunt

if TYPE_CHECKING:
    from hashsvc.bank.breaker import Breaker
    from hashsvc.bank.incident import Counts, Incident
    from hashsvc.bank.taxonomy import Label, Taxonomy
    from hashsvc.events.model import Event
    from hashsvc.events.webhook import ListedWebhook, Webhook
    from hashsvc.fingerprint.model import Fingerprint

Record = dict[str, Any]


def in_json(record: Record) -> str:
    """One line of NDJSON."""
    return json.dumps(record, ensure_ascii=False, allow_nan=False)


def error_record(file: Path, error: Explained) -> Record:
    """What a file that failed gives instead of its answer."""
    return {"file": str(file), "error": {"reason": error.reason, "message": error.message}}


def confirm_record(file: Path, entry: Entry) -> Record:
    return {
        "file": str(file),
        "bank": entry.bank,
        "entry": entry.entry,
        "external_id": entry.external_id,
        "revision": entry.revision,
        "state": str(entry.state),
        "reason": entry.reason,
    }


def match_record(file: Path, result: MatchResult) -> Record:
    return {
        "file": str(file),
        "verdict": str(result.verdict),
        "observed": None if result.observed is None else str(result.observed),
        "revision": result.revision,
        "matches": [_match(match) for match in result.matches],
        "excused": [excused_record(excused) for excused in result.excused],
    }


def _match(match: Match) -> Record:
    return {
        "bank": match.bank,
        "entry": match.entry,
        "external_id": match.external_id,
        "evidence": round(match.evidence, 3),
        "query_coverage": round(match.query_coverage, 4),
        "reference_coverage": round(match.reference_coverage, 4),
        "state": str(match.state),
        "breaker": match.breaker,
        "verdict": str(match.verdict),
        "observed": None if match.observed is None else str(match.observed),
        "reason": match.reason,
        "segments": [_segment(segment) for segment in match.segments],
    }


def judged_match_record(match: Match) -> Record:
    """A match with what it came to alone."""
    return {"verdict": str(match.verdict), **_match(match)}


def hit_record(hit: Hit) -> Record:
    return {"content_id": hit.content_id, "seen_at": hit.seen_at.isoformat(), **judged_match_record(hit.match)}


def hunt_record(hunt: Hunt) -> Record:
    return {
        "hunt": str(hunt.state),
        "bank": hunt.bank,
        "entry": hunt.entry,
        "detail": hunt.detail,
        "searched": hunt.searched,
        "of": hunt.of,
        "hits": hunt.hits,
        "started_at": None if hunt.started_at is None else hunt.started_at.isoformat(),
        "updated_at": None if hunt.updated_at is None else hunt.updated_at.isoformat(),
    }


def dry_run_record(file: Path, run: DryRun) -> Record:
    """`hits` holds the first of `total`."""
    return {
        "file": str(file),
        "searched": run.searched,
        "total": run.total,
        "allowed": run.allowed,
        "hits": [hit_record(hit) for hit in run.hits],
        "known_good": [{"verdict": str(one.verdict), **_match(one)} for one in run.known_good],
        "held_back": run.held_back,
    }


def excused_record(excused: Excused) -> Record:
    return {
        "bank": excused.bank,
        "entry": excused.entry,
        "external_id": excused.external_id,
        "reason": excused.reason,
        "seconds": round(excused.seconds, 3),
        "by_bank": excused.by_bank,
        "by_entry": excused.by_entry,
        "by_external_id": excused.by_external_id,
        "segments": [_segment(segment) for segment in excused.segments],
    }


def _segment(segment: Segment) -> Record:
    """Times in seconds, to the millisecond."""
    return {
        "query_start": round(segment.query_start, 3),
        "query_end": round(segment.query_end, 3),
        "reference_start": round(segment.reference_start, 3),
        "reference_end": round(segment.reference_end, 3),
        "speed": round(segment.speed, 4),
        "view": segment.view,
        "mean_distance": round(segment.mean_distance, 2),
    }


def bank_record(bank: Bank) -> Record:
    return {
        "bank": bank.bank,
        "description": bank.description,
        "policy": {
            "block_evidence": bank.policy.block_evidence,
            "block_coverage": bank.policy.block_coverage,
            "review_evidence": bank.policy.review_evidence,
            "depth": str(bank.policy.depth),
            "rules": [str(one) for one in bank.policy.rules],
        },
        "two_person": bank.two_person,
        "mode": str(bank.mode),
        "taxonomy_only": bank.taxonomy_only,
        "created_at": bank.created_at.isoformat(),
        "updated_at": bank.updated_at.isoformat(),
        "revision": bank.revision,
    }


def label_record(taxonomy: "Taxonomy", label: "Label") -> Record:
    return {
        "label": label.label,
        "title": label.title,
        "current": label.current,
        "replaced_by": label.replaced_by,
        "version": taxonomy.version,
    }


def entry_record(entry: Entry) -> Record:
    return {
        "bank": entry.bank,
        "entry": entry.entry,
        "external_id": entry.external_id,
        "state": str(entry.state),
        "labels": list(entry.labels),
        "taxonomy": entry.taxonomy,
        "metadata": dict(entry.details.metadata),
        "partner": entry.details.partner,
        "partner_id": entry.details.partner_id,
        "legal_basis": entry.details.legal_basis,
        "review_by": None if entry.details.review_by is None else entry.details.review_by.isoformat(),
        "expires_at": None if entry.details.expires_at is None else entry.details.expires_at.isoformat(),
        "exclusions": [{"start": one.start, "end": one.end} for one in entry.exclusions],
        "reason": entry.reason,
        "history": [
            {"state": str(one.state), "actor": one.actor, "at": one.at.isoformat(), "reason": one.reason}
            for one in entry.history
        ],
        "profile": entry.profile,
        "duration": round(entry.duration, 3),
        "frames": entry.frames,
        "hashes": entry.hashes,
        "md5": entry.md5,
        "sha256": entry.sha256,
        "videohash": entry.videohash,
        "created_at": entry.created_at.isoformat(),
        "updated_at": entry.updated_at.isoformat(),
        "revision": entry.revision,
        "robustness_card": _card(entry.card),
    }


def _card(card: RobustnessCard) -> Record:
    return {
        "state": str(card.state),
        "progress": round(card.progress, 3),
        "profile": card.profile,
        "made_at": None if card.made_at is None else card.made_at.isoformat(),
        "detail": card.detail,
        "results": [
            {
                "edit": one.edit,
                "matched": one.matched,
                "evidence": round(one.evidence, 3),
                "query_coverage": round(one.query_coverage, 4),
                "added_view": one.added_view,
            }
            for one in card.results
        ],
    }


def token_record(token: Token) -> Record:
    return {
        "token": token.token,
        "name": token.name,
        "role": str(token.role),
        "created_at": token.created_at.isoformat(),
        "created_by": token.created_by,
        "expires_at": token.expires_at.isoformat(),
        "revoked_at": None if token.revoked_at is None else token.revoked_at.isoformat(),
        "revoked_by": token.revoked_by,
        "revision": token.revision,
    }


def new_token_record(made: NewToken) -> Record:
    return {**token_record(made.token), "secret": made.secret}


def breaker_record(breaker: "Breaker") -> Record:
    return {
        "bank": breaker.bank,
        "entry": breaker.entry,
        "external_id": breaker.external_id,
        "tripped": breaker.tripped,
        "tripped_at": breaker.tripped_at.isoformat(),
        "reset_at": None if breaker.reset_at is None else breaker.reset_at.isoformat(),
        "limit": breaker.limit,
        "window_seconds": breaker.window_seconds,
        "query_coverage": round(breaker.query_coverage, 4),
        "reference_coverage": round(breaker.reference_coverage, 4),
        "blocked": breaker.blocked,
        "reviewed": breaker.reviewed,
        "allowed_hits": breaker.allowed_hits,
        "affected": [
            {"content_id": one.content_id, "upload": one.upload, "verdict": str(one.verdict), "at": one.at.isoformat()}
            for one in breaker.affected
        ],
    }


def incident_record(incident: "Incident") -> Record:
    return {
        "incident": incident.incident,
        "description": incident.description,
        "depth": str(incident.depth),
        "breaker_hits": incident.breaker_hits,
        "entries": [
            {"bank": one.bank, "entry": one.entry, "added_at": one.added_at.isoformat(), "added_by": one.added_by}
            for one in incident.entries
        ],
        "opened_at": incident.opened_at.isoformat(),
        "opened_by": incident.opened_by,
        "reason": incident.reason,
        "expires_at": incident.expires_at.isoformat(),
        "closed_at": None if incident.closed_at is None else incident.closed_at.isoformat(),
        "closed_by": incident.closed_by,
        "closed_reason": incident.closed_reason,
        "closures": [
            {
                "closed_at": one.closed_at.isoformat(),
                "closed_by": one.closed_by,
                "closed_reason": one.closed_reason,
                "reopened_at": one.reopened_at.isoformat(),
                "reopened_by": one.reopened_by,
                "reopened_reason": one.reopened_reason,
            }
            for one in incident.closures
        ],
        "revision": incident.revision,
    }


def counts_record(counts: "Counts") -> Record:
    first = counts.seconds_to_first_match
    return {
        "blocked": counts.blocked,
        "reviewed": counts.reviewed,
        "let_through": counts.let_through,
        "variants": counts.variants,
        "uncounted": counts.uncounted,
        "seconds_to_first_match": None if first is None else round(first, 3),
        "hours": [
            {
                "start": one.start.isoformat(),
                "blocked": one.blocked,
                "reviewed": one.reviewed,
                "let_through": one.let_through,
            }
            for one in counts.hours
        ],
        "entries": [
            {
                "bank": one.bank,
                "entry": one.entry,
                "external_id": one.external_id,
                "confirmed_at": None if one.confirmed_at is None else one.confirmed_at.isoformat(),
                "first_match_at": None if one.first_match_at is None else one.first_match_at.isoformat(),
                "blocked": one.blocked,
                "reviewed": one.reviewed,
                "let_through": one.let_through,
            }
            for one in counts.entries
        ],
    }


def event_record(event: "Event") -> Record:
    """The CloudEvent, and its number."""
    return {"number": event.number, **json.loads(event.encode())}


def webhook_record(webhook: "Webhook") -> Record:
    return {
        "webhook": webhook.webhook,
        "url": webhook.url,
        "types": list(webhook.types),
        "bank": webhook.bank,
        "description": webhook.description,
        "active": webhook.active,
        "created_at": webhook.created_at.isoformat(),
        "revision": webhook.revision,
    }


def listed_webhook_record(listed: "ListedWebhook") -> Record:
    progress = {"after": listed.after, "held": listed.held, "trouble": listed.trouble}
    return {**webhook_record(listed.webhook), "progress": progress}


def fingerprint_record(file: Path, fingerprint: "Fingerprint") -> Record:
    """All hashes: `frames` holds one object a kept frame, its hashes (hex) and qualities in the order of `views`."""
    rows = zip(
        fingerprint.starts.tolist(), fingerprint.ends.tolist(), fingerprint.hashes, fingerprint.quality, strict=True
    )
    return {
        "file": str(file),
        "profile": fingerprint.profile,
        "duration": round(fingerprint.duration, 3),
        "md5": fingerprint.digests.md5.hex(),
        "sha256": fingerprint.digests.sha256.hex(),
        "videohash": fingerprint.signals.videohash,
        "views": list(fingerprint.views),
        "frames": [
            {
                "start": round(start, 3),
                "end": round(end, 3),
                "hashes": [one.tobytes().hex() for one in hashes],
                "quality": quality.tolist(),
            }
            for start, end, hashes, quality in rows
        ],
    }
