"""hashsvc decisions and hashsvc replay."""

import dataclasses
import datetime
import json
from pathlib import Path

import pytest

from hashsvc.bank.model import Bank, Verdict
from hashsvc.decisions.model import Decision, Ground, LogCheck, Replay, VerdictRecord
from hashsvc.service import Service
from tests.cli.conftest import NOW, FakeTarget, Invoke, a_match, objects
from tests.decisions.conftest import COPY, EXCERPT, confirmed

BANK = Bank(bank="default", created_at=NOW, updated_at=NOW, revision=1)
CHANGE = Decision(
    decision=1, hash="aa" * 32, previous="00" * 32, revision=1, kind="bank", action="create", actor="mia", at=NOW,
    bank="default", after=BANK,
)  # fmt: skip
RECORD = VerdictRecord(
    verdict=Verdict.BLOCK,
    judged_revision=7,
    upload="ff" * 32,
    content_id="post-1",
    policies=(BANK,),
    grounds=(Ground(match=a_match(), labels=("incident-7",)),),
)
VERDICT = dataclasses.replace(
    CHANGE, decision=2, kind="verdict", action="BLOCK", bank="", after=None, verdict=RECORD, content_id="post-1"
)
SAME = Replay(decision=2, revision=7, same=True, logged=Verdict.BLOCK, verdict=Verdict.BLOCK, matches=(a_match(),))


@pytest.fixture
def filled(fake: FakeTarget) -> FakeTarget:
    """A log of five."""
    fake.decisions = [CHANGE, VERDICT, *(dataclasses.replace(VERDICT, decision=number) for number in (3, 4, 5))]
    fake.replays = {2: SAME}
    return fake


def test_lists_all_pages(filled: FakeTarget, invoke: Invoke) -> None:
    """Each decision is one object, whatever the pages; a limit ends it."""
    found = objects(invoke("decisions", "--data", "d", "--format", "json"))
    assert [one["decision"] for one in found] == [1, 2, 3, 4, 5]
    assert found[0]["after"]["bank"] == "default"
    assert found[0]["before"] is None
    assert found[1]["verdict"]["grounds"][0]["labels"] == ["incident-7"]
    assert found[1]["verdict"]["banks"][0]["policy"]["block_evidence"] == -6.0
    limited = objects(invoke("decisions", "--data", "d", "--format", "json", "--limit", "3"))
    assert [one["decision"] for one in limited] == [1, 2, 3]


def test_filters_are_passed_on(filled: FakeTarget, invoke: Invoke) -> None:
    """With times as they are typed."""
    invoke(
        "decisions", "--data", "d", "--kind", "verdict", "--bank", "b", "--entry", "e", "--content-id", "c",
        "--since", "2026-03-01", "--until", "2026-03-01T12:30+01:00", "--after", "1",
    )  # fmt: skip
    assert filled.asked == {
        "kind": "verdict", "bank": "b", "entry": "e", "content_id": "c", "first": "1",
        "since": datetime.datetime(2026, 3, 1, tzinfo=datetime.UTC),
        "until": datetime.datetime(2026, 3, 1, 11, 30, tzinfo=datetime.UTC),
    }  # fmt: skip
    before = datetime.datetime.now(datetime.UTC) - datetime.timedelta(hours=24)
    invoke("decisions", "--data", "d", "--since", "24h")
    assert before <= filled.asked["since"] < before + datetime.timedelta(minutes=5)


@pytest.mark.parametrize("wrong", [("--since", "soon"), ("--head", "aa"), ("--kind", "other"), ("0",)])
def test_bad_usage(filled: FakeTarget, invoke: Invoke, wrong: tuple[str, ...]) -> None:
    """What is no time, no kind, no number, or goes with nothing."""
    assert invoke("decisions", "--data", "d", *wrong).exit_code == 2


def test_a_table_and_one_decision(filled: FakeTarget, invoke: Invoke) -> None:
    """People see who, what and why; of one decision, its grounds."""
    table = invoke("decisions", "--data", "d").stdout
    assert "create" in table and "post-1" in table and "mia" in table
    one = invoke("decisions", "--data", "d", "2").stdout
    assert "incident-7" in one and "14.2 s of 20.0 s" in one


def test_verify(filled: FakeTarget, invoke: Invoke) -> None:
    """The head is printed; a fault is told and ends with 1."""
    filled.check = LogCheck(faults=(), decisions=5, head="ab" * 32)
    clean = invoke("decisions", "--data", "d", "--verify", "--head", "ab" * 32)
    assert (clean.exit_code, clean.stdout) == (0, f"5 decisions, whole; head {'ab' * 32}\n")
    assert filled.asked == {"head": "ab" * 32}
    filled.check = LogCheck(faults=("Decision 3 is missing.",), decisions=5, head="ab" * 32)
    faulty = invoke("decisions", "--data", "d", "--verify", "--format", "json")
    assert faulty.exit_code == 1
    assert objects(faulty) == [
        {"clean": False, "faults": ["Decision 3 is missing."], "decisions": 5, "head": "ab" * 32}
    ]


def test_replay(filled: FakeTarget, invoke: Invoke) -> None:
    """The same answer ends with 0, another with 1, and says what differs."""
    same = invoke("replay", "--data", "d", "2")
    assert same.exit_code == 0
    assert "the same answer at revision 7: BLOCK was logged, BLOCK is found" in same.stdout
    filled.replays[2] = dataclasses.replace(SAME, same=False, verdict=Verdict.ALLOW, matches=(), differences=("X.",))
    other = invoke("replay", "--data", "d", "2")
    assert other.exit_code == 1
    assert "X." in other.stdout and "another answer" in other.stdout
    [record] = objects(invoke("replay", "--data", "d", "--format", "json", "2"))
    assert (record["same"], record["logged"], record["verdict"], record["differences"]) == (
        False, "BLOCK", "ALLOW", ["X."],
    )  # fmt: skip


def test_on_a_data_directory(invoke: Invoke, tmp_path: Path) -> None:
    """List, replay and verify what a service has logged; a log that was altered since is found out."""
    data = tmp_path / "data"
    with Service.open(data) as service:
        confirmed(service)
        service.match(COPY, content_id="post-1")
        service.match(EXCERPT, content_id="post-2")
    found = objects(invoke("decisions", "--data", data, "--kind", "verdict", "--format", "json"))
    assert [(one["action"], one["content_id"]) for one in found] == [("BLOCK", "post-1"), ("REVIEW", "post-2")]
    for one in found:
        assert invoke("replay", "--data", data, one["decision"]).exit_code == 0
    [clean] = objects(invoke("decisions", "--data", data, "--verify", "--format", "json"))
    assert clean["clean"] and clean["head"] == found[-1]["hash"]
    wrong = invoke("replay", "--data", data, 1)
    assert (wrong.exit_code, "REPLAY_IMPOSSIBLE" in wrong.stderr) == (2, True)
    with Service.open(data) as service:
        store = service._store
        key = (4).to_bytes(8, "big")
        store.environment.write(0, lambda writing: writing.delete(key, db=store.environment.table(b"decisions")))
    cut = invoke("decisions", "--data", data, "--verify", "--head", clean["head"])
    assert cut.exit_code == 1
    assert "Decision 4 is missing." in cut.stdout
    assert json.loads(invoke("decisions", "--data", data, "--format", "json", "3").stdout)["action"] == "BLOCK"
