"""Runs a server until a signal ends it."""

import asyncio
import gc
import signal
import threading
import time
from pathlib import Path

import structlog

from hashsvc.config import Settings
from hashsvc.server.logs import configure_logs
from hashsvc.server.server import Server
from hashsvc.service import Service
from hashsvc_index import compilation

DEFAULT_LISTEN = "127.0.0.1:50051"

log = structlog.get_logger("hashsvc.server")


def serve(data: Path, listen: str = DEFAULT_LISTEN, settings: Settings = Settings(), *, insecure: bool = False) -> None:
    """Serve `data` on `listen` until SIGTERM or SIGINT; then drain and return. A second signal cuts the drain short.

    With `insecure`, also where other machines reach it unprotected. Logs to standard error. Raises as `Server.start`
    does: HashsvcError for the address, StoreError for the directory.
    """
    configure_logs()
    server = Server(
        lambda: Service.open(
            data,
            settings,
            wait=False,
            vaccinate=True,
            hunt=True,
            deliver=True,
            expire=True,
            match_processes=settings.server.match_processes,
        ),
        listen,
        settings,
        insecure=insecure,
    )
    asyncio.run(_run(server, compiled=not settings.server.match_processes))


async def _run(server: Server, *, compiled: bool) -> None:
    signalled = asyncio.Event()
    cuts: set[asyncio.Task[None]] = set()

    def on_signal(name: str) -> None:
        log.info("signal", signal=name)
        if signalled.is_set():
            cuts.add(asyncio.ensure_future(server.cut_off()))
        signalled.set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, on_signal, number.name)
    await server.start()
    log.info("listening", target=server.target, port=server.port)
    # Beside the opening of the directory. Until it is done, matches take the plain way.
    threading.Thread(target=_prepare, args=(compiled,), name="hashsvc-prepare", daemon=True).start()
    await signalled.wait()
    log.info("draining")
    await server.stop()
    log.info("stopped")


def _prepare(compiled: bool) -> None:
    """Have what is compiled compiled, where matches are made in this process; then keep what is there by now from being
    searched for garbage again and again.

    There are some hundred thousand objects, none of which will go, and Python's lock is held for a tenth of a second meanwhile.
    """
    if compiled:
        _compile()
    gc.collect()
    gc.freeze()
    log.info("prepared", objects=gc.get_freeze_count())


def _compile() -> None:
    began = time.perf_counter()
    try:
        compilation.load_all()
    except Exception as error:  # Matches go the plain way on, only slower.
        log.warning("not compiled", exc_info=error)
    else:
        log.info("compiled", seconds=round(time.perf_counter() - began, 1))
