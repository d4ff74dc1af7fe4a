"""JSON-RPC on a server process's pipes, byte for byte: no client library between the clock and the server."""

import json
import subprocess
import sys
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.mcp_client import ROOT

INITIALIZE = {
    "protocolVersion": "2025-06-18",
    "capabilities": {},
    "clientInfo": {"name": "benchmark", "version": "1"},
}
ENDING_S = 10.0


class Wire:
    """One running server."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self._process = process
        self._last_id = 0

    def request(self, method: str, params: Mapping[str, Any]) -> bytes:
        """Send a request; the line that answers it.

        Raises:
            EOFError: the server ended without an answer.
        """
        self._last_id += 1
        self._send({"jsonrpc": "2.0", "id": self._last_id, "method": method, "params": params})
        stdout = self._process.stdout
        assert stdout is not None
        while line := stdout.readline():
            if json.loads(line).get("id") == self._last_id:
                return line.rstrip(b"\n")
        raise EOFError(f"no answer to {method}")

    def notify(self, method: str) -> None:
        self._send({"jsonrpc": "2.0", "method": method})

    def _send(self, message: Mapping[str, Any]) -> None:
        stdin = self._process.stdin
        assert stdin is not None
        stdin.write(json.dumps(message).encode() + b"\n")
        stdin.flush()


@contextmanager
def started(server: Sequence[str], env: Mapping[str, str], *, cwd: Path = ROOT) -> Generator[Wire]:
    """A server process; it is ended by closing its stdin, and killed if that is not enough."""
    command = [sys.executable, *server]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=dict(env), cwd=cwd) as process:
        try:
            yield Wire(process)
        finally:
            if process.stdin is not None:
                process.stdin.close()
            try:
                process.wait(ENDING_S)
            except subprocess.TimeoutExpired:
                process.kill()


def until_initialized(server: Sequence[str], env: Mapping[str, str]) -> float:
    """Milliseconds from the start of a server process to its answer to `initialize`."""
    began = time.perf_counter()
    with started(server, env) as wire:
        wire.request("initialize", INITIALIZE)
        return 1000 * (time.perf_counter() - began)
