"""What the log of a server may hold."""

import json
import logging

import pytest
import structlog

from hashsvc.server.logs import configure_logs

SECRET = "5" * 64
TOKEN = f"hashsvc_0123456789abcdef_{SECRET}"


def test_no_secret_gets_into_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    """Not in an event, a value, a foreign logger's text or a traceback; each line is still an object."""
    configure_logs()
    log = structlog.get_logger("hashsvc.test")
    log.warning(f"event {TOKEN}", value=TOKEN, nested={"list": [TOKEN]})
    logging.getLogger("foreign").error("text %s", TOKEN)
    try:
        raise RuntimeError(f"trouble {TOKEN}")
    except RuntimeError:
        log.exception("unexpected")
    lines = capsys.readouterr().err.splitlines()
    assert len([json.loads(line) for line in lines]) == 3
    assert all("hashsvc_0123456789abcdef_..." in line and "5555" not in line for line in lines)
