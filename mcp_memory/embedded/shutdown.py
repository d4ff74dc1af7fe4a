"""Ending what runs for a home."""

from dataclasses import dataclass
from datetime import timedelta

from mcp_memory.embedded.home import Home
from mcp_memory.embedded.redis_server import stop_server
from mcp_memory.embedded.worker_process import stop_worker

__all__ = ["Stopped", "stop"]


@dataclass(frozen=True, slots=True)
class Stopped:
    """Which of the two processes ran and was ended."""

    worker: bool
    redis: bool


def stop(home: Home, *, timeout: timedelta = timedelta(seconds=10)) -> Stopped:
    """End the worker and then the Redis of this home; data is kept. A process that is in use starts them again.

    Args:
        home: the data folder.
        timeout: how long each may take to end by itself before it is killed, which loses no acknowledged write.

    Raises:
        Unavailable: one of them does not end.
    """
    # The worker first: without Redis it could not put its work back.
    worker = stop_worker(home, timeout=timeout)
    return Stopped(worker=worker, redis=stop_server(home, timeout=timeout))
