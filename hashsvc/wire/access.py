"""Roles and tokens on the wire."""

import datetime

from google.protobuf.timestamp_pb2 import Timestamp

from hashsvc.access.model import NewToken, Role, Token
from hashsvc.errors import InternalError, InvalidInputError
from hashsvc.v1 import access_service_pb2 as pb

_ROLES = {
    Role.UPLOADER: pb.ROLE_UPLOADER,
    Role.REVIEWER: pb.ROLE_REVIEWER,
    Role.CURATOR: pb.ROLE_CURATOR,
    Role.PARTNER: pb.ROLE_PARTNER,
    Role.ADMIN: pb.ROLE_ADMIN,
}
_ROLES_BACK = {value: role for role, value in _ROLES.items()}


def encode_role(role: Role) -> "pb.Role.ValueType":
    """The value of `role`."""
    return _ROLES[role]


def decode_asked_role(value: "pb.Role.ValueType") -> Role:
    """The role in a request. Raises InvalidInputError FIELD_REQUIRED without one, FIELD_INVALID for an unknown one."""
    if value == pb.ROLE_UNSPECIFIED:
        raise InvalidInputError("FIELD_REQUIRED", "a role is required", field="role")
    if value not in _ROLES_BACK:
        raise InvalidInputError("FIELD_INVALID", f"role {value} is unknown", field="role", value=value)
    return _ROLES_BACK[value]


def encode_token(token: Token) -> pb.Token:
    """The message of `token`."""
    return pb.Token(
        token=token.token,
        name=token.name,
        role=_ROLES[token.role],
        created_at=_encode_time(token.created_at),
        created_by=token.created_by,
        expires_at=_encode_time(token.expires_at),
        revoked_at=None if token.revoked_at is None else _encode_time(token.revoked_at),
        revoked_by=token.revoked_by,
        revision=token.revision,
    )


def decode_token(message: pb.Token) -> Token:
    """The token in `message`. Raises InternalError INTERNAL for a role of a newer server."""
    if message.role not in _ROLES_BACK:
        raise InternalError("INTERNAL", f"the server has a role {message.role} that this version does not know")
    return Token(
        token=message.token,
        name=message.name,
        role=_ROLES_BACK[message.role],
        created_at=_decode_time(message.created_at),
        created_by=message.created_by,
        expires_at=_decode_time(message.expires_at),
        revoked_at=_decode_time(message.revoked_at) if message.HasField("revoked_at") else None,
        revoked_by=message.revoked_by,
        revision=message.revision,
    )


def decode_new_token(message: pb.CreateTokenResponse) -> NewToken:
    """The token just made, and its secret."""
    return NewToken(token=decode_token(message.token), secret=message.secret)


def _encode_time(moment: datetime.datetime) -> Timestamp:
    message = Timestamp()
    message.FromDatetime(moment)
    return message


def _decode_time(message: Timestamp) -> datetime.datetime:
    return message.ToDatetime(datetime.UTC)
