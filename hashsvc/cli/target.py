"""What a command works on: a data directory in this process, or a server."""

import contextlib
import dataclasses
import getpass
import os
import sys
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar

from hashsvc.access.model import NewToken, Role, Token
from hashsvc.bank.model import Bank, BankMode, Depth, Details, Entry, Interval, Page, Policy
from hashsvc.bank.taxonomy import Taxonomy
from hashsvc.cli.answering import Answering
from hashsvc.config import Settings
from hashsvc.errors import PreconditionError
from hashsvc.match.model import MatchResult
from hashsvc.retro.model import DryRun, Hit, Hunt

if TYPE_CHECKING:
    from hashsvc.bank.breaker import Breaker
    from hashsvc.bank.incident import Counts, Debrief, Incident
    from hashsvc.events.model import Event
    from hashsvc.events.webhook import ListedWebhook, Webhook

Item = TypeVar("Item")
PAGE_SIZE = 500
"""Items asked for at once while a list is read to its end."""


class Operations(Answering, Protocol):
    """The methods that `hashsvc.service.Service` and `hashsvc.client.Client` share and commands call."""

    def create_bank(
        self,
        bank: str,
        *,
        description: str = ...,
        policy: Policy = ...,
        two_person: bool = ...,
        mode: BankMode = ...,
        taxonomy_only: bool = ...,
    ) -> Bank: ...
    def list_labels(self) -> Taxonomy: ...
    def get_bank(self, bank: str) -> Bank: ...
    def list_banks(self, *, page_size: int = ..., page_token: str = ...) -> Page[Bank]: ...
    def update_bank(
        self,
        bank: str,
        *,
        description: str | None = ...,
        policy: Policy | None = ...,
        two_person: bool | None = ...,
        mode: BankMode | None = ...,
        taxonomy_only: bool | None = ...,
        revision: int = ...,
    ) -> Bank: ...
    def get_entry(self, bank: str, entry: str) -> Entry: ...
    def list_entries(
        self, bank: str, *, review_due: bool = ..., page_size: int = ..., page_token: str = ...
    ) -> Page[Entry]: ...
    def update_entry(
        self,
        bank: str,
        entry: str,
        *,
        labels: Sequence[str] | None = ...,
        details: Details | None = ...,
        fields: Collection[str] | None = ...,
        revision: int = ...,
    ) -> Entry: ...
    def approve(self, bank: str, entry: str, *, reason: str = ..., revision: int = ...) -> Entry: ...
    def dispute(self, bank: str, entry: str, *, reason: str = ..., revision: int = ...) -> Entry: ...
    def reinstate(self, bank: str, entry: str, *, reason: str = ..., revision: int = ...) -> Entry: ...
    def withdraw(self, bank: str, entry: str, *, reason: str = ..., revision: int = ...) -> Entry: ...
    def set_exclusions(
        self, bank: str, entry: str, exclusions: Sequence[Interval], *, revision: int = ...
    ) -> Entry: ...
    def create_token(self, name: str, role: Role, *, days: float = ...) -> NewToken: ...
    def list_tokens(self, *, page_size: int = ..., page_token: str = ...) -> Page[Token]: ...
    def revoke_token(self, token: str) -> Token: ...
    def hunt(self, bank: str, entry: str, *, progress: Callable[[Hunt], None] | None = ...) -> Hunt: ...
    def get_hunt(self, bank: str, entry: str) -> Hunt: ...
    def list_hits(self, bank: str, entry: str, *, page_size: int = ..., page_token: str = ...) -> Page[Hit]: ...
    def watch(
        self,
        *,
        after: int | None = ...,
        types: Sequence[str] = ...,
        bank: str = ...,
        entry: str = ...,
        stop_at_end: bool = ...,
    ) -> "Iterator[Event]": ...
    def add_webhook(
        self,
        url: str,
        *,
        types: Sequence[str] = ...,
        bank: str = ...,
        description: str = ...,
        secret: str = ...,
        active: bool = ...,
    ) -> "tuple[Webhook, str]": ...
    def list_webhooks(self) -> "tuple[ListedWebhook, ...]": ...
    def update_webhook(self, webhook: str, *, active: bool) -> "Webhook": ...
    def remove_webhook(self, webhook: str) -> None: ...
    def list_breakers(self, *, page_size: int = ..., page_token: str = ...) -> "Page[Breaker]": ...
    def get_breaker(self, bank: str, entry: str) -> "Breaker": ...
    def reset_breaker(self, bank: str, entry: str, *, hits: int = ...) -> "Breaker": ...
    def open_incident(
        self,
        incident: str,
        *,
        description: str = ...,
        reason: str = ...,
        entries: Sequence[tuple[str, str]] = ...,
        depth: Depth = ...,
        breaker_hits: int = ...,
        hours: float = ...,
    ) -> "Incident": ...
    def get_incident(self, incident: str) -> "tuple[Incident, Counts]": ...
    def list_incidents(self, *, page_size: int = ..., page_token: str = ...) -> "Page[Incident]": ...
    def add_to_incident(
        self, incident: str, entries: Sequence[tuple[str, str]], *, revision: int = ...
    ) -> "Incident": ...
    def remove_from_incident(
        self, incident: str, entries: Sequence[tuple[str, str]], *, revision: int = ...
    ) -> "Incident": ...
    def extend_incident(
        self, incident: str, *, hours: float = ..., reason: str = ..., revision: int = ...
    ) -> "Incident": ...
    def reopen_incident(
        self, incident: str, *, hours: float = ..., reason: str = ..., revision: int = ...
    ) -> "Incident": ...
    def close_incident(self, incident: str, *, reason: str = ..., revision: int = ...) -> "Incident": ...
    def debrief_incident(self, incident: str) -> "Debrief": ...
    def verify(self) -> list[str]: ...
    def export(self, bank: str, format: str) -> Iterator[str]: ...


