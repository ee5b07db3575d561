"""Bad input, each a clear error with a reason, and nothing else touched: over gRPC, embedded, and by command."""

import contextlib
import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

import grpc
import numpy as np
import pytest

from hashsvc.client import Client
from hashsvc.client.channel import error_of
from hashsvc.errors import FingerprintError, InvalidInputError
from hashsvc.fingerprint.model import Fingerprint
from hashsvc.fingerprint.sandbox import Sandbox
from hashsvc.service import Service
from hashsvc.v1 import bank_service_pb2, fingerprint_pb2, match_service_pb2
from hashsvc.v1.bank_service_pb2_grpc import BankServiceStub
from hashsvc.v1.match_service_pb2_grpc import MatchServiceStub
from hashsvc.wire.fingerprint import encode_fingerprint
from tests import bad_media
from tests.bad_media import MEDIA
from tests.server.background import background, reference
from tests.unharmed import FRAMES, KNOWN, Operations, check_works, run, state

LONG = "x" * 10_000


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with each of MEDIA, and good.mp4."""
    folder = tmp_path_factory.mktemp("films")
    bad_media.make(folder)
    return folder


@pytest.fixture(scope="module")
def hashing() -> Iterator[Sandbox]:
    """One for all clients here."""
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server on a new data directory."""
    data = tmp_path_factory.mktemp("served") / "data"
    with background(lambda: Service.open(data)) as server:
        yield server.target


