"""The real process on the real service: needs the embedded Redis and the worker."""

import json
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path

import psutil
import pytest

from mcp_memory.embedded import find_binaries
from mcp_memory.errors import Unavailable

from .host import MODERN, REAL, ROOT, Host
from .test_stdio import REPORTING

MOST_RESIDENT_BYTES = 110_000_000
NEVER = "litellm onnxruntime numpy redisvl tokenizers typer"
"""Models are the worker's, commands another process's."""


def embedded() -> bool:
    try:
        find_binaries()
    except Unavailable:
        return False
    return True


pytestmark = pytest.mark.skipif(not embedded(), reason="no embedded Redis on this platform")


@pytest.fixture
def env(tmp_path: Path) -> Generator[dict[str, str]]:
    env = {"MCP_MEMORY_HOME": str(tmp_path / "home"), "MCP_MEMORY_IDLE_SECONDS": "30"}
    yield env
    subprocess.run([*REAL, "stop"], env={**env, "PATH": "/usr/bin:/bin"}, cwd=ROOT, check=True, capture_output=True)


def test_what_one_host_stores_another_finds_at_once(env: dict[str, str]) -> None:
    with Host(REAL, env) as first, Host(REAL, env) as second:
        first.initialize()
        second.ask("server/discover", {"_meta": MODERN})
        first.call("remember", memories=["Ada likes tea"])
        found = second.ask("tools/call", {"name": "recall", "arguments": {"query": "tea"}, "_meta": MODERN})
        assert [memory["text"] for memory in found["structuredContent"]["memories"]] == ["Ada likes tea"]


def test_one_host_hears_of_the_change_of_another(env: dict[str, str]) -> None:
    with Host(REAL, env) as first, Host(REAL, env) as second:
        first.initialize()
        second.initialize()
        for scope_of_first in range(3):
            uri = f"memory://memories/m{scope_of_first}"
            first.ask("resources/subscribe", {"uri": uri})
            second.call("remember", memories=[{"text": "elsewhere", "id": f"m{scope_of_first}"}], user_id="other")
            second.call("remember", memories=[{"text": f"fact {scope_of_first}", "id": f"m{scope_of_first}"}])
            notice = json.loads(first.line())
            assert notice["method"] == "notifications/resources/updated"
            assert notice["params"]["uri"] == uri


def test_a_conversation_from_end_to_end(env: dict[str, str]) -> None:
    with Host(REAL, env) as host:
        host.initialize()
        turns = [{"role": "user", "content": "I moved to Berlin"}, {"role": "assistant", "content": ""}]
        assert "queued" in host.call("append_to_session", session_id="a|b", messages=turns)
        found = json.loads(host.call("recall", query="Berlin", memory_type="message"))
        (hit,) = found["memories"]
        assert hit["text"] == "I moved to Berlin"
        assert "I moved to Berlin" in host.call("get_memory", id=hit["id"])
        assert "<memory>" in host.call("get_context", query="Berlin", session_id="a|b")
        for uri in ("profile", "recent", "sessions", "stats", "sessions/a%7Cb"):
            assert host.ask("resources/read", {"uri": f"memory://{uri}"})["contents"]
        preview = json.loads(host.call("forget", session_id="a|b"))
        assert "2 messages of the session" in preview["note"]
        assert "session:a|b" in host.call("forget", confirm=preview["confirm"])
        assert "no session" in host.call("get_session", session_id="a|b")


def test_it_stays_small_and_leaves_the_models_to_the_worker(env: dict[str, str]) -> None:
    with Host([sys.executable, "-c", REPORTING, NEVER, "0.02"], env) as host:
        host.initialize()
        host.ask("tools/list")
        host.call("remember", memories=["Ada likes tea"])
        for number in range(20):
            host.call("recall", query=f"what about number {number}")
        resident = psutil.Process(host.process.pid).memory_info().rss
        host.close_stdin()
        assert host.ended(10) == 0
        assert "loaded: []" in host.rest()
        assert resident <= MOST_RESIDENT_BYTES


def test_a_redis_out_of_reach_is_said_on_each_call(env: dict[str, str]) -> None:
    with Host(REAL, {**env, "REDIS_URL": "redis://:secret@127.0.0.1:1/0"}) as host:
        host.initialize()
        assert len(host.ask("tools/list")["tools"]) == 8
        for _ in range(2):
            text = host.call("recall", query="x")
            assert text.startswith("unavailable: ")
            assert "secret" not in text
        host.close_stdin()
        assert host.ended(10) == 0
        assert "secret" not in host.rest()
