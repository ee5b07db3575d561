"""Every error of both trees has a status, and comes back from it as it was."""

import ast
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from google.rpc.error_details_pb2 import ErrorInfo, RetryInfo
from google.rpc.status_pb2 import Status

import hashsvc
import hashsvc_index
from hashsvc import errors
from hashsvc.v1.error_reason_pb2 import ErrorReason
from hashsvc.wire.errors import CLASSES, CODES, STORE_CLASSES, code_of, decode_error, encode_error
from hashsvc_index import errors as store

SOURCES = (Path(hashsvc.__file__).parent, Path(hashsvc_index.__file__).parent)
PREFIX = "ERROR_REASON_"
REASONS = {name.removeprefix(PREFIX) for name in ErrorReason.keys()} - {"UNSPECIFIED"}  # noqa: SIM118 (no mapping)


def subclasses(kind: type[Exception]) -> Iterator[type[Exception]]:
    """All classes below `kind`."""
    for sub in kind.__subclasses__():
        yield sub
        yield from subclasses(sub)


@pytest.mark.parametrize("kind", [*subclasses(errors.HashsvcError), *subclasses(store.StoreError)])
def test_every_class_has_a_code(kind: type[Exception]) -> None:
    """Each class of both trees, or a base of it, is in the table."""
    assert any(base in CODES for base in kind.__mro__)


def test_every_reason_has_one_class() -> None:
    """The contract's reasons are exactly those that a client can raise."""
    assert set(CLASSES).isdisjoint(STORE_CLASSES)
    assert {*CLASSES, *STORE_CLASSES} == REASONS
    assert {kind.reason for kind in store.StoreError.__subclasses__()} <= REASONS


def test_every_reason_raised_is_in_the_contract() -> None:
    """A reason that some module raises and the proto does not name would be a surprise to callers."""
    kinds = {kind.__name__ for kind in subclasses(errors.HashsvcError)}
    raised: set[str] = set()
    for folder in SOURCES:
        for path in folder.rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if not isinstance(node, ast.Call) or not node.args or not isinstance(node.args[0], ast.Constant):
                    continue
                name = getattr(node.func, "id", getattr(node.func, "attr", ""))
                if name in kinds:
                    raised.add(str(node.args[0].value))
    assert len(raised) > 20
    assert raised <= REASONS


@pytest.mark.parametrize("reason", sorted(CLASSES))
def test_round_trip(reason: str) -> None:
    """Class, reason, message and metadata arrive."""
    error = CLASSES[reason](reason, "what went wrong", bank="news", limit=3)
    back = decode_error(encode_error(error))
    assert type(back) is type(error)
    assert (back.reason, back.message, back.metadata) == (reason, "what went wrong", {"bank": "news", "limit": "3"})


@pytest.mark.parametrize("kind", store.StoreError.__subclasses__())
def test_store_errors_round_trip(kind: type[store.StoreError]) -> None:
    """A reason of the store alone comes back as its class; one that both trees have as that of hashsvc.errors."""
    back = decode_error(encode_error(kind("what went wrong", path="data")))
    assert type(back) is (CLASSES.get(kind.reason) or kind)
    assert (back.reason, back.message, back.metadata) == (kind.reason, "what went wrong", {"path": "data"})


def test_codes() -> None:
    """The codes that callers act on."""
    code = grpc.StatusCode
    assert code_of(errors.MediaError("MEDIA_EMPTY", "")) is code.INVALID_ARGUMENT
    assert code_of(errors.LimitExceededError("LIMIT_BYTES", "")) is code.INVALID_ARGUMENT
    assert code_of(errors.UnavailableError("INDEX_LOADING", "")) is code.UNAVAILABLE
    assert code_of(errors.UnavailableError("OVERLOADED", "")) is code.RESOURCE_EXHAUSTED
    assert code_of(errors.UnavailableError("RATE_LIMITED", "")) is code.RESOURCE_EXHAUSTED
    assert code_of(errors.AuthenticationError("TOKEN_EXPIRED", "")) is code.UNAUTHENTICATED
    assert code_of(errors.PermissionDeniedError("ROLE_FORBIDDEN", "")) is code.PERMISSION_DENIED
    assert code_of(errors.ConflictError("REVISION_CONFLICT", "")) is code.ABORTED
    assert code_of(store.StoreFullError("")) is code.RESOURCE_EXHAUSTED
    assert code_of(store.StoreCorruptError("")) is code.DATA_LOSS


