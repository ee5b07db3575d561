"""The deliveries of one webhook, against an outbox in memory."""

import contextlib
import time
from collections.abc import Iterator, Sequence

import pytest

from hashsvc.bank import records
from hashsvc.events import delivery as module
from hashsvc.events.delivery import Delivery, Wait
from hashsvc.events.model import Event, EventType
from hashsvc.events.post import Outcome, Post
from hashsvc.events.signature import new_secret
from hashsvc.events.webhook import Progress, Webhook
from tests.events.receiver import Receiver, until


class Memory:
    """An outbox and a cursor without a disk."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.progress = Progress()

    def happen(self, *subjects: str, kind: str = EventType.ENTRY_CHANGED) -> None:
        for subject in subjects:
            number = len(self.events) + 1
            data = {"bank": subject.split("/")[0]}
            self.events.append(
                Event(
                    id=f"e-{number}",
                    type=kind,
                    source="s",
                    subject=subject,
                    time=records.now(),
                    data=data,
                    number=number,
                )
            )

    def read(self, after: int, limit: int) -> Sequence[Event]:
        return self.events[after : after + limit]

    def save(self, progress: Progress) -> None:
        self.progress = progress


@contextlib.contextmanager
def delivering(memory: Memory, url: str, *, timeout: float = 5.0, **wants: str) -> Iterator[Delivery]:
    """A delivery that runs."""
    types = (wants["kind"],) if "kind" in wants else ()
    webhook = Webhook(
        webhook="0" * 16, url=url, types=types, bank=wants.get("bank", ""), created_at=records.now(), revision=1
    )
    running = Delivery(webhook, memory.progress, Post(url, new_secret(), timeout), memory.read, memory.save, 0.2)
    running.start()
    try:
        yield running
    finally:
        running.end()
        assert running.join(5)


def numbers(receiver: Receiver) -> list[int]:
    """Of the events that were accepted, in order of arrival."""
    return [int(event.id.removeprefix("e-")) for event in receiver.events]


def test_sends_in_order_and_only_what_is_wanted(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    """Other types and other banks are passed over."""
    monkeypatch.setattr(module, "_BATCH", 20)
    memory = Memory()
    memory.happen("a/1", "b/1", "a/2")
    memory.happen("a/1", kind=EventType.BANK_CHANGED)
    memory.happen(*["a/1"] * 50)
    with delivering(memory, receiver.url, kind=EventType.ENTRY_CHANGED, bank="a"):
        until(lambda: len(receiver.received) == 52)
    assert numbers(receiver) == [1, 3, *range(5, 55)]
    assert memory.progress == Progress(after=54)
    headers, body = receiver.received[0]
    assert headers["content-type"].startswith("application/cloudevents+json")
    assert headers["webhook-id"] == "e-1"
    assert body == memory.events[0].encode()
    assert headers["path"] == "/hook?a=b"


def test_a_receiver_that_is_down_gets_all_of_it_once_it_is_back(receiver: Receiver) -> None:
    """What happened before, during and after; once each, in order."""
    memory = Memory()
    memory.happen("a/1", "a/2")
    with delivering(memory, receiver.url) as running:
        until(lambda: len(receiver.received) == 2)
        receiver.down()
        memory.happen(*["a/1", "a/2"] * 20)
        until(lambda: running._progress.trouble)
        memory.happen("a/3")
        time.sleep(0.5)
        receiver.up()
        until(lambda: len(receiver.received) == 43)
        time.sleep(0.5)
    assert numbers(receiver) == list(range(1, 44))
    assert memory.progress == Progress(after=43)


def test_what_is_refused_holds_up_its_own_entry_and_no_other(receiver: Receiver) -> None:
    """A later event of the entry waits for the one that failed; other entries go on; then all come in order."""
    memory = Memory()
    refused = {"e-1"}
    receiver.status = lambda event: 400 if event.id in refused else 200
    memory.happen("a/1", "a/2", "a/1", "a/3", "a/1")
    with delivering(memory, receiver.url):
        until(lambda: numbers(receiver) == [2, 4])
        until(lambda: memory.progress.held == (1, 3, 5))
        assert memory.progress.trouble == "HTTP 400"
        memory.happen("a/1", "a/2")
        until(lambda: numbers(receiver) == [2, 4, 7])
        refused.clear()
        until(lambda: len(receiver.received) == 7)
        until(lambda: memory.progress.after == 7)  # it is noted after the receiver has answered
    assert [number for number in numbers(receiver) if number not in (2, 4, 7)] == [1, 3, 5, 6]
    assert memory.progress == Progress(after=7)


def test_what_is_held_is_still_held_after_a_restart(receiver: Receiver) -> None:
    """The order outlives the process."""
    memory = Memory()
    refused = {"e-1"}
    receiver.status = lambda event: 500 if event.id in refused else 200
    memory.happen("a/1", "a/1")
    with delivering(memory, receiver.url):
        until(lambda: memory.progress.held == (1, 2))
    memory.happen("a/1")
    with delivering(memory, receiver.url):
        until(lambda: memory.progress.held == (1, 2, 3))
        refused.clear()
        until(lambda: memory.progress == Progress(after=3))
    assert numbers(receiver) == [1, 2, 3]


def test_much_that_is_refused_stops_the_rest(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is held is bounded: beyond it nothing is looked at, and nothing is lost."""
    monkeypatch.setattr(module, "_MAX_HELD", 5)
    memory = Memory()
    answer = [500]
    receiver.status = lambda event: answer[0]
    memory.happen(*(f"a/{number}" for number in range(20)))
    with delivering(memory, receiver.url):
        until(lambda: len(memory.progress.held) == 5)
        time.sleep(0.5)
        assert memory.progress.after == 5
        answer[0] = 200
        until(lambda: len(receiver.received) == 20)
    assert sorted(numbers(receiver)) == list(range(1, 21))


