"""Errors at the edge of the command line."""

import pytest

from hashsvc.cli.trouble import explained
from hashsvc.errors import UnavailableError
from hashsvc_index.errors import StoreFullError
from tests.cli.conftest import FakeTarget, Invoke


def test_errors_of_both_trees_are_told_in_one_line(
    fake: FakeTarget, invoke: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A service error and a store error end with one line, the reason in it, and status 2."""
    errors: list[Exception] = [UnavailableError("INDEX_LOADING", "try\nagain"), StoreFullError("no\nroom")]
    for error, reason in zip(errors, ("INDEX_LOADING", "STORE_FULL"), strict=True):

        def failing(raised: Exception = error) -> list[str]:
            raise raised

        monkeypatch.setattr(fake, "verify", failing)
        result = invoke("verify", "--data", "d")
        assert result.exit_code == 2
        assert result.stdout == ""
        assert result.stderr.startswith("hashsvc: ")
        assert result.stderr.endswith(f" ({reason})\n")
        assert result.stderr.count("\n") == 1


def test_a_bug_is_not_hidden(fake: FakeTarget, invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was not raised on purpose keeps its traceback."""

    def failing() -> list[str]:
        raise ZeroDivisionError

    monkeypatch.setattr(fake, "verify", failing)
    assert isinstance(invoke("verify", "--data", "d").exception, ZeroDivisionError)
    assert explained(ZeroDivisionError()) is None
