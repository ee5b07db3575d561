"""The service of tests/decisions."""

from tests.decisions.conftest import entry, service

__all__ = ["entry", "service"]
