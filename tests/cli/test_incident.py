"""hashsvc incident."""

from pathlib import Path

from hashsvc.bank.model import BankMode
from tests.cli.conftest import FakeTarget, Invoke, objects


def opened(invoke: Invoke) -> None:
    arguments = ("--reason", "live", "--hours", "2", "--breaker-hits", "50", "--format", "json")
    (made,) = objects(invoke("incident", "open", "--data", "d", *arguments, "square", "e1", "e2"))
    assert [(one["bank"], one["entry"]) for one in made["entries"]] == [("default", "e1"), ("default", "e2")]
    assert (made["reason"], made["breaker_hits"], made["depth"], made["closed_at"]) == ("live", 50, "deep", None)
    assert made["expires_at"] == "2026-01-02T05:04:05+00:00"


def test_open_show_add_remove_close(fake: FakeTarget, invoke: Invoke) -> None:
    """One incident from its beginning to its end, as objects and as tables."""
    opened(invoke)
    (shown,) = objects(invoke("incident", "show", "--data", "d", "--format", "json", "square"))
    assert (shown["counts"]["blocked"], shown["counts"]["variants"]) == (3, 4)
    assert shown["counts"]["seconds_to_first_match"] == 61.25
    assert shown["counts"]["hours"][0]["let_through"] == 1
    table = invoke("incident", "show", "--data", "d", "square").stdout
    assert "distinct variants" in table and "61.2 s" in table and "50 uploads" in table
    (added,) = objects(invoke("incident", "add", "--data", "d", "--bank", "b", "--format", "json", "square", "e3"))
    assert added["entries"][-1]["bank"] == "b"
    (left,) = objects(invoke("incident", "remove", "--data", "d", "--format", "json", "square", "e1", "e2"))
    assert [one["entry"] for one in left["entries"]] == ["e3"]
    assert len(objects(invoke("incident", "list", "--data", "d", "--format", "json"))) == 1
    closed = invoke("incident", "close", "--data", "d", "--reason", "over", "square").stdout
    assert "closed" in closed
    assert objects(invoke("incident", "list", "--data", "d", "--format", "json")) == []
    (listed,) = objects(invoke("incident", "list", "--data", "d", "--all", "--format", "json"))
    assert (listed["closed_by"], listed["closed_reason"]) == ("mia", "over")


def test_update_and_reopen(fake: FakeTarget, invoke: Invoke) -> None:
    """Another time to close at, counted from now; and open again after it was closed."""
    opened(invoke)
    (changed,) = objects(invoke("incident", "update", "--data", "d", "--hours", "168", "--format", "json", "square"))
    assert changed["expires_at"] == "2026-01-09T03:04:05+00:00"
    assert invoke("incident", "update", "--data", "d", "square").exit_code == 2
    early = invoke("incident", "reopen", "--data", "d", "square")
    assert early.exit_code == 2 and "(INCIDENT_OPEN)" in early.stderr
    invoke("incident", "close", "--data", "d", "--reason", "over", "square")
    args = ("--reason", "a new cut", "--format", "json", "square")
    (again,) = objects(invoke("incident", "reopen", "--data", "d", *args))
    assert again["closed_at"] is None
    assert [(one["closed_reason"], one["reopened_reason"]) for one in again["closures"]] == [("over", "a new cut")]
    assert "reopened" in invoke("incident", "show", "--data", "d", "square").stdout


def test_what_is_confirmed_may_join_at_once(fake: FakeTarget, invoke: Invoke, clips: dict[str, Path]) -> None:
    """Whether there is such an incident, and whether the bank may have a part in it, is asked before anything is hashed."""
    opened(invoke)
    fake.create_bank("drills")
    fake.create_bank("films", mode=BankMode.ALLOW)
    result = invoke("confirm", "--data", "d", "--bank", "drills", "--incident", "square", clips["copy"])
    assert result.exit_code == 0
    assert [one.place for one in fake.incidents["square"].entries][-1] == ("drills", "e-copy")
    missing = invoke("confirm", "--data", "d", "--incident", "none", clips["copy"])
    assert missing.exit_code == 2 and "(INCIDENT_NOT_FOUND)" in missing.stderr
    harmless = invoke("confirm", "--data", "d", "--bank", "films", "--incident", "square", clips["copy"])
    assert harmless.exit_code == 2 and "(BANK_MODE)" in harmless.stderr
    assert len(fake.confirmed) == 1
    assert invoke("confirm", "--data", "d", "--incident", "square", "--dry-run", clips["copy"]).exit_code == 2


def test_debrief(fake: FakeTarget, invoke: Invoke, tmp_path: Path) -> None:
    """On stdout, or into a folder with its figure."""
    opened(invoke)
    assert invoke("incident", "debrief", "--data", "d", "square").stdout == "# Incident square\n"
    folder = tmp_path / "a" / "b"
    printed = invoke("incident", "debrief", "--data", "d", "--output", folder, "square").stdout
    assert printed.split() == [str(folder / "square.md"), str(folder / "square.svg")]
    assert (folder / "square.svg").read_text() == "<svg/>\n"
    blocked = tmp_path / "file"
    blocked.write_text("x")
    result = invoke("incident", "debrief", "--data", "d", "--output", blocked / "x", "square")
    assert result.exit_code == 2 and "Not a directory" in result.stderr


def test_refused(fake: FakeTarget, invoke: Invoke) -> None:
    """What there is not, and what nobody may ask for."""
    assert "(INCIDENT_NOT_FOUND)" in invoke("incident", "show", "--data", "d", "none").stderr
    assert invoke("incident", "add", "--data", "d", "square").exit_code == 2
    assert invoke("incident", "open", "--data", "d", "--depth", "deeper", "square").exit_code == 2
    assert invoke("incident", "open", "--data", "d", "--breaker-hits", "0", "square").exit_code == 2
