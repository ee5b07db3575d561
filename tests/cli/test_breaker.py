"""hashsvc breaker."""

from hashsvc.bank.breaker import Affected, Breaker
from hashsvc.bank.model import EntryState, Verdict
from tests.cli.conftest import NOW, FakeTarget, Invoke, objects


def tripped(fake: FakeTarget, entry: str) -> None:
    """An entry that flooded."""
    fake.add(entry)
    fake.breakers[entry] = Breaker(
        bank="default",
        entry=entry,
        external_id="card",
        tripped=True,
        tripped_at=NOW,
        limit=40,
        window_seconds=600.0,
        query_coverage=0.9,
        reference_coverage=0.2,
        blocked=40,
        reviewed=2,
        affected=(
            Affected(upload="aa", verdict=Verdict.BLOCK, at=NOW),
            Affected(upload="bb", verdict=Verdict.REVIEW, at=NOW),
        ),
    )


def test_list_show_reset(fake: FakeTarget, invoke: Invoke) -> None:
    """Those that are tripped, one with its uploads, and none once it was reset."""
    tripped(fake, "e1")
    (listed,) = objects(invoke("breaker", "list", "--data", "d", "--format", "json"))
    assert (listed["entry"], listed["blocked"], listed["reviewed"], listed["reset_at"]) == ("e1", 40, 2, None)
    shown = invoke("breaker", "show", "--data", "d", "e1").stdout
    assert "tripped" in shown and "aa" in shown and "REVIEW" in shown
    (reset,) = objects(invoke("breaker", "reset", "--data", "d", "--hits", "500", "--format", "json", "e1"))
    assert (reset["tripped"], reset["allowed_hits"]) == (False, 500)
    assert objects(invoke("breaker", "list", "--data", "d", "--format", "json")) == []
    assert len(objects(invoke("breaker", "list", "--data", "d", "--all", "--format", "json"))) == 1


def test_undo_withdraws_and_lists_what_was_affected(fake: FakeTarget, invoke: Invoke) -> None:
    """One command; also where the breaker was reset before."""
    for entry, before in (("e1", True), ("e2", False)):
        tripped(fake, entry)
        if not before:
            fake.reset_breaker("default", entry)
        (undone,) = objects(invoke("breaker", "undo", "--data", "d", "--reason", "a card", "--format", "json", entry))
        assert [one["upload"] for one in undone["affected"]] == ["aa", "bb"]
        assert not undone["tripped"]
        assert (fake.entries[entry].state, fake.entries[entry].reason) == (EntryState.WITHDRAWN, "a card")


def test_an_entry_that_never_flooded_is_not_withdrawn(fake: FakeTarget, invoke: Invoke) -> None:
    """A mistyped entry loses nothing."""
    fake.add("e1")
    result = invoke("breaker", "undo", "--data", "d", "e1")
    assert result.exit_code == 2 and "(BREAKER_NOT_TRIPPED)" in result.stderr
    assert fake.entries["e1"].state is EntryState.CONFIRMED


def test_an_entry_shows_its_breaker(fake: FakeTarget, invoke: Invoke) -> None:
    """Where it ever tripped, with where to read on."""
    fake.add("calm")
    tripped(fake, "e1")
    (shown,) = objects(invoke("entry", "show", "--data", "d", "--format", "json", "e1"))
    assert (shown["breaker"]["tripped"], shown["breaker"]["blocked"]) == (True, 40)
    assert "hashsvc breaker show --bank default e1" in invoke("entry", "show", "--data", "d", "e1").stdout
    (calm,) = objects(invoke("entry", "show", "--data", "d", "--format", "json", "calm"))
    assert calm["breaker"] is None
    assert "breaker" not in invoke("entry", "show", "--data", "d", "calm").stdout
