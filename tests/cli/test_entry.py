"""hashsvc entry."""

from tests.cli.conftest import FakeTarget, Invoke, objects


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


def test_withdraw_of_an_unknown_entry_is_refused(fake: FakeTarget, invoke: Invoke) -> None:
    """ENTRY_NOT_FOUND and status 2."""
    result = invoke("entry", "withdraw", "--data", "d", "nope")
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
    assert "(ENTRY_NOT_FOUND)" in result.stderr
