"""Every call that a client makes, described once for the sync and the asyncio client."""

import dataclasses
import datetime
from collections.abc import Callable, Collection, Sequence
from typing import Any, Generic, TypeVar

from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.message import Message

from hashsvc.access.model import NewToken, Role, Token
from hashsvc.appeals.model import Appeal
from hashsvc.bank.breaker import Breaker
from hashsvc.bank.incident import Counts, Debrief, Incident
from hashsvc.bank.model import Bank, BankMode, Depth, Details, Entry, Interval, Page, Policy
from hashsvc.bank.taxonomy import Taxonomy
from hashsvc.decisions.model import Decision, LogCheck, Replay
from hashsvc.errors import InvalidInputError
from hashsvc.events.model import Event
from hashsvc.events.webhook import ListedWebhook, Webhook
from hashsvc.fingerprint.model import Digests, Fingerprint
from hashsvc.match.model import MatchResult
from hashsvc.report.model import TransparencyReport
from hashsvc.retro.model import DryRun, Hit, Hunt
from hashsvc.v1 import access_service_pb2 as access_pb
from hashsvc.v1 import appeal_service_pb2 as appeal_pb
from hashsvc.v1 import bank_service_pb2 as bank_pb
from hashsvc.v1 import breaker_service_pb2 as breaker_pb
from hashsvc.v1 import decision_service_pb2 as decision_pb
from hashsvc.v1 import event_service_pb2 as event_pb
from hashsvc.v1 import exchange_service_pb2 as exchange_pb
from hashsvc.v1 import incident_service_pb2 as incident_pb
from hashsvc.v1 import index_service_pb2 as index_pb
from hashsvc.v1 import match_service_pb2 as match_pb
from hashsvc.v1 import report_service_pb2 as report_pb
from hashsvc.v1 import retro_service_pb2 as retro_pb
from hashsvc.wire.access import decode_new_token, decode_token, encode_role
from hashsvc.wire.appeal import decode_appeal, encode_outcome
from hashsvc.wire.bank import (
    decode_bank,
    decode_entry,
    decode_taxonomy,
    encode_depth,
    encode_details,
    encode_interval,
    encode_mode,
    encode_policy,
)
from hashsvc.wire.breaker import decode_breaker
from hashsvc.wire.decision import decode_check, decode_decision, decode_replay, encode_moment
from hashsvc.wire.event import decode_event, decode_listed, decode_webhook
from hashsvc.wire.fingerprint import encode_fingerprint
from hashsvc.wire.incident import decode_counts, decode_debrief, decode_incident
from hashsvc.wire.index import Status, decode_status
from hashsvc.wire.match import decode_result, encode_query
from hashsvc.wire.report import decode_report
from hashsvc.wire.retro import decode_dry_run, decode_hit, decode_hunt

