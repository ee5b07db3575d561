"""Headers, peers and certificates as gRPC hands them over."""

from typing import Any

import pytest

from hashsvc.access.model import Caller, Role
from hashsvc.errors import AuthenticationError, InvalidInputError
from hashsvc.server.gate import bearer_token, peer_host
from hashsvc.server.identities import Identities


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_a_bearer_token(scheme: str) -> None:
    """The scheme is in any case of letters."""
    assert bearer_token([("user-agent", "x"), ("authorization", f"{scheme} abc_1-2")]) == "abc_1-2"
    assert bearer_token([("user-agent", "x")]) is None


@pytest.mark.parametrize(
    "values", [[""], ["Bearer"], ["Bearer "], ["abc"], ["Basic abc"], ["Bearer a b"], ["Bearer a", "Bearer a"], [b"x"]]
)
def test_what_is_no_bearer_token(values: list[Any]) -> None:
    """Nothing is guessed from another scheme, from two tokens, or from two headers."""
    with pytest.raises(AuthenticationError) as caught:
        bearer_token([("authorization", value) for value in values])
    assert caught.value.reason == "TOKEN_MALFORMED"
    assert not caught.value.metadata


@pytest.mark.parametrize(
    ("peer", "host"),
    [
        ("ipv4:192.0.2.7:50001", "192.0.2.7"),
        ("ipv6:[2001:db8:1:2:3::4]:50001", "2001:db8:1:2::/64"),
        ("ipv6:%5B2001:db8:1:2:9::9%5D:7", "2001:db8:1:2::/64"),
        ("ipv6:[fe80::1%25eth0]:7", "fe80::/64"),
        ("unix:", "unix:"),
    ],
)
def test_peers(peer: str, host: str) -> None:
    """The port goes, and of IPv6 the half that a host chooses itself."""
    assert peer_host(peer) == host


def test_identities() -> None:
    """URIs and DNS names are looked up; the common name only in a certificate that has neither."""
    known = Identities([("spiffe://p/upload", "uploader"), ("review.example", "reviewer"), ("old", "partner")])
    both = {"peer_uri": [b"spiffe://p/else"], "peer_dns": [b"review.example"], "x509_common_name": [b"old"]}
    assert known.caller(both) == Caller("review.example", Role.REVIEWER)
    assert known.caller({"peer_uri": [b"spiffe://p/upload"]}) == Caller("spiffe://p/upload", Role.UPLOADER)
    assert known.caller({"x509_common_name": [b"old"]}) == Caller("old", Role.PARTNER)
    assert known.caller({"peer_dns": [b"else"], "x509_common_name": [b"old"]}) is None
    assert known.caller({"peer_ip": [b"old"], "peer_email": [b"review.example"]}) is None
    assert known.caller({}) is None


def test_an_identity_with_a_role_that_there_is_not() -> None:
    """A misspelt role is found at the start."""
    with pytest.raises(InvalidInputError) as caught:
        Identities([("x", "curators")])
    assert caught.value.reason == "CONFIG_INVALID"
