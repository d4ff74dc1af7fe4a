"""The job queue on arq (decision 1)."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from arq.connections import ArqRedis
from redis.asyncio import ConnectionPool
from redis.exceptions import RedisError

from mcp_memory.errors import Unavailable
from mcp_memory.jobs import QUEUE_NAME, ExtractSession


def serialize(job: dict[str, Any]) -> bytes:
    """JSON and not arq's default: a pickle runs what anybody who can write to Redis puts into it."""
    return json.dumps(job, default=str).encode()


deserialize: Callable[[bytes], dict[str, Any]] = json.loads


class ArqQueue:
    """`JobQueue` on arq."""

    def __init__(self, pool: ConnectionPool, *, where: str) -> None:
        self._where = where
        self._arq = ArqRedis(
            pool_or_conn=pool,
            job_serializer=serialize,
            job_deserializer=deserialize,
            default_queue_name=QUEUE_NAME,
        )

    async def put(self, job: ExtractSession, *, defer: timedelta) -> None:
        try:
            await self._arq.enqueue_job(job.name, *job.payload, _job_id=job.job_id, _defer_by=defer)
        except (RedisError, OSError) as error:
            raise Unavailable(f"the queue's Redis at {self._where} does not answer") from error

    async def close(self) -> None:
        await self._arq.aclose()
