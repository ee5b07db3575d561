"""The tree of errors."""

import inspect
import re
from pathlib import Path

import pytest

from hashsvc import errors
from hashsvc.errors import FingerprintError, HashsvcError, InvalidInputError, LimitExceededError, MediaError

KINDS = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, HashsvcError)]


def test_what_an_error_says() -> None:
    """A reason, a message, and every dynamic value as text."""
    error = LimitExceededError("LIMIT_BYTES", "5 bytes, over 3", limit=3, path=Path("a/b"))
    assert (error.reason, error.message, str(error)) == ("LIMIT_BYTES", "5 bytes, over 3", "5 bytes, over 3")
    assert error.metadata == {"limit": "3", "path": "a/b"}
    assert HashsvcError("X", "y").metadata == {}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_kind_is_in_the_tree(kind: type[HashsvcError]) -> None:
    """The docstring of the module names each class, and each class says when it is raised."""
    assert kind.__name__ in (errors.__doc__ or "")
    assert kind.__doc__
    error = kind("REASON", "message", key=1)
    assert isinstance(error, HashsvcError) and error.reason == "REASON"


def test_whose_fault() -> None:
    """Broken media and malformed fingerprints are the caller's; a limit is a kind of its own."""
    assert issubclass(MediaError, InvalidInputError) and issubclass(FingerprintError, InvalidInputError)
    assert not issubclass(LimitExceededError, InvalidInputError)


def test_every_reason_in_the_code_is_in_the_contract() -> None:
    """Each reason with which the code raises an error is one that the protos list, so that clients can know it."""
    root = Path(errors.__file__).parent
    listed = (root.parent / "protos" / "hashsvc" / "v1" / "error_reason.proto").read_text()
    raised = {
        reason for path in root.rglob("*.py") for reason in re.findall(r'Error\(\s*"([A-Z][A-Z_]+)"', path.read_text())
    }
    assert len(raised) > 20
    assert {reason for reason in raised if f"ERROR_REASON_{reason}" not in listed} == set()
