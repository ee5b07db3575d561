"""Stands around every call: asks the gate, parses the request, turns errors into statuses, writes one log line."""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from typing import Any, NoReturn, TypeAlias, TypeVar

import grpc
import grpc.aio
import structlog
from google.protobuf.message import DecodeError, Message
from grpc_status import rpc_status

from hashsvc.access.model import Caller
from hashsvc.errors import AuthenticationError, HashsvcError, InvalidInputError, PermissionDeniedError
from hashsvc.server.context import Context
from hashsvc.server.gate import Gate
from hashsvc.server.permissions import OPEN_TO_ALL
from hashsvc.v1.bank_service_pb2 import Verdict
from hashsvc.v1.match_service_pb2 import MatchResult
from hashsvc.wire.errors import encode_error
from hashsvc_index.errors import StoreError

Parse: TypeAlias = Callable[[bytes], Message]
Request = TypeVar("Request")
Response = TypeVar("Response")

_NO_RETRY_REASONS = frozenset({"REVISION_NOT_REACHED"})
"""The server waited already: a client that repeats the call by itself would only multiply the wait."""
_RATE_LIMITED = "RATE_LIMITED"
_IDENTIFY_SECONDS = 0.5
"""A stream that has run for so long since the caller was identified first asks again."""

log = structlog.get_logger("hashsvc.server")


class Guard(grpc.aio.ServerInterceptor):
    """Interceptor of all methods but those of health, which pass untouched.

    The gate is asked before the request is looked at. Requests are parsed here and not by gRPC, which would answer one
    that does not parse with UNKNOWN.
    """

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self._handlers: dict[str, Any] = {}
        """Guarded, by method, of those that there are."""

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable["grpc.RpcMethodHandler[Request, Response] | None"]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> "grpc.RpcMethodHandler[Request, Response] | None":
        handler = await continuation(handler_call_details)
        method = handler_call_details.method.removeprefix("/")
        if handler is None or method in OPEN_TO_ALL:
            return handler
        guarded: grpc.RpcMethodHandler[Request, Response] | None = self._handlers.get(method)
        if guarded is None:
            guarded = self._handlers[method] = _guarded(self._gate, method, handler)
        return guarded


def _guarded(gate: Gate, method: str, handler: Any) -> Any:
    parse: Parse = handler.request_deserializer
    serialize = handler.response_serializer

    async def unary_unary(request: bytes, context: Context) -> Message:
        call = _Call(gate, method, context)
        return await _answer(call, lambda: handler.unary_unary(_parse(parse, request), context))

    async def stream_unary(requests: AsyncIterator[bytes], context: Context) -> Message:
        call = _Call(gate, method, context)
        parsed = call.while_known(_parse_all(parse, requests))
        return await _answer(call, lambda: handler.stream_unary(parsed, context))

    # gRPC tells by the kind of function what it gives: these have to be asynchronous generators themselves.
    async def unary_stream(request: bytes, context: Context) -> AsyncGenerator[Message, None]:
        call = _Call(gate, method, context)
        async with aclosing(_answers(call, lambda: handler.unary_stream(_parse(parse, request), context))) as answers:
            async for answer in answers:
                yield answer

    async def stream_stream(requests: AsyncIterator[bytes], context: Context) -> AsyncGenerator[Message, None]:
        call = _Call(gate, method, context)
        parsed = _parse_all(parse, requests)
        async with aclosing(_answers(call, lambda: handler.stream_stream(parsed, context))) as answers:
            async for answer in answers:
                yield answer

    if handler.unary_unary:
        return grpc.unary_unary_rpc_method_handler(unary_unary, None, serialize)
    if handler.stream_unary:
        return grpc.stream_unary_rpc_method_handler(stream_unary, None, serialize)
    if handler.unary_stream:
        return grpc.unary_stream_rpc_method_handler(unary_stream, None, serialize)
    return grpc.stream_stream_rpc_method_handler(stream_stream, None, serialize)


