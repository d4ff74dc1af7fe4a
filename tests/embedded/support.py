"""What the tests of this folder share: real processes, and looking at them from outside."""

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Generator
from datetime import timedelta
from pathlib import Path
from typing import Any

import psutil
import redis

import mcp_memory
from mcp_memory.embedded import Endpoint, Home, ensure
from mcp_memory.embedded.process import wait_until

PATIENCE = timedelta(seconds=30)
IDLE = [sys.executable, "-c", "import time; time.sleep(600)"]
SOURCES = str(Path(str(mcp_memory.__file__)).parents[1])


def start(home: Home) -> Endpoint:
    return ensure(home, timeout=PATIENCE)


def command(endpoint: Endpoint, *words: Any) -> Any:
    """The reply to one command, through the client that the product uses."""
    client: Any = redis.Redis(unix_socket_path=str(endpoint.socket), password=endpoint.password)
    with contextlib.closing(client):
        return client.execute_command(*words)


def client_of(endpoint: Endpoint) -> Any:
    return redis.Redis(unix_socket_path=str(endpoint.socket), password=endpoint.password)


def wait_for_the_log(client: Any) -> None:
    """Wait until Redis holds no write back, as `Database.settled` does before anything is acknowledged."""
    while client.info("persistence")["aof_buffer_length"]:
        pass


def run_id(endpoint: Endpoint) -> str:
    return command(endpoint, "INFO", "server")["run_id"]


def processes_of(home: Home) -> list[psutil.Process]:
    """Everything that works in this folder: its Redis, its worker, and their children."""
    found: list[psutil.Process] = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if Path(process.cwd()).is_relative_to(home.root) and is_alive(process):
                found.append(process)
    return found


def server_of(home: Home) -> psutil.Process:
    """The one redis-server of this home."""
    (server,) = [process for process in processes_of(home) if process.name() == "redis-server"]
    return server


def kill(process: psutil.Process) -> None:
    """SIGKILL, and wait until it is gone; a zombie that its parent has not collected yet is gone."""
    process.kill()
    assert wait_until(lambda: not is_alive(process), timeout=PATIENCE)


def is_alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def clean_up(home: Home) -> None:
    """Kill whatever works in this folder."""
    for process in processes_of(home):
        kill(process)
    home.socket.unlink(missing_ok=True)


@contextlib.contextmanager
def joiners(what: str, home: Home, count: int) -> Generator[Callable[[], list[Any]]]:
    """`count` Python processes, and a function that lets all of them join at once and gives what each of them got.

    They stay until the block is left, and end by SIGKILL.
    """
    script = [sys.executable, str(Path(__file__).with_name("joiner.py")), what, str(home.root)]
    environment = os.environ | {"PYTHONPATH": SOURCES}
    with contextlib.ExitStack() as stack:
        crew = [
            stack.enter_context(
                subprocess.Popen(script, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)
            )
            for _ in range(count)
        ]
        for process in crew:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"

        def go() -> list[Any]:
            for process in crew:
                assert process.stdin is not None
                process.stdin.write("go\n")
                process.stdin.flush()
            return [json.loads(process.stdout.readline()) for process in crew if process.stdout is not None]

        yield go
        for process in crew:
            process.kill()
