"""hashsvc token, and how commands show one."""

from pathlib import Path

import click.testing
import pytest

from hashsvc.access.model import Role
from hashsvc.cli.options import TOKEN_VARIABLE
from hashsvc.cli.target import Proof
from hashsvc.service import Service
from tests.cli.conftest import FakeTarget, Invoke, objects
from tests.server.authority import HERE, Authority
from tests.server.background import SETTINGS, background


def test_life_on_a_directory(invoke: Invoke, tmp_path: Path) -> None:
    """Made, listed, revoked with --data; the secret is shown once."""
    data = tmp_path / "data"
    create = ("token", "create", "--data", data, "--name", "alice", "--role", "curator", "--days", "7")
    (made,) = objects(invoke(*create, "--format", "json"))
    assert (made["name"], made["role"], made["revoked_at"]) == ("alice", "curator", None)
    with Service.open(data, SETTINGS) as service:
        assert service.tokens.caller(made["secret"]).role is Role.CURATOR
    listed = invoke("token", "list", "--data", data, "--format", "json")
    (one,) = objects(listed)
    assert one == {key: value for key, value in made.items() if key != "secret"}
    table = invoke("token", "list", "--data", data).stdout
    assert made["token"] in table and made["secret"] not in table
    (gone,) = objects(invoke("token", "revoke", "--data", data, "--format", "json", made["token"]))
    assert gone["revoked_at"] is not None
    missing = invoke("token", "revoke", "--data", data, made["secret"])
    assert missing.exit_code == 2
    assert "(TOKEN_NOT_FOUND)" in missing.stderr
    assert made["secret"].rpartition("_")[2] not in missing.stderr


def test_secret_on_stdout_or_in_a_file(invoke: Invoke, tmp_path: Path) -> None:
    """For people it stands on a line of its own; in a file it is for the owner only, and nowhere else."""
    create = ("token", "create", "--data", tmp_path / "data", "--name", "a", "--role", "admin")
    last = invoke(*create).stdout.splitlines()[-1]
    assert last.startswith("hashsvc_") and len(last.split()) == 1
    file = tmp_path / "a.token"
    for extra in ((), ("--format", "json")):
        result = invoke(*create, "--output", file, *extra)
        assert result.exit_code == 0
        secret = file.read_text().strip()
        assert secret not in result.output
        assert file.stat().st_mode & 0o777 == 0o600
        again = invoke(*create, "--output", file)
        assert again.exit_code == 2 and "exists already" in again.stderr
        assert file.read_text().strip() == secret
        file.unlink()
    with Service.open(tmp_path / "data", SETTINGS) as service:
        assert len(service.list_tokens().items) == 3


def test_proof_reaches_the_target(
    fake: FakeTarget, invoke: Invoke, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A token comes from the environment or a file, which wins; certificates come as options."""
    assert invoke("bank", "list", "--server", "s:1").exit_code == 0
    monkeypatch.setenv(TOKEN_VARIABLE, "from-env")
    assert invoke("bank", "list", "--server", "s:1", "--tls").exit_code == 0
    file = tmp_path / "token"
    file.write_text("from-file\n")
    args = ("--token-file", file, "--ca", "ca.pem", "--cert", "c.pem", "--key", "k.pem")
    assert invoke("bank", "list", "--server", "s:1", *args).exit_code == 0
    assert [choice.proof for choice, _, _ in fake.opened] == [
        Proof(),
        Proof(token="from-env", tls=True),
        Proof(token="from-file\n", ca=Path("ca.pem"), certificate=Path("c.pem"), key=Path("k.pem")),
    ]
    assert "from-" not in repr(fake.opened)


def test_a_token_file_that_is_none(fake: FakeTarget, invoke: Invoke, tmp_path: Path) -> None:
    """A missing file and one of other bytes are errors that name it."""
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    for name in ("missing", "binary"):
        result = invoke("bank", "list", "--server", "s:1", "--token-file", tmp_path / name)
        assert result.exit_code == 2
        assert name in result.stderr and "(CONFIG_INVALID)" in result.stderr
    assert not fake.opened


def test_list_reads_every_page(fake: FakeTarget, invoke: Invoke) -> None:
    """Five tokens on pages of two are five lines; a revoked one says when."""
    for name in "abcde":
        fake.create_token(name, Role.PARTNER, days=2)
    fake.revoke_token(f"{3:016x}")
    listed = objects(invoke("token", "list", "--data", "d", "--format", "json"))
    assert [one["name"] for one in listed] == list("abcde")
    assert [one["revoked_at"] for one in listed] == [None, None, None, "2026-01-02T03:04:05+00:00", None]
    assert listed[0]["expires_at"] == "2026-01-04T03:04:05+00:00"


def test_what_cannot_be_asked_for(fake: FakeTarget, invoke: Invoke) -> None:
    """A role that there is not, and days out of range, are bad usage; without --name or --role, too."""
    for args in (("--name", "a", "--role", "boss"), ("--name", "a"), ("--role", "admin")):
        assert invoke("token", "create", "--data", "d", *args).exit_code == 2
    for days in ("0", "-1", "3661"):
        result = invoke("token", "create", "--data", "d", "--name", "a", "--role", "admin", "--days", days)
        assert result.exit_code == 2
    assert not fake.tokens


def test_no_option_takes_a_token(invoke: Invoke) -> None:
    """A token on a command line could be read by every user of the machine."""
    assert "--token " not in invoke("bank", "list", "--help").stdout
    assert invoke("bank", "list", "--server", "s:1", "--token", "x").exit_code == 2


def test_over_grpc(tmp_path: Path, invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    """An admin administers tokens on a server with TLS, and another role may not."""
    data, authority = tmp_path / "data", Authority(tmp_path, "authority")
    certificate, key = authority.issue("server", HERE)
    config = tmp_path / "hashsvc.toml"
    config.write_text(f'[tls]\ncertificate = "{certificate}"\nkey = "{key}"\n')
    from hashsvc.config import Settings

    secrets = {
        role: objects(invoke("token", "create", "--data", data, "--name", role, "--role", role, "--format", "json"))[0][
            "secret"
        ]
        for role in ("admin", "curator")
    }
    with background(lambda: Service.open(data, SETTINGS), Settings.load(config)) as server:
        target = ("--server", server.target, "--ca", authority.ca)

        def run(*args: object) -> click.testing.Result:
            return invoke(*args, *target, "--format", "json")

        assert "(TOKEN_MISSING)" in run("token", "list").stderr
        monkeypatch.setenv(TOKEN_VARIABLE, secrets["curator"])
        assert "(ROLE_FORBIDDEN)" in run("token", "list").stderr
        assert run("bank", "list").exit_code == 0
        monkeypatch.setenv(TOKEN_VARIABLE, secrets["admin"])
        (made,) = objects(run("token", "create", "--name", "u", "--role", "uploader"))
        assert made["created_by"] == "admin"
        assert {one["name"] for one in objects(run("token", "list"))} == {"admin", "curator", "u"}
        (gone,) = objects(run("token", "revoke", made["token"]))
        assert gone["revoked_by"] == "admin"