@pytest.mark.parametrize(
    ("error", "retried"),
    [
        (errors.UnavailableError("INDEX_LOADING", ""), True),
        (errors.UnavailableError("OVERLOADED", ""), True),
        (store.StoreFullError(""), True),
        (errors.UnavailableError("RATE_LIMITED", "", retry_after=0.25), True),
        (errors.AuthenticationError("TOKEN_MISSING", ""), False),
        (errors.PermissionDeniedError("ROLE_FORBIDDEN", ""), False),
        (errors.NotFoundError("BANK_NOT_FOUND", ""), False),
        (ValueError("x"), False),
    ],
)
def test_details(error: Exception, retried: bool) -> None:
    """There is exactly one ErrorInfo, and a RetryInfo where trying again can help."""
    details = encode_error(error).details
    infos = [detail for detail in details if detail.Unpack(ErrorInfo())]
    retries = [detail for detail in details if detail.Unpack(RetryInfo())]
    assert (len(infos), len(retries), len(details)) == (1, retried, 1 + retried)
    info = ErrorInfo()
    infos[0].Unpack(info)
    assert info.domain == "hashsvc"


def test_when_to_retry() -> None:
    """A wait that the error knows is the wait that the caller is told, to the millisecond."""
    retry = RetryInfo()
    encode_error(errors.UnavailableError("RATE_LIMITED", "", retry_after=0.25)).details[1].Unpack(retry)
    assert retry.retry_delay.ToMilliseconds() == 250


def test_the_log_alone_knows_whose_token_it_was() -> None:
    """The identity of refused credentials is not in the status."""
    error = errors.AuthenticationError("TOKEN_REVOKED", "the token was revoked")
    error.identity = "alice"
    assert b"alice" not in encode_error(error).SerializeToString()


def test_unexpected_errors_tell_nothing() -> None:
    """What neither tree knows is INTERNAL, without a word of itself."""
    status = encode_error(RuntimeError("a secret path"))
    assert status.code == grpc.StatusCode.INTERNAL.value[0]
    assert b"secret" not in status.SerializeToString()
    assert decode_error(status).reason == "INTERNAL"


def test_long_and_foreign_texts() -> None:
    """A status fits into HTTP/2 headers whatever the caller sent, and its keys are all there."""
    error = errors.InvalidInputError("FIELD_INVALID", "ü" * 10_000, label="😀" * 10_000, name="caf\udce9")
    status = encode_error(error)
    assert len(status.SerializeToString()) < 2048
    back = decode_error(status)
    assert set(back.metadata) == {"label", "name"}
    assert back.message.startswith("üüü")
    assert back.metadata["name"] == "caf?"


def test_reason_of_a_newer_server() -> None:
    """An unknown reason comes back under the class of its code, with the reason kept."""
    status = encode_error(errors.NotFoundError("BANK_NOT_FOUND", "x"))
    info = ErrorInfo(reason="PLANET_NOT_FOUND", domain="hashsvc")
    status.details[0].Pack(info)
    back = decode_error(status)
    assert type(back) is errors.NotFoundError
    assert back.reason == "PLANET_NOT_FOUND"


def test_status_of_somebody_else() -> None:
    """A status without our ErrorInfo, from a proxy say, is INTERNAL."""
    assert decode_error(Status(code=5, message="x")).reason == "INTERNAL"