Result = TypeVar("Result")
Place = tuple[str, str]
"""Bank and entry."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Call(Generic[Result]):
    """One call: where it goes, what it sends and what its answer means."""

    method: str
    """`Service/Method` of hashsvc.v1."""
    request: Message
    """The only message, or the first one of an upload."""
    response: type[Message]
    decode: Callable[[Any], Result]
    repeatable: bool = True
    """True when a second arrival changes nothing, so that the channel may retry it by itself."""
    long: bool = False
    """True for what takes minutes rather than seconds."""

    @property
    def path(self) -> str:
        """The HTTP/2 path."""
        return f"/hashsvc.v1.{self.method}"


def create_bank(
    bank: str, description: str, policy: Policy, two_person: bool, mode: BankMode, taxonomy_only: bool
) -> Call[Bank]:
    """BankService.CreateBank; a second arrival would be BANK_EXISTS."""
    new = _build(
        bank_pb.Bank,
        bank=bank,
        description=description,
        policy=encode_policy(policy),
        two_person=two_person,
        mode=encode_mode(mode),
        taxonomy_only=taxonomy_only,
    )
    return Call(
        method="BankService/CreateBank",
        request=bank_pb.CreateBankRequest(bank=new),
        response=bank_pb.CreateBankResponse,
        decode=lambda answer: decode_bank(answer.bank),
        repeatable=False,
    )


def list_labels() -> Call[Taxonomy]:
    """BankService.ListLabels."""
    return Call(
        method="BankService/ListLabels",
        request=bank_pb.ListLabelsRequest(),
        response=bank_pb.ListLabelsResponse,
        decode=decode_taxonomy,
    )


def get_bank(bank: str) -> Call[Bank]:
    """BankService.GetBank."""
    return Call(
        method="BankService/GetBank",
        request=_build(bank_pb.GetBankRequest, bank=bank),
        response=bank_pb.GetBankResponse,
        decode=lambda answer: decode_bank(answer.bank),
    )


def list_banks(page_size: int, page_token: str) -> Call[Page[Bank]]:
    """BankService.ListBanks."""
    return Call(
        method="BankService/ListBanks",
        request=_build(bank_pb.ListBanksRequest, page_size=page_size, page_token=page_token),
        response=bank_pb.ListBanksResponse,
        decode=lambda answer: Page(items=tuple(map(decode_bank, answer.banks)), next_page_token=answer.next_page_token),
    )


def update_bank(
    bank: str,
    description: str | None,
    policy: Policy | None,
    two_person: bool | None,
    mode: BankMode | None,
    taxonomy_only: bool | None,
    revision: int,
) -> Call[Bank]:
    """BankService.UpdateBank with a mask of what is not None; a second arrival would be REVISION_CONFLICT.

    With nothing to change the mask is empty, which means what is set: nothing.
    """
    values = {
        "description": description,
        "policy": None if policy is None else encode_policy(policy),
        "two_person": two_person,
        "mode": None if mode is None else encode_mode(mode),
        "taxonomy_only": taxonomy_only,
    }
    given = {path: value for path, value in values.items() if value is not None}
    new = _build(bank_pb.Bank, bank=bank, revision=revision, **given)
    return Call(
        method="BankService/UpdateBank",
        request=bank_pb.UpdateBankRequest(bank=new, update_mask=FieldMask(paths=given)),
        response=bank_pb.UpdateBankResponse,
        decode=lambda answer: decode_bank(answer.bank),
        repeatable=False,
    )


def confirm(
    bank: str,
    fingerprint: Fingerprint,
    external_id: str,
    labels: Sequence[str],
    details: Details,
    exclusions: Sequence[Interval],
) -> Call[Entry]:
    """BankService.ConfirmEntry; the server recognises a second arrival by the SHA-256, where there is one."""
    return Call(
        method="BankService/ConfirmEntry",
        request=_build(
            bank_pb.ConfirmEntryRequest,
            bank=bank,
            fingerprint=encode_fingerprint(fingerprint),
            external_id=external_id,
            labels=labels,
            details=_build_details(details),
            exclusions=_intervals(exclusions),
        ),
        response=bank_pb.ConfirmEntryResponse,
        decode=lambda answer: decode_entry(answer.entry),
        repeatable=bool(fingerprint.digests.sha256),
    )


def confirm_media(
    bank: str, external_id: str, labels: Sequence[str], details: Details, exclusions: Sequence[Interval]
) -> Call[Entry]:
    """BankService.ConfirmEntryMedia, up to its bytes."""
    options = _build(
        bank_pb.ConfirmEntryMediaOptions,
        bank=bank,
        external_id=external_id,
        labels=labels,
        details=_build_details(details),
        exclusions=_intervals(exclusions),
    )
    return Call(
        method="BankService/ConfirmEntryMedia",
        request=bank_pb.ConfirmEntryMediaRequest(options=options),
        response=bank_pb.ConfirmEntryMediaResponse,
        decode=lambda answer: decode_entry(answer.entry),
        repeatable=False,
        long=True,
    )


def get_entry(bank: str, entry: str) -> Call[Entry]:
    """BankService.GetEntry."""
    return Call(
        method="BankService/GetEntry",
        request=_build(bank_pb.GetEntryRequest, bank=bank, entry=entry),
        response=bank_pb.GetEntryResponse,
        decode=lambda answer: decode_entry(answer.entry),
    )


def list_entries(bank: str, review_due: bool, page_size: int, page_token: str) -> Call[Page[Entry]]:
    """BankService.ListEntries."""
    return Call(
        method="BankService/ListEntries",
        request=_build(
            bank_pb.ListEntriesRequest, bank=bank, review_due=review_due, page_size=page_size, page_token=page_token
        ),
        response=bank_pb.ListEntriesResponse,
        decode=lambda answer: Page(
            items=tuple(map(decode_entry, answer.entries)), next_page_token=answer.next_page_token
        ),
    )


def withdraw(bank: str, entry: str, reason: str, revision: int) -> Call[Entry]:
    """BankService.WithdrawEntry; a second arrival would be ENTRY_WITHDRAWN."""
    return Call(
        method="BankService/WithdrawEntry",
        request=_build(bank_pb.WithdrawEntryRequest, bank=bank, entry=entry, reason=reason, revision=revision),
        response=bank_pb.WithdrawEntryResponse,
        decode=lambda answer: decode_entry(answer.entry),
        repeatable=False,
    )


def approve(bank: str, entry: str, reason: str, revision: int) -> Call[Entry]:
    """BankService.ApproveEntry; a second arrival would be ENTRY_STATE."""
    return Call(
        method="BankService/ApproveEntry",
        request=_build(bank_pb.ApproveEntryRequest, bank=bank, entry=entry, reason=reason, revision=revision),
        response=bank_pb.ApproveEntryResponse,
        decode=lambda answer: decode_entry(answer.entry),
        repeatable=False,
    )


def dispute(bank: str, entry: str, reason: str, revision: int) -> Call[Entry]:
    """BankService.DisputeEntry; a second arrival would be ENTRY_STATE."""
    return Call(
        method="BankService/DisputeEntry",
        request=_build(bank_pb.DisputeEntryRequest, bank=bank, entry=entry, reason=reason, revision=revision),
        response=bank_pb.DisputeEntryResponse,
        decode=lambda answer: decode_entry(answer.entry),
        repeatable=False,
    )


def reinstate(bank: str, entry: str, reason: str, revision: int) -> Call[Entry]:
    """BankService.ReinstateEntry; a second arrival would be ENTRY_STATE."""
    return Call(
        method="BankService/ReinstateEntry",
        request=_build(bank_pb.ReinstateEntryRequest, bank=bank, entry=entry, reason=reason, revision=revision),
        response=bank_pb.ReinstateEntryResponse,
        decode=lambda answer: decode_entry(answer.entry),
        repeatable=False,
    )


def set_exclusions(bank: str, entry: str, exclusions: Sequence[Interval], revision: int) -> Call[Entry]:
    """BankService.SetExclusions; a second arrival would be REVISION_CONFLICT, or undo what somebody else set since."""
    return Call(
        method="BankService/SetExclusions",
        request=_build(
            bank_pb.SetExclusionsRequest,
            bank=bank,
            entry=entry,
            exclusions=_intervals(exclusions),
            revision=revision,
        ),
        response=bank_pb.SetExclusionsResponse,
        decode=lambda answer: decode_entry(answer.entry),
        repeatable=False,
    )


def update_entry(
    bank: str,
    entry: str,
    labels: Sequence[str] | None,
    details: Details | None,
    fields: Collection[str] | None,
    revision: int,
) -> Call[Entry]:
    """BankService.UpdateEntry with a mask of what is given; a second arrival would be REVISION_CONFLICT."""
    paths = [] if labels is None else ["labels"]
    if details is not None:
        paths += ["details"] if fields is None else [f"details.{field}" for field in fields]
    new = _build(
        bank_pb.Entry,
        bank=bank,
        entry=entry,
        revision=revision,
        labels=labels or (),
        details=None if details is None or not paths else _build_details(details),
    )
    return Call(
        method="BankService/UpdateEntry",
        request=bank_pb.UpdateEntryRequest(entry=new, update_mask=_build(FieldMask, paths=paths)),
        response=bank_pb.UpdateEntryResponse,
        decode=lambda answer: decode_entry(answer.entry),
        repeatable=False,
    )


def match(query: Fingerprint | Digests, banks: Sequence[str], min_revision: int, content_id: str) -> Call[MatchResult]:
    """MatchService.Match."""
    options = _build(match_pb.MatchOptions, banks=banks, min_revision=min_revision, content_id=content_id)
    return Call(
        method="MatchService/Match",
        request=encode_query(query, options),
        response=match_pb.MatchResponse,
        decode=lambda answer: decode_result(answer.result),
    )


def match_media(banks: Sequence[str], min_revision: int, content_id: str) -> Call[MatchResult]:
    """MatchService.MatchMedia, up to its bytes; they could not be sent again, so a channel does not retry it."""
    options = _build(match_pb.MatchOptions, banks=banks, min_revision=min_revision, content_id=content_id)
    return Call(
        method="MatchService/MatchMedia",
        request=match_pb.MatchMediaRequest(options=options),
        response=match_pb.MatchMediaResponse,
        decode=lambda answer: decode_result(answer.result),
        repeatable=False,
        long=True,
    )


def create_token(name: str, role: Role, days: float) -> Call[NewToken]:
    """AccessService.CreateToken; a second arrival would make a second token."""
    return Call(
        method="AccessService/CreateToken",
        request=_build(access_pb.CreateTokenRequest, name=name, role=encode_role(role), days=days),
        response=access_pb.CreateTokenResponse,
        decode=decode_new_token,
        repeatable=False,
    )


def list_tokens(page_size: int, page_token: str) -> Call[Page[Token]]:
    """AccessService.ListTokens."""
    return Call(
        method="AccessService/ListTokens",
        request=_build(access_pb.ListTokensRequest, page_size=page_size, page_token=page_token),
        response=access_pb.ListTokensResponse,
        decode=lambda answer: Page(
            items=tuple(map(decode_token, answer.tokens)), next_page_token=answer.next_page_token
        ),
    )


def revoke_token(token: str) -> Call[Token]:
    """AccessService.RevokeToken."""
    return Call(
        method="AccessService/RevokeToken",
        request=_build(access_pb.RevokeTokenRequest, token=token),
        response=access_pb.RevokeTokenResponse,
        decode=lambda answer: decode_token(answer.token),
    )


def hunt(bank: str, entry: str) -> Call[Hunt]:
    """RetroService.Hunt; each answer is how far it is."""
    return Call(
        method="RetroService/Hunt",
        request=_build(retro_pb.HuntRequest, bank=bank, entry=entry),
        response=retro_pb.HuntResponse,
        decode=lambda answer: decode_hunt(answer.hunt),
        long=True,
    )


def get_hunt(bank: str, entry: str) -> Call[Hunt]:
    """RetroService.GetHunt."""
    return Call(
        method="RetroService/GetHunt",
        request=_build(retro_pb.GetHuntRequest, bank=bank, entry=entry),
        response=retro_pb.GetHuntResponse,
        decode=lambda answer: decode_hunt(answer.hunt),
    )


def list_hits(bank: str, entry: str, page_size: int, page_token: str) -> Call[Page[Hit]]:
    """RetroService.ListHits."""
    return Call(
        method="RetroService/ListHits",
        request=_build(retro_pb.ListHitsRequest, bank=bank, entry=entry, page_size=page_size, page_token=page_token),
        response=retro_pb.ListHitsResponse,
        decode=lambda answer: Page(items=tuple(map(decode_hit, answer.hits)), next_page_token=answer.next_page_token),
    )


def dry_run(bank: str, fingerprint: Fingerprint, exclusions: Sequence[Interval], labels: Sequence[str]) -> Call[DryRun]:
    """RetroService.DryRun."""
    return Call(
        method="RetroService/DryRun",
        request=_build(
            retro_pb.DryRunRequest,
            bank=bank,
            fingerprint=encode_fingerprint(fingerprint),
            exclusions=_intervals(exclusions),
            labels=labels,
        ),
        response=retro_pb.DryRunResponse,
        decode=decode_dry_run,
        long=True,
    )


def export(bank: str, format: str) -> Call[list[str]]:
    """ExchangeService.ExportSignals; each answer holds some lines."""
    return Call(
        method="ExchangeService/ExportSignals",
        request=_build(exchange_pb.ExportSignalsRequest, bank=bank, format=format),
        response=exchange_pb.ExportSignalsResponse,
        decode=lambda answer: list(answer.lines),
        long=True,
    )


def watch(after: int | None, types: Sequence[str], bank: str, entry: str, stop_at_end: bool) -> Call[list[Event]]:
    """EventService.Watch; each answer holds some events. Repeated by itself it could tell some twice."""
    request = _build(event_pb.WatchRequest, after=after, types=types, bank=bank, entry=entry, stop_at_end=stop_at_end)
    return Call(
        method="EventService/Watch",
        request=request,
        response=event_pb.WatchResponse,
        decode=lambda answer: list(map(decode_event, answer.events)),
        repeatable=False,
        long=True,
    )


def add_webhook(
    url: str, types: Sequence[str], bank: str, description: str, secret: str, active: bool
) -> Call[tuple[Webhook, str]]:
    """EventService.AddWebhook; a second arrival would add a second one."""
    new = _build(event_pb.Webhook, url=url, types=types, bank=bank, description=description, active=active)
    return Call(
        method="EventService/AddWebhook",
        request=_build(event_pb.AddWebhookRequest, webhook=new, secret=secret),
        response=event_pb.AddWebhookResponse,
        decode=lambda answer: (decode_webhook(answer.webhook), answer.secret),
        repeatable=False,
    )


def list_webhooks() -> Call[tuple[ListedWebhook, ...]]:
    """EventService.ListWebhooks."""
    return Call(
        method="EventService/ListWebhooks",
        request=event_pb.ListWebhooksRequest(),
        response=event_pb.ListWebhooksResponse,
        decode=lambda answer: tuple(map(decode_listed, answer.webhooks)),
    )


def update_webhook(webhook: str, active: bool) -> Call[Webhook]:
    """EventService.UpdateWebhook."""
    return Call(
        method="EventService/UpdateWebhook",
        request=_build(event_pb.UpdateWebhookRequest, webhook=webhook, active=active),
        response=event_pb.UpdateWebhookResponse,
        decode=lambda answer: decode_webhook(answer.webhook),
    )


def remove_webhook(webhook: str) -> Call[None]:
    """EventService.RemoveWebhook; a second arrival would be WEBHOOK_NOT_FOUND."""
    return Call(
        method="EventService/RemoveWebhook",
        request=_build(event_pb.RemoveWebhookRequest, webhook=webhook),
        response=event_pb.RemoveWebhookResponse,
        decode=lambda answer: None,
        repeatable=False,
    )


def list_breakers(page_size: int, page_token: str) -> Call[Page[Breaker]]:
    """BreakerService.ListBreakers."""
    return Call(
        method="BreakerService/ListBreakers",
        request=_build(breaker_pb.ListBreakersRequest, page_size=page_size, page_token=page_token),
        response=breaker_pb.ListBreakersResponse,
        decode=lambda answer: Page(
            items=tuple(map(decode_breaker, answer.breakers)), next_page_token=answer.next_page_token
        ),
    )


def get_breaker(bank: str, entry: str) -> Call[Breaker]:
    """BreakerService.GetBreaker."""
    return Call(
        method="BreakerService/GetBreaker",
        request=_build(breaker_pb.GetBreakerRequest, bank=bank, entry=entry),
        response=breaker_pb.GetBreakerResponse,
        decode=lambda answer: decode_breaker(answer.breaker),
    )


def reset_breaker(bank: str, entry: str, hits: int) -> Call[Breaker]:
    """BreakerService.ResetBreaker; a second arrival would be BREAKER_NOT_TRIPPED."""
    return Call(
        method="BreakerService/ResetBreaker",
        request=_build(breaker_pb.ResetBreakerRequest, bank=bank, entry=entry, hits=hits),
        response=breaker_pb.ResetBreakerResponse,
        decode=lambda answer: decode_breaker(answer.breaker),
        repeatable=False,
    )


def get_decision(decision: int) -> Call[Decision]:
    """DecisionService.GetDecision."""
    return Call(
        method="DecisionService/GetDecision",
        request=_build(decision_pb.GetDecisionRequest, decision=decision),
        response=decision_pb.GetDecisionResponse,
        decode=lambda answer: decode_decision(answer.decision),
    )


def list_decisions(
    kind: str, bank: str, entry: str, content_id: str, since: datetime.datetime | None,
    until: datetime.datetime | None, page_size: int, page_token: str,
) -> Call[Page[Decision]]:  # fmt: skip
    """DecisionService.ListDecisions."""
    return Call(
        method="DecisionService/ListDecisions",
        request=_build(
            decision_pb.ListDecisionsRequest,
            kind=kind,
            bank=bank,
            entry=entry,
            content_id=content_id,
            since=None if since is None else encode_moment(since),
            until=None if until is None else encode_moment(until),
            page_size=page_size,
            page_token=page_token,
        ),
        response=decision_pb.ListDecisionsResponse,
        decode=lambda answer: Page(
            items=tuple(map(decode_decision, answer.decisions)), next_page_token=answer.next_page_token
        ),
    )


def verify_decisions(head: str) -> Call[LogCheck]:
    """DecisionService.VerifyDecisions."""
    return Call(
        method="DecisionService/VerifyDecisions",
        request=_build(decision_pb.VerifyDecisionsRequest, head=head),
        response=decision_pb.VerifyDecisionsResponse,
        decode=decode_check,
        long=True,
    )


def replay(decision: int) -> Call[Replay]:
    """DecisionService.ReplayDecision."""
    return Call(
        method="DecisionService/ReplayDecision",
        request=_build(decision_pb.ReplayDecisionRequest, decision=decision),
        response=decision_pb.ReplayDecisionResponse,
        decode=decode_replay,
        long=True,
    )


def open_appeal(text: str, decision: int, content_id: str, appellant: str) -> Call[Appeal]:
    """AppealService.OpenAppeal; a second arrival would open a second one."""
    return Call(
        method="AppealService/OpenAppeal",
        request=_build(
            appeal_pb.OpenAppealRequest, text=text, decision=decision, content_id=content_id, appellant=appellant
        ),
        response=appeal_pb.OpenAppealResponse,
        decode=lambda answer: decode_appeal(answer.appeal),
        repeatable=False,
    )


def get_appeal(appeal: str) -> Call[Appeal]:
    """AppealService.GetAppeal."""
    return Call(
        method="AppealService/GetAppeal",
        request=_build(appeal_pb.GetAppealRequest, appeal=appeal),
        response=appeal_pb.GetAppealResponse,
        decode=lambda answer: decode_appeal(answer.appeal),
    )


def list_appeals(state: str, content_id: str, page_size: int, page_token: str) -> Call[Page[Appeal]]:
    """AppealService.ListAppeals."""
    return Call(
        method="AppealService/ListAppeals",
        request=_build(
            appeal_pb.ListAppealsRequest,
            state=state,
            content_id=content_id,
            page_size=page_size,
            page_token=page_token,
        ),
        response=appeal_pb.ListAppealsResponse,
        decode=lambda answer: Page(
            items=tuple(map(decode_appeal, answer.appeals)), next_page_token=answer.next_page_token
        ),
    )


def decide_appeal(appeal: str, upheld: bool, reason: str, revision: int) -> Call[Appeal]:
    """AppealService.DecideAppeal; a second arrival would be APPEAL_STATE."""
    return Call(
        method="AppealService/DecideAppeal",
        request=_build(
            appeal_pb.DecideAppealRequest,
            appeal=appeal,
            outcome=encode_outcome(upheld),
            reason=reason,
            revision=revision,
        ),
        response=appeal_pb.DecideAppealResponse,
        decode=lambda answer: decode_appeal(answer.appeal),
        repeatable=False,
    )


def reinstate_content(appeal: str) -> Call[Appeal]:
    """AppealService.ReinstateContent; a second arrival would be APPEAL_STATE."""
    return Call(
        method="AppealService/ReinstateContent",
        request=_build(appeal_pb.ReinstateContentRequest, appeal=appeal),
        response=appeal_pb.ReinstateContentResponse,
        decode=lambda answer: decode_appeal(answer.appeal),
        repeatable=False,
    )


def report(since: datetime.datetime, until: datetime.datetime | None) -> Call[TransparencyReport]:
    """ReportService.GetTransparencyReport."""
    return Call(
        method="ReportService/GetTransparencyReport",
        request=_build(
            report_pb.GetTransparencyReportRequest,
            since=encode_moment(since),
            until=None if until is None else encode_moment(until),
        ),
        response=report_pb.GetTransparencyReportResponse,
        decode=lambda answer: decode_report(answer.report),
        long=True,
    )


def open_incident(
    incident: str,
    description: str,
    reason: str,
    entries: Sequence[Place],
    depth: Depth,
    breaker_hits: int,
    hours: float,
) -> Call[Incident]:
    """IncidentService.OpenIncident; a second arrival would be INCIDENT_EXISTS. 0 would be the server's choice."""
    for field, value in (("breaker_hits", breaker_hits), ("hours", hours)):
        if value <= 0:
            raise InvalidInputError("FIELD_INVALID", f"{field} is above 0, not {value}", field=field)
    return Call(
        method="IncidentService/OpenIncident",
        request=_build(
            incident_pb.OpenIncidentRequest,
            incident=incident,
            description=description,
            reason=reason,
            entries=_names(entries),
            depth=encode_depth(depth),
            breaker_hits=breaker_hits,
            hours=hours,
        ),
        response=incident_pb.OpenIncidentResponse,
        decode=lambda answer: decode_incident(answer.incident),
        repeatable=False,
    )


