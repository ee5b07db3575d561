"""Which target a command gets."""

from pathlib import Path

import pytest

from tests.cli.conftest import FakeTarget, Invoke


def test_exactly_one_target(fake: FakeTarget, invoke: Invoke) -> None:
    """None and both are bad usage, and say what to give."""
    for args in ((), ("--data", "d", "--server", "s:1")):
        result = invoke("bank", "list", *args)
        assert result.exit_code == 2
        assert "--data DIR or --server HOST:PORT" in result.stderr
    assert not fake.opened


@pytest.mark.parametrize(
    ("args", "data", "server"),
    [((), "from-env", None), (("--server", "s:1"), None, "s:1"), (("--data", "d"), "d", None)],
)
def test_an_option_wins_over_the_environment(
    fake: FakeTarget,
    invoke: Invoke,
    monkeypatch: pytest.MonkeyPatch,
    args: tuple[str, ...],
    data: str | None,
    server: str | None,
) -> None:
    """HASHSVC_DATA chooses the target unless an option chooses another."""
    monkeypatch.setenv("HASHSVC_DATA", "from-env")
    assert invoke("bank", "list", *args).exit_code == 0
    choice = fake.opened[0][0]
    assert (choice.data, choice.server) == (Path(data) if data else None, server)


def test_two_targets_in_the_environment_are_refused(
    fake: FakeTarget, invoke: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is guessed when both variables are set; an option decides."""
    monkeypatch.setenv("HASHSVC_DATA", "d")
    monkeypatch.setenv("HASHSVC_SERVER", "s:1")
    assert invoke("bank", "list").exit_code == 2
    assert invoke("bank", "list", "--server", "s:2").exit_code == 0
    assert fake.opened[0][0].server == "s:2"


def test_settings_are_read(fake: FakeTarget, invoke: Invoke, tmp_path: Path) -> None:
    """--config reaches the target; a bad one is an error with its reason."""
    file = tmp_path / "hashsvc.toml"
    file.write_text("[workers]\nworkers = 7\n")
    assert invoke("bank", "list", "--data", "d", "--config", file).exit_code == 0
    assert fake.opened[0][0].settings.workers.workers == 7
    file.write_text("[workers]\nworker = 7\n")
    result = invoke("bank", "list", "--data", "d", "--config", file)
    assert result.exit_code == 2
    assert "(CONFIG_INVALID)" in result.stderr


def test_a_mistyped_directory_is_not_made(invoke: Invoke, tmp_path: Path) -> None:
    """Commands that only read refuse a directory that is missing or empty instead of finding nothing in it."""
    clip = tmp_path / "clip.mp4"
    clip.write_bytes(b"x")
    empty = tmp_path / "empty"
    empty.mkdir()
    for data in (tmp_path / "missing", empty):
        for args in (("match", clip), ("verify",), ("bank", "list"), ("export", "--format", "vpdq")):
            result = invoke(*args, "--data", data)
            assert result.exit_code == 2
            assert "(NOT_A_DATA_DIRECTORY)" in result.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["clip.mp4", "empty"]
    assert not list(empty.iterdir())


def test_serve_needs_a_directory(invoke: Invoke) -> None:
    """serve without --data is bad usage."""
    assert invoke("serve").exit_code == 2
