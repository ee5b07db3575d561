"""Who may do what, over real gRPC with TLS."""

import asyncio
import base64
import dataclasses
import functools
import itertools
import ssl
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import grpc
import pytest
import structlog
from google.rpc.error_details_pb2 import ErrorInfo, RetryInfo
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from grpc_status import rpc_status

from hashsvc.access.model import Role
from hashsvc.client import AsyncClient, Client, Tls
from hashsvc.config import RateSettings, Settings, TlsSettings
from hashsvc.errors import (
    AuthenticationError,
    HashsvcError,
    InvalidInputError,
    NotFoundError,
    PermissionDeniedError,
    PreconditionError,
    UnavailableError,
)
from hashsvc.fingerprint.model import Digests
from hashsvc.server import Server, guard
from hashsvc.service import Service
from tests.server.authority import HERE, Authority, dns, uri
from tests.server.background import SETTINGS, BackgroundServer, background, reference

DIGESTS = Digests(md5=bytes(16))
REFUSALS = (AuthenticationError, PermissionDeniedError)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Of a data directory."""
    return tmp_path / "data"


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """Whom both ends trust."""
    return Authority(tmp_path, "authority")


@pytest.fixture
def tls(authority: Authority) -> TlsSettings:
    """A server's."""
    certificate, key = authority.issue("server", HERE)
    return TlsSettings(certificate=str(certificate), key=str(key))


def opened(data: Path) -> Callable[[], Service]:
    """What opens the service of a server."""
    return lambda: Service.open(data, SETTINGS)


@pytest.fixture
def server(data: Path, tls: TlsSettings) -> Iterator[BackgroundServer]:
    """A server with TLS on the loopback."""
    with background(opened(data), dataclasses.replace(SETTINGS, tls=tls)) as server:
        yield server


@pytest.fixture
def beside(server: BackgroundServer, data: Path) -> Iterator[Service]:
    """The same directory, as a command beside the server opens it."""
    with Service.open(data, SETTINGS) as service:
        yield service


Ask = Callable[..., Client]


@pytest.fixture
def ask(server: BackgroundServer, authority: Authority) -> Iterator[Ask]:
    """Makes clients of the server."""
    made: list[Client] = []

    def client(token: str | None = None, **options: Any) -> Client:
        made.append(Client(server.target, token=token, tls=Tls(ca=authority.ca, **options)))
        return made[-1]

    yield client
    for one in made:
        one.close()


def refusal(call: Callable[[], object]) -> tuple[str, dict[str, str]]:
    """Reason and metadata with which a call is refused."""
    with pytest.raises(REFUSALS) as caught:
        call()
    assert isinstance(caught.value, HashsvcError)
    return caught.value.reason, dict(caught.value.metadata)


def test_every_role_over_tls(ask: Ask, beside: Service) -> None:
    """Each role may do what it is for, and is refused the next thing, whether or not that exists."""
    clients = {role: ask(beside.create_token(f"the {role}", role).secret) for role in Role}
    entry = clients[Role.CURATOR].confirm("default", reference(1), external_id="v1")
    for role in (Role.UPLOADER, Role.REVIEWER, Role.CURATOR, Role.ADMIN):
        assert clients[role].match(DIGESTS, min_revision=entry.revision).revision >= entry.revision
    assert len(list(clients[Role.PARTNER].export("default", "jsonl"))) == 1
    assert clients[Role.REVIEWER].get_entry("default", entry.entry) == entry
    assert {token.role for token in clients[Role.ADMIN].list_tokens().items} == set(Role)
    forbidden: dict[Role, tuple[Callable[[Client], object], ...]] = {
        Role.UPLOADER: (
            lambda client: client.get_entry("default", entry.entry),
            lambda client: client.get_entry("default", "nobody"),
            lambda client: client.get_bank("nothing"),
            lambda client: client.get_bank("No Bank"),
            lambda client: list(client.export("default", "jsonl")),
            lambda client: list(client.export("default", "csv")),
            lambda client: client.confirm("default", reference(2)),
            lambda client: client.list_tokens(),
        ),
        Role.PARTNER: (lambda client: client.match(DIGESTS), lambda client: client.get_bank("default")),
        Role.REVIEWER: (
            lambda client: client.confirm("default", reference(2)),
            lambda client: client.withdraw("default", entry.entry),
            lambda client: client.create_bank("news"),
            lambda client: list(client.export("default", "jsonl")),
        ),
        Role.CURATOR: (
            lambda client: client.create_token("eve", Role.ADMIN),
            lambda client: client.revoke_token("0" * 16),
            lambda client: client.verify(),
        ),
    }
    for role, calls in forbidden.items():
        for call in calls:
            assert refusal(functools.partial(call, clients[role])) == ("ROLE_FORBIDDEN", {"role": role})
    assert [one.entry for one in clients[Role.ADMIN].list_entries("default").items] == [entry.entry]


