"""A target that answers from memory, and a way to run commands against it."""

import contextlib
import dataclasses
import datetime
import itertools
import json
import os
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

import click.testing
import pytest

from hashsvc.access.model import DEFAULT_DAYS, NewToken, Role, Token
from hashsvc.bank.breaker import Breaker
from hashsvc.bank.incident import Closure, Counts, Debrief, Hour, Incident, IncidentEntry
from hashsvc.bank.model import (
    Bank,
    BankMode,
    Depth,
    Details,
    Entry,
    EntryState,
    Interval,
    Page,
    Policy,
    StateChange,
    Verdict,
)
from hashsvc.bank.taxonomy import Taxonomy
from hashsvc.cli import main
from hashsvc.cli.target import Choice, Target
from hashsvc.errors import ConflictError, MediaError, NotFoundError, PreconditionError
from hashsvc.events.model import Event
from hashsvc.events.webhook import ListedWebhook, Webhook
from hashsvc.match.model import EXCLUDED, Excused, Match, MatchResult, Segment
from hashsvc.retro.model import DryRun, Hit, Hunt, HuntState
from tests.cli.answering import FakeAnswers

NOW = datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.UTC)
Invoke = Callable[..., click.testing.Result]


def a_match(verdict: Verdict = Verdict.BLOCK, **changes: Any) -> Match:
    """A mirrored copy at one and a half times the speed, 14.2 s of 20 s."""
    segment = Segment(
        query_start=0.5,
        query_end=14.7,
        reference_start=2.0004,
        reference_end=23.3,
        speed=1.5,
        view="full/mirror",
        mean_distance=9.3333,
    )
    match = Match(
        bank="default",
        entry="e1",
        external_id="attack",
        evidence=-41.25,
        query_coverage=0.71,
        reference_coverage=0.5,
        mean_distance=9.0,
        verdict=verdict,
        reason="threshold: block if evidence<=-6 share>=0.5",
        segments=(segment,),
    )
    return dataclasses.replace(match, **changes)


EXCUSED = Excused(bank="default", entry="e2", external_id="drive", reason=EXCLUDED, seconds=12.0004)


def a_hit(content_id: str) -> Hit:
    """A recent upload that would be blocked."""
    return Hit(content_id=content_id, seen_at=NOW, match=a_match(Verdict.BLOCK))


