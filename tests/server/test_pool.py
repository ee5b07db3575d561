"""The pools bound threads and queue."""

import asyncio
import threading

import pytest

from hashsvc.errors import UnavailableError
from hashsvc.server.pool import Pool


def test_one_more_than_fits_is_refused() -> None:
    """Threads and queue full, a call is OVERLOADED at once; when they are free again, it runs."""

    async def play() -> None:
        pool, gate = Pool("test", threads=1, queue=1), threading.Event()
        running = [asyncio.create_task(pool.run(gate.wait, 5)) for _ in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(UnavailableError) as caught:
            await pool.run(int)
        assert caught.value.reason == "OVERLOADED"
        gate.set()
        assert await asyncio.gather(*running) == [True, True]
        assert await pool.run(int, "7") == 7
        await pool.close(1.0)

    asyncio.run(play())


def test_errors_come_through() -> None:
    """What the function raises, the caller gets, and the place is free again."""

    async def play() -> None:
        pool = Pool("test", threads=1, queue=0)
        for _ in range(3):
            with pytest.raises(ValueError, match="invalid literal"):
                await pool.run(int, "x")
            await asyncio.sleep(0.01)
        await pool.close(1.0)

    asyncio.run(play())


def test_cancelled_callers_keep_the_place_until_the_thread_is_free() -> None:
    """A client that gives up again and again cannot pile up work."""

    async def play() -> None:
        pool, gate = Pool("test", threads=1, queue=0), threading.Event()
        given_up = asyncio.create_task(pool.run(gate.wait, 5))
        await asyncio.sleep(0.01)
        given_up.cancel()
        with pytest.raises(asyncio.CancelledError):
            await given_up
        with pytest.raises(UnavailableError):
            await pool.run(int)
        gate.set()
        await asyncio.sleep(0.05)
        assert await pool.run(int) == 0
        await pool.close(1.0)

    asyncio.run(play())


def test_closed_pool() -> None:
    """After the drain calls are refused; what waited is dropped and what ran ends."""

    async def play() -> None:
        pool, gate = Pool("test", threads=1, queue=1), threading.Event()
        running = asyncio.create_task(pool.run(gate.wait, 5))
        waiting = asyncio.create_task(pool.run(int))
        await asyncio.sleep(0.01)
        await pool.close(0.05)
        with pytest.raises(asyncio.CancelledError):
            await waiting
        with pytest.raises(UnavailableError):
            await pool.run(int)
        gate.set()
        assert await running

    asyncio.run(play())
