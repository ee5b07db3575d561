"""Structured logs: one JSON object a line on standard error, from structlog and from logging alike."""

import logging
import re
import sys
from typing import Any

import structlog
from structlog.tracebacks import ExceptionDictTransformer

_SECRET = re.compile(r"(hashsvc_[0-9a-f]{16}_)[0-9a-f]{8,}")


class _Lines(structlog.WriteLogger):
    """Writes the lines of one named logger. A busy server writes some hundred a second, for which `logging` takes
    several times as long."""

    def __init__(self, name: str = "") -> None:
        super().__init__(sys.stderr)
        self.name = name


def configure_logs(level: int = logging.INFO) -> None:
    """Send every log of this process through one JSON formatter."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        # Without the values of local variables, which are callers' content.
        structlog.processors.ExceptionRenderer(ExceptionDictTransformer(show_locals=False)),
    ]
    written: list[structlog.typing.Processor] = [structlog.processors.JSONRenderer(), _without_secrets]
    structlog.configure(
        processors=[*shared, *written],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=_Lines,
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.ExtraAdder()],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *written],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)


def _without_secrets(_logger: Any, _method: str, line: Any) -> str:
    """Nothing logs a token on purpose; should one come in by another way, in a name or an error, its secret stays out."""
    return _SECRET.sub(r"\1...", line)