class ConfirmFile(Protocol):
    """Hash a file densely and confirm it; `progress` gets the share done, 0-1."""

    def __call__(
        self,
        bank: str,
        path: Path,
        /,
        *,
        external_id: str = ...,
        labels: Sequence[str] = ...,
        details: Details = ...,
        exclusions: Sequence[Interval] = ...,
        progress: Callable[[float], None] | None = ...,
    ) -> Entry: ...


class MatchFile(Protocol):
    """Hash a file sparsely and match it; no banks: every bank."""

    def __call__(self, path: Path, /, *, banks: Sequence[str] = ..., content_id: str = ...) -> MatchResult: ...


class DryRunFile(Protocol):
    """Hash a file densely and say what it would find; `progress` gets the share hashed, 0-1."""

    def __call__(
        self,
        bank: str,
        path: Path,
        /,
        *,
        exclusions: Sequence[Interval] = ...,
        labels: Sequence[str] = ...,
        progress: Callable[[float], None] | None = ...,
    ) -> DryRun: ...


class Vaccinate(Protocol):
    """Attack an entry with its own bytes and strengthen it; `progress` gets the share done, 0-1."""

    def __call__(
        self, bank: str, entry: str, media: Path, /, *, progress: Callable[[float], None] | None = ...
    ) -> Entry: ...


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """An open data directory or server."""

    operations: Operations
    confirm_file: ConfirmFile
    match_file: MatchFile
    dry_run_file: DryRunFile
    vaccinate: Vaccinate | None = None
    """Of a data directory only."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """How to prove to a server who is asking, and to know it: as the options say."""

    token: str | None = dataclasses.field(default=None, repr=False)
    tls: bool = False
    """TLS with the authorities that are trusted publicly; `ca` and `certificate` imply TLS."""
    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Which target the caller asked for: exactly one of `data` and `server` is set."""

    data: Path | None
    server: str | None
    settings: Settings
    proof: Proof = Proof()

    @contextlib.contextmanager
    def open(self, *, create: bool = False, upload: bool = False) -> Iterator[Target]:
        """Open it; with `create` a data directory that is not there is made, with `upload` the server hashes.

        Raises PreconditionError NOT_A_DATA_DIRECTORY when it is not there and may not be made: a mistyped path must
        not answer "nothing found".
        """
        _log_to_stderr()
        if self.data is not None:
            if not create and not _holds_something(self.data):
                raise PreconditionError(
                    "NOT_A_DATA_DIRECTORY",
                    f"{self.data}: no data directory here; `hashsvc confirm` and `hashsvc serve` make one",
                    path=self.data,
                )
            with _embedded(self.data, self.settings) as target:
                yield target
        elif self.server is not None:
            with _remote(self.server, self.settings, self.proof, upload) as target:
                yield target


def _holds_something(data: Path) -> bool:
    """True unless `data` is missing or an empty directory; what it holds is for the store to judge."""
    return data.exists() and not (data.is_dir() and not any(data.iterdir()))


@contextlib.contextmanager
def _embedded(data: Path, settings: Settings) -> Iterator[Target]:
    from hashsvc.service import Service

    with Service.open(data, settings, actor=_local_user()) as service:
        yield Target(
            operations=service,
            confirm_file=service.confirm_media,
            match_file=service.match_media,
            dry_run_file=service.dry_run_media,
            vaccinate=service.vaccinate,
        )


@contextlib.contextmanager
def _remote(server: str, settings: Settings, proof: Proof, upload: bool) -> Iterator[Target]:
    from hashsvc.client import Client, Tls

    encrypted = proof.tls or proof.ca or proof.certificate or proof.key
    tls = Tls(ca=proof.ca, certificate=proof.certificate, key=proof.key) if encrypted else None
    with Client(server, token=proof.token, tls=tls, settings=settings) as client:
        yield Target(
            operations=client,
            confirm_file=client.confirm_media if upload else client.confirm_file,
            match_file=client.match_media if upload else client.match_file,
            dry_run_file=client.dry_run_file,
        )


def _local_user() -> str:
    """Who works on the directory, as the decision log calls them: `local:` and the name of the system's user."""
    try:
        return f"local:{getpass.getuser()}"
    except (KeyError, OSError):  # a user without a name
        return f"local:{os.getuid()}"


def _log_to_stderr() -> None:
    """Only warnings, and never on stdout, which belongs to the answer."""
    import structlog

    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(30),
        logger_factory=structlog.PrintLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=False,
    )


def every(fetch: Callable[[str], Page[Item]]) -> Iterator[Item]:
    """The items of all pages; `fetch` gets a page token, first the empty one."""
    token = ""
    while True:
        page = fetch(token)
        yield from page.items
        token = page.next_page_token
        if not token:
            return
