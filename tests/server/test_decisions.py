"""The decision log over gRPC."""

import asyncio
import datetime
import threading
from pathlib import Path

import pytest

from hashsvc.access.model import Role
from hashsvc.bank.model import Verdict
from hashsvc.client import AsyncClient, Client
from hashsvc.errors import InvalidInputError, NotFoundError, PermissionDeniedError, PreconditionError
from hashsvc.service import Service
from hashsvc_index import Store
from tests.decisions.conftest import COPY, EXCERPT, STRANGER, VIDEO
from tests.server.background import SETTINGS, BackgroundServer, background


def test_logged_listed_replayed_and_verified(running: BackgroundServer, client: Client) -> None:
    """What the service does, a client sees; the asyncio client too."""
    entry = client.confirm("default", VIDEO)
    assert client.match(COPY, min_revision=entry.revision, content_id="post-1").verdict is Verdict.BLOCK
    client.match(EXCERPT, content_id="post-2")
    client.match(STRANGER, content_id="post-3")
    client.withdraw("default", entry.entry, reason="gone")
    now = datetime.datetime.now(datetime.UTC)
    found = client.list_decisions(kind="verdict", since=now - datetime.timedelta(hours=1), until=now).items
    assert [(one.action, one.content_id) for one in found] == [("BLOCK", "post-1"), ("REVIEW", "post-2")]
    assert client.list_decisions(until=now - datetime.timedelta(hours=1)).items == ()
    assert [one.action for one in client.list_decisions(entry=entry.entry).items] == [
        "confirm", "BLOCK", "REVIEW", "withdraw",
    ]  # fmt: skip
    [only] = client.list_decisions(content_id="post-2", page_size=1).items
    assert client.get_decision(only.decision) == only
    for one in found:
        assert client.replay(one.decision).same
    check = client.verify_decisions()
    assert (check.faults, check.decisions) == ((), 5)
    assert client.verify_decisions(head=check.head).faults == ()
    [fault] = client.verify_decisions(head="ab" * 32).faults
    assert "ab" * 32 in fault

    async def ask() -> None:
        async with AsyncClient(running.target) as other:
            assert (await other.replay(only.decision)).same
            assert (await other.verify_decisions()).head == check.head
            assert (await other.get_decision(only.decision)) == only
            assert (await other.list_decisions(kind="verdict")).items == found

    asyncio.run(ask())


def test_pages_go_on(client: Client) -> None:
    """Page by page the log is read once, and in order."""
    for number in range(7):
        client.create_bank(f"b{number}")
    seen, token = [], ""
    while True:
        page = client.list_decisions(page_size=3, page_token=token)
        seen += [one.bank for one in page.items]
        token = page.next_page_token
        if not token:
            break
    assert seen == ["default", *(f"b{number}" for number in range(7))]


def test_bad_input(client: Client) -> None:
    """Each has its reason."""
    for ask, reason in (
        (lambda: client.list_decisions(kind="other"), "FIELD_INVALID"),
        (lambda: client.list_decisions(bank="No Bank"), "BANK_ID_INVALID"),
        (lambda: client.list_decisions(page_token="x"), "PAGE_TOKEN_INVALID"),
        (lambda: client.list_decisions(content_id="x" * 600), "FIELD_TOO_LONG"),
        (lambda: client.list_decisions(since=datetime.datetime(2026, 1, 1)), "FIELD_INVALID"),
        (lambda: client.verify_decisions(head="xyz"), "FIELD_INVALID"),
        (lambda: client.get_decision(-1), "FIELD_INVALID"),
    ):
        with pytest.raises(InvalidInputError) as caught:
            ask()
        assert caught.value.reason == reason
    with pytest.raises(NotFoundError):
        client.get_decision(99)
    with pytest.raises(PreconditionError) as impossible:
        client.replay(1)
    assert impossible.value.reason == "REPLAY_IMPOSSIBLE"


def test_who_may_read(tmp_path: Path) -> None:
    """A reviewer may; an uploader may not, and its verdicts are logged under its name."""
    with Service.open(tmp_path / "data", SETTINGS) as service:
        secrets = {role: service.create_token(str(role), role).secret for role in (Role.UPLOADER, Role.REVIEWER)}
        service.confirm("default", VIDEO)
    with (
        background(lambda: Service.open(tmp_path / "data", SETTINGS)) as server,
        Client(server.target, token=secrets[Role.UPLOADER]) as uploader,
        Client(server.target, token=secrets[Role.REVIEWER]) as reviewer,
    ):
        assert uploader.match(COPY).verdict is Verdict.BLOCK
        [decision] = reviewer.list_decisions(kind="verdict").items
        assert decision.actor == "uploader"
        assert reviewer.replay(decision.decision).same
        for ask in (
            lambda: uploader.list_decisions(),
            lambda: uploader.get_decision(99),
            lambda: uploader.verify_decisions(),
            lambda: uploader.replay(99),
        ):
            with pytest.raises(PermissionDeniedError):
                ask()


def test_searching_does_not_wait_for_the_disk(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """While many blocks wait for the disk, other uploads are answered by the same two threads."""
    entry = client.confirm("default", VIDEO)
    assert client.match(COPY, min_revision=entry.revision).verdict is Verdict.BLOCK
    gate, append = threading.Event(), Store.append

    def slow(self: Store, **what: object) -> object:
        gate.wait(20)
        return append(self, **what)  # type: ignore[arg-type]

    monkeypatch.setattr(Store, "append", slow)
    results: list[Verdict] = []
    blocks = [threading.Thread(target=lambda: results.append(client.match(COPY).verdict)) for _ in range(12)]
    for block in blocks:
        block.start()
    for _ in range(5):
        assert client.match(STRANGER).verdict is Verdict.ALLOW
    assert results == []
    gate.set()
    for block in blocks:
        block.join()
    assert results == [Verdict.BLOCK] * 12
    assert len(client.list_decisions(kind="verdict").items) == 13