def test_an_upload_is_refused_before_its_bytes(ask: Ask, beside: Service, tmp_path: Path) -> None:
    """A partner's upload ends before it is read: the file would be no video."""
    media = tmp_path / "upload.mp4"
    media.write_bytes(b"no video" * 200_000)
    client = ask(beside.create_token("p", Role.PARTNER).secret)
    for call in (lambda: client.match_media(media), lambda: client.confirm_media("nothing", media)):
        assert refusal(call)[0] == "ROLE_FORBIDDEN"


def test_every_kind_of_refused_token(ask: Ask, beside: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """Missing, malformed, unknown, expired, revoked: UNAUTHENTICATED, with its reason and no other word."""
    late = beside.create_token("late", Role.ADMIN, days=0.1 / 86400).secret
    gone = beside.create_token("gone", Role.ADMIN)
    beside.revoke_token(gone.token.token)
    time.sleep(0.2)
    for token, reason in (
        (None, "TOKEN_MISSING"),
        ("nonsense", "TOKEN_MALFORMED"),
        ("two words", "TOKEN_MALFORMED"),
        (f"hashsvc_{gone.token.token}_{'0' * 64}", "TOKEN_UNKNOWN"),
        (f"hashsvc_{'0' * 16}_{'0' * 64}", "TOKEN_UNKNOWN"),
        (late, "TOKEN_EXPIRED"),
        (gone.secret, "TOKEN_REVOKED"),
    ):
        client = ask(token)
        for call in (
            lambda one=client: one.match(DIGESTS),
            lambda one=client: one.get_bank("default"),
            lambda one=client: one.get_bank("nothing"),
            lambda one=client: list(one.export("nothing", "csv")),
        ):
            assert refusal(call) == (reason, {})


def test_a_revoked_token_is_refused_at_once(ask: Ask, beside: Service) -> None:
    """Revoked by another process's hands on the directory, it is refused at the next call."""
    made = beside.create_token("alice", Role.UPLOADER)
    client = ask(made.secret)
    client.match(DIGESTS)
    beside.revoke_token(made.token.token)
    assert refusal(lambda: client.match(DIGESTS)) == ("TOKEN_REVOKED", {})


def test_a_stream_ends_when_its_token_does(ask: Ask, beside: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """An export that runs when its caller's token is revoked hands out nothing more."""
    monkeypatch.setattr(guard, "_IDENTIFY_SECONDS", 0.0)
    monkeypatch.setattr("hashsvc.server.exchange_service._BATCH_LINES", 1)
    for seed in range(40):
        beside.confirm("default", reference(seed, frames=16))
    made = beside.create_token("p", Role.PARTNER)
    lines = ask(made.secret).export("default", "jsonl")
    next(lines)
    beside.revoke_token(made.token.token)
    assert refusal(lambda: list(lines))[0] == "TOKEN_REVOKED"


def test_nothing_is_leaked(server: BackgroundServer, authority: Authority, beside: Service) -> None:
    """Answers to those whom nobody knows are the same byte by byte, whatever there is, and hold no secret."""
    made = beside.create_token("alice", Role.UPLOADER)
    root = grpc.ssl_channel_credentials(authority.ca.read_bytes())

    def answer(method: str, request: bytes, token: str) -> tuple[Any, ...]:
        with grpc.secure_channel(server.target, root) as channel:
            send: Any = channel.unary_unary(f"/hashsvc.v1.{method}", None, None)
            with pytest.raises(grpc.RpcError) as caught:
                send(request, metadata=(("authorization", f"Bearer {token}"),), timeout=10)
            failure = cast("Any", caught.value)
            return failure.code(), failure.details(), tuple(failure.trailing_metadata())

    guess = f"hashsvc_{made.token.token}_{'0' * 64}"
    unknown = f"hashsvc_{'1' * 16}_{'0' * 64}"
    asked = [b"\x0a\x07default", b"\x0a\x07nothing", b"", b"\xff\xff\xff"]
    answers = {answer("BankService/GetBank", request, token) for request in asked for token in (guess, unknown)}
    assert len(answers) == 1
    forbidden = {answer("BankService/GetBank", request, made.secret) for request in asked}
    assert len(forbidden) == 1
    assert forbidden.pop()[0] is grpc.StatusCode.PERMISSION_DENIED
    assert made.secret.rpartition("_")[2] not in str(answers)


def test_refusals_are_logged(ask: Ask, beside: Service) -> None:
    """Each with who, what and from where, and no secret in any line."""
    alice = beside.create_token("alice", Role.UPLOADER)
    bob = beside.create_token("bob", Role.ADMIN)
    beside.revoke_token(bob.token.token)
    wrong = f"hashsvc_{alice.token.token}_{'5' * 64}"
    with structlog.testing.capture_logs() as logs:
        ask(alice.secret).match(DIGESTS)
        refusal(lambda: ask(alice.secret).get_bank("default"))
        refusal(lambda: ask(bob.secret).get_bank("default"))
        refusal(lambda: ask(wrong).get_bank("default"))
        refusal(lambda: ask().get_bank("default"))
    lines = [line for line in logs if line["event"] == "refused"]
    assert [(line["caller"], line["reason"], line["code"]) for line in lines] == [
        ("alice", "ROLE_FORBIDDEN", "PERMISSION_DENIED"),
        ("bob", "TOKEN_REVOKED", "UNAUTHENTICATED"),
        ("", "TOKEN_UNKNOWN", "UNAUTHENTICATED"),
        ("", "TOKEN_MISSING", "UNAUTHENTICATED"),
    ]
    assert all(line["method"] == "BankService/GetBank" and "127.0.0.1:" in line["peer"] for line in lines)
    assert all(line["log_level"] == "warning" for line in lines)
    assert [line["caller"] for line in logs if line["event"] == "call"] == ["alice"]
    for secret in (alice.secret, bob.secret, wrong):
        assert secret.rpartition("_")[2] not in str(logs)


def test_health_is_open_and_reflection_is_not(server: BackgroundServer, authority: Authority, beside: Service) -> None:
    """A load balancer needs no token; whoever wants to know the methods needs one of any role."""
    root = grpc.ssl_channel_credentials(authority.ca.read_bytes())
    ask = [reflection_pb2.ServerReflectionRequest(list_services="")]
    with grpc.secure_channel(server.target, root) as channel:
        health: Any = health_pb2_grpc.HealthStub(channel)
        [first] = itertools.islice(health.Watch(health_pb2.HealthCheckRequest(), timeout=10), 1)
        assert first.status in (health_pb2.HealthCheckResponse.SERVING, health_pb2.HealthCheckResponse.NOT_SERVING)
        assert health.Check(health_pb2.HealthCheckRequest(), timeout=10).status
        stub: Any = reflection_pb2_grpc.ServerReflectionStub(channel)
        with pytest.raises(grpc.RpcError) as caught:
            list(stub.ServerReflectionInfo(iter(ask), timeout=10))
        assert cast("Any", caught.value).code() is grpc.StatusCode.UNAUTHENTICATED
        token = beside.create_token("p", Role.PARTNER).secret
        metadata = (("authorization", f"Bearer {token}"),)
        [answer] = stub.ServerReflectionInfo(iter(ask), metadata=metadata, timeout=10)
        assert answer.list_services_response.service


def test_tokens_are_administered_over_grpc(server: BackgroundServer, authority: Authority, beside: Service) -> None:
    """An admin makes a token, its holder uses it, the admin revokes it; both clients can."""
    admin = beside.create_token("root", Role.ADMIN).secret
    options: dict[str, Any] = {"token": admin, "tls": Tls(ca=authority.ca)}

    async def play() -> None:
        async with AsyncClient(server.target, **options) as client:
            made = await client.create_token("alice", Role.UPLOADER, days=3)
            assert (made.token.name, made.token.role, made.token.created_by) == ("alice", Role.UPLOADER, "root")
            async with AsyncClient(server.target, token=made.secret, tls=options["tls"]) as alice:
                await alice.match(DIGESTS)
                gone = await client.revoke_token(made.token.token)
                assert gone.revoked_by == "root"
                with pytest.raises(AuthenticationError):
                    await alice.match(DIGESTS)
            assert gone in (await client.list_tokens()).items

    asyncio.run(play())
    with Client(server.target, **options) as client:
        made = client.create_token("bob", Role.CURATOR)
        assert (made.token.expires_at - made.token.created_at).days == 90
        first = client.list_tokens(page_size=2)
        rest = client.list_tokens(page_size=2, page_token=first.next_page_token)
        assert {one.name for one in (*first.items, *rest.items)} == {"root", "alice", "bob"}
        assert all(made.secret not in repr(one) for one in (*first.items, *rest.items))
        with pytest.raises(NotFoundError) as missing:
            client.revoke_token("0" * 16)
        assert missing.value.reason == "TOKEN_NOT_FOUND"
        with pytest.raises(InvalidInputError):
            client.create_token("x" * 200, Role.CURATOR)


# The loopback, and beyond


def test_the_loopback_is_open_until_there_is_a_token(data: Path) -> None:
    """Without tokens and TLS anybody may do anything, and the log warns of it; the first token ends that for good."""
    with structlog.testing.capture_logs() as logs, background(opened(data)) as server, Client(server.target) as client:
        assert [line["log_level"] for line in logs if line["event"].startswith("open: ")] == ["warning"]
        made = client.create_token("root", Role.ADMIN)
        assert made.token.created_by == "anonymous"
        assert refusal(lambda: client.get_bank("default")) == ("TOKEN_MISSING", {})
        with Client(server.target, token=made.secret) as root:
            root.revoke_token(made.token.token)
        assert refusal(lambda: client.get_bank("default")) == ("TOKEN_MISSING", {})
    with structlog.testing.capture_logs() as logs, background(opened(data)) as server, Client(server.target) as client:
        assert not [line for line in logs if line["event"].startswith("open: ")]
        assert refusal(lambda: client.get_bank("default")) == ("TOKEN_MISSING", {})


def start(data: Path, listen: str, tls: TlsSettings, **options: bool) -> None:
    """Start a server there and stop it."""

    async def run() -> None:
        async with Server(opened(data), listen, Settings(tls=tls), **options):
            pass

    asyncio.run(run())


def test_beyond_the_loopback(data: Path, tls: TlsSettings, authority: Authority) -> None:
    """It starts with TLS and a token or a client authority, or when told --insecure, and not otherwise."""
    beyond = "0.0.0.0:0"
    with pytest.raises(PreconditionError) as bare:
        start(data, beyond, TlsSettings())
    assert bare.value.reason == "LISTEN_INSECURE"
    assert not data.exists()
    with pytest.raises(PreconditionError) as nobody:
        start(data, beyond, tls)
    assert nobody.value.reason == "LISTEN_INSECURE"
    assert "token create" in nobody.value.message
    start(data, beyond, dataclasses.replace(tls, client_ca=str(authority.ca)))
    start(data, beyond, TlsSettings(), insecure=True)
    with Service.open(data, SETTINGS) as service:
        service.create_token("root", Role.ADMIN)
    start(data, beyond, tls)
    with pytest.raises(PreconditionError):
        start(data, beyond, TlsSettings())


def test_insecure_with_tokens_still_asks_for_them(data: Path) -> None:
    """--insecure is about the wire and the first token, not about those that there are."""
    with Service.open(data, SETTINGS) as service:
        service.create_token("root", Role.ADMIN)
    with background(opened(data), SETTINGS, "0.0.0.0:0", insecure=True) as server:
        target = f"127.0.0.1:{server.server.port}"
        with Client(target) as client:
            assert refusal(lambda: client.get_bank("default"))[0] == "TOKEN_MISSING"


# Certificates


@pytest.fixture
def mutual(data: Path, tls: TlsSettings, authority: Authority) -> Iterator[BackgroundServer]:
    """A server that asks for client certificates and knows two of them."""
    known = (("spiffe://platform/ingest", "uploader"), ("desk.example", "curator"))
    asking = dataclasses.replace(tls, client_ca=str(authority.ca), identities=known)
    with background(opened(data), dataclasses.replace(SETTINGS, tls=asking)) as server:
        yield server


def presenting(target: str, ca: Path, pair: tuple[Path, Path] | None = None, token: str | None = None) -> Client:
    """A client with a certificate."""
    certificate, key = pair or (None, None)
    return Client(target, token=token, tls=Tls(ca=ca, certificate=certificate, key=key), timeout=10)


def test_a_client_certificate_gives_a_role(mutual: BackgroundServer, authority: Authority, data: Path) -> None:
    """By URI, by DNS name or by a token where the certificate has no role; a token that is shown decides."""
    ingest = authority.issue("ingest", [uri("spiffe://platform/ingest")])
    with presenting(mutual.target, authority.ca, ingest) as client:
        client.match(DIGESTS)
        assert refusal(lambda: client.get_bank("default")) == ("ROLE_FORBIDDEN", {"role": "uploader"})
    with presenting(mutual.target, authority.ca, authority.issue("desk", [dns("desk.example")])) as client:
        client.create_bank("news")
    stranger = authority.issue("stranger", [dns("else.example")])
    with structlog.testing.capture_logs() as logs, presenting(mutual.target, authority.ca, stranger) as client:
        assert refusal(lambda: client.get_bank("default")) == ("TOKEN_MISSING", {})
    assert [line["caller"] for line in logs if line["event"] == "refused"] == ["else.example"]
    with Service.open(data, SETTINGS) as service:
        token = service.create_token("root", Role.ADMIN).secret
    for pair in (stranger, ingest):
        with presenting(mutual.target, authority.ca, pair, token) as client:
            assert client.list_tokens().items
    with presenting(mutual.target, authority.ca, ingest, "hashsvc_wrong") as client:
        assert refusal(lambda: client.match(DIGESTS))[0] == "TOKEN_MALFORMED"


def test_a_client_certificate_of_another_authority(
    mutual: BackgroundServer, authority: Authority, tmp_path: Path
) -> None:
    """It fails the handshake, as does none at all, whatever name is in it; no call reaches the server."""
    other = Authority(tmp_path, "other")
    forged = other.issue("forged", [uri("spiffe://platform/ingest")])
    with structlog.testing.capture_logs() as logs:
        for pair in (forged, None):
            with presenting(mutual.target, authority.ca, pair) as client, pytest.raises(UnavailableError) as caught:
                client.match(DIGESTS)
            assert caught.value.reason == "SERVER_UNREACHABLE"
    assert not [line for line in logs if line["event"] in ("call", "refused")]
    ingest = authority.issue("ingest", [uri("spiffe://platform/ingest")])
    with presenting(mutual.target, other.ca, ingest) as client, pytest.raises(UnavailableError):
        client.match(DIGESTS)


def test_a_plaintext_client_gets_nowhere(server: BackgroundServer) -> None:
    """A client without TLS is not answered by a server with it."""
    with Client(server.target, timeout=5) as client, pytest.raises(UnavailableError):
        client.match(DIGESTS)


def served(port: int) -> bytes:
    """The certificate that a new connection is shown."""
    return ssl.PEM_cert_to_DER_cert(ssl.get_server_certificate(("127.0.0.1", port)))


def in_file(path: Path) -> bytes:
    """The certificate in a file."""
    return base64.b64decode("".join(path.read_text().splitlines()[1:-1]))


def test_a_renewed_certificate_is_used(server: BackgroundServer, authority: Authority, beside: Service) -> None:
    """New connections see the new certificate, old ones live on, and half a renewal changes nothing."""
    port = server.server.port
    token = beside.create_token("u", Role.UPLOADER).secret
    with Client(server.target, token=token, tls=Tls(ca=authority.ca)) as client:
        client.match(DIGESTS)
        first = served(port)
        certificate, _ = authority.issue("server2", HERE, file="server")
        assert served(port) == in_file(certificate) != first
        now = in_file(certificate)
        certificate.write_bytes(b"half a renew")
        with structlog.testing.capture_logs() as logs:
            assert served(port) == served(port) == now
        assert [line["log_level"] for line in logs if line["event"] == "certificates not renewed"] == ["error"]
        authority.issue("server3", HERE, file="server")
        assert served(port) not in (first, now)
        client.match(DIGESTS)


def test_a_client_authority_is_replaced(mutual: BackgroundServer, authority: Authority, tmp_path: Path) -> None:
    """What the new authority issued is let in from then on, and what the old one issued is not."""
    old = authority.issue("old", [uri("spiffe://platform/ingest")])
    trusted = authority.ca.read_bytes()
    root = tmp_path / "root.pem"
    root.write_bytes(trusted)
    with presenting(mutual.target, root, old) as client:
        client.match(DIGESTS)
    new = Authority(tmp_path, "new")
    pair = new.issue("new-client", [uri("spiffe://platform/ingest")])
    new.ca.replace(authority.ca)
    with presenting(mutual.target, root, pair) as client:
        client.match(DIGESTS)
    with presenting(mutual.target, root, old) as client, pytest.raises(UnavailableError):
        client.match(DIGESTS)


@pytest.mark.parametrize("broken", ["missing", "text", "another's key"])
def test_files_that_are_no_pair(
    data: Path, tls: TlsSettings, authority: Authority, tmp_path: Path, broken: str
) -> None:
    """A certificate or key that cannot be used ends the start with an error that says so."""
    key = tmp_path / "server.key"
    if broken == "missing":
        key.unlink()
    elif broken == "text":
        key.write_text("no key")
    else:
        authority.issue("else")[1].replace(key)
    with pytest.raises(PreconditionError) as caught:
        start(data, "127.0.0.1:0", tls)
    assert caught.value.reason == "TLS_INVALID"
    assert str(tmp_path) in caught.value.message
    assert not data.exists()


# Rates


def test_rates(data: Path) -> None:
    """A caller over its rate is RESOURCE_EXHAUSTED and told when to come again; others are not held up."""
    settings = dataclasses.replace(SETTINGS, rates=RateSettings(calls_per_second=0.2, burst=3))
    with background(opened(data), settings) as server, Service.open(data, SETTINGS) as service:
        alice, bob = (service.create_token(name, Role.UPLOADER).secret for name in ("alice", "bob"))
        with Client(server.target, token=alice) as client, Client(server.target, token=bob) as other:
            with structlog.testing.capture_logs() as logs:
                for _ in range(3):
                    client.match(DIGESTS)
                with pytest.raises(UnavailableError) as caught:
                    client.match(DIGESTS)
            assert caught.value.reason == "RATE_LIMITED"
            assert 4 < float(caught.value.metadata["retry_after"]) <= 5
            [line] = [line for line in logs if line["event"] == "refused"]
            assert (line["caller"], line["code"]) == ("alice", "RESOURCE_EXHAUSTED")
            other.match(DIGESTS)
        with grpc.insecure_channel(server.target) as channel:
            send: Any = channel.unary_unary("/hashsvc.v1.MatchService/Match", None, None)
            seen = []
            for _ in range(4):
                with pytest.raises(grpc.RpcError) as failure:
                    send(b"", timeout=10)
                seen.append(failure.value.code())
            # Those whom nobody knows are counted by their address.
            assert seen == [grpc.StatusCode.UNAUTHENTICATED] * 3 + [grpc.StatusCode.RESOURCE_EXHAUSTED]
            status = rpc_status.from_call(cast("grpc.Call", failure.value))
            retry, info = RetryInfo(), ErrorInfo()
            assert any(detail.Unpack(retry) for detail in status.details)
            assert any(detail.Unpack(info) for detail in status.details)
            assert 4 < retry.retry_delay.ToTimedelta().total_seconds() <= 5
            assert info.reason == "RATE_LIMITED"
