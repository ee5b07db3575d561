"""hashsvc entry."""

import datetime
from pathlib import Path

import pytest

from hashsvc.bank.card import CardState, EditResult, RobustnessCard
from hashsvc.bank.model import Details, Interval
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


def test_update_changes_what_is_given(fake: FakeTarget, invoke: Invoke) -> None:
    """Metadata is added and taken away pair by pair, a date by `none`; what is not given stays."""
    at = ("--data", "d", "--format", "json")
    fake.add(
        "e1",
        labels=("a",),
        details=Details(metadata={"case": "41", "desk": "x"}, partner="TAT", partner_id="7", review_by=NOW),
    )
    (changed,) = objects(
        invoke(
            "entry", "update", *at, "--metadata", "case=42", "--metadata", "desk=", "--metadata", "url=https://x/?a=b",
            "--legal-basis", "law", "--review-by", "none", "--expires", "2027-01-31T18:00+01:00", "e1",
        )
    )  # fmt: skip
    assert changed["metadata"] == {"case": "42", "url": "https://x/?a=b"}
    assert (changed["partner"], changed["partner_id"], changed["legal_basis"]) == ("TAT", "7", "law")
    assert (changed["review_by"], changed["expires_at"]) == (None, "2027-01-31T18:00:00+01:00")
    assert changed["labels"] == ["a"]
    (labelled,) = objects(invoke("entry", "update", *at, "--label", "b", "--label", "c", "--partner", "", "e1"))
    assert (labelled["labels"], labelled["partner"], labelled["partner_id"]) == (["b", "c"], "", "")
    assert objects(invoke("entry", "update", *at, "--no-labels", "e1"))[0]["labels"] == []
    shown = invoke("entry", "show", "--data", "d", "e1").stdout
    assert "url=https://x/?a=b" in shown and "2027-01-31 17:00:00 UTC" in shown and "ourselves" in shown


@pytest.mark.parametrize(
    "options",
    [
        (),
        ("--label", "a", "--no-labels"),
        ("--metadata", "case"),
        ("--metadata", "=x"),
        ("--expires", "tomorrow"),
        ("--revision", "99", "--label", "a"),
    ],
)
def test_update_refuses(fake: FakeTarget, invoke: Invoke, options: tuple[str, ...]) -> None:
    """Nothing, what is no pair or no date, and a revision that is not the last: nothing changes."""
    entry = fake.add("e1")
    assert invoke("entry", "update", "--data", "d", *options, "e1").exit_code == 2
    assert fake.entries["e1"] == entry


def test_review_due_is_a_filter(fake: FakeTarget, invoke: Invoke) -> None:
    """The list asks for it."""
    fake.add("e1", details=Details(review_by=NOW))
    fake.add("e2")
    listed = objects(invoke("entry", "list", "--data", "d", "--format", "json", "--review-due"))
    assert [one["entry"] for one in listed] == ["e1"]


def test_confirm_keeps_details(fake: FakeTarget, invoke: Invoke, clips: dict[str, Path]) -> None:
    """They go with the entry; a day begins at midnight UTC."""
    options = ("--metadata", "case=41", "--partner", "TAT", "--partner-id", "7", "--review-by", "2027-06-30")
    assert invoke("confirm", "--data", "d", *options, clips["copy"]).exit_code == 0
    moment = datetime.datetime(2027, 6, 30, tzinfo=datetime.UTC)
    assert fake.entries["e-copy"].details == Details(
        metadata={"case": "41"}, partner="TAT", partner_id="7", review_by=moment
    )
