"""How a client connects, retries, and learns what went wrong."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, cast

import grpc
import grpc.aio
from grpc_status import rpc_status

from hashsvc import errors
from hashsvc.wire.errors import decode_error
from hashsvc_index.errors import StoreError

TIMEOUT = 30.0
"""Deadline of a call, seconds."""
LONG_TIMEOUT = 1800.0
"""Deadline of an upload, an export or a verify, seconds."""

_MAX_RESPONSE_BYTES = 64 << 20

_RETRY_POLICY = {
    "maxAttempts": 5,
    "initialBackoff": "0.2s",
    "maxBackoff": "2s",
    "backoffMultiplier": 2,
    "retryableStatusCodes": ["UNAVAILABLE"],
}

_WITHOUT_REASON: Mapping[grpc.StatusCode, tuple[type[errors.HashsvcError], str]] = {
    grpc.StatusCode.UNAVAILABLE: (errors.UnavailableError, "SERVER_UNREACHABLE"),
    grpc.StatusCode.CANCELLED: (errors.UnavailableError, "SERVER_UNREACHABLE"),
    grpc.StatusCode.DEADLINE_EXCEEDED: (errors.UnavailableError, "DEADLINE_EXCEEDED"),
    grpc.StatusCode.RESOURCE_EXHAUSTED: (errors.LimitExceededError, "LIMIT_MESSAGE"),
    grpc.StatusCode.UNIMPLEMENTED: (errors.PreconditionError, "METHOD_UNKNOWN"),
}
"""What gRPC says by itself, without an ErrorInfo from the server."""


def channel_options(*, retry: bool) -> Sequence[tuple[str, Any]]:
    """Options of a channel that retries UNAVAILABLE with backoff, for repeatable calls, or of one that does not."""
    options: list[tuple[str, Any]] = [
        ("grpc.max_send_message_length", -1),
        ("grpc.max_receive_message_length", _MAX_RESPONSE_BYTES),
    ]
    if retry:
        config = {"methodConfig": [{"name": [{}], "retryPolicy": _RETRY_POLICY}]}
        options.append(("grpc.service_config", json.dumps(config)))
    return options


def error_of(failure: grpc.RpcError, target: str) -> errors.HashsvcError | StoreError:
    """The error that the server raised, or the one that stands for what happened on the way."""
    call = cast("grpc.Call", failure)
    status = rpc_status.from_call(call)
    if status is not None and status.details:
        return decode_error(status)
    code, details = call.code(), call.details() or ""
    kind, reason = _WITHOUT_REASON.get(code, (errors.InternalError, "INTERNAL"))
    return kind(reason, f"{target}: {details}", target=target, code=code.name)
