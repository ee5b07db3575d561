"""Settings from a file."""

import dataclasses
from pathlib import Path

import pytest

from hashsvc.config import Limits, ServerSettings, Settings, TlsSettings, WorkerSettings
from hashsvc.errors import InvalidInputError


def load(tmp_path: Path, text: str | bytes) -> Settings:
    """Settings of a file that says this."""
    path = tmp_path / "settings.toml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return Settings.load(path)


def test_defaults(tmp_path: Path) -> None:
    """No file, an empty one and empty sections give the defaults."""
    assert Settings.load(None) == Settings()
    assert load(tmp_path, "") == Settings()
    assert load(tmp_path, "[limits]\n[workers]\n[server]\n") == Settings()


def test_what_is_said_holds_and_the_rest_stays(tmp_path: Path) -> None:
    """Each section takes its own; a whole number does for a number of seconds."""
    settings = load(
        tmp_path,
        "[limits]\nmax_duration = 60\nmax_bytes = 1000\n[workers]\nworkers = 3\n[server]\ndrain_seconds = 0.5\n",
    )
    assert settings.limits == Limits(max_duration=60.0, max_bytes=1000)
    assert isinstance(settings.limits.max_duration, float)
    assert settings.workers == WorkerSettings(workers=3)
    assert settings.server == ServerSettings(drain_seconds=0.5)


def test_a_server_that_matches_itself(tmp_path: Path) -> None:
    """No process beside it is as good a number as any."""
    assert load(tmp_path, "[server]\nmatch_processes = 0\n").server.match_processes == 0


@pytest.mark.parametrize("section", ["limits", "workers", "server", "rates"])
def test_every_setting_can_be_set(section: str, tmp_path: Path) -> None:
    """Each field of each section is known by its name."""
    kind = type(getattr(Settings(), section))
    for field in dataclasses.fields(kind):
        settings = load(tmp_path, f"[{section}]\n{field.name} = 7\n")
        assert getattr(getattr(settings, section), field.name) == 7


@pytest.mark.parametrize(
    "text",
    [
        "limits = 3",
        "[limit]\nmax_bytes = 3",
        "[limits]\nmax_byte = 3",
        '[limits]\nmax_bytes = "3"',
        "[limits]\nmax_bytes = 3.5",
        "[limits]\nmax_bytes = true",
        "[limits]\nmax_duration = false",
        "[limits]\nmax_bytes = [3]",
        "[limits]\nmax_bytes = 0",
        "[limits]\nmax_bytes = -1",
        "[limits]\nmax_bytes = 100000000000000000000",
        "[limits]\nmax_duration = -0.1",
        "[limits]\nmax_duration = nan",
        "[limits]\nmax_cpu_seconds = inf",
        "[workers]\nworkers = 0",
        "[server]\nmax_page_size = 0",
        "[server]\nmatch_threads = 0",
        "[server]\nmatch_processes = -1",
        "[rates]\ncalls_per_second = inf",
        "[rates]\nburst = 0",
        "[tls]\ncertificate = 3",
        "[tls]\ncertificate = true",
        "[tls]\nidentities = 3",
        '[tls]\nidentities = ["x"]',
        "[tls.identities]\nx = 3",
        "[limits\n",
        b"[limits]\nmax_bytes = \xff",
        "[limits]\nmax_bytes = 1\nmax_bytes = 2",
    ],
)
def test_refused(text: str | bytes, tmp_path: Path) -> None:
    """A misspelt name, a value of another kind and a bound that would bind nothing are errors, and name the file."""
    with pytest.raises(InvalidInputError) as caught:
        load(tmp_path, text)
    assert caught.value.reason == "CONFIG_INVALID"
    assert "settings.toml" in caught.value.message


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    """Asked-for settings that are missing are an error, and not the defaults."""
    for path in (tmp_path / "absent.toml", tmp_path):
        with pytest.raises(InvalidInputError) as caught:
            Settings.load(path)
        assert caught.value.reason == "CONFIG_INVALID"


def test_tls(tmp_path: Path) -> None:
    """Files by name, and identities in their order."""
    settings = load(tmp_path, '[tls]\ncertificate = "c"\n[tls.identities]\n"spiffe://p/x" = "uploader"\na = "admin"\n')
    assert settings.tls == TlsSettings(certificate="c", identities=(("spiffe://p/x", "uploader"), ("a", "admin")))


def test_frozen() -> None:
    """Settings are not changed under who holds them."""
    with pytest.raises(dataclasses.FrozenInstanceError):
        Settings().limits.max_bytes = 3  # type: ignore[misc]


def test_the_defaults_are_bounds() -> None:
    """Every limit binds: 8K passes, 16k x 16k does not, an upload has less time than a reference."""
    limits = Limits()
    assert 7680 * 4320 <= limits.max_pixels < 16384 * 16384
    assert 0 < limits.max_match_cpu_seconds <= limits.max_cpu_seconds
    for section in (limits, WorkerSettings(), ServerSettings()):
        assert all(getattr(section, field.name) > 0 for field in dataclasses.fields(section))