def test_an_event_that_is_no_longer_kept(receiver: Receiver) -> None:
    """What was trimmed while it was held is passed over, and holds up nothing."""
    memory = Memory()
    memory.happen("a/1", "a/1")
    memory.progress = Progress(after=2, held=(1, 2))
    gone = Event.decode(memory.events[1].encode(), 2)
    memory.read = lambda after, limit: [gone] if after < 2 else []  # type: ignore[method-assign]
    with delivering(memory, receiver.url):
        until(lambda: memory.progress == Progress(after=2))
    assert numbers(receiver) == [2]


def test_redirects_are_not_followed(receiver: Receiver) -> None:
    """A redirect is a refusal, wherever it leads."""
    memory = Memory()
    memory.happen("a/1")
    receiver.status = lambda event: 307
    receiver.headers = {"location": receiver.url}
    with delivering(memory, receiver.url):
        until(lambda: memory.progress.trouble == "HTTP 307")
    assert memory.progress.held == (1,)


def test_a_receiver_that_never_answers_is_given_up_and_can_be_cut_off(receiver: Receiver) -> None:
    """One delivery takes no longer than it may, and the end of the process does not wait for it."""
    event = Event(id="e", type="t", source="s", subject="a/1", time=records.now(), data={}, number=1)
    receiver.status = lambda event: time.sleep(1.0) or 200  # type: ignore[func-returns-value]
    start = time.monotonic()
    outcome, trouble = Post(receiver.url, new_secret(), 0.2).send(event)
    assert outcome is Outcome.UNREACHABLE and trouble
    assert time.monotonic() - start < 0.9
    memory = Memory()
    memory.happen("a/1")
    with delivering(memory, receiver.url, timeout=60.0):
        time.sleep(0.3)
        start = time.monotonic()
    assert time.monotonic() - start < 0.9


def test_waits_grow_up_to_a_bound() -> None:
    """Doubled, with a random half, and never more than the longest."""
    wait = Wait(longest=3600.0)
    assert wait.is_over
    for number in range(40):
        wait.fail()
        assert 0.25 * min(2**number, 7200) <= wait._until - time.monotonic() + 0.1 <= 3600.1
    assert not wait.is_over
    wait.succeed()
    assert wait.is_over
