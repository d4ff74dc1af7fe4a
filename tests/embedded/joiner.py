"""A process that joins a home, as every stdio server does.

    python joiner.py redis|worker <folder>

It says "ready", waits for a line, joins, says what it got as one JSON line, and stays until its standard input ends.
"""

import json
import socket
import sys
from datetime import timedelta
from pathlib import Path

from mcp_memory.embedded import Home, ensure, ensure_worker

IDLE = [sys.executable, "-c", "import time; time.sleep(600)"]


def run_id(folder: Path) -> str:
    """Which server this process is connected to, asked without a client that would take long to import."""
    endpoint = ensure(Home.at(folder), timeout=timedelta(seconds=60))
    with socket.socket(socket.AF_UNIX) as connection, connection.makefile("rb") as replies:
        connection.connect(str(endpoint.socket))
        connection.sendall(f"AUTH {endpoint.password}\r\nINFO server\r\n".encode())
        return next(line for line in replies if line.startswith(b"run_id")).decode().strip()


print("ready", flush=True)
sys.stdin.readline()
home_folder = Path(sys.argv[2])
print(
    json.dumps(run_id(home_folder) if sys.argv[1] == "redis" else ensure_worker(Home.at(home_folder), argv=IDLE)),
    flush=True,
)
sys.stdin.read()
