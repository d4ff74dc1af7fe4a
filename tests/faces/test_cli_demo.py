"""`demo`: the main job, told to a person; it says so where it fails, and leaves nothing behind."""

import json
import signal
import subprocess
import tempfile
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from mcp.types import CallToolResult, TextContent

from mcp_memory.embedded import Home
from mcp_memory.faces.cli import demo
from mcp_memory.faces.cli.console import Console
from tests.support import processes_of

from .test_cli_support import COMMAND, PATIENCE_S, Done, environment, run


@pytest.fixture
def folder() -> Generator[Path]:
    """Where a demo makes its folder."""
    with tempfile.TemporaryDirectory(prefix="mcp-memory-test-") as path:
        yield Path(path)


def left_in(folder: Path) -> list[object]:
    """Files and processes."""
    return [*folder.iterdir(), *processes_of(Home(folder))]


def told(folder: Path, *arguments: str) -> Done:
    return run(folder / "unused", "demo", *arguments, env={"TMPDIR": str(folder)})


def test_the_demo_shows_a_person_that_another_process_remembers_and_cleans_up(folder: Path) -> None:
    done = told(folder)
    assert done.code == 0, done
    assert done.err == ""
    assert done.out.count("started over stdio, 8 tools") == 2
    assert "→ recall: \"I'm allergic to peanuts" in done.out
    assert "nothing relevant" in done.out
    assert "✓ 4 of 4 facts came back in another process, and none was made up." in done.out
    assert left_in(folder) == []


def test_as_json_the_demo_gives_its_steps(folder: Path) -> None:
    done = told(folder, "--json")
    story = done.json
    assert (done.code, story["ok"], story["failed"]) == (0, True, [])
    assert story["seconds"] < 30
    processes = [step["pid"] for step in story["steps"] if step["step"] == "start a server"]
    assert len(set(processes)) == 2
    assert all(step["ms"] >= 0 for step in story["steps"])


def test_a_demo_with_a_folder_of_its_own_leaves_the_data_and_ends_the_processes(folder: Path) -> None:
    kept = folder / "kept"
    assert told(folder, "--home", str(kept), "--json").code == 0
    assert processes_of(Home(folder)) == []
    assert (kept / "home" / "redis").is_dir()
    again = told(folder, "--home", str(kept))
    assert again.code == 2
    assert "is not empty" in again.error


def test_ctrl_c_ends_the_demo_with_all_that_it_started(folder: Path) -> None:
    with subprocess.Popen(
        [*COMMAND, "demo"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(folder / "unused", TMPDIR=str(folder)),
    ) as process:
        assert process.stdout is not None
        while b"append_to_session" not in process.stdout.readline():
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=PATIENCE_S)
    assert (process.returncode, err.strip()) == (130, b"")
    assert left_in(folder) == []


class Forgetful:
    """A client whose server answers every question with the same memories."""

    def __init__(self, *texts: str) -> None:
        memories = [{"text": text, "score": 0.9, "why": "a guess"} for text in texts]
        self._answer: dict[str, Any] = {"memories": memories, "total": len(texts), "note": "nothing relevant"}

    async def call_tool(self, *_: object) -> CallToolResult:
        content = TextContent(type="text", text=json.dumps(self._answer))
        return CallToolResult(content=[content], structured_content=self._answer)


@pytest.mark.parametrize(
    ("expected", "texts", "passed"),
    [
        ("peanuts", ["allergic to peanuts"], True),
        ("peanuts", ["allergic to cats", "allergic to peanuts"], False),
        ("peanuts", [], False),
        (None, [], True),
        (None, ["allergic to cats"], False),
    ],
)
async def test_the_demo_only_counts_what_really_came_back(
    expected: str | None, texts: list[str], passed: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    story = demo.Story(console=Console(as_json=False))
    client: Any = Forgetful(*texts)
    await demo.ask(story, client, demo.Question(text="And what about me?", expected=expected))
    assert (story.failures == []) is passed
    assert ("✓" in capsys.readouterr().out) is passed
