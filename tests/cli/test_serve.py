"""hashsvc serve: what protects the server, in a process of its own."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from hashsvc.access.model import Role
from hashsvc.cli.options import TOKEN_VARIABLE
from hashsvc.client import Client, Tls
from hashsvc.errors import AuthenticationError, PermissionDeniedError
from hashsvc.fingerprint.model import Digests
from hashsvc.service import Service
from tests.cli.conftest import Invoke, objects
from tests.server.authority import HERE, Authority
from tests.server.background import SETTINGS

DIGESTS = Digests(md5=bytes(16))


def hashsvc(*args: object) -> list[str]:
    """The command as a process is started with it."""
    return [sys.executable, "-m", "hashsvc.cli", *map(str, args)]


def logged(log: Path, event: str) -> list[dict[str, Any]]:
    """The lines of a server's log that tell of `event`; what is no object is of gRPC's own making."""
    lines = [json.loads(line) for line in log.read_text().splitlines() if line.startswith("{")]
    return [line for line in lines if line["event"] == event]


def port_of(log: Path, server: "subprocess.Popen[bytes]") -> int:
    """The port, once the server listens."""
    for _ in range(600):
        assert server.poll() is None, log.read_text()
        for line in logged(log, "listening"):
            return int(line["port"])
        time.sleep(0.05)
    raise AssertionError(log.read_text())


def test_two_processes_and_tls(tmp_path: Path, invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server beyond the loopback with TLS: a token that another process revokes is refused within a second, and the
    log names the refused and holds no secret."""
    data, log = tmp_path / "data", tmp_path / "server.log"
    authority = Authority(tmp_path, "authority")
    certificate, key = authority.issue("server", HERE)
    with Service.open(data, SETTINGS) as service:
        made = service.create_token("ingest", Role.UPLOADER)
    command = hashsvc("serve", "--data", data, "--listen", "0.0.0.0:0", "--cert", certificate, "--key", key)
    with log.open("wb") as file, subprocess.Popen(command, stderr=file) as server:
        try:
            target = f"127.0.0.1:{port_of(log, server)}"
            with Client(target, token=made.secret, tls=Tls(ca=authority.ca)) as client:
                client.match(DIGESTS)
                with pytest.raises(PermissionDeniedError):
                    client.get_bank("default")
                monkeypatch.setenv(TOKEN_VARIABLE, made.secret)
                shown = invoke("bank", "list", "--server", target, "--ca", authority.ca)
                assert "(ROLE_FORBIDDEN)" in shown.stderr and made.secret not in shown.output
                subprocess.run(hashsvc("token", "revoke", "--data", data, made.token.token), check=True)
                with pytest.raises(AuthenticationError) as caught:
                    client.match(DIGESTS)
                assert caught.value.reason == "TOKEN_REVOKED"
        finally:
            server.send_signal(signal.SIGTERM)
    assert server.returncode == 0
    refused = [(line["caller"], line["method"], line["reason"]) for line in logged(log, "refused")]
    assert refused == [
        ("ingest", "BankService/GetBank", "ROLE_FORBIDDEN"),
        ("ingest", "BankService/ListBanks", "ROLE_FORBIDDEN"),
        ("ingest", "MatchService/Match", "TOKEN_REVOKED"),
    ]
    assert all(line["peer"].startswith("ipv4:127.0.0.1:") for line in logged(log, "refused"))
    assert made.secret.rpartition("_")[2] not in log.read_text()


@pytest.mark.parametrize("extra", [(), ("--cert", "c.pem"), ("--client-ca", "c.pem")])
def test_what_is_not_started(invoke: Invoke, tmp_path: Path, extra: tuple[str, ...]) -> None:
    """Beyond the loopback without TLS, with half a pair or with an authority alone: one line, and no directory is made."""
    result = invoke("serve", "--data", tmp_path / "data", "--listen", "0.0.0.0:0", *extra)
    assert result.exit_code == 2
    assert ("(CONFIG_INVALID)" if extra else "(LISTEN_INSECURE)") in result.stderr
    assert not (tmp_path / "data").exists()


def test_options_win_over_the_configuration(invoke: Invoke, tmp_path: Path) -> None:
    """The files named as options are those that are read."""
    config = tmp_path / "hashsvc.toml"
    config.write_text('[tls]\ncertificate = "from-config.pem"\nkey = "from-config.key"\n')
    for extra, named in (((), "from-config.pem"), (("--cert", "from-option.pem"), "from-option.pem")):
        result = invoke("serve", "--data", tmp_path / "data", "--listen", "127.0.0.1:0", "--config", config, *extra)
        assert result.exit_code == 2
        assert named in result.stderr and "(TLS_INVALID)" in result.stderr


def test_the_first_token_is_made_on_the_directory(invoke: Invoke, tmp_path: Path) -> None:
    """`token create --data` makes the directory that `serve` then refuses nobody with a token of."""
    (made,) = objects(
        invoke("token", "create", "--data", tmp_path / "d", "--name", "a", "--role", "admin", "--format", "json")
    )
    with Service.open(tmp_path / "d", SETTINGS) as service:
        assert service.tokens.caller(made["secret"]).name == "a"
