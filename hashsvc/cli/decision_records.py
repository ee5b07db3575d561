"""Decisions, appeals and reports as JSON objects; see `hashsvc.cli.records`, of which these keep the promise."""

import dataclasses

from hashsvc.appeals.model import Appeal
from hashsvc.bank.incident import Incident
from hashsvc.bank.model import Bank
from hashsvc.cli import records
from hashsvc.cli.records import Record
from hashsvc.decisions.model import Decision, Ground, Replay, State, VerdictRecord
from hashsvc.report.law import POINTS
from hashsvc.report.model import TransparencyReport


def decision_record(decision: Decision) -> Record:
    """What is about a bank, an entry or an incident has `before` and `after`; what is about an upload, `verdict`."""
    record: Record = {
        "decision": decision.decision,
        "hash": decision.hash,
        "previous": decision.previous,
        "revision": decision.revision,
        "kind": decision.kind,
        "action": decision.action,
        "actor": decision.actor,
        "at": decision.at.isoformat(),
        "bank": decision.bank,
        "entry": decision.entry,
        "reason": decision.reason,
        "content_id": decision.content_id,
        "appeal": decision.appeal,
        "incident": decision.incident,
    }
    if decision.verdict is not None:
        record["verdict"] = _verdict(decision.verdict)
    elif decision.after is not None:
        record["before"], record["after"] = _state(decision.before), _state(decision.after)
    return record


def appeal_record(appeal: Appeal) -> Record:
    return {
        "appeal": appeal.appeal,
        "state": str(appeal.state),
        "decision": appeal.decision,
        "content_id": appeal.content_id,
        "verdict": str(appeal.verdict),
        "causes": [{"bank": one.bank, "entry": one.entry} for one in appeal.causes],
        "appellant": appeal.appellant,
        "text": appeal.text,
        "opened_by": appeal.opened_by,
        "opened_at": appeal.opened_at.isoformat(),
        "decided_by": appeal.decided_by,
        "decided_at": None if appeal.decided_at is None else appeal.decided_at.isoformat(),
        "reason": appeal.reason,
        "disputed": [{"bank": one.bank, "entry": one.entry} for one in appeal.disputed],
        "reinstated_by": appeal.reinstated_by,
        "reinstated_at": None if appeal.reinstated_at is None else appeal.reinstated_at.isoformat(),
        "updated_at": appeal.updated_at.isoformat(),
        "revision": appeal.revision,
    }


def replay_record(replay: Replay) -> Record:
    return {
        "decision": replay.decision,
        "revision": replay.revision,
        "same": replay.same,
        "logged": str(replay.logged),
        "verdict": str(replay.verdict),
        "matches": [records.judged_match_record(one) for one in replay.matches],
        "differences": list(replay.differences),
    }


def report_record(report: TransparencyReport) -> Record:
    """The figures, and `law`: what each point asks for, by which figures it is answered, and what is not known here."""
    return {
        **dataclasses.asdict(report),
        "since": report.since.isoformat(),
        "until": report.until.isoformat(),
        "law": [dataclasses.asdict(one) for one in POINTS],
    }


def _verdict(verdict: VerdictRecord) -> Record:
    return {
        "verdict": str(verdict.verdict),
        "judged_revision": verdict.judged_revision,
        "upload": verdict.upload,
        "profile": verdict.profile,
        "duration": round(verdict.duration, 3),
        "asked_banks": list(verdict.asked),
        "banks": [records.bank_record(one) for one in verdict.policies],
        "grounds": [_ground(one) for one in verdict.grounds],
        "omitted": verdict.omitted,
        "excused": [records.excused_record(one) for one in verdict.excused],
        "md5": verdict.digests.md5.hex(),
        "sha256": verdict.digests.sha256.hex(),
        "readings": list(verdict.readings),
    }


def _ground(ground: Ground) -> Record:
    return {
        **records.judged_match_record(ground.match),
        "labels": list(ground.labels),
        "source": ground.source,
        "entry_revision": ground.entry_revision,
    }


def _state(state: State | None) -> Record | None:
    if isinstance(state, Bank):
        return records.bank_record(state)
    if isinstance(state, Incident):
        return records.incident_record(state)
    return None if state is None else records.entry_record(state)
