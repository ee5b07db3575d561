"""What a server may listen on with what protection."""

import pytest

from hashsvc.config import TlsSettings
from hashsvc.errors import HashsvcError, InvalidInputError, PreconditionError
from hashsvc.server.exposure import Exposure

NONE = TlsSettings()
TLS = TlsSettings(certificate="c", key="k")
MUTUAL = TlsSettings(certificate="c", key="k", client_ca="a")
BEYOND = "0.0.0.0:1"
HERE = "127.0.0.1:1"


@pytest.mark.parametrize("listen", [BEYOND, "[::]:1", "192.0.2.7:1", "example.org:1"])
def test_without_tls_only_on_the_loopback(listen: str) -> None:
    """Another address needs a certificate or the operator's word."""
    with pytest.raises(PreconditionError) as caught:
        Exposure(listen, NONE)
    assert (caught.value.reason, caught.value.metadata["listen"]) == ("LISTEN_INSECURE", listen)
    Exposure(listen, NONE, insecure=True)
    Exposure(listen, TLS)


def test_beyond_the_loopback_without_anybody_known() -> None:
    """TLS alone does not do: there must be a token, a client authority or the operator's word."""
    with pytest.raises(PreconditionError) as caught:
        Exposure(BEYOND, TLS).check_tokens(made=False)
    assert caught.value.reason == "LISTEN_INSECURE"
    Exposure(BEYOND, TLS).check_tokens(made=True)
    Exposure(BEYOND, MUTUAL).check_tokens(made=False)
    Exposure(BEYOND, TLS, insecure=True).check_tokens(made=False)
    Exposure(HERE, TLS).check_tokens(made=False)


@pytest.mark.parametrize(
    ("listen", "tls", "insecure", "open"),
    [
        (HERE, NONE, False, True),
        ("localhost:1", NONE, False, True),
        ("[::1]:1", NONE, False, True),
        (HERE, TLS, False, False),
        (HERE, MUTUAL, True, False),
        (BEYOND, TLS, False, False),
        (BEYOND, MUTUAL, False, False),
        (BEYOND, NONE, True, True),
        (BEYOND, TLS, True, True),
    ],
)
def test_open(listen: str, tls: TlsSettings, insecure: bool, open: bool) -> None:
    """Anybody is let in only where nobody else comes, or where the operator said so, and no authority was given."""
    assert Exposure(listen, tls, insecure).may_be_open is open


@pytest.mark.parametrize(
    "tls", [TlsSettings(client_ca="a"), TlsSettings(certificate="c", key="k", identities=(("x", "uploader"),))]
)
def test_half_a_configuration(tls: TlsSettings) -> None:
    """Client authorities without a certificate and identities without authorities would not do what they say."""
    with pytest.raises(InvalidInputError) as caught:
        Exposure(HERE, tls)
    assert isinstance(caught.value, HashsvcError) and caught.value.reason == "CONFIG_INVALID"
