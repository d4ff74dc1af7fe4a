"""`configure`: the models of a store, their keys, and the entries of hosts."""

import json
import tempfile
import tomllib
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from tests.support import SOURCES

from .test_cli_support import ok, redis_of_a_user, run

KEY = {"OPENAI_API_KEY": "sk-sesame"}


@pytest.fixture
def home() -> Generator[Path]:
    """A data folder whose path is short enough for a socket; what runs in it is ended by `stop`."""
    with tempfile.TemporaryDirectory(prefix="mcp-memory-test-") as path:
        yield Path(path) / "home"
        if (Path(path) / "home" / "redis.conf").exists():
            assert run(Path(path) / "home", "stop").code == 0


def host_home(home: Path) -> dict[str, str]:
    """A home folder of a person, in which hosts keep their files."""
    folder = home.parent / "person"
    folder.mkdir(exist_ok=True)
    return {"HOME": str(folder)}


def test_a_new_store_uses_local_models_and_no_keys(home: Path) -> None:
    shown = ok(home, "configure")
    assert (shown["embedding_model"], shown["generation_model"]) == ("local/all-MiniLM-L6-v2", None)
    assert (shown["keys"], shown["text_is_sent_to"], shown["changed"]) == ([], [], False)


def test_a_model_is_set_for_the_store_with_keys_that_only_its_owner_can_read(home: Path) -> None:
    done = run(home, "configure", "--generation-model", "openai/gpt-5", env=KEY)
    assert done.code == 0
    assert "OPENAI_API_KEY" in done.out
    assert "sesame" not in done.out + done.err
    assert (home / "models.json").stat().st_mode & 0o777 == 0o600
    shown = ok(home, "configure", "--show")
    assert (shown["generation_model"], shown["text_is_sent_to"]) == ("openai/gpt-5", ["openai/gpt-5"])
    assert shown["keys"] == ["OPENAI_API_KEY"]
    forgotten = ok(home, "configure", "--generation-model", "none", "--forget-keys", env=KEY)
    assert (forgotten["generation_model"], forgotten["keys"]) == (None, [])
    assert "sesame" not in (home / "models.json").read_text()


def test_local_models_take_no_keys(home: Path) -> None:
    assert ok(home, "configure", "--embedding-model", "local", env=KEY)["keys"] == []


def test_the_embedding_model_of_a_store_with_memories_stays_and_the_way_out_is_told(home: Path) -> None:
    ok(home, "remember", "Ada likes tea")
    done = run(home, "configure", "--embedding-model", "openai/text-embedding-3-small")
    assert done.code == 1
    assert done.error.startswith("conflict: ")
    assert "mcp-memory export" in done.error
    assert ok(home, "configure")["embedding_model"] == "local/all-MiniLM-L6-v2"
    assert ok(home, "recall", "tea")["total"] == 1


def test_the_embedding_model_of_an_empty_store_can_be_changed_and_back(home: Path) -> None:
    ok(home, "stats")
    assert ok(home, "configure", "--embedding-model", "openai/text-embedding-3-small")["worker_restarted"]
    assert ok(home, "stats")["embedding_model"] == "openai/text-embedding-3-small"
    ok(home, "configure", "--embedding-model", "local")
    ok(home, "remember", "Ada likes tea")
    assert ok(home, "stats")["embedding_model"] == "local/all-MiniLM-L6-v2"


def test_with_a_redis_of_ones_own_the_environment_decides(home: Path) -> None:
    with redis_of_a_user(home.parent) as url:
        env = {"REDIS_URL": url, "EMBEDDING_MODEL": "openai/text-embedding-3-small"}
        assert ok(home, "configure", env=env)["embedding_model"] == "openai/text-embedding-3-small"
        done = run(home, "configure", "--generation-model", "openai/gpt-5", env=env)
    assert done.code == 1
    assert "GENERATION_MODEL" in done.error


@pytest.mark.parametrize(("host", "table"), [("claude-desktop", "mcpServers"), ("vscode", "servers")])
def test_the_entry_of_a_json_host_starts_this_installation_with_this_folder(home: Path, host: str, table: str) -> None:
    done = run(home, "configure", "--host", host)
    entry = json.loads(done.out)[table]["memory"]
    assert Path(entry["command"]).is_absolute()
    assert entry["env"]["MCP_MEMORY_HOME"] == str(home)


