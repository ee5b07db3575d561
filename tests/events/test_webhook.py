"""What a webhook may be."""

import pytest

from hashsvc.errors import InvalidInputError
from hashsvc.events.webhook import check_types, check_url, check_webhook_id


@pytest.mark.parametrize("url", ["https://a.example/x?y=1", "http://127.0.0.1:8080", "https://[::1]:8443/hook"])
def test_urls(url: str) -> None:
    """As they are."""
    assert check_url(url) == url


@pytest.mark.parametrize(
    "url",
    ["", "ftp://a.example/", "https://", "https://user:word@a.example/", "https://a.example/#x", "https://a.example/ x",
     "https://a.example:99999/", "https://a.example:0/", "//a.example", "file:///etc/passwd", "https://[::1/",
     "https://a.example/\r\nx: y", "https://ä.example/"],
)  # fmt: skip
def test_other_urls_are_refused(url: str) -> None:
    """What could not be sent to, or would be listed with a password in it."""
    with pytest.raises(InvalidInputError) as caught:
        check_url(url)
    assert caught.value.reason == "FIELD_INVALID"


def test_a_long_url() -> None:
    """Bounded."""
    with pytest.raises(InvalidInputError, match="characters"):
        check_url("https://a.example/" + "x" * 3000)


def test_types() -> None:
    """Once each; one that there is not is named."""
    assert check_types(["org.hashsvc.retro.hits", "org.hashsvc.bank.changed", "org.hashsvc.retro.hits"]) == (
        "org.hashsvc.bank.changed",
        "org.hashsvc.retro.hits",
    )
    with pytest.raises(InvalidInputError, match=r"org\.hashsvc\.x"):
        check_types(["org.hashsvc.x"])


def test_identifier() -> None:
    """What is no identifier is refused before the store is asked."""
    with pytest.raises(InvalidInputError):
        check_webhook_id("../x")
