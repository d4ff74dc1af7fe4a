"""The contract between faces and workers: names, payloads, and how a job gets on its way.

A job is only a trigger (decision 2). What is still to be done stands in the data: a session's mark against
its last message. So a job names a session and carries nothing else.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar, Protocol

from mcp_memory.records import Scope, quoted

QUEUE_NAME = "mem:q:jobs"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtractSession:
    """Learn from what a session's mark has not passed yet."""

    name: ClassVar[str] = "extract_session"
    scope: Scope
    session_id: str

    @property
    def job_id(self) -> str:
        """The same for the same session: one job waits for it at a time."""
        return f"{self.name}:{self.scope.tag}:{quoted(self.session_id)}"

    @property
    def payload(self) -> tuple[str, str, str]:
        return self.scope.namespace, self.scope.user_id, self.session_id


class JobQueue(Protocol):
    """Where jobs wait."""

    async def put(self, job: ExtractSession, *, defer: timedelta) -> None:
        """Run it once, not before `defer` is over; nothing is added if it waits already."""
        ...

    async def close(self) -> None: ...
