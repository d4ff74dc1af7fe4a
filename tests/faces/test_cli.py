"""`remember`, `recall`, `forget`, `stats`, `export`, `import`, `stop`, and how every command behaves."""

import io
import json
import os
import pty
import signal
import subprocess
import sys
import tempfile
from collections.abc import Generator
from pathlib import Path

import pytest
import typer.main

from mcp_memory.embedded import Home
from mcp_memory.faces.cli.app import COMMANDS, build
from mcp_memory.faces.cli.app import run as main

from .test_cli_support import COMMAND, PATIENCE_S, environment, ok, on_terminal, run, someone


@pytest.fixture
def home(lively_home: Home) -> Home:
    """One store with a worker for all of these tests; each has a user of its own in it."""
    return lively_home


@pytest.fixture
def folder() -> Generator[Path]:
    """A folder whose path is short enough for a socket; what runs in it is ended by `stop`."""
    with tempfile.TemporaryDirectory(prefix="mcp-memory-test-") as path:
        yield Path(path)
        if (Path(path) / "home").is_dir():
            assert run(Path(path) / "home", "stop").code == 0


def test_what_one_command_remembers_another_one_recalls(home: Home) -> None:
    who = someone()
    remembered = run(home, "remember", "Ada is allergic to peanuts", *who)
    assert (remembered.code, remembered.err) == (0, "")
    assert "stored: Ada is allergic to peanuts" in remembered.out
    found = run(home, "recall", "what about peanuts", *who)
    assert (found.code, found.err) == (0, "")
    assert "Ada is allergic to peanuts" in found.out


def test_as_json_the_answers_are_those_of_the_tools(home: Home) -> None:
    who = someone()
    first = ok(home, "remember", "Grace plays the cello", "Grace lives in Porto", *who)
    assert [result["outcome"] for result in first["results"]] == ["stored", "stored"]
    (again,) = ok(home, "remember", "Grace plays the cello", *who)["results"]
    assert (again["outcome"], again["of"]) == ("duplicate", [first["results"][0]["id"]])
    page = ok(home, "recall", "cello", "--mode", "keyword", *who)
    assert page.keys() == {"memories", "total", "next_cursor", "note"}
    assert [memory["id"] for memory in page["memories"]] == [first["results"][0]["id"]]


def test_every_option_of_remember_is_kept(home: Home) -> None:
    who = someone()
    options = [
        *("--type", "episodic", "--topic", "music", "--topic", "travel", "--entity", "Grace", "--event-date"),
        *("2026-12-14T09:00:00Z", "--pin", "--id", "mine-1", "--metadata", '{"seat": 12}', "--session", "s1"),
    ]
    ok(home, "remember", "Grace plays in Lisbon", *options, *who)
    (memory,) = ok(home, "recall", *who)["memories"]
    expected = {
        "id": "mine-1",
        "memory_type": "episodic",
        "topics": ["music", "travel"],
        "entities": ["Grace"],
        "event_date": "2026-12-14T09:00:00Z",
        "pinned": True,
        "metadata": {"seat": 12},
        "session_id": "s1",
    }
    assert {name: memory[name] for name in expected} == expected


def test_lines_of_stdin_become_memories_however_many(home: Home) -> None:
    who = someone()
    lines = "\n\n".join(f"fact number {number}" for number in range(130))
    assert len(ok(home, "remember", "-", *who, said=lines)["results"]) == 130
    assert ok(home, "recall", *who)["total"] == 130


def test_recall_narrows_and_pages_by_its_options(home: Home) -> None:
    who = someone()
    ok(home, "remember", "concert on day 1", "--event-date", "2026-05-01", "--topic", "music", *who)
    ok(home, "remember", "concert on day 2", "concert on day 3", "--event-date", "2026-05-02", "--topic", "music", *who)
    ok(home, "remember", "a walk", "--event-date", "2026-05-02", *who)
    narrowed = ["recall", "--topic", "music", "--after", "2026-05-02", "--before", "2026-05-03", *who]
    first = ok(home, *narrowed, "--limit", "1")
    second = ok(home, *narrowed, "--limit", "1", "--cursor", first["next_cursor"])
    texts = [memory["text"] for page in (first, second) for memory in page["memories"]]
    assert sorted(texts) == ["concert on day 2", "concert on day 3"]
    assert (first["total"], second["next_cursor"]) == (2, None)


