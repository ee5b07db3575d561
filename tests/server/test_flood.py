"""A flood, over real gRPC: a title card is confirmed by mistake, forced through, stopped by its breaker, and undone."""

import dataclasses
import json
import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import click.testing
import pytest

from hashsvc.access.model import Role
from hashsvc.bank.decisions import change_of, is_change
from hashsvc.bank.model import EntryState, Policy, Verdict
from hashsvc.cli import main
from hashsvc.client import Client
from hashsvc.config import DryRunSettings, Settings
from hashsvc.errors import PreconditionError
from hashsvc.events.model import EventType
from hashsvc.fingerprint.model import Digests, Fingerprint
from hashsvc.match.model import Match
from hashsvc.service import Service
from hashsvc_index import Store
from tests.events.receiver import Receiver, receiving, until
from tests.server.background import SETTINGS, BackgroundServer, background, excerpt, reference

CARD = reference(31)
FLOOD = dataclasses.replace(SETTINGS, dry_run=DryRunSettings(known_good="known-good"))
ROLES = {"ingest": Role.UPLOADER, "alice": Role.CURATOR, "bob": Role.CURATOR, "root": Role.ADMIN}
BEFORE, AFTER = 110, 80


def upload(number: int) -> Fingerprint:
    """An innocent upload that begins with the title card."""
    return dataclasses.replace(excerpt(CARD, 0, 60), digests=Digests(sha256=random.Random(number).randbytes(32)))


@pytest.fixture
def tokens(tmp_path: Path) -> dict[str, str]:
    with Service.open(tmp_path / "data", FLOOD) as service:
        return {name: service.create_token(name, role).secret for name, role in ROLES.items()}


@pytest.fixture
def server(tmp_path: Path, tokens: dict[str, str]) -> Iterator[BackgroundServer]:
    def opened(settings: Settings = FLOOD) -> Service:
        return Service.open(tmp_path / "data", settings, deliver=True)

    with background(opened, FLOOD) as running:
        yield running


def matched(ingest: Client, numbers: range) -> list[Match]:
    """The one match of each, eight at a time."""

    def one(number: int) -> Match:
        (match,) = ingest.match(upload(number), content_id=f"post-{number}").matches
        return match

    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(one, numbers))


def command(target: str, token: str, *words: str) -> list[dict[str, object]]:
    """What one command prints, as objects."""
    arguments = [*words[:2], "--server", target, "--format", "json", *words[2:]]
    done = click.testing.CliRunner().invoke(main, arguments, env={"HASHSVC_TOKEN": token}, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_a_flood(tmp_path: Path, server: BackgroundServer, tokens: dict[str, str]) -> None:
    """From the warning to the undoing: what was blocked meanwhile is bounded, told and listed."""
    clients = {name: Client(server.target, token=token) for name, token in tokens.items()}
    ingest, alice, bob = clients["ingest"], clients["alice"], clients["bob"]
    with receiving() as desk:
        clients["root"].add_webhook(desk.url, types=[EventType.BREAKER_TRIPPED], description="on call")

        # The card is all over the platform, and in a film that is known to be harmless.
        alice.create_bank("known-good", policy=Policy(block_evidence=-1000.0, review_evidence=-1000.0))
        film = alice.confirm("known-good", _film(), external_id="a film")
        with ThreadPoolExecutor(8) as pool:
            early = list(
                pool.map(lambda n: ingest.match(upload(n), content_id=f"early-{n}"), range(1000, 1000 + BEFORE))
            )
        assert {one.verdict for one in early} == {Verdict.ALLOW}

        # The dry run warns, and a confirm by one person takes no effect.
        run = alice.dry_run("default", CARD)
        assert (run.total, [one.entry for one in run.known_good]) == (BEFORE, [film.entry])
        assert (
            run.held_back
            == f"would find at least {BEFORE} recent uploads and 1 known-good video: takes a second person"
        )
        entry = alice.confirm("default", CARD, external_id="title card")
        assert (entry.state, bool(entry.reason)) == (EntryState.CANDIDATE, True)
        with pytest.raises(PreconditionError) as alone:
            alice.approve("default", entry.entry, reason="it is urgent")
        assert alone.value.reason == "SECOND_PERSON_REQUIRED"
        until(lambda: ingest.match(upload(5000)).verdict is Verdict.REVIEW)

        # Forced through by a second person, it blocks until its breaker trips, and not once more.
        forced = bob.approve("default", entry.entry, reason="it is urgent")
        assert forced.state is EntryState.CONFIRMED
        found = matched(ingest, range(AFTER))
        blocked = [one for one in found if one.verdict is Verdict.BLOCK]
        assert 0 < len(blocked) <= 50
        assert {one.verdict for one in found[50:]} == {Verdict.REVIEW}
        assert {one.breaker for one in found[50:]} == {f"default/{entry.entry}"}
        until(lambda: _told(desk) == [f"default/{entry.entry}"])
        (shown,) = command(server.target, tokens["alice"], "entry", "show", entry.entry)
        assert isinstance(shown["breaker"], dict) and shown["breaker"]["tripped"]

        # One command undoes it and lists what was affected, blocked or held up, by the platform's own names.
        (undone,) = command(server.target, tokens["alice"], "breaker", "undo", "--reason", "a title card", entry.entry)
        affected = undone["affected"]
        assert isinstance(affected, list)
        assert {one["content_id"] for one in affected} == {f"post-{number}" for number in range(AFTER)}
        assert [one["verdict"] for one in affected].count("BLOCK") == len(blocked)
        until(lambda: ingest.match(upload(5000)).verdict is Verdict.ALLOW, 2.0)
        assert alice.get_entry("default", entry.entry).state is EntryState.WITHDRAWN
        assert _told(desk) == [f"default/{entry.entry}"]
        for client in clients.values():
            client.close()
    with Store.open(tmp_path / "data") as store:
        assert store.verify_decisions() == []
        steps = [change_of(one) for one in store.decisions(0, 1000) if is_change(one)]
    assert [(one.action, one.actor) for one in steps if one.entry == entry.entry] == [
        ("confirm", "alice"),
        ("approve", "bob"),
        ("withdraw", "alice"),
    ]


def _film() -> Fingerprint:
    """Forty seconds that show the card for five."""
    film = reference(32, frames=160)
    film.hashes[80:100] = CARD.hashes[:20]
    return film


def _told(desk: Receiver) -> list[str]:
    return [event.subject for event in desk.events]
