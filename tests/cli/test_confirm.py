"""hashsvc confirm."""

from pathlib import Path

import pytest

from hashsvc.bank.model import Interval
from tests.cli.conftest import FakeTarget, Invoke, objects


def test_json_is_what_was_promised(fake: FakeTarget, invoke: Invoke, clips: dict[str, Path]) -> None:
    """One object a file with exactly the promised keys; the external id is the file's stem."""
    result = invoke("confirm", "--data", "d", "--format", "json", clips["copy"], clips["excerpt"])
    first, second = objects(result)
    assert set(first) == {"file", "bank", "entry", "external_id", "revision", "state", "reason"}
    assert (first["bank"], first["external_id"], second["external_id"]) == ("default", "copy", "excerpt")
    assert {first["revision"], second["revision"]} == {10, 11}
    assert result.exit_code == 0


def test_bank_external_id_and_labels_are_passed_on(fake: FakeTarget, invoke: Invoke, clips: dict[str, Path]) -> None:
    """What is asked for is what is confirmed, and a data directory that is not there may be made."""
    args = ("--bank", "drills", "--external-id", "X", "--label", "a", "--label", "b")
    result = invoke("confirm", "--data", "d", *args, clips["copy"])
    assert fake.confirmed == [("drills", clips["copy"], "X", ("a", "b"))]
    assert fake.opened[0][1] is True
    assert "drills" in result.stdout


def test_an_external_id_names_one_file(fake: FakeTarget, invoke: Invoke, clips: dict[str, Path]) -> None:
    """--external-id with two files is bad usage, before anything is confirmed."""
    result = invoke("confirm", "--data", "d", "--external-id", "X", clips["copy"], clips["excerpt"])
    assert result.exit_code == 2
    assert "exactly one file" in result.stderr
    assert fake.confirmed == []


def test_batch_goes_on_past_a_bad_file(fake: FakeTarget, invoke: Invoke, clips: dict[str, Path]) -> None:
    """A bad file gives an error object and status 2; the file after it is confirmed."""
    result = invoke("confirm", "--data", "d", "--format", "json", clips["broken"], clips["copy"])
    bad, good = objects(result)
    assert bad["error"]["reason"] == "MEDIA_UNREADABLE"
    assert good["entry"] == "e-copy"
    assert result.exit_code == 2


def test_no_files_is_bad_usage(fake: FakeTarget, invoke: Invoke) -> None:
    """A command without files says so."""
    assert invoke("confirm", "--data", "d").exit_code == 2


def test_vaccinate_is_for_a_data_directory(fake: FakeTarget, invoke: Invoke, clips: dict[str, Path]) -> None:
    """A server vaccinates by itself; asking for it with --server is bad usage, before anything is confirmed."""
    result = invoke("confirm", "--server", "localhost:1", "--vaccinate", clips["copy"])
    assert (result.exit_code, fake.confirmed) == (2, [])
    assert "--upload" in result.stderr


def test_exclusions_are_passed_on(fake: FakeTarget, invoke: Invoke, clips: dict[str, Path]) -> None:
    """Each --exclude is an interval in seconds."""
    result = invoke("confirm", "--data", "d", "--exclude", "0-30", "--exclude", "95.5-110", clips["copy"])
    assert result.exit_code == 0
    assert fake.excluded == [(Interval(0, 30), Interval(95.5, 110))]


@pytest.mark.parametrize(
    "text", ["", "30", "0-", "-30", "-5-30", "0-nan", "0-inf", "a-b", "0-1e3", "0 - 30", "0-30-60", "٣-٤", "0-30\n"]
)
def test_text_that_is_no_interval(fake: FakeTarget, invoke: Invoke, clips: dict[str, Path], text: str) -> None:
    """Bad usage, before anything is confirmed."""
    result = invoke("confirm", "--data", "d", "--exclude", text, clips["copy"])
    assert (result.exit_code, fake.confirmed) == (2, [])
    assert "such as 0-30" in result.stderr


def test_exclusions_are_of_one_file(fake: FakeTarget, invoke: Invoke, clips: dict[str, Path]) -> None:
    """--exclude with two files is bad usage."""
    result = invoke("confirm", "--data", "d", "--exclude", "0-30", clips["copy"], clips["excerpt"])
    assert (result.exit_code, fake.confirmed) == (2, [])
    assert "exactly one file" in result.stderr
