"""What a client cannot show."""

from pathlib import Path

import pytest
import structlog

from hashsvc.client import Client, Tls
from hashsvc.client.credentials import channel_credentials, token_metadata
from hashsvc.errors import InvalidInputError, PreconditionError
from tests.server.authority import Authority


def test_tokens() -> None:
    """A token goes with each call, without the line break of the file that it came from."""
    assert token_metadata(None, "h:1", None) == ()
    assert token_metadata("abc\n", "h:1", Tls()) == (("authorization", "Bearer abc"),)


def test_a_token_in_the_clear_is_warned_of() -> None:
    """Where another machine gets it without TLS, and there only; the warning does not repeat it."""
    for target, tls, warned in (("h:1", None, True), ("h:1", Tls(), False), ("127.0.0.1:1", None, False)):
        with structlog.testing.capture_logs() as logs:
            token_metadata("abc", target, tls)
        assert [line["target"] for line in logs] == ["h:1"] * warned
        assert "abc" not in str(logs)


@pytest.mark.parametrize("token", ["", " \n", "a\nb", "caf\u00e9", "a\x00b"])
def test_what_is_no_token(token: str) -> None:
    """What no header can hold is found when the client is made, and not repeated in the error."""
    with pytest.raises(InvalidInputError) as caught:
        Client("127.0.0.1:1", token=token)
    assert caught.value.reason == "FIELD_INVALID"


def test_files(tmp_path: Path) -> None:
    """A pair and an authority do; half a pair, another's key, and what is no PEM are errors."""
    authority = Authority(tmp_path, "authority")
    certificate, key = authority.issue("one")
    _, other = authority.issue("two")
    channel_credentials(Tls(ca=authority.ca, certificate=certificate, key=key))
    channel_credentials(Tls())
    text = tmp_path / "text"
    text.write_text("no certificate")
    for tls in (Tls(certificate=certificate), Tls(key=key)):
        with pytest.raises(InvalidInputError) as half:
            channel_credentials(tls)
        assert half.value.reason == "FIELD_REQUIRED"
    for tls in (
        Tls(certificate=certificate, key=other),
        Tls(certificate=text, key=key),
        Tls(certificate=certificate, key=tmp_path / "missing"),
        Tls(ca=text),
        Tls(ca=tmp_path / "missing"),
    ):
        with pytest.raises(PreconditionError) as caught:
            channel_credentials(tls)
        assert caught.value.reason == "TLS_INVALID"