def test_the_memories_of_another_user_are_not_found_and_finding_nothing_is_an_answer(home: Home) -> None:
    ok(home, "remember", "a secret wish", *someone())
    found = run(home, "recall", "secret wish", *someone())
    assert (found.code, found.err) == (0, "")
    assert found.out == "(nothing relevant is stored)\n"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["frob"], "No such command 'frob'"),
        (["recall", "--nope"], "No such option: --nope"),
        (["recall", "--limit", "many"], "--limit"),
        (["recall", "--limit", "0"], "limit=0; allowed: an integer from 1 to 50"),
        (["recall", "--after", "yesterday"], "after='yesterday'; allowed: an ISO 8601 date"),
        (["remember"], "Missing argument 'TEXT...'"),
        (["remember", "a", "b", "--id", "x"], "an id names one memory"),
        (["remember", "-"], "stdin is empty"),
        (["forget"], "nothing says what to forget"),
        (["forget", "x", "--query", "y"], "ids and query were given together"),
        (["export", "--json"], "name one"),
        (["export", "--all-scopes", "--user-id", "x"], "leave out one of them"),
        (["import", "/nowhere/at/all"], "No such file or directory"),
        (["worker", "--concurrency", "0"], "concurrency=0; allowed: 1-1,000"),
        (["configure", "--host", "emacs"], "host='emacs'; allowed: claude-desktop"),
        (["configure", "--write"], "--host"),
    ],
)
def test_wrong_usage_is_one_line_that_says_what_is_allowed(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # In this process, since none of them gets as far as the store.
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    before = signal.getsignal(signal.SIGTERM)
    code = main(arguments)
    signal.signal(signal.SIGTERM, before)
    out, err = capsys.readouterr()
    assert code == 2
    (line,) = err.splitlines()
    assert line.startswith("invalid_input: ")
    assert words in line
    if "--json" in arguments:
        assert json.loads(out)["code"] == "invalid_input"
    else:
        assert out == ""


def test_with_json_a_failure_is_a_document_too(home: Home) -> None:
    done = run(home, "forget", "no-such-id", "--json", *someone())
    assert done.code == 4
    assert done.json["code"] == "not_found"
    assert done.error == f"not_found: {done.json['detail']}"


def test_what_was_forgotten_comes_back_only_when_said_again(home: Home) -> None:
    who = someone()
    (stored,) = ok(home, "remember", "Ada smokes", *who)["results"]
    assert ok(home, "forget", stored["id"], *who)["forgotten"] == [stored["id"]]
    refused = run(home, "remember", "Ada smokes", *who)
    assert refused.code == 1
    assert refused.error.startswith("forgotten: ")
    (again,) = ok(home, "remember", "Ada smokes", "--said-again", *who)["results"]
    assert again["outcome"] == "stored"


def test_where_nobody_can_be_asked_forget_only_shows_and_its_token_forgets_just_that(home: Home) -> None:
    who = someone()
    ok(home, "remember", "Ada likes tea", "Ada likes her bicycle", *who)
    shown = run(home, "forget", "--query", "tea", *who)
    assert shown.code == 0
    assert "This would forget 1 memory" in shown.out
    preview = ok(home, "forget", "--query", "tea", *who)
    assert [memory["text"] for memory in preview["would_forget"]] == ["Ada likes tea"]
    ok(home, "remember", "Ada drinks green tea", *who)
    ok(home, "forget", f"--confirm={preview['confirm']}", *who)
    left = [memory["text"] for memory in ok(home, "recall", *who)["memories"]]
    assert left == ["Ada drinks green tea", "Ada likes her bicycle"]
    assert run(home, "forget", f"--confirm={preview['confirm']}", *who).code == 4


def test_with_yes_forget_does_not_ask_and_finding_nothing_is_not_found(home: Home) -> None:
    who = someone()
    ok(home, "remember", "Ada likes tea", *who)
    assert len(ok(home, "forget", "--query", "tea", "--yes", *who)["forgotten"]) == 1
    assert run(home, "forget", "--query", "tea", "--yes", *who).code == 4


def test_on_a_terminal_forget_asks_and_a_no_keeps_everything(home: Home) -> None:
    who = someone()
    ok(home, "remember", "Ada likes tea", *who)
    code, read = on_terminal(home, "forget", "--query", "tea", *who, answer="n\n", after="Forget 1 memory?")
    assert code == 1, read
    assert "forbidden: " in read
    code, read = on_terminal(home, "forget", "--query", "tea", *who, answer="y\n", after="Forget 1 memory?")
    assert code == 0, read
    assert ok(home, "recall", *who)["total"] == 0


def test_stats_count_and_say_that_nothing_leaves_the_machine(home: Home) -> None:
    who = someone()
    ok(home, "remember", "Ada likes tea", "--pin", *who)
    stats = ok(home, "stats", *who)
    assert (stats["memories"], stats["pinned"], stats["text_is_sent_to"]) == (1, 1, [])
    shown = run(home, "stats", *who)
    assert "1 (1 pinned)" in shown.out
    assert "nobody: it stays on this machine" in shown.out


def test_an_export_read_back_is_the_same_and_may_be_repeated(home: Home, tmp_path: Path) -> None:
    who, other = someone(), someone()
    file = tmp_path / "all.jsonl"
    ok(home, "remember", "Ada likes tea", "Ada likes her bicycle", *who)
    assert ok(home, "export", str(file), *who)["lines"] == 3
    assert file.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [file]
    assert ok(home, "import", str(file), *other)["stored"] == 2
    repeated = ok(home, "import", str(file), *other)
    assert repeated["stored"] == 0
    texts = [sorted(memory["text"] for memory in ok(home, "recall", *each)["memories"]) for each in (who, other)]
    assert texts[0] == texts[1] == ["Ada likes her bicycle", "Ada likes tea"]


def test_an_export_goes_to_stdout_and_an_import_comes_from_stdin(home: Home) -> None:
    who, other = someone(), someone()
    ok(home, "remember", "Ada likes tea", *who)
    exported = run(home, "export", *who)
    assert [json.loads(line)["kind"] for line in exported.out.splitlines()] == ["header", "memory"]
    bad = run(home, "import", "-", *other, said=exported.out + "{half a line\n")
    assert bad.code == 1
    assert "line 3" in bad.error
    assert ok(home, "recall", *other)["total"] == 1


def test_a_reader_that_goes_away_is_no_error(home: Home) -> None:
    who = someone()
    ok(home, "remember", "-", *who, said="\n".join(f"{number} {'x' * 500}" for number in range(300)))
    with subprocess.Popen(
        [*COMMAND, "export", *who], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment(home)
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert json.loads(process.stdout.readline())["kind"] == "header"
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 128 + signal.SIGPIPE


def test_a_store_that_does_not_answer_is_told_in_one_line_without_its_password(home: Home) -> None:
    done = run(home, "recall", "tea", "--json", env={"REDIS_URL": "redis://ada:sesame@localhost:1"})
    assert done.code == 3
    assert done.json["code"] == "unavailable"
    assert done.error.startswith("unavailable: Redis at localhost:1 does not answer")
    assert "sesame" not in done.out + done.err


def test_a_wrong_setting_is_named(home: Home) -> None:
    done = run(home, "recall", env={"MCP_MEMORY_MAX_ITEMS": "lots"})
    assert done.code == 2
    assert done.error.startswith("invalid_input: MCP_MEMORY_MAX_ITEMS='lots'")


def test_a_question_that_is_broken_off_ends_the_command_and_changes_nothing(home: Home) -> None:
    who = someone()
    ok(home, "remember", "Ada likes tea", *who)
    code, read = on_terminal(home, "forget", "--query", "tea", *who, answer="\x04", after="Forget 1 memory?")
    assert code == 130, read
    assert "Traceback" not in read
    assert ok(home, "recall", *who)["total"] == 1


def test_colours_are_for_terminals_whose_owner_wants_them(home: Home) -> None:
    who = someone()
    assert "\x1b" not in run(home, "remember", "Ada likes tea", *who).out
    assert "\x1b[" in on_terminal(home, "recall", *who)[1]
    assert "\x1b[" not in on_terminal(home, "recall", *who, env={"NO_COLOR": "1"})[1]


def test_a_stored_text_cannot_steer_the_terminal(home: Home) -> None:
    who = someone()
    ok(home, "remember", "-", *who, said="red \x1b[31m and \x07 a bell\n")
    shown = run(home, "recall", *who)
    assert "red [31m and a bell" in shown.out
    assert "\x1b" in ok(home, "recall", *who)["memories"][0]["text"]


def test_a_terminal_without_unicode_gets_what_it_can_show(home: Home) -> None:
    who = someone()
    done = run(home, "remember", "Zoë likes 茶", *who, env={"PYTHONIOENCODING": "ascii"})
    assert done.code == 0
    assert "+ stored: Zo\\xeb likes" in done.out
    page = run(home, "recall", "--json", *who, env={"PYTHONIOENCODING": "ascii"}).json
    assert [memory["text"] for memory in page["memories"]] == ["Zoë likes 茶"]


def test_stop_ends_what_runs_and_says_so_and_may_be_repeated(folder: Path) -> None:
    home = folder / "home"
    ok(home, "remember", "Ada likes tea")
    first = ok(home, "stop")
    assert first["redis"]
    assert ok(home, "stop") == {"home": str(home), "worker": False, "redis": False}
    assert ok(home, "recall")["total"] == 1


def test_stop_makes_no_folder_where_there_is_none(folder: Path) -> None:
    done = run(folder / "never", "stop")
    assert (done.code, done.out) == (0, f"Nothing was running in {folder}/never.\n")
    assert not (folder / "never").exists()


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_a_help_text_and_speaks_json(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    command = typer.main.get_command(build())
    command.main(args=[name, "--help"], prog_name="mcp-memory", standalone_mode=False)
    shown = capsys.readouterr().out
    assert f"Usage: mcp-memory {name}" in shown
    assert "--json" in shown


def test_help_names_every_command_and_the_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    typer.main.get_command(build()).main(args=["--help"], prog_name="mcp-memory", standalone_mode=False)
    shown = capsys.readouterr().out
    assert all(f"\n  {name} " in shown for name in COMMANDS)
    assert "3 the store is unavailable" in shown


def _imported(*arguments: str) -> set[str]:
    """The top-level packages that a run of the command imports."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "mcp_memory", *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        env=environment(Path("/nowhere")),
        check=True,
    )
    return {line.rpartition("|")[2].strip().partition(".")[0] for line in done.stderr.splitlines()}


def test_the_bare_command_does_not_load_what_only_people_need() -> None:
    imported = _imported()
    assert "mcp" in imported
    assert "typer" not in imported


def test_the_version_is_told_without_loading_anything() -> None:
    assert _imported("--version").isdisjoint({"mcp", "typer", "redis", "pydantic"})


def test_who_types_the_bare_command_is_told_what_it_is(home: Home) -> None:
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        COMMAND, stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment(home)
    ) as process:
        os.close(theirs)
        assert process.stderr is not None
        assert b"waiting for an MCP host" in process.stderr.readline()
        process.terminate()
        out, _ = process.communicate(timeout=PATIENCE_S)
    os.close(ours)
    assert out == b""
