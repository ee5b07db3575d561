"""Watch and webhooks over gRPC."""

import asyncio
import itertools
import threading
import time
from pathlib import Path

import pytest

from hashsvc.client import AsyncClient, Client
from hashsvc.errors import HashsvcError, UnavailableError
from hashsvc.events.model import Event
from hashsvc.service import Service
from tests.events.receiver import until
from tests.server.background import SETTINGS, BackgroundServer, background, reference


def test_from_a_number_and_by_kind(client: Client) -> None:
    """All that is kept, what passes the filter, what comes after a number."""
    entry = client.confirm("default", reference(1))
    client.create_bank("news")
    everything = list(client.watch(after=0, stop_at_end=True))
    assert [event.subject for event in everything] == ["default", f"default/{entry.entry}", "news"]
    assert [event.number for event in everything] == [1, 2, 3]
    assert list(client.watch(after=2, stop_at_end=True)) == everything[2:]
    assert list(client.watch(stop_at_end=True)) == []
    kinds = ["org.hashsvc.entry.changed"]
    assert list(client.watch(after=0, types=kinds, stop_at_end=True)) == [everything[1]]
    assert list(client.watch(after=0, bank="news", stop_at_end=True)) == [everything[2]]
    assert list(client.watch(after=0, bank="default", entry=entry.entry, stop_at_end=True)) == [everything[1]]


def test_follows_from_now_on(client: Client) -> None:
    """What happens once `watch` has returned, as it happens."""
    client.create_bank("before")
    seen: list[tuple[Event, float]] = []
    events = client.watch()

    def watch() -> None:
        seen.extend((event, time.monotonic()) for event in itertools.islice(events, 2))

    thread = threading.Thread(target=watch)
    start = time.monotonic()
    client.create_bank("one")
    client.create_bank("two")
    thread.start()
    thread.join(20)
    assert [event.subject for event, _ in seen] == ["one", "two"]
    assert all(moment - start < 10 for _, moment in seen)


def test_asynchronously(running: BackgroundServer) -> None:
    """The same for asyncio."""

    async def run() -> list[str]:
        async with AsyncClient(running.target) as client:
            await client.create_bank("one")
            await client.add_webhook("https://a.example/", active=False)
            (listed,) = await client.list_webhooks()
            assert not listed.webhook.active
            assert (await client.update_webhook(listed.webhook.webhook, active=True)).active
            await client.remove_webhook(listed.webhook.webhook)
            assert await client.list_webhooks() == ()
            return [event.subject async for event in client.watch(after=0, stop_at_end=True)]

    assert asyncio.run(run()) == ["default", "one"]


def test_refused(client: Client) -> None:
    """Bad input is told before anything is streamed."""
    for given, reason in (
        ({"types": ["x"]}, "FIELD_INVALID"),
        ({"bank": "A B"}, "BANK_ID_INVALID"),
        ({"entry": "x" * 100}, "FIELD_TOO_LONG"),
        ({"after": -1}, "FIELD_INVALID"),
    ):
        with pytest.raises(HashsvcError) as caught:
            list(client.watch(stop_at_end=True, **given))
        assert caught.value.reason == reason


def test_webhooks_over_the_wire(client: Client) -> None:
    """Added, listed without the secret, paused, removed; errors by their reasons."""
    webhook, secret = client.add_webhook("https://a.example/", types=["org.hashsvc.retro.hits"], bank="default")
    assert secret.startswith("whsec_")
    (listed,) = client.list_webhooks()
    assert listed.webhook == webhook and webhook.active and listed.after == 1
    assert not client.update_webhook(webhook.webhook, active=False).active
    client.remove_webhook(webhook.webhook)
    with pytest.raises(HashsvcError) as caught:
        client.remove_webhook(webhook.webhook)
    assert caught.value.reason == "WEBHOOK_NOT_FOUND"
    with pytest.raises(HashsvcError) as caught:
        client.add_webhook("nowhere")
    assert caught.value.reason == "FIELD_INVALID"


def test_stopping_does_not_wait_for_who_watches(tmp_path: Path) -> None:
    """The stream ends with an error that says to come back, at once."""
    failures: list[UnavailableError] = []
    with background(lambda: Service.open(tmp_path / "data", SETTINGS)) as server, Client(server.target) as client:
        events = client.watch()

        def watch() -> None:
            try:
                list(events)
            except UnavailableError as error:
                failures.append(error)

        thread = threading.Thread(target=watch)
        thread.start()
        start = time.monotonic()
        server.stop(grace=60.0)
        thread.join(20)
        assert time.monotonic() - start < 20
    until(lambda: failures)
    assert failures[0].reason == "OVERLOADED"
