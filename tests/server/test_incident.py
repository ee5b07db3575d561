"""Incidents over gRPC: who may do what, and what a client sees."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from hashsvc.access.model import Role
from hashsvc.bank.incident import Incident
from hashsvc.bank.model import Depth, Verdict
from hashsvc.client import AsyncClient, Client
from hashsvc.config import BreakerSettings, Settings
from hashsvc.errors import (
    AlreadyExistsError,
    InvalidInputError,
    NotFoundError,
    PermissionDeniedError,
    PreconditionError,
)
from hashsvc.events.model import EventType
from hashsvc.service import Service
from tests.events.receiver import Receiver, receiving, until
from tests.incidents.test_incidents import VIDEO, upload
from tests.server.background import background, reference

SETTINGS = Settings(breaker=BreakerSettings(hits=5))


def test_an_incident_from_its_first_copy_to_its_report(tmp_path: Path) -> None:
    """Opened by a curator, read by a reviewer, told to a webhook; nobody else may, and both clients do the same."""
    data = tmp_path / "data"
    with Service.open(data) as service:
        roles = {
            "up": Role.UPLOADER,
            "rev": Role.REVIEWER,
            "cur": Role.CURATOR,
            "part": Role.PARTNER,
            "root": Role.ADMIN,
        }
        tokens = {name: service.create_token(name, role).secret for name, role in roles.items()}
    with (
        background(lambda: Service.open(data, SETTINGS, deliver=True), SETTINGS) as server,
        receiving() as receiver,
    ):
        clients = {name: Client(server.target, token=token) for name, token in tokens.items()}
        uploader, reviewer, curator, root = (clients[name] for name in ("up", "rev", "cur", "root"))
        root.add_webhook(receiver.url, types=[EventType.INCIDENT_OPENED, EventType.INCIDENT_CLOSED])
        assert uploader.match(upload(0), content_id="early").verdict is Verdict.ALLOW
        entry = curator.confirm("default", VIDEO, external_id="attack")
        opened = curator.open_incident(
            "square", description="d", reason="live", depth=Depth.DEEP, breaker_hits=100, hours=1.5
        )
        assert (opened.opened_by, opened.breaker_hits, opened.reason) == ("cur", 100, "live")
        assert (opened.expires_at - opened.opened_at).total_seconds() == 5400
        changed = curator.add_to_incident("square", [("default", entry.entry)], revision=opened.revision)
        verdicts = [
            uploader.match(upload(number), content_id=f"p{number}", min_revision=entry.revision).verdict
            for number in range(1, 30)
        ]
        assert verdicts == [Verdict.BLOCK] * 29
        curator.hunt("default", entry.entry)
        known, counts = reviewer.get_incident("square")
        assert known == changed
        assert (counts.blocked, counts.variants, counts.let_through) == (29, 29, 1)
        asyncio.run(asked(server.target, tokens["rev"], known))
        assert not curator.remove_from_incident("square", [("default", entry.entry)]).entries
        curator.add_to_incident("square", [("default", entry.entry)])
        closed = curator.close_incident("square", reason="over")
        assert (closed.closed_by, closed.closed_reason) == ("cur", "over")
        again = curator.reopen_incident("square", hours=1, reason="a new cut")
        assert [(one.closed_by, one.reopened_by, one.reopened_reason) for one in again.closures] == [
            ("cur", "cur", "a new cut")
        ]
        extended = curator.extend_incident("square", hours=100, reason="copies still come")
        assert extended.expires_at > again.expires_at and extended.closures == again.closures
        assert [one.reason for one in curator.list_decisions(kind="incident").items][-2:] == [
            "a new cut",
            "copies still come",
        ]
        curator.close_incident("square", reason="over")
        report = reviewer.debrief_incident("square")
        assert "| blocked at upload | 29 |" in report.markdown and report.figure.startswith("<svg")
        until(lambda: told(receiver) == ["opened", "closed", "closed"])
        refused(clients)
        for client in clients.values():
            client.close()


async def asked(target: str, token: str, known: Incident) -> None:
    """The asyncio client sees the same."""
    async with AsyncClient(target, token=token) as client:
        assert (await client.get_incident("square"))[0] == known
        assert (await client.list_incidents()).items == (known,)
        assert (await client.debrief_incident("square")).incident == "square"
        with pytest.raises(PermissionDeniedError):
            await client.close_incident("square")


def told(receiver: Receiver) -> list[str]:
    return [event.type.rpartition(".")[2] for event in receiver.events]


def refused(clients: dict[str, Client]) -> None:
    """Who may not is told so whether or not the incident exists; who may, why it cannot be."""
    for name in ("square", "none"):
        for client in (clients["up"], clients["part"]):
            for call in (client.get_incident, client.debrief_incident, client.open_incident, client.close_incident):
                with pytest.raises(PermissionDeniedError):
                    call(name)
        reviewer = clients["rev"]
        for call in (
            reviewer.open_incident, reviewer.close_incident, reviewer.extend_incident, reviewer.reopen_incident
        ):  # fmt: skip
            with pytest.raises(PermissionDeniedError):
                call(name)
    curator = clients["cur"]
    with pytest.raises(NotFoundError):
        curator.get_incident("none")
    with pytest.raises(AlreadyExistsError):
        curator.open_incident("square")
    with pytest.raises(PreconditionError):
        curator.close_incident("square")
    for bad in ({"hours": 0.0}, {"hours": -1.0}, {"breaker_hits": 0}, {"breaker_hits": -1}):
        with pytest.raises(InvalidInputError):
            curator.open_incident("other", **bad)


def test_two_at_once(tmp_path: Path) -> None:
    """Several curators add entries at the same time: all are in it."""
    with (
        background(lambda: Service.open(tmp_path / "data", SETTINGS), SETTINGS) as server,
        Client(server.target) as client,
    ):
        client.open_incident("square")
        entries = [client.confirm("default", reference(number, frames=24)).entry for number in range(8)]
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda entry: client.add_to_incident("square", [("default", entry)]), entries))
        known, _ = client.get_incident("square")
        assert {one.entry for one in known.entries} == set(entries)