class FakeTarget(FakeAnswers):
    """Banks and entries in a dictionary; a file matches what its stem asks for and fails when it holds `not a video`."""

    def __init__(self) -> None:
        super().__init__()
        self.banks = {"default": self._bank("default")}
        self.entries: dict[str, Entry] = {}
        self.tokens: dict[str, Token] = {}
        self.faults: list[str] = []
        self.lines = ["one", "two"]
        self.events: list[Event] = []
        self.watched: tuple[object, ...] = ()
        self.webhooks: dict[str, Webhook] = {}
        self.breakers: dict[str, Breaker] = {}
        self.incidents: dict[str, Incident] = {}
        self.page_size = 2
        self.opened: list[tuple[Choice, bool, bool]] = []
        self.confirmed: list[tuple[str, Path, str, tuple[str, ...]]] = []
        self.excluded: list[tuple[Interval, ...]] = []
        self.excused: tuple[Excused, ...] = ()
        self.matched_banks: tuple[str, ...] = ()
        self.content_ids: list[str] = []
        self.hunts = [Hunt(bank="default", entry="e1")]
        self.delays: dict[str, float] = {}
        self._revision = itertools.count(10)

    def _bank(self, name: str) -> Bank:
        return Bank(bank=name, created_at=NOW, updated_at=NOW, revision=1)

    def create_bank(
        self,
        bank: str,
        *,
        description: str = "",
        policy: Policy = Policy(),
        two_person: bool = False,
        mode: BankMode = BankMode.ENFORCE,
        taxonomy_only: bool = False,
    ) -> Bank:
        fields = {
            "description": description,
            "policy": policy,
            "two_person": two_person,
            "mode": mode,
            "taxonomy_only": taxonomy_only,
        }
        made = dataclasses.replace(self._bank(bank), **fields)  # type: ignore[arg-type]
        self.banks[bank] = made
        return self.banks[bank]

    def list_labels(self) -> Taxonomy:
        return Taxonomy.load()

    def get_bank(self, bank: str) -> Bank:
        if bank not in self.banks:
            raise NotFoundError("BANK_NOT_FOUND", f"no bank {bank!r}", bank=bank)
        return self.banks[bank]

    def list_banks(self, *, page_size: int = 0, page_token: str = "") -> Page[Bank]:
        return self._page(list(self.banks.values()), page_token)

    def update_bank(
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
        now = self.get_bank(bank)
        if revision not in (0, now.revision):
            raise ConflictError("REVISION_CONFLICT", f"bank {bank!r} changed", bank=bank)
        if description is not None:
            now = dataclasses.replace(now, description=description)
        if two_person is not None:
            now = dataclasses.replace(now, two_person=two_person)
        if taxonomy_only is not None:
            now = dataclasses.replace(now, taxonomy_only=taxonomy_only)
        if mode is not None:
            now = dataclasses.replace(now, mode=mode)
        if policy is not None:
            now = dataclasses.replace(now, policy=policy)
        self.banks[bank] = dataclasses.replace(now, revision=next(self._revision))
        return self.banks[bank]

    def add(self, entry: str, **changes: Any) -> Entry:
        made = Entry(
            bank="default",
            entry=entry,
            profile="standard-1",
            duration=20.0,
            frames=80,
            hashes=1000,
            created_at=NOW,
            updated_at=NOW,
            revision=next(self._revision),
        )
        self.entries[entry] = dataclasses.replace(made, **changes)
        return self.entries[entry]

    def get_entry(self, bank: str, entry: str) -> Entry:
        if entry not in self.entries:
            raise NotFoundError("ENTRY_NOT_FOUND", f"no entry {entry!r} in bank {bank!r}", bank=bank, entry=entry)
        return self.entries[entry]

    def list_entries(
        self, bank: str, *, review_due: bool = False, page_size: int = 0, page_token: str = ""
    ) -> Page[Entry]:
        found = [entry for entry in self.entries.values() if entry.bank == bank]
        return self._page([one for one in found if not review_due or one.details.review_by], page_token)

    def update_entry(
        self,
        bank: str,
        entry: str,
        *,
        labels: Sequence[str] | None = None,
        details: Details | None = None,
        fields: Collection[str] | None = None,
        revision: int = 0,
    ) -> Entry:
        now = self.get_entry(bank, entry)
        if revision not in (0, now.revision):
            raise ConflictError("REVISION_CONFLICT", f"entry {entry!r} changed", entry=entry)
        kept = now.labels if labels is None else tuple(labels)
        return self.add(entry, labels=kept, details=details or now.details)

    def withdraw(self, bank: str, entry: str, *, reason: str = "", revision: int = 0) -> Entry:
        return self._step(EntryState.WITHDRAWN, bank, entry, reason, revision)

    def approve(self, bank: str, entry: str, *, reason: str = "", revision: int = 0) -> Entry:
        return self._step(EntryState.CONFIRMED, bank, entry, reason, revision)

    def dispute(self, bank: str, entry: str, *, reason: str = "", revision: int = 0) -> Entry:
        return self._step(EntryState.DISPUTED, bank, entry, reason, revision)

    def reinstate(self, bank: str, entry: str, *, reason: str = "", revision: int = 0) -> Entry:
        return self._step(EntryState.CONFIRMED, bank, entry, reason, revision)

    def _step(self, state: EntryState, bank: str, entry: str, reason: str, revision: int) -> Entry:
        now = self.get_entry(bank, entry)
        if revision not in (0, now.revision):
            raise ConflictError("REVISION_CONFLICT", f"entry {entry!r} changed", entry=entry)
        change = StateChange(state=state, actor="mia", at=NOW, reason=reason)
        return self.add(entry, state=state, reason=reason, history=(*now.history, change))

    def set_exclusions(self, bank: str, entry: str, exclusions: Sequence[Interval], *, revision: int = 0) -> Entry:
        now = self.get_entry(bank, entry)
        if revision not in (0, now.revision):
            raise ConflictError("REVISION_CONFLICT", f"entry {entry!r} changed", entry=entry)
        return self.add(entry, exclusions=tuple(exclusions))

    def create_token(self, name: str, role: Role, *, days: float = DEFAULT_DAYS) -> NewToken:
        number = len(self.tokens)
        token = Token(
            token=f"{number:016x}",
            name=name,
            role=role,
            created_at=NOW,
            created_by="",
            expires_at=NOW + datetime.timedelta(days=days),
        )
        self.tokens[token.token] = token
        return NewToken(token=token, secret=f"hashsvc_{token.token}_{'5' * 64}")

    def list_tokens(self, *, page_size: int = 0, page_token: str = "") -> Page[Token]:
        return self._page(list(self.tokens.values()), page_token)

    def revoke_token(self, token: str) -> Token:
        self.tokens[token] = dataclasses.replace(self.tokens[token], revoked_at=NOW)
        return self.tokens[token]

    def watch(
        self,
        *,
        after: int | None = None,
        types: Sequence[str] = (),
        bank: str = "",
        entry: str = "",
        stop_at_end: bool = False,
    ) -> Iterator[Event]:
        self.watched = (after, tuple(types), bank, entry, stop_at_end)
        yield from self.events

    def add_webhook(
        self,
        url: str,
        *,
        types: Sequence[str] = (),
        bank: str = "",
        description: str = "",
        secret: str = "",
        active: bool = True,
    ) -> tuple[Webhook, str]:
        made = Webhook(
            webhook="00f1a2b3c4d5e6f7",
            url=url,
            types=tuple(types),
            bank=bank,
            description=description,
            active=active,
            created_at=NOW,
            revision=3,
        )
        self.webhooks[made.webhook] = made
        return made, secret or "whsec_made"

    def list_webhooks(self) -> tuple[ListedWebhook, ...]:
        return tuple(ListedWebhook(webhook=one, after=7, held=2, trouble="HTTP 500") for one in self.webhooks.values())

    def update_webhook(self, webhook: str, *, active: bool) -> Webhook:
        self.webhooks[webhook] = dataclasses.replace(self._known(webhook), active=active)
        return self.webhooks[webhook]

    def remove_webhook(self, webhook: str) -> None:
        del self.webhooks[self._known(webhook).webhook]

    def _known(self, webhook: str) -> Webhook:
        if webhook not in self.webhooks:
            raise NotFoundError("WEBHOOK_NOT_FOUND", f"no webhook {webhook!r}", webhook=webhook)
        return self.webhooks[webhook]

    def list_breakers(self, *, page_size: int = 0, page_token: str = "") -> Page[Breaker]:
        return self._page(list(self.breakers.values()), page_token)

    def get_breaker(self, bank: str, entry: str) -> Breaker:
        if entry not in self.breakers:
            raise PreconditionError("BREAKER_NOT_TRIPPED", f"{entry} not tripped", entry=entry)
        return self.breakers[entry]

    def reset_breaker(self, bank: str, entry: str, *, hits: int = 0) -> Breaker:
        known = self.get_breaker(bank, entry)
        self.breakers[entry] = dataclasses.replace(known, tripped=False, reset_at=NOW, allowed_hits=hits)
        return self.breakers[entry]

    def open_incident(
        self,
        incident: str,
        *,
        description: str = "",
        reason: str = "",
        entries: Sequence[tuple[str, str]] = (),
        depth: Depth = Depth.DEEP,
        breaker_hits: int = 0,
        hours: float = 0.0,
    ) -> Incident:
        self.incidents[incident] = Incident(
            incident=incident,
            description=description,
            reason=reason,
            depth=depth,
            breaker_hits=breaker_hits,
            opened_at=NOW,
            opened_by="mia",
            expires_at=NOW + datetime.timedelta(hours=hours),
        )
        return self.add_to_incident(incident, entries)

    def get_incident(self, incident: str) -> tuple[Incident, Counts]:
        if incident not in self.incidents:
            raise NotFoundError("INCIDENT_NOT_FOUND", f"no incident {incident!r}", incident=incident)
        hours = (Hour(start=NOW, blocked=3, reviewed=2, let_through=1),)
        counts = Counts(
            blocked=3, reviewed=2, let_through=1, variants=4, seconds_to_first_match=61.25, hours=hours, entries=()
        )
        return self.incidents[incident], counts

    def list_incidents(self, *, page_size: int = 0, page_token: str = "") -> Page[Incident]:
        return self._page(list(self.incidents.values()), page_token)

    def add_to_incident(self, incident: str, entries: Sequence[tuple[str, str]], *, revision: int = 0) -> Incident:
        known, _ = self.get_incident(incident)
        new = tuple(IncidentEntry(bank=bank, entry=entry, added_at=NOW, added_by="mia") for bank, entry in entries)
        self.incidents[incident] = dataclasses.replace(known, entries=(*known.entries, *new))
        return self.incidents[incident]

    def remove_from_incident(self, incident: str, entries: Sequence[tuple[str, str]], *, revision: int = 0) -> Incident:
        known, _ = self.get_incident(incident)
        left = tuple(one for one in known.entries if one.place not in entries)
        self.incidents[incident] = dataclasses.replace(known, entries=left)
        return self.incidents[incident]

    def extend_incident(self, incident: str, *, hours: float = 72.0, reason: str = "", revision: int = 0) -> Incident:
        known, _ = self.get_incident(incident)
        self.incidents[incident] = dataclasses.replace(known, expires_at=NOW + datetime.timedelta(hours=hours))
        return self.incidents[incident]

    def reopen_incident(self, incident: str, *, hours: float = 72.0, reason: str = "", revision: int = 0) -> Incident:
        known, _ = self.get_incident(incident)
        if known.closed_at is None:
            raise PreconditionError("INCIDENT_OPEN", f"incident {incident} is open", incident=incident)
        closure = Closure(
            closed_at=known.closed_at,
            closed_by=known.closed_by,
            closed_reason=known.closed_reason,
            reopened_at=NOW,
            reopened_by="mia",
            reopened_reason=reason,
        )
        self.incidents[incident] = dataclasses.replace(
            known, closed_at=None, closed_by="", closed_reason="", closures=(*known.closures, closure)
        )
        return self.incidents[incident]

    def close_incident(self, incident: str, *, reason: str = "", revision: int = 0) -> Incident:
        known, _ = self.get_incident(incident)
        self.incidents[incident] = dataclasses.replace(known, closed_at=NOW, closed_by="mia", closed_reason=reason)
        return self.incidents[incident]

    def debrief_incident(self, incident: str) -> Debrief:
        self.get_incident(incident)
        return Debrief(incident=incident, markdown=f"# Incident {incident}\n", figure="<svg/>\n")

    def verify(self) -> list[str]:
        return self.faults

    def export(self, bank: str, format: str) -> Iterator[str]:
        yield from self.lines

    def confirm_file(
        self,
        bank: str,
        path: Path,
        /,
        *,
        external_id: str = "",
        labels: Sequence[str] = (),
        details: Details = Details(),
        exclusions: Sequence[Interval] = (),
        progress: Callable[[float], None] | None = None,
    ) -> Entry:
        self._check(path)
        if progress:
            progress(0.5)
        self.confirmed.append((bank, path, external_id, tuple(labels)))
        self.excluded.append(tuple(exclusions))
        return self.add(f"e-{path.stem}", bank=bank, external_id=external_id, labels=tuple(labels), details=details)

    def match_file(self, path: Path, /, *, banks: Sequence[str] = (), content_id: str = "") -> MatchResult:
        time.sleep(self.delays.get(path.stem, 0))
        self._check(path)
        self.matched_banks = tuple(banks)
        self.content_ids.append(content_id)
        verdict = {"copy": Verdict.BLOCK, "excerpt": Verdict.REVIEW}.get(path.stem, Verdict.ALLOW)
        matches = () if verdict is Verdict.ALLOW else (a_match(verdict),)
        return MatchResult(verdict=verdict, revision=7, matches=matches, excused=self.excused)

    def hunt(self, bank: str, entry: str, *, progress: Callable[[Hunt], None] | None = None) -> Hunt:
        self.hunts.append(dataclasses.replace(self.hunts[-1], state=HuntState.DONE, searched=9, of=9, hits=1))
        if progress:
            progress(self.hunts[-1])
        return self.hunts[-1]

    def get_hunt(self, bank: str, entry: str) -> Hunt:
        return self.hunts.pop() if len(self.hunts) > 1 else self.hunts[0]

    def list_hits(self, bank: str, entry: str, *, page_size: int = 0, page_token: str = "") -> Page[Hit]:
        return self._page([a_hit(name) for name in ("post-1", "post-2", "post-3")], page_token)

    def dry_run_file(
        self,
        bank: str,
        path: Path,
        /,
        *,
        exclusions: Sequence[Interval] = (),
        labels: Sequence[str] = (),
        progress: Callable[[float], None] | None = None,
    ) -> DryRun:
        self._check(path)
        film = a_match(Verdict.REVIEW, bank="known-good", entry="k1", external_id="film")
        return DryRun(searched=9, hits=(a_hit("post-1"),), total=1, known_good=(film,), held_back="finds a film")

    def _check(self, path: Path) -> None:
        if path.read_bytes() == b"not a video":
            raise MediaError("MEDIA_UNREADABLE", f"{path}:\nnot a video", file=path)

    def _page(self, items: list[Any], token: str) -> Page[Any]:
        start = int(token or 0)
        end = start + self.page_size
        return Page(items=tuple(items[start:end]), next_page_token=str(end) if end < len(items) else "")


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> FakeTarget:
    """The target that every command of the test opens."""
    target = FakeTarget()

    @contextlib.contextmanager
    def opened(self: Choice, *, create: bool = False, upload: bool = False) -> Iterator[Target]:
        target.opened.append((self, create, upload))
        yield Target(
            operations=target,
            confirm_file=target.confirm_file,
            match_file=target.match_file,
            dry_run_file=target.dry_run_file,
        )

    monkeypatch.setattr(Choice, "open", opened)
    return target


@pytest.fixture
def invoke(monkeypatch: pytest.MonkeyPatch) -> Invoke:
    """Run `hashsvc` with arguments, in an environment that chooses no target."""
    for name in [name for name in os.environ if name.startswith("HASHSVC_")]:
        monkeypatch.delenv(name, raising=False)

    def run(*args: object) -> click.testing.Result:
        return click.testing.CliRunner().invoke(main, [str(arg) for arg in args])

    return run


@pytest.fixture
def clips(tmp_path: Path) -> dict[str, Path]:
    """Files named for what the fake target makes of them."""
    paths = {name: tmp_path / f"{name}.mp4" for name in ("copy", "excerpt", "harmless", "broken")}
    for name, path in paths.items():
        path.write_bytes(b"not a video" if name == "broken" else name.encode())
    return paths


def objects(result: click.testing.Result) -> list[dict[str, Any]]:
    """The NDJSON on stdout; fails when there is anything else."""
    return [json.loads(line) for line in result.stdout.splitlines()]
