"""Roles, and who has one."""

import dataclasses
import datetime
import enum

MAX_NAME = 128
"""Characters of a caller's name."""
MAX_DAYS = 3660
"""For which a token may be made."""
DEFAULT_DAYS = 90.0
"""For which it is made unless somebody says otherwise."""


class Role(enum.StrEnum):
    """What a caller is for. Which methods each may call is `hashsvc.server.permissions`."""

    UPLOADER = "uploader"
    """Asks whether an upload is known, and nothing else."""
    REVIEWER = "reviewer"
    """Sees banks, entries and matches."""
    CURATOR = "curator"
    """Changes banks and entries."""
    PARTNER = "partner"
    """Takes exports, and nothing else."""
    ADMIN = "admin"
    """Everything, tokens included."""


@dataclasses.dataclass(frozen=True, slots=True)
class Caller:
    """Who is calling: a name from a token, a client certificate, or `ANYBODY`."""

    name: str
    role: Role


ANYBODY = Caller("anonymous", Role.ADMIN)
"""The caller of a server that asks nobody who they are."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A bearer token without its secret."""

    token: str
    """The public identifier."""
    name: str
    """Whose it is; one caller may have several."""
    role: Role
    created_at: datetime.datetime
    created_by: str
    expires_at: datetime.datetime
    revoked_at: datetime.datetime | None = None
    revoked_by: str = ""
    revision: int = 0
    """Of its last change, counted over all documents of the store."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class NewToken:
    """A token just made: the only time that its secret is told."""

    token: Token
    secret: str = dataclasses.field(repr=False)
    """What follows `Bearer` in the `authorization` header."""
