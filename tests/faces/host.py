"""A host over real pipes, byte by byte: what the SDK's client would hide, a test sees here."""

import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
REAL = (sys.executable, "-m", "mcp_memory")
FAKE = (sys.executable, str(Path(__file__).with_name("serve_fake.py")))
PATIENCE_SECONDS = 30.0

MODERN = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
    "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
}
INITIALIZE = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}


class Host:
    """One server process. Reads stdout strictly: every line is JSON-RPC, or the test fails."""

    def __init__(self, command: Sequence[str] = FAKE, env: Mapping[str, str] | None = None) -> None:
        kept = {name: os.environ[name] for name in ("HOME", "PATH") if name in os.environ}
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**kept, "PYTHONPATH": str(ROOT), **(env or {})},
            cwd="/",
        )
        self._id = 0
        self._buffer = b""
        self.received: list[bytes] = []

    def __enter__(self) -> "Host":
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            assert stream is not None
            stream.close()

    def send_raw(self, data: bytes) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def send(self, method: str, params: Mapping[str, Any] | None = None) -> int:
        """Send a request; its id."""
        self._id += 1
        message = {"jsonrpc": "2.0", "id": self._id, "method": method, "params": params or {}}
        self.send_raw(json.dumps(message).encode() + b"\n")
        return self._id

    def line(self) -> bytes:
        """The next line of stdout."""
        assert self.process.stdout is not None
        until = time.monotonic() + PATIENCE_SECONDS
        while b"\n" not in self._buffer:
            ready, _, _ = select.select([self.process.stdout], [], [], max(0, until - time.monotonic()))
            assert ready, "the server is silent"
            chunk = os.read(self.process.stdout.fileno(), 1 << 16)
            assert chunk, f"the server ended: {self.rest()}"
            self._buffer += chunk
        line, _, self._buffer = self._buffer.partition(b"\n")
        self.received.append(line)
        assert json.loads(line)["jsonrpc"] == "2.0"
        return line

    def answer(self, request_id: int) -> dict[str, Any]:
        """The answer to that request; notices and other answers before it are passed over."""
        while True:
            message = json.loads(self.line())
            if message.get("id") == request_id:
                return message

    def ask(self, method: str, params: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The result of a request that succeeds."""
        message = self.answer(self.send(method, params))
        assert "result" in message, message
        return message["result"]

    def initialize(self) -> dict[str, Any]:
        result = self.ask("initialize", INITIALIZE)
        self.send_raw(b'{"jsonrpc":"2.0","method":"notifications/initialized"}\n')
        return result

    def call(self, name: str, **arguments: Any) -> str:
        """The text of a tool's answer, in the handshake era."""
        (block,) = self.ask("tools/call", {"name": name, "arguments": arguments})["content"]
        return block["text"]

    def close_stdin(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()

    def ended(self, within: float = PATIENCE_SECONDS) -> int:
        """The exit code."""
        return self.process.wait(within)

    def rest(self) -> str:
        """All of stderr, after the end."""
        assert self.process.stderr is not None
        return self.process.stderr.read().decode()

    def remaining_stdout(self) -> bytes:
        assert self.process.stdout is not None
        return self._buffer + self.process.stdout.read()
