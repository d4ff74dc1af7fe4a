"""The jobs: each finds what is to be done in the data, not in its payload."""

from datetime import timedelta
from typing import Any
from urllib.parse import unquote

from arq import Retry

from mcp_memory.errors import MemoryServerError
from mcp_memory.jobs import ExtractSession
from mcp_memory.records import Scope
from mcp_memory.storage import filters
from mcp_memory.storage.keys import SESSION_PREFIX
from worker.lifecycle import Running

SWEPT = 1_000
"""Sessions that one sweep brings back; the next one is ten seconds away."""


async def extract_session(ctx: dict[str, Any], namespace: str, user_id: str, session_id: str) -> None:
    """Learn from the turns of a session that its mark has not passed."""
    running: Running = ctx["running"]
    try:
        await running.extraction.session(Scope(namespace=namespace, user_id=user_id), session_id)
    except MemoryServerError as error:
        if not error.retryable:
            raise
        raise Retry(defer=2 ** ctx["job_try"]) from error


async def sweep(ctx: dict[str, Any]) -> None:
    """Queue every session that is behind: its job may have been lost, or never been queued."""
    running: Running = ctx["running"]
    (reply,) = await running.store.database.search([filters.to_do("extract", SWEPT)])
    for key in reply[1:]:
        job = _job_for(key.decode())
        if job is not None:
            await running.store.queue.put(job, defer=timedelta(0))


def _job_for(key: str) -> ExtractSession | None:
    """The job for a session's key, `mem:s:{namespace|user}:session`."""
    scope, closed, session_id = key.removeprefix(SESSION_PREFIX).removeprefix("{").partition("}:")
    namespace, split, user_id = scope.partition("|")
    if not closed or not split:
        return None
    return ExtractSession(
        scope=Scope(namespace=unquote(namespace), user_id=unquote(user_id)), session_id=unquote(session_id)
    )