def get_incident(incident: str) -> Call[tuple[Incident, Counts]]:
    """IncidentService.GetIncident."""
    return Call(
        method="IncidentService/GetIncident",
        request=_build(incident_pb.GetIncidentRequest, incident=incident),
        response=incident_pb.GetIncidentResponse,
        decode=lambda answer: (decode_incident(answer.incident), decode_counts(answer.counts)),
    )


def list_incidents(page_size: int, page_token: str) -> Call[Page[Incident]]:
    """IncidentService.ListIncidents."""
    return Call(
        method="IncidentService/ListIncidents",
        request=_build(incident_pb.ListIncidentsRequest, page_size=page_size, page_token=page_token),
        response=incident_pb.ListIncidentsResponse,
        decode=lambda answer: Page(
            items=tuple(map(decode_incident, answer.incidents)), next_page_token=answer.next_page_token
        ),
    )


def add_to_incident(incident: str, entries: Sequence[Place], revision: int) -> Call[Incident]:
    """IncidentService.AddIncidentEntries; under a revision a second arrival would be REVISION_CONFLICT."""
    return Call(
        method="IncidentService/AddIncidentEntries",
        request=_build(
            incident_pb.AddIncidentEntriesRequest, incident=incident, entries=_names(entries), revision=revision
        ),
        response=incident_pb.AddIncidentEntriesResponse,
        decode=lambda answer: decode_incident(answer.incident),
        repeatable=not revision,
    )


