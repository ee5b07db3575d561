"""Bearer tokens: made, listed and revoked, kept in the store without their secrets."""

import dataclasses
import datetime
import hashlib
import hmac
import re
import secrets

from hashsvc.access.model import MAX_DAYS, MAX_NAME, Caller, NewToken, Role, Token
from hashsvc.access.records import KIND, token_of, token_payload
from hashsvc.bank import rules
from hashsvc.bank.records import now
from hashsvc.errors import AuthenticationError, InvalidInputError, NotFoundError
from hashsvc_index import Store
from hashsvc_index.errors import DocumentNotFoundError, RevisionConflictError

_TOKEN = re.compile(r"hashsvc_([0-9a-f]{16})_([0-9a-f]{64})")
_IDENTIFIER = re.compile(r"[0-9a-f]{16}")
_NO_DIGEST = bytes(32)


class Tokens:
    """The tokens of a data directory. Thread-safe; every method blocks, and may raise the store's errors.

    A token reads `hashsvc_IDENTIFIER_SECRET`: the identifier is public and finds the record, which holds a digest of the
    secret. 256 random bits cannot be guessed, so one SHA-256 is enough. Every check reads the store, so that all
    processes on a directory know at once what one of them revoked.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._any_made = (-1, False)
        """The store's last write when it was looked whether there is any, and whether there was."""

    def create(self, name: str, role: Role, *, days: float, actor: str) -> NewToken:
        """Make a token that expires after `days`.

        Raises InvalidInputError (FIELD_REQUIRED, FIELD_TOO_LONG, FIELD_INVALID).
        """
        _check_name(name)
        if not 0 < days <= MAX_DAYS:
            raise InvalidInputError(
                "FIELD_INVALID", f"days is {days:g}, not above 0 and up to {MAX_DAYS}", field="days"
            )
        moment, secret = now(), secrets.token_hex(32)
        token = Token(
            token=secrets.token_hex(8),
            name=name,
            role=role,
            created_at=moment,
            created_by=actor,
            expires_at=moment + datetime.timedelta(days=days),
        )
        revision = self._store.put_document(KIND, token.token, token_payload(token, _digest(secret)), create=True)
        made = dataclasses.replace(token, revision=revision)
        return NewToken(token=made, secret=f"hashsvc_{token.token}_{secret}")

    def list(self, after: str, limit: int) -> list[Token]:
        """At most `limit` tokens, revoked and expired ones too, whose identifier comes after `after`; "" begins.

        Raises InvalidInputError PAGE_TOKEN_INVALID.
        """
        if after and not _IDENTIFIER.fullmatch(after):
            raise InvalidInputError("PAGE_TOKEN_INVALID", "page_token is not one that a list returned")
        return [token_of(record)[0] for record in self._store.list_documents(KIND, after, limit)]

    def revoke(self, token: str, *, actor: str) -> Token:
        """Refuse a token from now on, for good; revoked again it stays as it was. Raises NotFoundError TOKEN_NOT_FOUND."""
        while True:
            found = self._find(token)
            if found is None:
                # Not told which: somebody may have given the secret in place of the identifier.
                raise NotFoundError("TOKEN_NOT_FOUND", "no token has this identifier")
            known, digest = found
            if known.revoked_at is not None:
                return known
            revoked = dataclasses.replace(known, revoked_at=now(), revoked_by=actor)
            payload, expected = token_payload(revoked, digest), known.revision
            try:
                revision = self._store.put_document(KIND, token, payload, create=False, expected_revision=expected)
            except RevisionConflictError:
                continue  # somebody else revoked it in between
            return dataclasses.replace(revoked, revision=revision)

    def any_made(self) -> bool:
        """True once a token was ever made, whatever became of it."""
        write, any_made = self._any_made
        if (now := self._store.last_write()) != write:
            any_made = bool(self._store.list_documents(KIND, "", 1))
            self._any_made = now, any_made
        return any_made

    def caller(self, text: str) -> Caller:
        """Whom the token `text` names.

        Raises AuthenticationError TOKEN_MALFORMED, TOKEN_UNKNOWN, and for the right secret only TOKEN_REVOKED and
        TOKEN_EXPIRED.
        """
        parts = _TOKEN.fullmatch(text)
        if parts is None:
            raise AuthenticationError("TOKEN_MALFORMED", "the authorization header is not one bearer token")
        found = self._find(parts[1])
        digest = found[1] if found else _NO_DIGEST
        if not hmac.compare_digest(digest, _digest(parts[2])) or found is None:
            raise AuthenticationError("TOKEN_UNKNOWN", "the token is not known")
        token = found[0]
        if token.revoked_at is not None:
            raise _over("TOKEN_REVOKED", "the token was revoked", token)
        if token.expires_at <= datetime.datetime.now(datetime.UTC):
            raise _over("TOKEN_EXPIRED", "the token has expired", token)
        return Caller(token.name, token.role)

    def _find(self, token: str) -> tuple[Token, bytes] | None:
        if not _IDENTIFIER.fullmatch(token):
            return None
        try:
            return token_of(self._store.get_document(KIND, token))
        except DocumentNotFoundError:
            return None


def _check_name(name: str) -> None:
    """Names go into logs, decisions and tables, so they are one line of visible text."""
    if not name.strip():
        raise InvalidInputError("FIELD_REQUIRED", "a token needs the name of its caller", field="name")
    rules.check_text("name", name, MAX_NAME)
    if not name.isprintable() or name != name.strip():
        raise InvalidInputError("FIELD_INVALID", "name is not one line of visible text", field="name")


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("ascii")).digest()


def _over(reason: str, message: str, token: Token) -> AuthenticationError:
    error = AuthenticationError(reason, message)
    error.identity = token.name
    return error
