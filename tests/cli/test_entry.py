"""hashsvc entry."""

import pytest

from hashsvc.bank.card import CardState, EditResult, RobustnessCard
from hashsvc.bank.model import Interval
from tests.cli.conftest import NOW, FakeTarget, Invoke, objects


def test_show_has_every_field(fake: FakeTarget, invoke: Invoke) -> None:
    """JSON has what the entry has, and the table the same for people."""
    fake.add("e1", external_id="attack", labels=("a", "b"), sha256="ab" * 32)
    (shown,) = objects(invoke("entry", "show", "--data", "d", "--format", "json", "e1"))
    assert (shown["entry"], shown["state"], shown["labels"]) == ("e1", "confirmed", ["a", "b"])
    assert shown["duration"] == 20.0
    table = invoke("entry", "show", "--data", "d", "e1").stdout
    for words in ("attack", "a, b", "ab" * 32, "2026-01-02 03:04:05 UTC"):
        assert words in table


def test_list_reads_every_page(fake: FakeTarget, invoke: Invoke) -> None:
    """Five entries on pages of two are five lines."""
    for number in range(5):
        fake.add(f"e{number}")
    result = invoke("entry", "list", "--data", "d", "--format", "json")
    assert [entry["entry"] for entry in objects(result)] == ["e0", "e1", "e2", "e3", "e4"]
    assert "e4" in invoke("entry", "list", "--data", "d").stdout


def test_withdraw_keeps_the_reason(fake: FakeTarget, invoke: Invoke) -> None:
    """The entry comes back withdrawn, with the reason given."""
    fake.add("e1")
    result = invoke("entry", "withdraw", "--data", "d", "--reason", "in error", "--format", "json", "e1")
    (gone,) = objects(result)
    assert (gone["state"], gone["reason"]) == ("withdrawn", "in error")


@pytest.mark.parametrize(
    ("step", "state"), [("approve", "confirmed"), ("dispute", "disputed"), ("reinstate", "confirmed")]
)
def test_steps(fake: FakeTarget, invoke: Invoke, step: str, state: str) -> None:
    """Each step says the new state, who took it and why, in JSON and to people; a stale revision is refused."""
    entry = fake.add("e1")
    (after,) = objects(invoke("entry", step, "--data", "d", "--reason", "seen again", "--format", "json", "e1"))
    assert (after["state"], after["reason"]) == (state, "seen again")
    assert after["history"] == [{"state": state, "actor": "mia", "at": NOW.isoformat(), "reason": "seen again"}]
    table = invoke("entry", step, "--server", "127.0.0.1:1", "--reason", "once more", "e1").stdout
    assert all(word in table for word in ("History", "mia", "once more", state))
    stale = invoke("entry", step, "--data", "d", "--revision", entry.revision, "e1")
    assert stale.exit_code == 2 and "(REVISION_CONFLICT)" in stale.stderr


def test_withdraw_of_an_unknown_entry_is_refused(fake: FakeTarget, invoke: Invoke) -> None:
    """ENTRY_NOT_FOUND and status 2."""
    result = invoke("entry", "withdraw", "--data", "d", "nope")
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
    assert "(ENTRY_NOT_FOUND)" in result.stderr


CARD = RobustnessCard(
    state=CardState.DONE,
    progress=1.0,
    results=(
        EditResult(edit="mirror", matched=True, evidence=-40.5, query_coverage=0.75),
        EditResult(edit="refilmed", matched=True, evidence=-9, query_coverage=1, added_view="edit-refilmed"),
        EditResult(edit="beside", matched=False),
    ),
)


def test_show_has_the_robustness_card(fake: FakeTarget, invoke: Invoke) -> None:
    """People get a table of edits with what they mean; JSON has every result."""
    fake.add("e1", card=CARD)
    table = invoke("entry", "show", "--data", "d", "e1").stdout
    for words in ("2 of 3 edits", "side by side", "-40.5", "75%", "edit-refilmed"):
        assert words in table
    (shown,) = objects(invoke("entry", "show", "--data", "d", "--format", "json", "e1"))
    card = shown["robustness_card"]
    assert (card["state"], card["made_at"], len(card["results"])) == ("done", None, 3)
    assert card["results"][1]["added_view"] == "edit-refilmed"


@pytest.mark.parametrize(
    ("card", "words"),
    [
        (RobustnessCard(), "not tried"),
        (RobustnessCard(state=CardState.PENDING), "waits"),
        (RobustnessCard(state=CardState.RUNNING, progress=0.42), "42% done"),
        (RobustnessCard(state=CardState.FAILED, detail="because"), "because"),
    ],
    ids=lambda one: one.state if isinstance(one, RobustnessCard) else one,
)
def test_show_tells_how_far_the_card_is(fake: FakeTarget, invoke: Invoke, card: RobustnessCard, words: str) -> None:
    """Without results there is one line on why."""
    fake.add("e1", card=card)
    table = invoke("entry", "show", "--data", "d", "e1").stdout
    assert words in table
    assert "Robustness card" not in table


def test_exclude_replaces_the_list(fake: FakeTarget, invoke: Invoke) -> None:
    """The entry comes back with the intervals given, in JSON and for people, and --none clears them."""
    fake.add("e1", exclusions=(Interval(1, 2),))
    args = ("entry", "exclude", "--data", "d")
    (changed,) = objects(invoke(*args, "--format", "json", "e1", "0-30", "95.5-110"))
    assert changed["exclusions"] == [{"start": 0.0, "end": 30.0}, {"start": 95.5, "end": 110.0}]
    assert "0-30 s, 95.5-110 s" in invoke("entry", "show", "--data", "d", "e1").stdout
    (cleared,) = objects(invoke(*args, "--none", "--format", "json", "e1"))
    assert cleared["exclusions"] == []


def test_exclude_refuses(fake: FakeTarget, invoke: Invoke) -> None:
    """Neither intervals nor --none, both, and text that is none are bad usage; a stale revision is a conflict."""
    fake.add("e1")
    fake.add("e1", exclusions=(Interval(1, 2),))
    args = ("entry", "exclude", "--data", "d")
    for wrong in (("e1",), ("--none", "e1", "0-30"), ("e1", "0-30", "later"), ("e1", "0-nan")):
        assert invoke(*args, *wrong).exit_code == 2
    stale = invoke(*args, "--revision", fake.entries["e1"].revision - 1, "e1", "0-30")
    assert stale.exit_code == 2 and "(REVISION_CONFLICT)" in stale.stderr
    assert fake.entries["e1"].exclusions == (Interval(1, 2),)