def remove_from_incident(incident: str, entries: Sequence[Place], revision: int) -> Call[Incident]:
    """IncidentService.RemoveIncidentEntries; a second arrival would be INCIDENT_ENTRY_NOT_FOUND."""
    return Call(
        method="IncidentService/RemoveIncidentEntries",
        request=_build(
            incident_pb.RemoveIncidentEntriesRequest, incident=incident, entries=_names(entries), revision=revision
        ),
        response=incident_pb.RemoveIncidentEntriesResponse,
        decode=lambda answer: decode_incident(answer.incident),
        repeatable=False,
    )


def close_incident(incident: str, reason: str, revision: int) -> Call[Incident]:
    """IncidentService.CloseIncident; a second arrival would be INCIDENT_CLOSED."""
    return Call(
        method="IncidentService/CloseIncident",
        request=_build(incident_pb.CloseIncidentRequest, incident=incident, reason=reason, revision=revision),
        response=incident_pb.CloseIncidentResponse,
        decode=lambda answer: decode_incident(answer.incident),
        repeatable=False,
    )


def debrief_incident(incident: str) -> Call[Debrief]:
    """IncidentService.DebriefIncident."""
    return Call(
        method="IncidentService/DebriefIncident",
        request=_build(incident_pb.DebriefIncidentRequest, incident=incident),
        response=incident_pb.DebriefIncidentResponse,
        decode=decode_debrief,
    )


