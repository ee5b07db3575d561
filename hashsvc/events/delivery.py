"""The deliveries of one webhook: in order for each subject, again and again until they are taken."""

import contextlib
import dataclasses
import random
import threading
import time
from collections.abc import Callable, Sequence
from typing import Protocol

import structlog

from hashsvc.events.model import Event
from hashsvc.events.post import Outcome
from hashsvc.events.webhook import Progress, Webhook
from hashsvc_index.errors import StoreError

_BATCH = 100
_MAX_HELD = 1000
_MOST_REFUSALS = 8
"""Refusals in one round of what is held, after which the round ends: the receiver is not well."""
_FIRST_WAIT = 0.5
_POLL_SECONDS = 0.25
_SAVE_SECONDS = 1.0

log = structlog.get_logger(__name__)


class Sender(Protocol):
    """What a delivery needs of `hashsvc.events.post.Post`."""

    def send(self, event: Event) -> tuple[Outcome, str]: ...
    def abort(self) -> None: ...


class Wait:
    """How long to wait after so many failures: doubled each time, up to a bound, and a random half less."""

    def __init__(self, longest: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._longest = longest
        self._clock = clock
        self._failures = 0
        self._until = 0.0

    @property
    def is_over(self) -> bool:
        return self._clock() >= self._until

    def fail(self) -> None:
        """Wait from now on, longer than the last time."""
        seconds = min(self._longest, _FIRST_WAIT * 2 ** min(self._failures, 30))
        self._failures += 1
        self._until = self._clock() + seconds * random.uniform(0.5, 1.0)

    def succeed(self) -> None:
        """Wait no more."""
        self._failures, self._until = 0, 0.0


class Delivery:
    """A thread that sends a webhook what it wants; at most `_BATCH` events are in memory.

    Where nobody answers, nothing is sent until somebody does. Where one event is refused, the later ones of its
    subject wait behind it, and those of other subjects go on. What was sent in the last second before a crash is sent
    again, under the same id.
    """

    def __init__(
        self,
        webhook: Webhook,
        progress: Progress,
        sender: Sender,
        read: Callable[[int, int], Sequence[Event]],
        save: Callable[[Progress], None],
        longest_wait: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`read(after, limit)` gives events of the outbox in order; `clock` seconds, by which it waits between two tries."""
        self.webhook = webhook
        self._progress = self._saved = progress
        self._sender = sender
        self._read = read
        self._save = save
        self._clock = clock
        self._saved_at = 0.0
        self._subjects: dict[int, str] = {}
        self._receiver, self._refusals = Wait(longest_wait, clock), Wait(longest_wait, clock)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"hashsvc-webhook-{webhook.webhook}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def end(self) -> None:
        """Tell the thread to end; what is being sent is cut off."""
        self._stopping.set()
        self._sender.abort()

    def join(self, seconds: float) -> bool:
        """Wait for the thread's end, which an unanswered look-up of a name may delay; True when it has ended."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                busy = self._step()
            except Exception as error:
                if not self._stopping.is_set():
                    log.error("webhook delivery failed", webhook=self.webhook.webhook, exc_info=error)
                busy = False
            if not busy:
                self._stopping.wait(_POLL_SECONDS)
        with contextlib.suppress(StoreError, ValueError):  # closed, or full: what was sent since is sent again
            self._store()

    def _step(self) -> bool:
        """Send what can be sent now; True when there may be more at once."""
        if not self._receiver.is_over:
            return False
        if self._progress.held and self._refusals.is_over:
            self._retry_held()
        busy = False
        if len(self._progress.held) < _MAX_HELD and self._receiver.is_over:
            busy = self._send_new()
        self._store_now_and_then()
        return busy

    def _send_new(self) -> bool:
        events = self._read(self._progress.after, _BATCH)
        blocked = self._blocked() if events else set()
        for event in events:
            held = self._progress.held
            if self._stopping.is_set() or len(held) >= _MAX_HELD:
                return False
            if self.webhook.wants(event):
                if event.subject in blocked:
                    held = (*held, event.number)
                else:
                    outcome = self._send(event)
                    if outcome is Outcome.UNREACHABLE:
                        return False
                    if outcome is Outcome.REFUSED:
                        self._refusals.fail()
                        blocked.add(event.subject)
                        held = (*held, event.number)
            self._progress = dataclasses.replace(self._progress, after=event.number, held=held)
            self._store_now_and_then()
        return len(events) == _BATCH

    def _retry_held(self) -> None:
        """Send what was refused once more, in order, each subject up to its first refusal."""
        blocked: set[str] = set()
        for number in self._progress.held:
            event = self._held_event(number)
            if event is not None:
                if event.subject in blocked:
                    continue
                outcome = self._send(event)
                if outcome is Outcome.UNREACHABLE or self._stopping.is_set():
                    return
                if outcome is Outcome.REFUSED:
                    blocked.add(event.subject)
                    if len(blocked) >= _MOST_REFUSALS:
                        break
                    continue
            left = tuple(one for one in self._progress.held if one != number)
            trouble = self._progress.trouble if left else ""
            self._progress = dataclasses.replace(self._progress, held=left, trouble=trouble)
            self._subjects.pop(number, None)
            self._store_now_and_then()
        if blocked:
            self._refusals.fail()
        else:
            self._refusals.succeed()

    def _send(self, event: Event) -> Outcome:
        outcome, trouble = self._sender.send(event)
        if self._stopping.is_set() and outcome is not Outcome.DELIVERED:
            return Outcome.UNREACHABLE  # cut off: nobody's fault
        if outcome is Outcome.DELIVERED:
            self._receiver.succeed()
            trouble = self._progress.trouble if self._progress.held else ""
        elif outcome is Outcome.UNREACHABLE:
            self._receiver.fail()
        if trouble and trouble != self._progress.trouble:
            log.warning("webhook not delivered", webhook=self.webhook.webhook, event_id=event.id, trouble=trouble)
        self._progress = dataclasses.replace(self._progress, trouble=trouble)
        return outcome

    def _blocked(self) -> set[str]:
        """Subjects that wait for an event which was refused."""
        for number in self._progress.held:
            if number not in self._subjects:
                event = self._held_event(number)
                self._subjects[number] = event.subject if event is not None else ""
        return set(self._subjects.values())

    def _held_event(self, number: int) -> Event | None:
        """None when it has left the outbox, undelivered for longer than events are kept."""
        found = self._read(number - 1, 1)
        return found[0] if found and found[0].number == number else None

    def _store_now_and_then(self) -> None:
        if self._clock() - self._saved_at >= _SAVE_SECONDS:
            self._store()

    def _store(self) -> None:
        if self._progress != self._saved:
            self._save(self._progress)
            self._saved = self._progress
        self._saved_at = self._clock()
