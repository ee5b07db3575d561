"""A day of trust and safety, over real gRPC with TLS and tokens: from an upload that nobody knew to an entry undone."""

import asyncio
import dataclasses
import time
from pathlib import Path

import pytest

from hashsvc.access.model import Role
from hashsvc.bank.decisions import change_of, is_change
from hashsvc.bank.model import EntryState, Interval, Verdict
from hashsvc.client import AsyncClient, Client, Tls
from hashsvc.config import TlsSettings
from hashsvc.errors import ConflictError, PermissionDeniedError, PreconditionError
from hashsvc.events.model import EventType
from hashsvc.fingerprint.model import Fingerprint
from hashsvc.service import Service
from hashsvc_index import Store
from tests.server.authority import HERE, Authority
from tests.server.background import SETTINGS, background, excerpt, reference

VIDEO = reference(71, frames=160)
COPY = excerpt(VIDEO, 0, 120)


def news() -> Fingerprint:
    """Eight seconds of the video in forty of other footage."""
    shown, other = excerpt(VIDEO, 40, 72), excerpt(reference(72, frames=160), 0, 160)
    hashes = other.hashes.copy()
    hashes[60:92] = shown.hashes
    return dataclasses.replace(other, hashes=hashes)


async def told(target: str, token: str, tls: Tls, entry: str) -> None:
    """The other client has its token in streams, too."""
    async with AsyncClient(target, token=token, tls=tls) as client:
        assert [one async for one in client.watch(after=0, entry=entry, stop_at_end=True)]
        with pytest.raises(PreconditionError):
            await client.hunt("default", entry)


def test_a_day(tmp_path: Path) -> None:
    """Confirmed by two, hunted for, blocked, reviewed, withdrawn: each by who may, and each on the log."""
    data, authority = tmp_path / "data", Authority(tmp_path, "authority")
    certificate, key = authority.issue("server", HERE)
    settings = dataclasses.replace(SETTINGS, tls=TlsSettings(certificate=str(certificate), key=str(key)))
    with Service.open(data, SETTINGS) as service:
        roles = {"ingest": Role.UPLOADER, "alice": Role.CURATOR, "bob": Role.CURATOR, "root": Role.ADMIN}
        tokens = {name: service.create_token(name, role).secret for name, role in roles.items()}
    with background(lambda: Service.open(data, SETTINGS), settings) as server:
        clients = {name: Client(server.target, token=token, tls=Tls(ca=authority.ca)) for name, token in tokens.items()}
        ingest, alice, bob = clients["ingest"], clients["alice"], clients["bob"]
        alice.update_bank("default", two_person=True)

        # Nobody knows the video yet.
        assert ingest.match(COPY, content_id="post-1").verdict is Verdict.ALLOW
        with pytest.raises(PermissionDeniedError):
            ingest.confirm("default", VIDEO)

        # One person makes it a candidate, another confirms it.
        entry = alice.confirm("default", VIDEO, external_id="attack")
        assert entry.state is EntryState.CANDIDATE
        assert ingest.match(COPY, min_revision=entry.revision).verdict is Verdict.REVIEW
        with pytest.raises(PreconditionError) as alone:
            alice.approve("default", entry.entry)
        assert alone.value.reason == "SECOND_PERSON_REQUIRED"
        confirmed = bob.approve("default", entry.entry, reason="seen by two")
        assert confirmed.state is EntryState.CONFIRMED

        # What came before is found, what comes after is stopped, and an excerpt in the news goes to a person.
        bob.hunt("default", entry.entry)
        assert [hit.content_id for hit in bob.list_hits("default", entry.entry).items] == ["post-1"]
        assert ingest.match(COPY, min_revision=confirmed.revision).verdict is Verdict.BLOCK
        assert ingest.match(news()).verdict is Verdict.REVIEW

        # Two edit the entry at once: one is told, and nothing is lost.
        changed = alice.set_exclusions("default", entry.entry, [Interval(0.0, 2.0)], revision=confirmed.revision)
        with pytest.raises(ConflictError):
            bob.set_exclusions("default", entry.entry, [Interval(5.0, 6.0)], revision=confirmed.revision)
        assert bob.get_entry("default", entry.entry).exclusions == (Interval(0.0, 2.0),)

        # It was a mistake: within a second its copies pass.
        bob.withdraw("default", entry.entry, reason="not the attack", revision=changed.revision)
        undone = time.monotonic()
        while ingest.match(COPY).verdict is not Verdict.ALLOW:
            assert time.monotonic() - undone < 1
        assert clients["root"].verify() == []
        asyncio.run(told(server.target, tokens["bob"], Tls(ca=authority.ca), entry.entry))
        told_to_bob = [event.type for event in bob.watch(after=0, entry=entry.entry, stop_at_end=True)]
        assert told_to_bob.count(EventType.ENTRY_CHANGED) == 4 and EventType.RETRO_HITS in told_to_bob
        for client in clients.values():
            client.close()

    with Store.open(data) as store:
        assert store.verify_decisions() == []
        steps = [change_of(one) for one in store.decisions(0, 100) if is_change(one)]
    assert [(one.action, one.actor) for one in steps if one.actor in roles] == [
        ("update", "alice"),
        ("confirm", "alice"),
        ("approve", "bob"),
        ("exclude", "alice"),
        ("withdraw", "bob"),
    ]
    assert steps[-1].reason == "not the attack"
