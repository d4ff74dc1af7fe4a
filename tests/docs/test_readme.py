"""What the README says is so: its blocks are run, its lists are complete."""

import json
import re
import sys
import tomllib
from pathlib import Path
from typing import Any, cast

from mcp import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.types import TextContent

from mcp_memory.settings import Settings
from tests.support import temporary_home

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
TOOLS = (
    *("remember", "recall", "get_memory", "edit_memory"),
    *("forget", "append_to_session", "get_session", "get_context"),
)


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def test_every_tool_and_command_is_in_the_readme() -> None:
    for tool in TOOLS:
        assert f"| `{tool}` |" in README, tool
    for command in ("demo", "doctor", "configure", "remember", "stats", "export", "worker", "stop"):
        assert f"`mcp-memory {command}`" in README, command


def test_every_setting_is_in_the_readme() -> None:
    source = (ROOT / "mcp_memory" / "settings.py").read_text()
    read = set(re.findall(r'(?:text|seconds|_redis_url\(read,)\(?\s*"([A-Z_]+)"', source))
    names = read - {"TZ", "XDG_DATA_HOME", "LOCALAPPDATA", "DEFAULT_MCP_NAMESPACE", "DEFAULT_MCP_USER_ID"}
    assert len(names) > 10
    assert not [name for name in names if f"`{name}`" not in README]


def test_every_host_block_parses_and_starts_the_same_command() -> None:
    entries: list[dict[str, Any]] = []
    for block in blocks("json"):
        value = json.loads(block)
        servers = value.get("mcpServers") or value.get("servers")
        entries += [servers["memory"]] if servers else []
    entries += [tomllib.loads(block)["mcp_servers"]["memory"] for block in blocks("toml")]
    example = json.loads((ROOT / "claude_desktop_config.example.json").read_text())["mcpServers"]["memory"]
    assert len(entries) >= 3
    for entry in entries:
        assert (entry["command"], entry["args"]) == (example["command"], example["args"])


def test_the_example_of_a_scripted_use_is_of_real_options() -> None:
    assert Settings.from_env({"HOME": "/nonexistent"}).log_level == "WARNING"


async def test_the_calls_of_the_readme_give_the_answers_of_the_readme() -> None:
    pattern = r"<!-- call: (\w+) -->\n```json\n(.*?)```\n<!-- answer -->\n```json\n(.*?)```"
    calls = re.findall(pattern, README, re.DOTALL)
    assert [name for name, _, _ in calls] == ["remember", "recall"]
    with temporary_home() as home:
        environment = {"MCP_MEMORY_HOME": str(home.root), "MCP_MEMORY_QUERY_VECTOR_SECONDS": "30"}
        server = StdioServerParameters(command=sys.executable, args=["-m", "mcp_memory"], env=environment)
        async with Client(stdio_client(server)) as client:
            for name, arguments, answer in calls:
                result = await client.call_tool(name, json.loads(arguments))
                text = result.content[0]
                assert isinstance(text, TextContent)
                assert _shape(json.loads(text.text)) == _shape(json.loads(answer))


def _shape(value: Any) -> Any:
    """The answer without what differs from run to run: ids, times, scores and why."""
    if isinstance(value, dict):
        kept = cast(dict[str, Any], value)
        return {name: "…" if name in {"id", "created_at", "score", "why"} else _shape(kept[name]) for name in kept}
    if isinstance(value, list):
        return [_shape(item) for item in cast(list[Any], value)]
    return value
