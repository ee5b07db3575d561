"""Signatures of webhooks."""

import base64
import hashlib
import hmac

import pytest

from hashsvc.errors import InvalidInputError
from hashsvc.events.signature import check_secret, headers, new_secret


def test_anyone_with_the_secret_can_check() -> None:
    """The recipe of the README, written out."""
    secret, body = new_secret(), b'{"id":"e-1"}'
    sent = headers(secret, "e-1", 1700000000, body)
    signed = sent["webhook-id"].encode() + b"." + sent["webhook-timestamp"].encode() + b"." + body
    key = base64.b64decode(secret.removeprefix("whsec_"))
    wanted = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    assert sent["webhook-signature"] == f"v1,{wanted}"
    assert headers(new_secret(), "e-1", 1700000000, body) != sent


def test_a_known_signature() -> None:
    """The example that standardwebhooks.com's libraries are tested with."""
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    sent = headers(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert sent["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@pytest.mark.parametrize("secret", ["", "x", "whsec_", "whsec_dG9vIHNob3J0", "whsec_" + "A" * 200, "whsec_" + "!" * 40])
def test_other_forms_are_refused_without_being_told(secret: str) -> None:
    """The message does not hold what was given."""
    with pytest.raises(InvalidInputError) as caught:
        check_secret(secret)
    assert caught.value.reason == "FIELD_INVALID"
    assert not secret.removeprefix("whsec_") or secret.removeprefix("whsec_") not in caught.value.message.split()