async def _answers(call: "_Call", work: Callable[[], AsyncGenerator[Message, None]]) -> AsyncGenerator[Message, None]:
    try:
        call.enter()
        async with aclosing(work()) as responses:
            async for response in call.while_known(responses):
                yield response
    except Exception as error:  # noqa: BLE001 (the outermost boundary: every error becomes a status)
        await call.fail(error)
    except (asyncio.CancelledError, GeneratorExit):
        call.cancel()
        raise
    call.succeed(None)


async def _answer(call: "_Call", work: Callable[[], Awaitable[Message]]) -> Message:
    try:
        call.enter()
        response = await work()
    except Exception as error:  # noqa: BLE001 (as above)
        await call.fail(error)
    except asyncio.CancelledError:
        call.cancel()
        raise
    call.succeed(response)
    return response


class _Call:
    """One running call: who makes it, its clock and its log line."""

    def __init__(self, gate: Gate, method: str, context: Context) -> None:
        self._gate = gate
        self._method = method
        self._context = context
        self._caller: Caller | None = None
        self._start = self._identified = time.perf_counter()

    def enter(self) -> None:
        """Raises AuthenticationError, PermissionDeniedError, UnavailableError."""
        self._caller = self._gate.identify(self._context)
        self._gate.admit(self._caller, self._method, self._context.peer())

    async def while_known(self, messages: AsyncIterator[Message]) -> AsyncIterator[Message]:
        """The messages of a stream, either way, as long as the caller's token holds; AuthenticationError after that."""
        async for message in messages:
            if time.perf_counter() - self._identified > _IDENTIFY_SECONDS:
                self._gate.identify(self._context)
                self._identified = time.perf_counter()
            yield message

    def succeed(self, response: Message | None) -> None:
        result: Any = getattr(response, "result", response)
        facts = {"revision": result.revision} if hasattr(result, "revision") else {}
        if isinstance(result, MatchResult):
            facts["verdict"] = Verdict.Name(result.verdict).removeprefix("VERDICT_")
        self._end("OK", **facts)

    def cancel(self) -> None:
        """The caller is gone, or its deadline passed, or the drain ended: nobody is left to tell."""
        self._end("CANCELLED")

    async def fail(self, error: Exception) -> NoReturn:
        """Log `error`, and end the call with its status."""
        if not isinstance(error, HashsvcError | StoreError):
            log.error("unexpected error", method=self._method, exc_info=error)
        message = encode_error(error)
        status = rpc_status.to_status(message)
        reason = getattr(error, "reason", "INTERNAL")
        if isinstance(error, AuthenticationError | PermissionDeniedError) or reason == _RATE_LIMITED:
            self._refused(status.code.name, reason, getattr(error, "identity", ""))
        else:
            self._end(status.code.name, reason=reason)
        pushback = (("grpc-retry-pushback-ms", "-1"),) if reason in _NO_RETRY_REASONS else ()
        await self._context.abort(status.code, status.details, (*status.trailing_metadata, *pushback))

    def _end(self, code: str, **facts: Any) -> None:
        milliseconds = round((time.perf_counter() - self._start) * 1000, 1)
        caller = self._caller.name if self._caller else ""
        log.info("call", method=_short(self._method), caller=caller, code=code, ms=milliseconds, **facts)

    def _refused(self, code: str, reason: str, identity: str) -> None:
        """Who was refused what, and from where; never what they showed as proof."""
        caller = self._caller.name if self._caller else identity
        peer = self._context.peer()
        log.warning("refused", method=_short(self._method), caller=caller, peer=peer, code=code, reason=reason)


def _short(method: str) -> str:
    return method.removeprefix("hashsvc.v1.")


def _parse(parse: Parse, request: bytes) -> Message:
    try:
        return parse(request)
    except DecodeError as error:
        name = getattr(getattr(parse, "__self__", None), "__name__", "message")
        raise InvalidInputError("REQUEST_MALFORMED", f"not a {name}", type=name) from error


async def _parse_all(parse: Parse, requests: AsyncIterator[bytes]) -> AsyncIterator[Message]:
    async for request in requests:
        yield _parse(parse, request)