def test_codex_gets_toml_and_time_to_start(home: Path) -> None:
    done = run(home, "configure", "--host", "codex")
    entry = tomllib.loads(done.out)["mcp_servers"]["memory"]
    assert entry["env"]["MCP_MEMORY_HOME"] == str(home)
    assert entry["startup_timeout_sec"] >= 60


def test_claude_code_gets_a_command(home: Path) -> None:
    done = run(home, "configure", "--host", "claude-code", env={"MCP_MEMORY_USER_ID": "ada's"})
    assert done.out.startswith("claude mcp add --scope user memory -e ")
    assert """'MCP_MEMORY_USER_ID=ada'"'"'s'""" in done.out


def test_a_password_is_not_printed_into_an_entry_nor_written(home: Path) -> None:
    env = {**host_home(home), "REDIS_URL": "redis://ada:sesame@localhost:1"}
    shown = run(home, "configure", "--host", "cursor", env=env)
    written = run(home, "configure", "--host", "cursor", "--write", env=env)
    assert (shown.code, written.code) == (0, 2)
    assert "sesame" not in shown.out + written.err


def _servers(file: Path) -> dict[str, Any]:
    return json.loads(file.read_text())["mcpServers"]


def test_writing_keeps_what_is_in_a_hosts_file_and_a_copy_of_it(home: Path) -> None:
    env = host_home(home)
    file = Path(env["HOME"]) / ".cursor" / "mcp.json"
    file.parent.mkdir()
    before = '{"theme": "dark", "mcpServers": {"other": {"command": "npx"}}}'
    file.write_text(before)
    written = ok(home, "configure", "--host", "cursor", "--write", env=env)
    assert _servers(file).keys() == {"other", "memory"}
    assert json.loads(file.read_text())["theme"] == "dark"
    assert Path(written["backup"]).read_text() == before
    assert not ok(home, "configure", "--host", "cursor", "--write", env=env)["changed"]
    assert len(list(file.parent.iterdir())) == 2


def test_a_hosts_file_that_is_not_there_is_made(home: Path) -> None:
    env = host_home(home)
    written = ok(home, "configure", "--host", "claude-desktop", "--write", env=env)
    assert _servers(Path(written["file"])).keys() == {"memory"}
    assert written["backup"] is None


def test_a_hosts_file_behind_a_link_stays_behind_it(home: Path) -> None:
    env = host_home(home)
    link, file = Path(env["HOME"]) / ".cursor" / "mcp.json", home.parent / "dotfiles.json"
    link.parent.mkdir()
    file.write_text("{}")
    link.symlink_to(file)
    ok(home, "configure", "--host", "cursor", "--write", env=env)
    assert link.is_symlink()
    assert _servers(file).keys() == {"memory"}


@pytest.mark.parametrize(
    ("content", "code"),
    [
        ('{"mcpServers": {}, // mine\n}', 2),
        ("[]", 2),
        ('{"mcpServers": []}', 2),
        ('{"mcpServers": {"memory": {"command": "npx", "args": ["@modelcontextprotocol/server-memory"]}}}', 1),
    ],
)
def test_a_hosts_file_that_we_do_not_understand_is_left_as_it_is(home: Path, content: str, code: int) -> None:
    env = host_home(home)
    file = Path(env["HOME"]) / ".cursor" / "mcp.json"
    file.parent.mkdir()
    file.write_text(content)
    done = run(home, "configure", "--host", "cursor", "--write", env=env)
    assert done.code == code
    assert str(file) in done.error
    assert file.read_text() == content
    assert list(file.parent.iterdir()) == [file]


def test_another_installation_of_ours_in_a_hosts_file_is_replaced(home: Path) -> None:
    env = host_home(home)
    file = Path(env["HOME"]) / ".cursor" / "mcp.json"
    file.parent.mkdir()
    file.write_text('{"mcpServers": {"memory": {"command": "uvx", "args": ["--from", "/old", "mcp-memory"]}}}')
    ok(home, "configure", "--host", "cursor", "--write", env=env)
    assert _servers(file)["memory"]["command"] != "uvx"


def test_the_example_configuration_is_what_claude_desktop_reads() -> None:
    entry = _servers(SOURCES / "claude_desktop_config.example.json")["memory"]
    assert entry["command"] == "uvx"
    assert entry["args"][-1] == "mcp-memory"
    assert entry["args"][:2] == ["--python", "3.11"]
