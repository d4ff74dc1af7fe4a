"""`stop` and `worker`: the processes behind the store."""

import asyncio
import os
import sys
from dataclasses import dataclass
from typing import Annotated

import typer

from mcp_memory import embedded
from mcp_memory.embedded import Home
from mcp_memory.errors import Conflict, InvalidInput
from mcp_memory.faces.cli.command import FAILED, OK, Answer, Command, read_settings
from mcp_memory.faces.cli.console import Console

MOST_JOBS = 1_000
"""Jobs at once: each holds a connection, and Redis takes 10,000 of them by default."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop(Command):
    """End the background worker and the embedded Redis of this data folder.

    What is stored stays, and whoever needs them next starts them again. A Redis of your own (REDIS_URL) is left alone.
    """

    async def run(self, console: Console) -> Answer:
        folder = read_settings().home
        stopped = embedded.Stopped(worker=False, redis=False)
        if folder.is_dir():  # `Home.at` would make it
            home = await asyncio.to_thread(Home.at, folder)
            stopped = await asyncio.to_thread(embedded.stop, home)
        ended = [name for name, ran in (("the worker", stopped.worker), ("Redis", stopped.redis)) if ran]
        console.say(f"Ended {' and '.join(ended)} of {folder}." if ended else f"Nothing was running in {folder}.")
        return Answer(value={"home": str(folder), "worker": stopped.worker, "redis": stopped.redis})


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker(Command):
    """Run a worker for the store of REDIS_URL: it embeds, and learns from sessions. As many as you like.

    The embedded store starts a worker by itself; there only --burst is of use.
    """

    concurrency: Annotated[int, typer.Option(metavar="N", help="Most jobs at once.")] = 10
    burst: Annotated[bool, typer.Option("--burst", help="Do what waits, then end.")] = False

    async def run(self, console: Console) -> Answer:
        settings = read_settings()
        if not 1 <= self.concurrency <= MOST_JOBS:
            raise InvalidInput(f"concurrency={self.concurrency}; allowed: 1-{MOST_JOBS:,}; correct it and call again")
        if settings.redis_url is None and not self.burst:
            raise Conflict(
                "without REDIS_URL the store starts and ends its worker by itself; "
                "set REDIS_URL to run workers by hand, or add --burst to work off what waits"
            )
        # Another process, since no face may load what a worker loads. -P: the current folder lends it no modules.
        options = ["--concurrency", str(self.concurrency), *(["--burst"] if self.burst else [])]
        command = [sys.executable, "-P", "-m", "worker", *options]
        if not self.as_json and sys.platform != "win32":
            os.execv(sys.executable, command)  # so that signals meant for us reach it
        return await _watched(command)


async def _watched(command: list[str]) -> Answer:
    """Run a worker below us; it ends when we do."""
    worker = await asyncio.create_subprocess_exec(*command, stdout=sys.stderr)
    try:
        code = await worker.wait()
    finally:
        if worker.returncode is None:
            worker.terminate()
            await worker.wait()
    return Answer(value={"exit_code": code}, code=FAILED if code else OK)
