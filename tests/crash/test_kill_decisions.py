"""A server killed under a load of blocks, changes and appeals: what it answered is in the log, and log and state agree."""

import dataclasses
import random
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from hashsvc.access.model import Role
from hashsvc.appeals.model import Appeal, AppealState
from hashsvc.bank import decisions as changes
from hashsvc.bank.model import EntryState, Verdict
from hashsvc.client import Client
from hashsvc.decisions.model import Decision
from hashsvc.errors import UnavailableError
from hashsvc.service import Service
from tests.crash.serving import Serving, serving
from tests.crash.test_kill_server import kill_later, wait_until_serving
from tests.server.background import excerpt, reference

SEED = 7
KILLS = 6
BLOCKERS = 3
VERDICTS = 12
"""Answers to uploads before each kill; the kill falls up to MOST_SECONDS after the last of them."""
MOST_SECONDS = 0.8
VIDEO, OTHER = reference(1, frames=48), reference(2, frames=48)
COPY = excerpt(VIDEO, 4, 28)


@dataclasses.dataclass
class Answers:
    """What the servers have answered, over all kills."""

    verdicts: dict[str, Verdict] = dataclasses.field(default_factory=dict)
    """By content id."""
    appeals: dict[str, Appeal] = dataclasses.field(default_factory=dict)
    """As last acknowledged."""
    states: list[int] = dataclasses.field(default_factory=list)
    """Revisions of acknowledged changes."""


def test_log_and_state_agree(tmp_path: Path) -> None:
    """Over six kills at random moments."""
    dice, answers = random.Random(SEED), Answers()
    data, uploads = tmp_path / "data", tmp_path / "uploads"
    with Service.open(data) as service:
        tokens = {name: service.create_token(name, Role.ADMIN).secret for name in ("ingest", "ann", "ben")}
        first, second = service.confirm("default", VIDEO), service.confirm("default", OTHER)
    for turn in range(KILLS):
        with serving(data, uploads) as server:
            load(server, tokens, first.entry, second.entry, turn, dice, answers)
    assert len(answers.verdicts) >= VERDICTS * KILLS
    assert answers.appeals and answers.states
    with Service.open(data) as service:
        assert service.verify() == []
        found = list(every_decision(service))
        check_verdicts(found, answers)
        check_entries(service)
        check_appeals(service, found, answers)
        for decision in [one for one in found if one.verdict is not None][-5:]:
            assert service.replay(decision.decision).same
        assert {one.revision for one in found} >= set(answers.states)


def load(
    server: Serving, tokens: dict[str, str], first: str, second: str, turn: int, dice: random.Random, answers: Answers
) -> None:
    """Ask for all kinds of things at once until the server is killed within them."""
    with (
        Client(server.target, token=tokens["ingest"], timeout=20) as ingest,
        Client(server.target, token=tokens["ann"], timeout=20) as ann,
        Client(server.target, token=tokens["ben"], timeout=20) as ben,
    ):
        wait_until_serving(ann)
        threads = [
            threading.Thread(target=until_killed, args=(blocks, ingest, f"{turn}-{number}", answers))
            for number in range(BLOCKERS)
        ]
        threads.append(threading.Thread(target=until_killed, args=(changing, ann, second, answers)))
        threads.append(threading.Thread(target=until_killed, args=(appealing, ann, ben, first, answers)))
        for thread in threads:
            thread.start()
        # By what was answered, not by the clock: a slow machine would else be killed before it did anything.
        while len(answers.verdicts) < VERDICTS * (turn + 1) and all(thread.is_alive() for thread in threads):
            time.sleep(0.005)
        kill_later(server, dice.uniform(0, MOST_SECONDS), drained=False)
        for thread in threads:
            thread.join()


def until_killed(work: Callable[..., None], *arguments: object) -> None:
    """Do it again and again until the server does not answer."""
    number = 0
    while True:
        try:
            work(number, *arguments)
        except UnavailableError:
            return
        number += 1


def blocks(number: int, client: Client, name: str, answers: Answers) -> None:
    """An upload that shows the first entry."""
    content_id = f"{name}-{number}"
    answers.verdicts[content_id] = client.match(COPY, content_id=content_id).verdict


def changing(number: int, client: Client, entry: str, answers: Answers) -> None:
    """The second entry is put in doubt and back."""
    step = client.reinstate if client.get_entry("default", entry).state is EntryState.DISPUTED else client.dispute
    answers.states.append(step("default", entry, reason=str(number)).revision)


def appealing(number: int, ann: Client, ben: Client, entry: str, answers: Answers) -> None:
    """An appeal is opened and decided; upheld ones are reinstated, and then the entry that it disputed."""
    content_id = next(reversed(dict(answers.verdicts)), "")
    if not content_id:
        time.sleep(0.01)
        return
    opened = ann.open_appeal("mine", content_id=content_id)
    answers.appeals[opened.appeal] = opened
    decided = ben.decide_appeal(opened.appeal, upheld=number % 2 == 0, reason="r")
    answers.appeals[opened.appeal] = decided
    if decided.state is AppealState.UPHELD:
        answers.appeals[opened.appeal] = ann.reinstate_content(opened.appeal)
    if ann.get_entry("default", entry).state is EntryState.DISPUTED:
        answers.states.append(ann.reinstate("default", entry).revision)


def every_decision(service: Service) -> Iterator[Decision]:
    """The whole log."""
    token = ""
    while True:
        page = service.list_decisions(page_size=1000, page_token=token)
        yield from page.items
        token = page.next_page_token
        if not token:
            return


def check_verdicts(found: list[Decision], answers: Answers) -> None:
    """Every answer is in the log as it was given; what else is there was never answered."""
    logged = {one.content_id: one.verdict.verdict for one in found if one.verdict is not None}
    for content_id, verdict in answers.verdicts.items():
        assert verdict is not Verdict.ALLOW
        assert logged[content_id] is verdict


def check_entries(service: Service) -> None:
    """Each bank and entry is what the last decision about it says."""
    store = service._store
    last = {
        (change.bank, change.entry): change.after
        for change in map(changes.change_of, filter(changes.is_change, store.decisions(0, 1_000_000)))
    }
    assert len(last) == 3
    for (bank, entry), payload in last.items():
        held = store.get_entry(bank, entry).payload if entry else store.get_bank(bank).payload
        assert held == payload


def check_appeals(service: Service, found: list[Decision], answers: Answers) -> None:
    """Each appeal is where its last step in the log left it, and no less far than was acknowledged."""
    steps: dict[str, list[str]] = {}
    for one in found:
        if one.kind == "appeal":
            steps.setdefault(one.appeal, []).append(one.action)
    held = {one.appeal: one for one in service.list_appeals(page_size=1000).items}
    assert set(held) == set(steps)
    for name, appeal in held.items():
        wanted = ["open"]
        if appeal.state is not AppealState.OPEN:
            wanted.append("uphold" if appeal.state is AppealState.UPHELD else "reject")
        if appeal.reinstated_at is not None:
            wanted.append("reinstate")
        assert steps[name] == wanted
    for name, appeal in answers.appeals.items():
        assert held[name].revision >= appeal.revision
        assert appeal.state in (AppealState.OPEN, held[name].state)
    disputes = [one for one in found if one.kind == "entry" and one.reason.startswith("appeal ")]
    assert len(disputes) == sum(len(one.disputed) for one in held.values())
