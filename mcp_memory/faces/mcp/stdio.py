"""The stdio process: one host, JSON-RPC on stdin and stdout, nothing else on stdout ever.

`initialize` and `tools/list` are answered before Redis is opened, and before anything is imported that it
needs; then the service is opened in the background, so that the first call finds it ready. This module itself
imports nothing heavy: a signal during the imports already ends the process cleanly.
"""

import asyncio
import contextlib
import logging
import os
import signal
import sys
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeAlias

from mcp_memory.errors import InvalidInput
from mcp_memory.settings import Settings

if TYPE_CHECKING:
    from mcp.server.context import CallNext, HandlerResult, ServerMiddleware, ServerRequestContext

    from mcp_memory.faces.mcp.services import LazyServices
    from mcp_memory.service import MemoryService

    Open: TypeAlias = Callable[[Settings], AbstractAsyncContextManager[MemoryService]]

WARMING_DELAY_SECONDS = 0.02
"""After the answer to `tools/list` was handed to the transport: it is written before the imports begin."""

LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")


def run_stdio(environ: Mapping[str, str] = os.environ, *, open_service: "Open | None" = None) -> NoReturn:
    """Serve one host until it closes stdin or sends SIGTERM, SIGINT or SIGHUP; then exit with 0.

    A setting that cannot be read is not the end: the server starts, and every call answers with the error.
    """
    for number in _ending_signals():
        signal.signal(number, _leave_now)
    settings, error = read_settings(environ)
    logging.basicConfig(
        stream=sys.stderr,
        level=settings.log_level if settings.log_level in LOG_LEVELS else "WARNING",
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
    )
    if sys.stdin is None or sys.stdout is None:  # pyright: ignore[reportUnnecessaryComparison] (`<&-` in a shell)
        logging.getLogger(__name__).error("stdin and stdout are the connection to the host; one of them is closed")
        _leave_now()
    opener = (open_service or _open) if error is None else _refusing(error)
    asyncio.run(_serve(settings, opener))
    raise AssertionError("unreachable: serving ends with the process")


def read_settings(environ: Mapping[str, str]) -> tuple[Settings, InvalidInput | None]:
    """The settings; where one is wrong, defaults that touch nothing, and the error to answer calls with."""
    try:
        return Settings.from_env(environ), None
    except InvalidInput as error:
        return Settings(home=Path(os.devnull)), error
    except RuntimeError:  # of Path.home(): neither HOME nor an entry in the password file
        return Settings(home=Path(os.devnull)), InvalidInput("no home folder is known; set MCP_MEMORY_HOME to a folder")


async def _serve(settings: Settings, open_service: "Open") -> NoReturn:
    # Here and not above, so that signals are handled before the longest part of the start.
    from mcp_memory.faces.mcp.server import build  # noqa: PLC0415
    from mcp_memory.faces.mcp.services import LazyServices  # noqa: PLC0415

    services = LazyServices(lambda: open_service(settings))
    server = build(settings, services)
    server.middleware.append(_warming(services))
    serving = asyncio.create_task(server.run_stdio_async())
    ending = asyncio.create_task(_ending())
    await asyncio.wait([serving, ending], return_when=asyncio.FIRST_COMPLETED)
    if serving.done():
        _leave_now(code=_outcome(serving))
    # The transport's reading thread cannot be interrupted: close what is ours, and leave it behind.
    serving.cancel()
    await services.close()
    _leave_now()


def _outcome(serving: asyncio.Task[None]) -> int:
    """The exit code: 0 also when the host is gone without a word; the log has any other failure."""
    code = 0
    try:
        serving.result()
    except* (BrokenPipeError, ConnectionResetError):
        pass
    except* Exception:
        logging.getLogger(__name__).exception("serving failed")
        code = 1
    return code


async def _ending() -> None:
    """Wait for a signal to end."""
    ended = asyncio.Event()
    with contextlib.suppress(NotImplementedError):  # Windows: the handlers set at the start stay
        for number in _ending_signals():
            asyncio.get_running_loop().add_signal_handler(number, ended.set)
    await ended.wait()


def _warming(services: "LazyServices") -> "ServerMiddleware[Any]":
    """Middleware that opens the service in the background once the host has its list of tools."""

    async def warm(ctx: "ServerRequestContext[Any, Any]", call_next: "CallNext") -> "HandlerResult":
        result = await call_next(ctx)
        if ctx.method == "tools/list":
            asyncio.get_running_loop().call_later(WARMING_DELAY_SECONDS, services.warm)
        return result

    return warm


@asynccontextmanager
async def _open(settings: Settings) -> "AsyncGenerator[MemoryService]":
    opener = await asyncio.to_thread(_load_opener)
    async with opener(settings) as service:
        yield service


def _refusing(error: InvalidInput) -> "Open":
    """Opens nothing: whoever needs the service hears of the setting that has to be mended."""

    @asynccontextmanager
    async def refuse(_: Settings) -> "AsyncGenerator[MemoryService]":
        raise error
        yield  # makes it a generator

    return refuse


def _load_opener() -> "Open":
    from mcp_memory.app import open_service  # noqa: PLC0415 (redis and arq: after the first answers)

    return open_service


def _ending_signals() -> list[signal.Signals]:
    names = ("SIGTERM", "SIGINT", "SIGHUP")
    return [signal.Signals[name] for name in names if name in signal.Signals.__members__]


def _leave_now(*_: object, code: int = 0) -> NoReturn:
    """Exit without waiting for threads: one hangs on stdin, another may be starting a Redis."""
    with contextlib.suppress(Exception):
        sys.stderr.flush()
    os._exit(code)
