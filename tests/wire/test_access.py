"""Roles and tokens on the wire."""

import dataclasses
import datetime

import pytest

from hashsvc.access.model import Role, Token
from hashsvc.errors import InternalError, InvalidInputError
from hashsvc.v1 import access_service_pb2 as pb
from hashsvc.wire.access import decode_asked_role, decode_new_token, decode_token, encode_role, encode_token

MOMENT = datetime.datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=datetime.UTC)
TOKEN = Token(
    token="0123456789abcdef",
    name="alice",
    role=Role.REVIEWER,
    created_at=MOMENT,
    created_by="root",
    expires_at=MOMENT + datetime.timedelta(days=90),
    revision=7,
)


@pytest.mark.parametrize("role", Role)
def test_roles(role: Role) -> None:
    """Every role there is goes over and comes back."""
    assert decode_asked_role(encode_role(role)) is role
    assert len(pb.Role.values()) == len(Role) + 1


@pytest.mark.parametrize(("value", "reason"), [(0, "FIELD_REQUIRED"), (99, "FIELD_INVALID")])
def test_no_role(value: int, reason: str) -> None:
    """None at all and one that there is not are the caller's errors."""
    with pytest.raises(InvalidInputError) as caught:
        decode_asked_role(pb.CreateTokenRequest(role=value).role)  # type: ignore[arg-type]
    assert caught.value.reason == reason


def test_tokens() -> None:
    """A token comes back as it was, revoked or not."""
    revoked = dataclasses.replace(TOKEN, revoked_at=MOMENT, revoked_by="bob")
    for token in (TOKEN, revoked):
        assert decode_token(encode_token(token)) == token
    made = decode_new_token(pb.CreateTokenResponse(token=encode_token(TOKEN), secret="s"))
    assert (made.token, made.secret) == (TOKEN, "s")


def test_a_role_of_a_newer_server() -> None:
    """It is said that it is not known, and not taken for another."""
    message = encode_token(TOKEN)
    message.role = 99  # type: ignore[assignment]
    with pytest.raises(InternalError):
        decode_token(message)
