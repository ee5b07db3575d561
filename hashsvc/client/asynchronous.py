"""The asyncio client."""

import asyncio
import datetime
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from pathlib import Path
from typing import Any, Self, TypeVar

import grpc
import grpc.aio

from hashsvc.access.model import DEFAULT_DAYS, NewToken, Role, Token
from hashsvc.appeals.model import Appeal
from hashsvc.bank.breaker import Breaker
from hashsvc.bank.incident import DEFAULT_BREAKER_HITS, DEFAULT_HOURS, Counts, Debrief, Incident
from hashsvc.bank.model import Bank, BankMode, Depth, Details, Entry, Interval, Page, Policy
from hashsvc.bank.taxonomy import Taxonomy
from hashsvc.client import calls
from hashsvc.client.calls import Call
from hashsvc.client.channel import LONG_TIMEOUT, TIMEOUT, channel_options, error_of
from hashsvc.client.credentials import Tls, channel_credentials, token_metadata
from hashsvc.client.local import Hasher, LocalHashing, Progress
from hashsvc.client.upload import Upload
from hashsvc.config import Settings
from hashsvc.decisions.model import Decision, LogCheck, Replay
from hashsvc.events.model import Event
from hashsvc.events.webhook import ListedWebhook, Webhook
from hashsvc.fingerprint.model import Digests, Fingerprint
from hashsvc.fingerprint.reading import Reading
from hashsvc.match.model import MatchResult
from hashsvc.match.verdict import combined
from hashsvc.report.model import TransparencyReport
from hashsvc.retro.model import DryRun, Hit, Hunt
from hashsvc.wire.index import Status

Result = TypeVar("Result")


