"""Webhooks of a data directory: kept, and delivered by one process."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from hashsvc.config import EventSettings, Settings
from hashsvc.errors import HashsvcError
from hashsvc.events import outbox as outbox_module
from hashsvc.events.signature import new_secret, signature
from hashsvc.events.webhook import MAX_WEBHOOKS
from hashsvc.service import Service
from tests.events.receiver import Receiver, envelope, until
from tests.server.background import excerpt, reference

SETTINGS = Settings(events=EventSettings(longest_wait_seconds=0.3, delivery_seconds=5.0))

SERVED = """
import sys, time
from pathlib import Path
from hashsvc.config import EventSettings, Settings
from hashsvc.service import Service
settings = Settings(events=EventSettings(longest_wait_seconds=0.3))
with Service.open(Path(sys.argv[1]), settings, deliver=True) as service:
    print("ready", flush=True)
    time.sleep(600)
"""


def test_a_change_is_told(tmp_path: Path, receiver: Receiver) -> None:
    """Signed with the secret that only `add` tells; banks and entries, each kind of change, in order."""
    with Service.open(tmp_path / "data", SETTINGS, deliver=True) as service:
        webhook, secret = service.add_webhook(receiver.url, description="us")
        entry = service.confirm("default", reference(1), external_id="attack", labels=["x"])
        service.set_exclusions("default", entry.entry, [])
        service.withdraw("default", entry.entry, reason="in error")
        service.create_bank("news")
        service.update_bank("news", description="n")
        until(lambda: len(receiver.received) == 5)
        until(lambda: service.list_webhooks()[0].after == service.last_event())
    told = [(event.type.removeprefix("org.hashsvc."), event.subject, event.data["change"]) for event in receiver.events]
    subject = f"default/{entry.entry}"
    assert told == [
        ("entry.changed", subject, "confirmed"),
        ("entry.changed", subject, "exclusions"),
        ("entry.changed", subject, "withdrawn"),
        ("bank.changed", "news", "created"),
        ("bank.changed", "news", "updated"),
    ]
    for headers, body in receiver.received:
        wanted = signature(secret, headers["webhook-id"], int(headers["webhook-timestamp"]), body)
        assert headers["webhook-signature"] == wanted
        assert headers["webhook-id"] == envelope(body)["id"]
    assert envelope(receiver.received[2][1])["data"]["reason"] == "in error"
    assert webhook.active


def test_a_repeated_confirm_is_told_once(tmp_path: Path) -> None:
    """The event is written if and only if the change is."""
    with Service.open(tmp_path / "data") as service:
        service.confirm("default", reference(1))
        last = service.last_event()
        service.confirm("default", reference(1))
        with pytest.raises(HashsvcError):
            service.confirm("default", reference(1), external_id="other")
        assert service.last_event() == last


def test_what_a_hunt_finds_is_told(tmp_path: Path) -> None:
    """By content id, with its segments, in the write of the hits themselves."""
    with Service.open(tmp_path / "data") as service:
        service.match(excerpt(reference(1), 0, 60), content_id="post-7")
        entry = service.confirm("default", reference(1))
        until(lambda: service.searched_revision >= entry.revision)
        service.hunt("default", entry.entry)
        (told,) = service.watch(after=0, types=["org.hashsvc.retro.hits"], stop_at_end=True)
    assert told.subject == f"default/{entry.entry}"
    (hit,) = told.data["hits"]
    assert hit["content_id"] == "post-7" and hit["segments"][0]["query_end"] > 10


def test_pausing_keeps_what_happens_for_later(tmp_path: Path, receiver: Receiver) -> None:
    """And a webhook that was removed is sent nothing more."""
    with Service.open(tmp_path / "data", SETTINGS, deliver=True) as service:
        webhook, _ = service.add_webhook(receiver.url, active=False)
        service.create_bank("one")
        assert not receiver.asked
        assert service.update_webhook(webhook.webhook, active=True).active
        until(lambda: len(receiver.received) == 1)
        service.remove_webhook(webhook.webhook)
        assert service.list_webhooks() == ()
        until(lambda: not service._deliverer._running)
        service.create_bank("two")
    assert len(receiver.received) == 1


def test_an_alert_route_gets_its_kinds_of_events_only(tmp_path: Path, receiver: Receiver) -> None:
    """Law enforcement is told of what was agreed, and of nothing else."""
    with Service.open(tmp_path / "data", SETTINGS, deliver=True) as service:
        service.add_webhook(
            receiver.url, types=["org.hashsvc.entry.changed"], bank="attacks", description="police, agreement 7"
        )
        service.create_bank("attacks")
        service.confirm("default", reference(1))
        entry = service.confirm("attacks", reference(1))
        until(lambda: service.list_webhooks()[0].after == service.last_event())
    assert [event.subject for event in receiver.events] == [f"attacks/{entry.entry}"]


def test_refused(tmp_path: Path) -> None:
    """What may not be, each with its reason, and bounds on all of it."""
    with Service.open(tmp_path / "data") as service:
        for given, reason in (
            ({"url": "ftp://a/"}, "FIELD_INVALID"),
            ({"url": "https://a/", "types": ["x"]}, "FIELD_INVALID"),
            ({"url": "https://a/", "bank": "A B"}, "BANK_ID_INVALID"),
            ({"url": "https://a/", "secret": "short"}, "FIELD_INVALID"),
            ({"url": "https://a/", "description": "x" * 5000}, "FIELD_TOO_LONG"),
        ):
            with pytest.raises(HashsvcError) as caught:
                service.add_webhook(**given)
            assert caught.value.reason == reason
        for webhook, reason in (("0" * 16, "WEBHOOK_NOT_FOUND"), ("x", "FIELD_INVALID")):
            with pytest.raises(HashsvcError) as caught:
                service.remove_webhook(webhook)
            assert caught.value.reason == reason
        for _ in range(MAX_WEBHOOKS):
            service.add_webhook("https://a.example/", secret=new_secret())
        with pytest.raises(HashsvcError) as caught:
            service.add_webhook("https://a.example/")
        assert caught.value.reason == "FIELD_TOO_LONG"


def test_one_process_delivers_and_another_takes_over(tmp_path: Path, receiver: Receiver) -> None:
    """Two services on one directory send each event once; when one ends, the other goes on."""
    data = tmp_path / "data"
    with Service.open(data, SETTINGS, deliver=True) as second:
        with Service.open(data, SETTINGS, deliver=True) as first:
            first.add_webhook(receiver.url)
            first.create_bank("one")
            until(lambda: len(receiver.received) == 1)
            until(lambda: second.list_webhooks()[0].after == second.last_event())
        second.create_bank("two")
        until(lambda: len(receiver.received) == 2)
    assert [event.subject for event in receiver.events] == ["one", "two"]


def test_killed_with_events_waiting(tmp_path: Path, receiver: Receiver) -> None:
    """What was acknowledged and not delivered when the process was killed is delivered by the next one, in order."""
    data = tmp_path / "data"
    with Service.open(data) as service:
        service.add_webhook(receiver.url)
    receiver.down()
    served = subprocess.Popen(
        [sys.executable, "-c", SERVED, str(data)], stdout=subprocess.PIPE, env=os.environ, text=True
    )
    assert served.stdout is not None and served.stdout.readline() == "ready\n"
    with Service.open(data) as beside:
        entry = beside.confirm("default", reference(1))
        beside.withdraw("default", entry.entry, reason="one")
        until(lambda: beside.list_webhooks()[0].trouble)
        served.send_signal(signal.SIGKILL)
        served.wait()
        served.stdout.close()
        beside.create_bank("later")
        assert beside.list_webhooks()[0].after < beside.last_event()
    receiver.up()
    with Service.open(data, SETTINGS, deliver=True) as service:
        until(lambda: len(receiver.received) == 3)
        until(lambda: service.list_webhooks()[0].after == service.last_event())
    assert [event.data["change"] for event in receiver.events] == ["confirmed", "withdrawn", "created"]


def test_old_events_are_dropped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By number and by age; their numbers are not given out again."""
    monkeypatch.setattr(outbox_module, "_SCAN", 2)
    settings = Settings(events=EventSettings(max_events=5, keep_days=1))
    with Service.open(tmp_path / "data", settings) as service:
        for number in range(9):
            service.create_bank(f"b{number}")
        service._outbox.trim()
        assert [event.number for event in service.watch(after=0, stop_at_end=True)] == [6, 7, 8, 9, 10]
        old = json.loads(service._store.events(9, 1)[0].payload) | {"time": "2020-01-01T00:00:00Z"}
        service._store.append(events=[json.dumps(old).encode()] * 3)
        service._store.trim_events(10)
        service._outbox.trim()
        assert list(service.watch(after=0, stop_at_end=True)) == []
        service.create_bank("new")
        assert [event.number for event in service.watch(after=0, stop_at_end=True)] == [14]
