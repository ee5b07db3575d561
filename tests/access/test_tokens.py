"""Tokens on a data directory."""

import datetime
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from hashsvc.access.model import MAX_DAYS, Caller, NewToken, Role
from hashsvc.access.records import KIND, token_of, token_payload
from hashsvc.access.tokens import Tokens
from hashsvc.errors import AuthenticationError, HashsvcError, InvalidInputError, NotFoundError
from hashsvc_index import Store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A new data directory."""
    with Store.open(tmp_path / "data") as store:
        yield store


@pytest.fixture
def tokens(store: Store) -> Tokens:
    """Its tokens."""
    return Tokens(store)


def refusal(tokens: Tokens, text: str) -> AuthenticationError:
    """What `text` is refused with."""
    with pytest.raises(AuthenticationError) as caught:
        tokens.caller(text)
    assert not caught.value.metadata
    return caught.value


def make(tokens: Tokens, name: str = "alice", role: Role = Role.CURATOR, days: float = 1) -> NewToken:
    """A token made by root."""
    return tokens.create(name, role, days=days, actor="root")


def test_life(tokens: Tokens) -> None:
    """A token is made, known, listed, revoked and known no more, but listed still."""
    assert not tokens.any_made()
    made = make(tokens)
    assert re.fullmatch(rf"hashsvc_{made.token.token}_[0-9a-f]{{64}}", made.secret)
    assert (made.token.name, made.token.role, made.token.created_by) == ("alice", Role.CURATOR, "root")
    assert tokens.caller(made.secret) == Caller("alice", Role.CURATOR)
    assert tokens.list("", 10) == [made.token]

    revoked = tokens.revoke(made.token.token, actor="bob")
    assert revoked.revoked_by == "bob" and revoked.revoked_at is not None and revoked.revision > made.token.revision
    error = refusal(tokens, made.secret)
    assert (error.reason, error.identity) == ("TOKEN_REVOKED", "alice")
    assert tokens.list("", 10) == [revoked]
    assert tokens.revoke(made.token.token, actor="eve") == revoked
    assert tokens.any_made()


def test_secrets_differ_and_are_not_kept(store: Store, tokens: Tokens) -> None:
    """Two tokens of one caller are two; neither secret is in what is stored, listed or printed."""
    first, second = make(tokens), make(tokens)
    assert first.secret != second.secret and first.token.token != second.token.token
    for made in (first, second):
        secret = made.secret.rpartition("_")[2]
        payload = store.get_document(KIND, made.token.token).payload
        assert secret.encode() not in payload and bytes.fromhex(secret) not in payload
        assert secret not in repr(made) and secret not in repr(tokens.list("", 10))


def test_expiry(tokens: Tokens, monkeypatch: pytest.MonkeyPatch) -> None:
    """A token holds until its time and not after it."""
    made = make(tokens, days=1)
    ends = made.token.expires_at
    assert ends - made.token.created_at == datetime.timedelta(days=1)

    class Clock(datetime.datetime):
        """Stands still where the test puts it."""

        moment = ends - datetime.timedelta(milliseconds=1)

        @classmethod
        def now(cls, tz: datetime.tzinfo | None = None) -> "Clock":
            return cls.fromtimestamp(cls.moment.timestamp(), tz)

    monkeypatch.setattr(datetime, "datetime", Clock)
    assert tokens.caller(made.secret).name == "alice"
    Clock.moment = ends
    error = refusal(tokens, made.secret)
    assert (error.reason, error.identity) == ("TOKEN_EXPIRED", "alice")


def test_wrong_secrets_tell_nothing(tokens: Tokens) -> None:
    """Another secret of a token that is there, was revoked or is not there: the same words, and nobody's name."""
    known, gone = make(tokens), make(tokens)
    tokens.revoke(gone.token.token, actor="root")
    errors = [refusal(tokens, f"hashsvc_{one}_{'0' * 64}") for one in (known.token.token, gone.token.token, "0" * 16)]
    assert {(error.reason, error.message, error.identity) for error in errors} == {
        ("TOKEN_UNKNOWN", "the token is not known", "")
    }


@pytest.mark.parametrize("text", ["", "x", "hashsvc_", "hashsvc_0_0", f"hashsvc_{'0' * 16}_{'0' * 63}", "0" * 10_000])
def test_malformed(tokens: Tokens, text: str) -> None:
    """What no token looks like is refused as that, without a look into the store."""
    assert refusal(tokens, text).reason == "TOKEN_MALFORMED"
    made = make(tokens).secret
    assert refusal(tokens, f"{made}0").reason == refusal(tokens, made.upper()).reason == "TOKEN_MALFORMED"


@pytest.mark.parametrize(
    ("name", "days", "reason"),
    [
        ("", 1, "FIELD_REQUIRED"),
        ("  ", 1, "FIELD_REQUIRED"),
        (" x", 1, "FIELD_INVALID"),
        ("a\nb", 1, "FIELD_INVALID"),
        ("a\x1b[0m", 1, "FIELD_INVALID"),
        ("caf\udce9", 1, "FIELD_INVALID"),
        ("x" * 129, 1, "FIELD_TOO_LONG"),
        ("x", 0, "FIELD_INVALID"),
        ("x", -1, "FIELD_INVALID"),
        ("x", MAX_DAYS + 1, "FIELD_INVALID"),
        ("x", float("nan"), "FIELD_INVALID"),
        ("x", float("inf"), "FIELD_INVALID"),
    ],
)
def test_what_cannot_be_made(tokens: Tokens, name: str, days: float, reason: str) -> None:
    """Names that would spoil a log line and times that are none are refused, and nothing is written."""
    with pytest.raises(InvalidInputError) as caught:
        make(tokens, name, days=days)
    assert caught.value.reason == reason
    assert not tokens.any_made()


def test_what_cannot_be_revoked(tokens: Tokens) -> None:
    """An identifier of no token is an error that does not repeat it: it may be a secret, put there by mistake."""
    made = make(tokens)
    for text in ("", "0" * 16, made.secret, "x" * 10_000):
        with pytest.raises(NotFoundError) as caught:
            tokens.revoke(text, actor="root")
        error: HashsvcError = caught.value
        assert (error.reason, error.message, dict(error.metadata)) == (
            "TOKEN_NOT_FOUND",
            "no token has this identifier",
            {},
        )
    assert tokens.caller(made.secret)


def test_two_revoke_at_once(store: Store, tokens: Tokens, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first one's name stays."""
    made = make(tokens)
    find = tokens._find

    def interrupted(token: str) -> object:
        found = find(token)
        monkeypatch.undo()
        Tokens(store).revoke(token, actor="first")
        return found

    monkeypatch.setattr(tokens, "_find", interrupted)
    assert tokens.revoke(made.token.token, actor="second").revoked_by == "first"


def test_pages(tokens: Tokens) -> None:
    """A list goes on after an identifier, and after nothing else."""
    made = sorted(make(tokens, f"c{number}").token.token for number in range(5))
    assert [one.token for one in tokens.list("", 3)] == made[:3]
    assert [one.token for one in tokens.list(made[2], 3)] == made[3:]
    with pytest.raises(InvalidInputError) as caught:
        tokens.list("x", 3)
    assert caught.value.reason == "PAGE_TOKEN_INVALID"


def test_records(store: Store, tokens: Tokens) -> None:
    """What is stored is what comes back."""
    token = tokens.revoke(make(tokens).token.token, actor="root")
    record = store.get_document(KIND, token.token)
    found, digest = token_of(record)
    assert found == token and len(digest) == 32
    assert token_payload(found, digest) == record.payload