def status() -> Call[Status]:
    """IndexService.GetStatus."""
    return Call(
        method="IndexService/GetStatus",
        request=index_pb.GetStatusRequest(),
        response=index_pb.GetStatusResponse,
        decode=decode_status,
    )


def verify() -> Call[list[str]]:
    """IndexService.Verify."""
    return Call(
        method="IndexService/Verify",
        request=index_pb.VerifyRequest(),
        response=index_pb.VerifyResponse,
        decode=lambda answer: list(answer.faults),
        long=True,
    )


def _build_details(details: Details) -> bank_pb.EntryDetails:
    try:
        return encode_details(details)
    except (TypeError, ValueError) as error:
        raise InvalidInputError("FIELD_INVALID", f"details: {error}") from error


def _intervals(exclusions: Sequence[Interval]) -> list[bank_pb.Interval]:
    return [encode_interval(one) for one in exclusions]


def _names(entries: Sequence[Place]) -> list[incident_pb.EntryName]:
    return [_build(incident_pb.EntryName, bank=bank, entry=entry) for bank, entry in entries]


def _build(message: type[Message], **fields: Any) -> Any:
    """A message; what protobuf cannot hold (text that is not UTF-8, a negative revision) is FIELD_INVALID."""
    try:
        return message(**fields)
    except (TypeError, ValueError) as error:
        raise InvalidInputError("FIELD_INVALID", f"{message.__name__}: {error}") from error
