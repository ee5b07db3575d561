"""hashsvc export."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from hashsvc.errors import NotFoundError
from tests.cli.conftest import FakeTarget, Invoke


def test_lines_go_to_stdout(fake: FakeTarget, invoke: Invoke) -> None:
    """Each signal line as it is, and nothing else."""
    result = invoke("export", "--data", "d", "--bank", "default", "--format", "vpdq")
    assert (result.exit_code, result.stdout) == (0, "one\ntwo\n")


def test_output_replaces_a_file(fake: FakeTarget, invoke: Invoke, tmp_path: Path) -> None:
    """--output writes the file and leaves nothing beside it."""
    file = tmp_path / "bank.txt"
    file.write_text("old")
    result = invoke("export", "--data", "d", "--format", "local-file", "--output", file)
    assert (result.exit_code, result.stdout) == (0, "")
    assert file.read_text() == "one\ntwo\n"
    assert [path.name for path in tmp_path.iterdir()] == ["bank.txt"]


def test_a_failed_export_leaves_the_old_file(
    fake: FakeTarget, invoke: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error after the first line leaves what was there before."""

    def failing(bank: str, format: str) -> Iterator[str]:
        yield "one"
        raise NotFoundError("BANK_NOT_FOUND", "gone")

    monkeypatch.setattr(fake, "export", failing)
    file = tmp_path / "bank.txt"
    file.write_text("old")
    result = invoke("export", "--data", "d", "--format", "jsonl", "--output", file)
    assert (result.exit_code, file.read_text()) == (2, "old")
    assert [path.name for path in tmp_path.iterdir()] == ["bank.txt"]


def test_a_place_that_cannot_be_written_is_bad_input(fake: FakeTarget, invoke: Invoke, tmp_path: Path) -> None:
    """A folder that is not there gives status 2 and says what is wrong."""
    result = invoke("export", "--data", "d", "--format", "jsonl", "--output", tmp_path / "no" / "bank.txt")
    assert result.exit_code == 2
    assert "No such file" in result.stderr


def test_an_unknown_format_is_bad_usage(fake: FakeTarget, invoke: Invoke) -> None:
    """Only the three formats are taken."""
    assert invoke("export", "--data", "d", "--format", "xml").exit_code == 2
