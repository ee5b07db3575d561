"""A receiver that is down for ten minutes, with the retries of ten minutes by a clock that the test moves on.

The store, the events and the receiver are real.
"""

import itertools
from collections import defaultdict
from collections.abc import Iterable
from functools import partial
from pathlib import Path

from hashsvc.config import EventSettings
from hashsvc.events.delivery import Delivery
from hashsvc.events.model import Event
from hashsvc.events.post import Post
from hashsvc.service import Service
from tests.events.receiver import Receiver
from tests.server.background import reference

OUTAGE, POLL = 600.0, 0.25
SETTINGS = EventSettings()


class Outage:
    """A data directory in which something happens every two seconds, and the deliveries of its one webhook."""

    def __init__(self, service: Service, receiver: Receiver) -> None:
        self._service = service
        self.webhook, self._secret = service.add_webhook(receiver.url)
        self.entries = [service.confirm("default", reference(seed, frames=24)).entry for seed in range(3)]
        steps = (service.dispute, service.reinstate)
        self._steps = itertools.cycle((step, entry) for step in steps for entry in self.entries)
        self.now = 0.0
        self.delivery = self.begun()

    def begun(self) -> Delivery:
        """Deliveries as a process that starts now has them: from what is on disk."""
        name, webhooks = self.webhook.webhook, self._service._webhooks
        post = Post(self.webhook.url, self._secret, SETTINGS.delivery_seconds)
        return Delivery(
            self.webhook,
            webhooks.progress(name),
            post,
            self._service._outbox.read,
            partial(webhooks.save, name),
            SETTINGS.longest_wait_seconds,
            lambda: self.now,
        )

    def on(self, seconds: float) -> None:
        """Let time pass as the thread of the deliveries sees it."""
        for tick in range(int(seconds / POLL)):
            if tick % int(2.0 / POLL) == 0:
                step, entry = next(self._steps)
                step("default", entry)
            while self.delivery._step():
                pass
            self.now += POLL

    def finish(self) -> float:
        """Until all is delivered; how long that took."""
        began = self.now
        while self._service.list_webhooks()[0].after < self._service.last_event():
            assert self.now - began < 10 * SETTINGS.longest_wait_seconds
            self.delivery._step()
            self.now += POLL
        return self.now - began


def by_subject(events: Iterable[Event]) -> dict[str, list[str]]:
    found: defaultdict[str, list[str]] = defaultdict(list)
    for event in events:
        found[event.subject].append(event.id)
    return dict(found)


def test_ten_minutes_down(tmp_path: Path, receiver: Receiver) -> None:
    """Five minutes nobody answers, five more it is too busy, and the sender is restarted in between: all comes, in order."""
    with Service.open(tmp_path / "data") as service:
        outage = Outage(service, receiver)
        outage.on(10.0)
        before = len(receiver.received)
        assert before >= 3
        receiver.down()
        outage.on(OUTAGE / 2)
        assert len(receiver.received) == before
        assert "refused" in service.list_webhooks()[0].trouble
        outage.delivery = outage.begun()  # as after a kill: what is not on disk is forgotten
        receiver.status = lambda event: 503
        receiver.up()
        asked = receiver.asked
        outage.on(OUTAGE / 2)
        assert service.list_webhooks()[0].trouble == "HTTP 503"
        # It is asked again and again, but ever more seldom: not at each of the 150 events.
        assert 5 <= receiver.asked - asked <= 30
        assert len(receiver.received) == before
        receiver.status = lambda event: 204
        assert outage.finish() <= 2 * SETTINGS.longest_wait_seconds
        happened = list(service.watch(after=0, stop_at_end=True))
        wanted = by_subject(one for one in happened if one.type.endswith("entry.changed"))
        assert sum(map(len, wanted.values())) >= OUTAGE / 2
        assert by_subject(receiver.events) == wanted
        assert service.list_webhooks()[0].trouble == ""