class AsyncClient:
    """`hashsvc.client.Client` for asyncio: the same methods, awaited. Make it inside a running event loop.

    Hashing runs on threads, and calls `progress` there.
    """

    def __init__(
        self,
        target: str,
        *,
        token: str | None = None,
        tls: Tls | None = None,
        timeout: float = TIMEOUT,
        long_timeout: float = LONG_TIMEOUT,
        settings: Settings = Settings(),
        sandbox: Hasher | None = None,
    ) -> None:
        """As `Client`."""
        self._target = target
        self._timeout = timeout
        self._long_timeout = long_timeout
        self._metadata = token_metadata(token, target, tls)
        self._retrying = _channel(target, tls, retry=True)
        self._once = _channel(target, tls, retry=False)
        self._local = LocalHashing(settings, sandbox)

    async def close(self) -> None:
        """End running calls, connections and local hashing."""
        await self._retrying.close()
        await self._once.close()
        await asyncio.to_thread(self._local.close)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    # banks
    async def create_bank(
        self,
        bank: str,
        *,
        description: str = "",
        policy: Policy = Policy(),
        two_person: bool = False,
        mode: BankMode = BankMode.ENFORCE,
        taxonomy_only: bool = False,
    ) -> Bank:
        """Make a bank."""
        return await self._run(calls.create_bank(bank, description, policy, two_person, mode, taxonomy_only))

    async def list_labels(self) -> Taxonomy:
        """The taxonomy that banks may be kept to, retired labels included."""
        return await self._run(calls.list_labels())

    async def get_bank(self, bank: str) -> Bank:
        """Read a bank."""
        return await self._run(calls.get_bank(bank))

    async def list_banks(self, *, page_size: int = 0, page_token: str = "") -> Page[Bank]:
        """One page of the banks, by name."""
        return await self._run(calls.list_banks(page_size, page_token))

    async def update_bank(
        self,
        bank: str,
        *,
        description: str | None = None,
        policy: Policy | None = None,
        two_person: bool | None = None,
        mode: BankMode | None = None,
        taxonomy_only: bool | None = None,
        revision: int = 0,
    ) -> Bank:
        """Change what is not None. `revision` other than 0 must be the bank's last, else ConflictError."""
        return await self._run(calls.update_bank(bank, description, policy, two_person, mode, taxonomy_only, revision))

    # entries
    async def confirm(
        self,
        bank: str,
        fingerprint: Fingerprint,
        *,
        external_id: str = "",
        labels: Sequence[str] = (),
        details: Details = Details(),
        exclusions: Sequence[Interval] = (),
    ) -> Entry:
        """Durable when it returns. The same SHA-256, external id and exclusions, live in the bank already, give that
        entry back."""
        return await self._run(calls.confirm(bank, fingerprint, external_id, labels, details, exclusions))

    async def confirm_media(
        self,
        bank: str,
        media: Path,
        *,
        external_id: str = "",
        labels: Sequence[str] = (),
        details: Details = Details(),
        exclusions: Sequence[Interval] = (),
        progress: Progress | None = None,
    ) -> Entry:
        """Send the bytes, which the server hashes. `progress` gets the share sent, 0-1."""
        return await self._upload(calls.confirm_media(bank, external_id, labels, details, exclusions), media, progress)

    async def confirm_file(
        self,
        bank: str,
        path: Path,
        *,
        external_id: str = "",
        labels: Sequence[str] = (),
        details: Details = Details(),
        exclusions: Sequence[Interval] = (),
        progress: Progress | None = None,
    ) -> Entry:
        """As `Client.confirm_file`."""
        fingerprint = await asyncio.to_thread(self._local.fingerprint, path, Reading.REFERENCE, progress=progress)
        return await self.confirm(
            bank, fingerprint, external_id=external_id, labels=labels, details=details, exclusions=exclusions
        )

    async def get_entry(self, bank: str, entry: str) -> Entry:
        """Read an entry, withdrawn or not."""
        return await self._run(calls.get_entry(bank, entry))

    async def list_entries(
        self, bank: str, *, review_due: bool = False, page_size: int = 0, page_token: str = ""
    ) -> Page[Entry]:
        """One page of a bank's entries, or of those that somebody was to look at again by now."""
        return await self._run(calls.list_entries(bank, review_due, page_size, page_token))

    async def withdraw(self, bank: str, entry: str, *, reason: str = "", revision: int = 0) -> Entry:
        """Take an entry out of matching and exports."""
        return await self._run(calls.withdraw(bank, entry, reason, revision))

    async def approve(self, bank: str, entry: str, *, reason: str = "", revision: int = 0) -> Entry:
        """Make a candidate confirmed; whoever made it a candidate may not."""
        return await self._run(calls.approve(bank, entry, reason, revision))

    async def dispute(self, bank: str, entry: str, *, reason: str = "", revision: int = 0) -> Entry:
        """Put an entry in doubt: what it matches is REVIEW at most."""
        return await self._run(calls.dispute(bank, entry, reason, revision))

    async def reinstate(self, bank: str, entry: str, *, reason: str = "", revision: int = 0) -> Entry:
        """Make a disputed or withdrawn entry confirmed again, or a candidate where the bank asks for two people."""
        return await self._run(calls.reinstate(bank, entry, reason, revision))

    async def set_exclusions(
        self, bank: str, entry: str, exclusions: Sequence[Interval], *, revision: int = 0
    ) -> Entry:
        """Replace the harmless parts of an entry. `revision` other than 0 must be its last, else ConflictError."""
        return await self._run(calls.set_exclusions(bank, entry, exclusions, revision))

    async def update_entry(
        self,
        bank: str,
        entry: str,
        *,
        labels: Sequence[str] | None = None,
        details: Details | None = None,
        fields: Collection[str] | None = None,
        revision: int = 0,
    ) -> Entry:
        """Change labels where given, and of the details those `fields`, or all. `revision` other than 0 must be its last."""
        return await self._run(calls.update_entry(bank, entry, labels, details, fields, revision))

    # matching
    async def match(
        self, query: Fingerprint | Digests, *, banks: Sequence[str] = (), min_revision: int = 0, content_id: str = ""
    ) -> MatchResult:
        """Look up a fingerprint or digests; `banks` empty: every bank. Under a `content_id` it may be kept for retro-hunts."""
        return await self._run(calls.match(query, banks, min_revision, content_id))

    async def match_media(
        self,
        media: Path,
        *,
        banks: Sequence[str] = (),
        min_revision: int = 0,
        content_id: str = "",
        progress: Progress | None = None,
    ) -> MatchResult:
        """Send the bytes, which the server hashes. `progress` gets the share sent, 0-1."""
        return await self._upload(calls.match_media(banks, min_revision, content_id), media, progress)

    async def match_file(
        self,
        path: Path,
        *,
        banks: Sequence[str] = (),
        min_revision: int = 0,
        content_id: str = "",
        progress: Progress | None = None,
    ) -> MatchResult:
        """As `Client.match_file`."""
        digests = await asyncio.to_thread(self._local.digests, path)
        exact = await self.match(digests, banks=banks, min_revision=min_revision, content_id=content_id)
        if exact.is_exact:
            return exact
        fingerprint = await asyncio.to_thread(self._local.fingerprint, path, Reading.QUICK, progress=progress)
        quick = await self.match(fingerprint, banks=banks, min_revision=min_revision, content_id=content_id)
        if not quick.deepen:
            return quick
        fingerprint = await asyncio.to_thread(self._local.fingerprint, path, Reading.DEEP, progress=progress)
        deep = await self.match(fingerprint, banks=banks, min_revision=min_revision, content_id=content_id)
        return combined(quick, deep)

    # access
    async def create_token(self, name: str, role: Role, *, days: float = DEFAULT_DAYS) -> NewToken:
        """Make a bearer token for a caller; its secret is told this once."""
        return await self._run(calls.create_token(name, role, days))

    async def list_tokens(self, *, page_size: int = 0, page_token: str = "") -> Page[Token]:
        """One page of the tokens, by identifier, without secrets."""
        return await self._run(calls.list_tokens(page_size, page_token))

    async def revoke_token(self, token: str) -> Token:
        """Refuse a token, by its identifier, from now on."""
        return await self._run(calls.revoke_token(token))

    # recent uploads
    async def hunt(self, bank: str, entry: str, *, progress: Callable[[Hunt], None] | None = None) -> Hunt:
        """Search recent uploads for an entry, now; `progress` hears how far it is. Hits stay on record."""
        call = calls.hunt(bank, entry)
        send: Any = self._retrying.unary_stream(call.path, _serialize, call.response.FromString)
        try:
            async for answer in send(call.request, timeout=self._long_timeout, metadata=self._metadata):
                hunt = call.decode(answer)
                if progress:
                    progress(hunt)
        except grpc.RpcError as failure:
            raise error_of(failure, self._target) from None
        return hunt

    async def get_hunt(self, bank: str, entry: str) -> Hunt:
        """The last hunt for an entry, whoever began it."""
        return await self._run(calls.get_hunt(bank, entry))

    async def list_hits(self, bank: str, entry: str, *, page_size: int = 0, page_token: str = "") -> Page[Hit]:
        """One page of the recent uploads that hunts found to show an entry."""
        return await self._run(calls.list_hits(bank, entry, page_size, page_token))

    async def dry_run(
        self,
        bank: str,
        fingerprint: Fingerprint,
        *,
        exclusions: Sequence[Interval] = (),
        labels: Sequence[str] = (),
    ) -> DryRun:
        """Which recent uploads an entry would find if this were confirmed; writes nothing."""
        return await self._run(calls.dry_run(bank, fingerprint, exclusions, labels))

    async def dry_run_file(
        self,
        bank: str,
        path: Path,
        *,
        exclusions: Sequence[Interval] = (),
        labels: Sequence[str] = (),
        progress: Progress | None = None,
    ) -> DryRun:
        """Hash `path` here as for a confirm, then `dry_run`; `progress` gets the share hashed, 0-1."""
        fingerprint = await asyncio.to_thread(self._local.fingerprint, path, Reading.REFERENCE, progress=progress)
        return await self.dry_run(bank, fingerprint, exclusions=exclusions, labels=labels)

    # events
    async def watch(
        self,
        *,
        after: int | None = None,
        types: Sequence[str] = (),
        bank: str = "",
        entry: str = "",
        stop_at_end: bool = False,
    ) -> AsyncIterator[Event]:
        """As `Client.watch`; "now" is when the first event is asked for."""
        call = calls.watch(after, types, bank, entry, stop_at_end)
        send: Any = self._once.unary_stream(call.path, _serialize, call.response.FromString)
        answers = send(call.request, metadata=self._metadata)
        try:
            async for answer in answers:
                for event in call.decode(answer):
                    yield event
        except grpc.RpcError as failure:
            raise error_of(failure, self._target) from None
        finally:
            answers.cancel()

    async def add_webhook(
        self,
        url: str,
        *,
        types: Sequence[str] = (),
        bank: str = "",
        description: str = "",
        secret: str = "",
        active: bool = True,
    ) -> tuple[Webhook, str]:
        """Add a receiver, and return it with the secret that signs its events, which is never told again."""
        return await self._run(calls.add_webhook(url, types, bank, description, secret, active))

    async def list_webhooks(self) -> tuple[ListedWebhook, ...]:
        """All receivers, and how far their deliveries have come."""
        return await self._run(calls.list_webhooks())

    async def update_webhook(self, webhook: str, *, active: bool) -> Webhook:
        """Pause a receiver, or take it up again."""
        return await self._run(calls.update_webhook(webhook, active))

    async def remove_webhook(self, webhook: str) -> None:
        """Remove a receiver."""
        return await self._run(calls.remove_webhook(webhook))

    # breakers
    async def list_breakers(self, *, page_size: int = 0, page_token: str = "") -> Page[Breaker]:
        """One page of the breakers that ever tripped, by bank and entry."""
        return await self._run(calls.list_breakers(page_size, page_token))

    async def get_breaker(self, bank: str, entry: str) -> Breaker:
        """What an entry did until its breaker tripped, and since; PreconditionError where it never did."""
        return await self._run(calls.get_breaker(bank, entry))

    async def reset_breaker(self, bank: str, entry: str, *, hits: int = 0) -> Breaker:
        """Let an entry block again, up to `hits` different uploads within the window; 0: as the settings have it."""
        return await self._run(calls.reset_breaker(bank, entry, hits))

    # decisions
    async def get_decision(self, decision: int) -> Decision:
        """Read a record of the log."""
        return await self._run(calls.get_decision(decision))

    async def list_decisions(
        self,
        *,
        kind: str = "",
        bank: str = "",
        entry: str = "",
        content_id: str = "",
        since: datetime.datetime | None = None,
        until: datetime.datetime | None = None,
        page_size: int = 0,
        page_token: str = "",
    ) -> Page[Decision]:
        """One page of the decisions that pass every filter, in order. One that is short or empty need not be the last."""
        return await self._run(calls.list_decisions(kind, bank, entry, content_id, since, until, page_size, page_token))

    async def verify_decisions(self, *, head: str = "") -> LogCheck:
        """Follow the chain of hashes through the whole log; `head` is the hash of its last decision as noted earlier."""
        return await self._run(calls.verify_decisions(head))

    async def replay(self, decision: int) -> Replay:
        """Judge the upload of a verdict again, by everything as it was."""
        return await self._run(calls.replay(decision))

    # appeals
    async def open_appeal(self, text: str, *, decision: int = 0, content_id: str = "", appellant: str = "") -> Appeal:
        """Object to a decision, or to the last verdict on the upload called `content_id`."""
        return await self._run(calls.open_appeal(text, decision, content_id, appellant))

    async def get_appeal(self, appeal: str) -> Appeal:
        """Read an appeal."""
        return await self._run(calls.get_appeal(appeal))

    async def list_appeals(
        self, *, state: str = "", content_id: str = "", page_size: int = 0, page_token: str = ""
    ) -> Page[Appeal]:
        """One page of the appeals, oldest first. One that is short or empty need not be the last."""
        return await self._run(calls.list_appeals(state, content_id, page_size, page_token))

    async def decide_appeal(
        self,
        appeal: str,
        *,
        upheld: bool,
        reason: str,
        dispute: Sequence[tuple[str, str]] | None = None,
        revision: int = 0,
    ) -> Appeal:
        """Uphold or reject an appeal; whoever opened it may not. Upheld, the entries that it is about are disputed,
        or those of them that `dispute` names."""
        return await self._run(calls.decide_appeal(appeal, upheld, reason, dispute, revision))

    async def reinstate_content(self, appeal: str) -> Appeal:
        """Note that the upload of an upheld appeal can be seen again."""
        return await self._run(calls.reinstate_content(appeal))

    # report
    async def report(self, since: datetime.datetime, until: datetime.datetime | None = None) -> TransparencyReport:
        """Count what was decided from `since` on and before `until`, without it until now."""
        return await self._run(calls.report(since, until))

    # incidents
    async def open_incident(
        self,
        incident: str,
        *,
        description: str = "",
        reason: str = "",
        entries: Sequence[tuple[str, str]] = (),
        depth: Depth = Depth.DEEP,
        breaker_hits: int = DEFAULT_BREAKER_HITS,
        hours: float = DEFAULT_HOURS,
    ) -> Incident:
        """Open an incident, which closes by itself after `hours`; entries are named by bank and entry."""
        return await self._run(calls.open_incident(incident, description, reason, entries, depth, breaker_hits, hours))

    async def get_incident(self, incident: str) -> tuple[Incident, Counts]:
        """An incident, and what was counted of it up to a second ago."""
        return await self._run(calls.get_incident(incident))

    async def list_incidents(self, *, page_size: int = 0, page_token: str = "") -> Page[Incident]:
        """One page of the incidents, by name, closed ones too."""
        return await self._run(calls.list_incidents(page_size, page_token))

    async def add_to_incident(
        self, incident: str, entries: Sequence[tuple[str, str]], *, revision: int = 0
    ) -> Incident:
        """Add entries; those that it has already stay."""
        return await self._run(calls.add_to_incident(incident, entries, revision))

    async def remove_from_incident(
        self, incident: str, entries: Sequence[tuple[str, str]], *, revision: int = 0
    ) -> Incident:
        """Remove entries, and what was counted of them."""
        return await self._run(calls.remove_from_incident(incident, entries, revision))

    async def extend_incident(
        self, incident: str, *, hours: float = DEFAULT_HOURS, reason: str = "", revision: int = 0
    ) -> Incident:
        """Have an open incident close by itself `hours` from now."""
        return await self._run(calls.extend_incident(incident, hours, reason, revision))

    async def reopen_incident(
        self, incident: str, *, hours: float = DEFAULT_HOURS, reason: str = "", revision: int = 0
    ) -> Incident:
        """Open a closed incident again, for `hours` from now."""
        return await self._run(calls.reopen_incident(incident, hours, reason, revision))

    async def close_incident(self, incident: str, *, reason: str = "", revision: int = 0) -> Incident:
        """Close an incident."""
        return await self._run(calls.close_incident(incident, reason, revision))

    async def debrief_incident(self, incident: str) -> Debrief:
        """The report on an incident, open or closed."""
        return await self._run(calls.debrief_incident(incident))

    # upkeep and exchange
    async def status(self) -> Status:
        """How far the index has come."""
        return await self._run(calls.status())

    async def verify(self) -> list[str]:
        """Check store and index against each other; one sentence a fault, none when clean."""
        return await self._run(calls.verify())

    async def export(self, bank: str, format: str) -> AsyncIterator[str]:
        """Lines (without newline) of the bank's live signals, in `vpdq`, `local-file` or `jsonl`."""
        call = calls.export(bank, format)
        send: Any = self._retrying.unary_stream(call.path, _serialize, call.response.FromString)
        try:
            async for answer in send(call.request, timeout=self._long_timeout, metadata=self._metadata):
                for line in call.decode(answer):
                    yield line
        except grpc.RpcError as failure:
            raise error_of(failure, self._target) from None

    async def _run(self, call: Call[Result]) -> Result:
        channel = self._retrying if call.repeatable else self._once
        send: Any = channel.unary_unary(call.path, _serialize, call.response.FromString)
        try:
            seconds = self._long_timeout if call.long else self._timeout
            answer = await send(call.request, timeout=seconds, metadata=self._metadata)
        except grpc.RpcError as failure:
            raise error_of(failure, self._target) from None
        return call.decode(answer)

    async def _upload(self, call: Call[Result], media: Path, progress: Progress | None) -> Result:
        send: Any = self._once.stream_unary(call.path, _serialize, call.response.FromString)
        with Upload(call.request, media, progress) as upload:
            try:
                answer = await send(aiter(upload), timeout=self._long_timeout, metadata=self._metadata)
            except grpc.RpcError as failure:
                raise upload.failure or error_of(failure, self._target) from None
        return call.decode(answer)


def _channel(target: str, tls: Tls | None, *, retry: bool) -> grpc.aio.Channel:
    options = channel_options(retry=retry)
    if tls is None:
        return grpc.aio.insecure_channel(target, options)
    return grpc.aio.secure_channel(target, channel_credentials(tls), options)


def _serialize(message: Any) -> bytes:
    serialized: bytes = message.SerializeToString()
    return serialized
