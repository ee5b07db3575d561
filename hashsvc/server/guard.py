"""Stands around every call: parses the request, turns errors into statuses, writes one log line."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, NoReturn, TypeAlias, TypeVar

import grpc
import grpc.aio
import structlog
from google.protobuf.message import DecodeError, Message
from grpc_status import rpc_status

from hashsvc.errors import HashsvcError, InvalidInputError
from hashsvc.v1.match_service_pb2 import MatchResult, Verdict
from hashsvc.wire.errors import encode_error
from hashsvc_index.errors import StoreError

Context: TypeAlias = grpc.aio.ServicerContext[Any, Any]
Parse: TypeAlias = Callable[[bytes], Message]
Request = TypeVar("Request")
Response = TypeVar("Response")

_OURS = "/hashsvc."
_NO_RETRY_REASONS = frozenset({"REVISION_NOT_REACHED"})
"""The server waited already: a client that repeats the call by itself would only multiply the wait."""

log = structlog.get_logger("hashsvc.server")


class Guard(grpc.aio.ServerInterceptor):
    """Interceptor of all hashsvc methods; health and reflection pass untouched.

    Requests are parsed here and not by gRPC, which would answer one that does not parse with UNKNOWN.
    """

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable["grpc.RpcMethodHandler[Request, Response] | None"]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> "grpc.RpcMethodHandler[Request, Response] | None":
        handler = await continuation(handler_call_details)
        method = handler_call_details.method
        if handler is None or not method.startswith(_OURS):
            return handler
        guarded: grpc.RpcMethodHandler[Request, Response] = _guarded(
            method.removeprefix(_OURS).removeprefix("v1."), handler
        )
        return guarded


def _guarded(method: str, handler: Any) -> Any:
    parse: Parse = handler.request_deserializer
    serialize = handler.response_serializer

    async def unary_unary(request: bytes, context: Context) -> Message:
        return await _answer(method, context, lambda: handler.unary_unary(_parse(parse, request), context))

    async def stream_unary(requests: AsyncIterator[bytes], context: Context) -> Message:
        return await _answer(method, context, lambda: handler.stream_unary(_parse_all(parse, requests), context))

    async def unary_stream(request: bytes, context: Context) -> AsyncIterator[Message]:
        call = _Call(method)
        try:
            async for response in handler.unary_stream(_parse(parse, request), context):
                yield response
        except Exception as error:  # noqa: BLE001 (the outermost boundary: every error becomes a status)
            await call.fail(error, context)
        except (asyncio.CancelledError, GeneratorExit):
            call.cancel()
            raise
        call.succeed(None)

    if handler.unary_unary:
        return grpc.unary_unary_rpc_method_handler(unary_unary, None, serialize)
    if handler.stream_unary:
        return grpc.stream_unary_rpc_method_handler(stream_unary, None, serialize)
    return grpc.unary_stream_rpc_method_handler(unary_stream, None, serialize)


async def _answer(method: str, context: Context, work: Callable[[], Awaitable[Message]]) -> Message:
    call = _Call(method)
    try:
        response = await work()
    except Exception as error:  # noqa: BLE001 (as above)
        await call.fail(error, context)
    except asyncio.CancelledError:
        call.cancel()
        raise
    call.succeed(response)
    return response


class _Call:
    """One running call: its clock and its log line."""

    def __init__(self, method: str) -> None:
        self._method = method
        self._start = time.perf_counter()

    def succeed(self, response: Message | None) -> None:
        result: Any = getattr(response, "result", response)
        facts = {"revision": result.revision} if hasattr(result, "revision") else {}
        if isinstance(result, MatchResult):
            facts["verdict"] = Verdict.Name(result.verdict).removeprefix("VERDICT_")
        self._log("OK", **facts)

    def cancel(self) -> None:
        """The caller is gone, or its deadline passed, or the drain ended: nobody is left to tell."""
        self._log("CANCELLED")

    async def fail(self, error: Exception, context: Context) -> NoReturn:
        """Log `error`, and end the call with its status."""
        if not isinstance(error, HashsvcError | StoreError):
            log.error("unexpected error", method=self._method, exc_info=error)
        message = encode_error(error)
        status = rpc_status.to_status(message)
        reason = getattr(error, "reason", "INTERNAL")
        self._log(status.code.name, reason=reason)
        pushback = (("grpc-retry-pushback-ms", "-1"),) if reason in _NO_RETRY_REASONS else ()
        await context.abort(status.code, status.details, (*status.trailing_metadata, *pushback))

    def _log(self, code: str, **facts: Any) -> None:
        milliseconds = round((time.perf_counter() - self._start) * 1000, 1)
        log.info("call", method=self._method, code=code, ms=milliseconds, **facts)


def _parse(parse: Parse, request: bytes) -> Message:
    try:
        return parse(request)
    except DecodeError as error:
        name = getattr(getattr(parse, "__self__", None), "__name__", "message")
        raise InvalidInputError("REQUEST_MALFORMED", f"not a {name}", type=name) from error


async def _parse_all(parse: Parse, requests: AsyncIterator[bytes]) -> AsyncIterator[Message]:
    async for request in requests:
        yield _parse(parse, request)
