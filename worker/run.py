"""Running a worker process on arq."""

import asyncio
import logging

from arq.worker import run_worker

from mcp_memory.settings import Settings
from worker.settings import worker_settings


def run(settings: Settings, *, concurrency: int = 10, burst: bool = False) -> int:
    """Serve until a signal, or with `burst` until the queue is empty; how many jobs failed for good.

    Raises:
        Unavailable: the store's Redis cannot be reached or started.
    """
    logging.getLogger().setLevel(settings.log_level)
    asyncio.set_event_loop(asyncio.new_event_loop())  # arq asks for the current one
    worker = run_worker(worker_settings(settings, concurrency=concurrency, burst=burst), burst=burst)
    return worker.jobs_failed
