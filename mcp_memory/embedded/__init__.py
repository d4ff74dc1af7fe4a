"""The processes of one data folder: a private Redis with search, and one worker.

Both are started by whoever needs them first, joined by everybody after, and outlive them all:

    home = Home.at(folder)
    endpoint = ensure(home, timeout=timedelta(seconds=30))   # in a thread: it blocks
    ensure_worker(home)
    ...
    stop(home)                                               # `mcp-memory stop`

    home < process < {binaries, endpoint} < upkeep < redis_server, worker_process < shutdown
"""

from mcp_memory.embedded.binaries import Binaries, find_binaries
from mcp_memory.embedded.endpoint import Endpoint, stop_redis
from mcp_memory.embedded.home import Home
from mcp_memory.embedded.redis_server import ensure, running, stop_server
from mcp_memory.embedded.shutdown import Stopped, stop
from mcp_memory.embedded.upkeep import Repaired, repair
from mcp_memory.embedded.worker_process import ensure_worker, stop_worker, worker_running

__all__ = [
    "Binaries",
    "Endpoint",
    "Home",
    "Repaired",
    "Stopped",
    "ensure",
    "ensure_worker",
    "find_binaries",
    "repair",
    "running",
    "stop",
    "stop_redis",
    "stop_server",
    "stop_worker",
    "worker_running",
]
