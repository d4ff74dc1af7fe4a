"""arq's view of the worker: `arq worker.settings.WorkerSettings` runs one against this environment's store.

`WorkerSettings` is made when it is asked for, since it needs the store's address, for which an embedded store
is started.
"""

from collections.abc import Callable
from datetime import UTC, timedelta
from typing import Any

from arq import cron, func

from mcp_memory.jobs import QUEUE_NAME, ExtractSession
from mcp_memory.settings import Settings
from mcp_memory.storage.queue import deserialize, serialize
from worker.jobs import extract_session, sweep
from worker.lifecycle import Lifecycle

JOB_LIMIT = timedelta(seconds=45)
"""arq gives a killed worker's job to another one when the longest limit and 10 s are over (decision 1)."""

POLL = timedelta(milliseconds=200)
"""How often arq looks for due jobs; its default of 500 would be half of the wait after a short debounce."""


def worker_settings(settings: Settings, *, concurrency: int = 10, burst: bool = False) -> type:
    """The class that arq reads, for the store of these settings."""
    lifecycle = Lifecycle(settings, burst=burst)
    attributes: dict[str, Any] = {
        "functions": [func(extract_session, name=ExtractSession.name, timeout=JOB_LIMIT.total_seconds())],
        # Every 10 s, whatever happened to a job: sessions that are behind get one.
        "cron_jobs": [cron(sweep, second=set(range(0, 60, 10)), timeout=JOB_LIMIT.total_seconds(), keep_result=0)],
        "queue_name": QUEUE_NAME,
        "redis_pool": lifecycle.arq_redis(),
        "on_startup": lifecycle.start,
        "on_shutdown": lifecycle.stop,
        "job_serializer": serialize,
        "job_deserializer": deserialize,
        "job_timeout": JOB_LIMIT.total_seconds(),
        "job_completion_wait": int(JOB_LIMIT.total_seconds()),
        "keep_result": 0,
        "max_jobs": concurrency,
        "max_tries": 5,
        "poll_delay": POLL.total_seconds(),
        "health_check_interval": 60,
        "timezone": UTC,
        "log_results": False,
    }
    return type("WorkerSettings", (), attributes)


def _worker_settings() -> type:
    return worker_settings(Settings.from_env())


_MADE_ON_DEMAND: dict[str, Callable[[], type]] = {"WorkerSettings": _worker_settings}


def __getattr__(name: str) -> type:
    if name in _MADE_ON_DEMAND:
        return _MADE_ON_DEMAND[name]()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