@pytest.fixture(scope="module")
def client(target: str, hashing: Sandbox) -> Iterator[Client]:
    """A client of that server, which knows one video."""
    with Client(target, sandbox=hashing) as opened:
        opened.confirm("default", KNOWN, external_id="known")
        yield opened


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data directory that knows one video, open nowhere."""
    with Service.open(tmp_path / "data") as service:
        service.confirm("default", KNOWN, external_id="known")
    return tmp_path / "data"


@contextlib.contextmanager
def refused(operations: Operations, kind: type[Exception], reason: str) -> Iterator[None]:
    """The block raises this error, it changes nothing, and all else works right after."""
    before = state(operations)
    with pytest.raises(kind) as caught:
        yield
    assert getattr(caught.value, "reason", None) == reason
    assert str(caught.value)
    assert state(operations) == before
    check_works(operations)


@pytest.mark.parametrize("name", MEDIA)
@pytest.mark.parametrize("how", ["match_media", "match_file", "confirm_media", "confirm_file"])
def test_media(client: Client, films: Path, name: str, how: str) -> None:
    """What is no whole video of a size to be hashed is refused, whichever side hashes, to match and to confirm."""
    arguments = [films / name] if how.startswith("match") else ["default", films / name]
    with refused(client, *MEDIA[name]):
        getattr(client, how)(*arguments)


def test_media_by_command(data: Path, films: Path) -> None:
    """A batch goes on past bad files, names the reason of each, ends with 2, and takes and finds the good one."""
    files = [films / name for name in (*MEDIA, "good.mp4")]
    status, [*bad, good], _ = run("confirm", "--data", data, "--format", "json", *files)
    assert (status, good["external_id"]) == (2, "good")
    reasons = [answer["error"]["reason"] for answer in bad]
    assert reasons == [reason for _, reason in MEDIA.values()]
    status, [*bad, found], stderr = run("match", "--data", data, "--format", "json", *files)
    assert (status, found["verdict"], found["matches"][0]["entry"]) == (2, "BLOCK", good["entry"])
    assert [answer["error"]["reason"] for answer in bad] == reasons
    assert "Traceback" not in stderr
    with Service.open(data) as service:
        revision, entries = state(service)
        assert ([entry.external_id for entry in entries], revision) == (["known", "good"], good["revision"])
        check_works(service)


Spoil: TypeAlias = Callable[[fingerprint_pb2.Fingerprint], None]


def wrong_profile(message: fingerprint_pb2.Fingerprint) -> None:
    """Hashed by something else."""
    message.profile = "standard-99"


def short_hash(message: fingerprint_pb2.Fingerprint) -> None:
    """One byte is missing at the end."""
    message.hashes = message.hashes[:-1]


def shorter_hashes(message: fingerprint_pb2.Fingerprint) -> None:
    """Hashes of 64 bits."""
    message.hashes = message.hashes[: len(message.hashes) // 4]


def backwards(message: fingerprint_pb2.Fingerprint) -> None:
    """Frames in no order."""
    message.start_ms[:] = list(message.start_ms)[::-1]


def ends_first(message: fingerprint_pb2.Fingerprint) -> None:
    """A frame that ends before it starts."""
    message.end_ms[5] = message.start_ms[5] - 1


def short_digest(message: fingerprint_pb2.Fingerprint) -> None:
    """A SHA-1 where a SHA-256 belongs."""
    message.digests.sha256 = bytes(20)


@pytest.mark.parametrize("to", ["match", "confirm"])
@pytest.mark.parametrize(
    "spoil",
    [wrong_profile, short_hash, shorter_hashes, backwards, ends_first, short_digest],
    ids=lambda one: one.__name__,
)
def test_fingerprint_on_the_wire(client: Client, target: str, spoil: Spoil, to: str) -> None:
    """A fingerprint that contradicts itself, or of a profile nobody knows, is refused whatever client sent it."""
    message = encode_fingerprint(reference(2, frames=FRAMES))
    spoil(message)
    reason = "PROFILE_UNKNOWN" if spoil is wrong_profile else "FINGERPRINT_MALFORMED"
    with refused(client, FingerprintError, reason), grpc.insecure_channel(target) as channel:
        try:
            if to == "match":
                MatchServiceStub(channel).Match(match_service_pb2.MatchRequest(fingerprint=message), timeout=20)
            else:
                request = bank_service_pb2.ConfirmEntryRequest(bank="default", fingerprint=message)
                BankServiceStub(channel).ConfirmEntry(request, timeout=20)
        except grpc.RpcError as failure:
            raise error_of(failure, "") from None


@pytest.mark.parametrize(
    ("reason", "changes"),
    [
        ("PROFILE_UNKNOWN", {"profile": "standard-99"}),
        ("FINGERPRINT_MALFORMED", {"hashes": KNOWN.hashes[:, :, :31]}),
        ("FINGERPRINT_MALFORMED", {"starts": KNOWN.starts[::-1]}),
        ("FINGERPRINT_MALFORMED", {"starts": np.full(FRAMES, np.nan)}),
        ("FINGERPRINT_MALFORMED", {"ends": KNOWN.starts - 0.001}),
    ],
    ids=["profile", "hash length", "order", "not a number", "ends first"],
)
def test_fingerprint(client: Client, data: Path, reason: str, changes: dict[str, Any]) -> None:
    """The library refuses the same, by the client before it sends anything, and embedded."""
    bad: Fingerprint = dataclasses.replace(reference(2, frames=FRAMES), **changes)
    with Service.open(data) as service:
        for operations in (client, service):
            with refused(operations, FingerprintError, reason):
                operations.match(bad)
            with refused(operations, FingerprintError, reason):
                operations.confirm("default", bad)


def test_long_labels(client: Client, data: Path, films: Path) -> None:
    """A label of 10,000 characters is refused with any confirm, before anything is hashed."""
    with Service.open(data) as service:
        for operations in (client, service):
            with refused(operations, InvalidInputError, "FIELD_TOO_LONG"):
                operations.confirm("default", reference(2, frames=FRAMES), labels=["fine", LONG])
            with refused(operations, InvalidInputError, "FIELD_TOO_LONG"):
                operations.confirm_media("default", films / "good.mp4", labels=[LONG])
    status, [answer], _ = run("confirm", "--data", data, "--label", LONG, "--format", "json", films / "good.mp4")
    assert (status, answer["error"]["reason"]) == (2, "FIELD_TOO_LONG")
    with Service.open(data) as service:
        check_works(service)


def test_unknown_bank(client: Client, data: Path, films: Path) -> None:
    """A bank that is not there is an error to confirm, match, list and export; it never answers with nothing found."""
    good, video = films / "good.mp4", reference(2, frames=FRAMES)
    with Service.open(data) as service:
        for operations in (client, service):
            calls: list[Callable[[Operations], object]] = [
                lambda one: one.confirm("nope", video),
                lambda one: one.confirm_media("nope", good),
                lambda one: one.match(video, banks=["default", "nope"]),
                lambda one: one.match_media(good, banks=["nope"]),
                lambda one: one.list_entries("nope"),
                lambda one: list(one.export("nope", "jsonl")),
            ]
            for call in calls:
                with refused(operations, Exception, "BANK_NOT_FOUND"):
                    call(operations)
    for command in ("confirm", "match"):
        status, [answer], _ = run(command, "--data", data, "--bank", "nope", "--format", "json", good)
        assert (status, answer["error"]["reason"]) == (2, "BANK_NOT_FOUND")
