"""Matches sent to a server as they come: at a rate whatever the answers do, or as fast as it answers."""

import asyncio
import dataclasses
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, cast

import grpc.aio
import numpy as np

from hashsvc.fingerprint.model import Fingerprint
from hashsvc.match.model import MatchResult
from hashsvc.v1 import match_service_pb2 as pb
from hashsvc.wire.match import decode_result, encode_query

_METHOD = "/hashsvc.v1.MatchService/Match"
_AT_ONCE = 8
"""Calls that are under way when they are sent as fast as they are answered."""
_GIVE_UP = 10.0
"""Seconds after which a call has failed."""
_SEED = 2

Send = Callable[..., Awaitable[bytes]]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What came of one request."""

    request: int
    """Its place in the list."""
    due: float
    """Seconds from the beginning of the load, by the clock."""
    seconds: float
    """From when it was due, or where it was never due from when it was sent, to the answer."""
    answer: bytes
    """Empty where it failed."""
    fault: str
    """How it failed, or empty."""

    def result(self) -> MatchResult:
        """The answer in words."""
        return decode_result(pb.MatchResponse.FromString(self.answer).result)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What a server did with a load."""

    sent: list[Sent]
    began: float
    """On the clock of time.perf_counter."""
    seconds: float
    """From the first request to the last answer."""

    @property
    def rate(self) -> float:
        """Answers a second."""
        return sum(not one.fault for one in self.sent) / self.seconds


class Pace:
    """When what is due so many seconds from the beginning is due by the clock: later, where the load was held up."""

    def __init__(self) -> None:
        self.began = time.perf_counter()
        """On the clock of time.perf_counter."""
        self.held = 0.0
        """Seconds that the load was held up."""

    def left(self, due: float) -> float:
        """Seconds until something is due, negative when it is late."""
        return self.began + self.held + due - time.perf_counter()


def request(query: Fingerprint) -> bytes:
    """As a client sends it."""
    return encode_query(query, pb.MatchOptions()).SerializeToString()


def arrivals(rate: float, seconds: float, seed: int = _SEED) -> list[float]:
    """Times at which independent uploaders come, `rate` a second on average, ascending."""
    gaps = np.random.default_rng(seed).exponential(1 / rate, int(rate * seconds * 1.2) + 20)
    times = np.cumsum(gaps)
    found: list[float] = times[times < seconds].tolist()
    return found


def at_times(
    target: str, requests: Sequence[bytes], times: Sequence[float], *, most: int = 1 << 30, pace: Pace | None = None
) -> Load:
    """Send request n, modulo their number, at the n-th of `times`, whether or not earlier ones are answered.

    With `most` unanswered the load is held up: whatever comes later is due as much later, by `pace`.
    """
    return asyncio.run(_at_times(target, requests, times, most, pace or Pace()))


def flat_out(target: str, requests: Sequence[bytes], seconds: float) -> Load:
    """Send them in turns for so long, several at once, each when another is answered."""
    return asyncio.run(_flat_out(target, requests, seconds))


async def _at_times(target: str, requests: Sequence[bytes], times: Sequence[float], most: int, pace: Pace) -> Load:
    places = asyncio.Semaphore(most)
    async with grpc.aio.insecure_channel(target) as channel:
        await channel.channel_ready()
        send: Send = cast(Any, channel.unary_unary(_METHOD))
        tasks = []
        pace.began = time.perf_counter()
        for number, due in enumerate(times):
            # Even when late: a sleep of nothing lets answers in.
            await asyncio.sleep(max(0.0, pace.left(due)))
            full = places.locked()
            await places.acquire()
            if full:
                # Not only this wait: what sending itself was late by while there was nobody to take it is not theirs.
                pace.held += max(0.0, -pace.left(due))
            moved = pace.held + due
            tasks.append(asyncio.create_task(_one(send, requests, number, moved, pace.began + moved)))
            tasks[-1].add_done_callback(lambda _: places.release())
        sent = await asyncio.gather(*tasks)
        return Load(sent=list(sent), began=pace.began, seconds=time.perf_counter() - pace.began)


async def _flat_out(target: str, requests: Sequence[bytes], seconds: float) -> Load:
    async with grpc.aio.insecure_channel(target) as channel:
        await channel.channel_ready()
        send: Send = cast(Any, channel.unary_unary(_METHOD))
        sent: list[Sent] = []
        began = time.perf_counter()

        async def keep_sending(first: int) -> None:
            number = first
            while (now := time.perf_counter()) < began + seconds:
                sent.append(await _one(send, requests, number, now - began, now))
                number += _AT_ONCE

        await asyncio.gather(*map(keep_sending, range(_AT_ONCE)))
        return Load(sent=sent, began=began, seconds=time.perf_counter() - began)


async def _one(send: Send, requests: Sequence[bytes], number: int, due: float, since: float) -> Sent:
    place, answer, fault = number % len(requests), b"", ""
    try:
        answer = await send(requests[place], timeout=_GIVE_UP)
    except grpc.aio.AioRpcError as error:
        fault = str(error)
    return Sent(request=place, due=due, seconds=time.perf_counter() - since, answer=answer, fault=fault)
