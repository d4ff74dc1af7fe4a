"""The real process on a fake service: start, purity of stdout, and every way to end."""

import json
import os
import random
import signal
import subprocess
import sys

import pytest

from .host import FAKE, INITIALIZE, MODERN, REAL, ROOT, Host
from .test_tool_list import DESIGN, MOST_BYTES

posix = pytest.mark.skipif(sys.platform == "win32", reason="signals and /proc")


def test_the_list_of_tools_fits_in_ten_kilobytes_in_both_eras() -> None:
    for modern in (False, True):
        with Host() as host:
            if not modern:
                host.initialize()
            host.ask("tools/list", {"_meta": MODERN} if modern else {})
            assert len(host.received[-1]) <= MOST_BYTES
            listed = json.loads(host.received[-1])["result"]["tools"]
            assert [tool["name"] for tool in listed] == list(DESIGN)


def test_lists_are_answered_before_the_service_is_opened() -> None:
    with Host() as host:
        host.initialize()
        for method in ("prompts/list", "resources/list", "resources/templates/list"):
            host.ask(method)
        host.close_stdin()
        assert host.ended() == 0
        assert "opened" not in host.rest()


def test_the_service_is_opened_once_the_tools_were_listed_and_closed_at_the_end() -> None:
    with Host() as host:
        host.initialize()
        host.ask("tools/list")
        wait_for_line(host, b"opened")
        host.close_stdin()
        assert host.ended() == 0
        assert "closed" in host.rest()


def wait_for_line(host: Host, line: bytes) -> None:
    assert host.process.stderr is not None
    while host.process.stderr.readline().strip() != line:
        assert host.process.poll() is None


def test_stdout_is_json_rpc_from_the_first_byte_to_the_last() -> None:
    with Host(env={"LOG_LEVEL": "DEBUG"}) as host:
        host.initialize()
        host.ask("tools/list")
        host.call("remember", memories=["Ada likes tea"])
        host.call("recall", query="tea")
        host.call("recall", limit=0)
        host.close_stdin()
        assert host.ended() == 0
        assert host.received[0].startswith(b"{")
        assert host.remaining_stdout() == b""
        assert "a stray line on stdout" in host.rest()


def test_both_eras_are_served() -> None:
    with Host() as host:
        assert host.initialize()["protocolVersion"] == "2025-11-25"
        assert "stored" in host.call("remember", memories=["x"])
    with Host() as host:
        assert "2026-07-28" in host.ask("server/discover", {"_meta": MODERN})["supportedVersions"]
        params = {"name": "remember", "arguments": {"memories": ["x"]}, "_meta": MODERN}
        assert host.ask("tools/call", params)["structuredContent"]["results"][0]["outcome"] == "stored"


@posix
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_it_cleanly(number: signal.Signals) -> None:
    with Host() as host:
        host.initialize()
        host.call("recall")
        host.process.send_signal(number)
        assert host.ended(5) == 0
        said = host.rest()
        assert "closed" in said
        assert "Traceback" not in said


@posix
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_before_initialize_ends_it_cleanly(number: signal.Signals) -> None:
    with Host() as host:
        host.send("initialize", INITIALIZE)
        host.line()
        host.process.send_signal(number)
        assert host.ended(5) == 0
        assert "Traceback" not in host.rest()


@posix
def test_a_signal_at_any_moment_of_the_start_leaves_no_traceback() -> None:
    for delay in (0.1, 0.2, 0.3, 0.4):
        with Host() as host:
            with pytest.raises(subprocess.TimeoutExpired):
                host.process.wait(delay)
            host.process.send_signal(signal.SIGINT)
            # Before the first line of ours runs, the interpreter itself is interrupted.
            assert host.ended(5) in {0, -signal.SIGINT, 1}
            said = host.rest()
            assert "mcp_memory/faces/mcp/server.py" not in said


@pytest.mark.parametrize("greeted", [False, True])
def test_a_closed_stdin_ends_it(greeted: bool) -> None:
    with Host() as host:
        if greeted:
            host.initialize()
        host.close_stdin()
        assert host.ended(10) == 0
        assert "Traceback" not in host.rest()


def test_what_was_asked_before_the_end_is_answered() -> None:
    with Host() as host:
        host.send("initialize", INITIALIZE)
        sent = [host.send("tools/call", {"name": "recall", "arguments": {"query": "nap"}}) for _ in range(20)]
        host.close_stdin()
        assert host.ended(10) == 0
        answers = [json.loads(line) for line in host.remaining_stdout().splitlines()]
        assert {answer["id"] for answer in answers if "result" in answer} == {1, *sent}


@posix
def test_a_signal_does_not_wait_for_a_call_that_hangs() -> None:
    with Host() as host:
        host.initialize()
        host.send("tools/call", {"name": "recall", "arguments": {"query": "sleep"}})
        host.call("recall")
        host.close_stdin()
        with pytest.raises(subprocess.TimeoutExpired):
            host.process.wait(0.5)
        host.process.send_signal(signal.SIGTERM)
        assert host.ended(3) == 0
        assert "closed" in host.rest()


def test_a_cancelled_call_and_an_open_stream_do_not_hold_the_end_back() -> None:
    with Host() as host:
        host.initialize()
        cancelled = host.send("tools/call", {"name": "recall", "arguments": {"query": "sleep"}})
        notice = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": cancelled}}
        host.send_raw(json.dumps(notice).encode() + b"\n")
        host.call("recall")
        host.close_stdin()
        assert host.ended(3) == 0
    with Host() as host:
        wanted = {"resourceSubscriptions": ["memory://recent"]}
        host.send("subscriptions/listen", {"notifications": wanted, "_meta": MODERN})
        assert json.loads(host.line())["method"] == "notifications/subscriptions/acknowledged"
        host.close_stdin()
        assert host.ended(3) == 0


def test_a_host_that_vanishes_is_no_error() -> None:
    with Host() as host:
        host.initialize()
        assert host.process.stdout is not None
        host.process.stdout.close()
        host.send("tools/list")
        host.close_stdin()
        assert host.ended(10) == 0
        assert "Traceback" not in host.rest()
        host.process.stdout = open(os.devnull, "rb")  # noqa: SIM115 (for the end of the test)


@posix
def test_it_starts_with_nothing_but_home_and_path() -> None:
    command = ["env", "-i", f"HOME={os.environ.get('HOME', '/')}", f"PATH={os.environ['PATH']}", *REAL]
    with Host(["sh", "-c", f"cd {ROOT} && exec " + " ".join(command)]) as host:
        host.initialize()
        assert len(host.ask("tools/list")["tools"]) == 8
        host.close_stdin()
        assert host.ended(10) == 0


@pytest.mark.parametrize(
    ("name", "value"),
    [("MCP_MEMORY_TIMEZONE", "Mars/Olympus"), ("REDIS_URL", "http://:secret@host"), ("MCP_MEMORY_USER_ID", "a\x01b")],
)
def test_a_wrong_setting_is_told_on_every_call_instead_of_ending_the_server(name: str, value: str) -> None:
    with Host(REAL, env={name: value}) as host:
        host.initialize()
        assert len(host.ask("tools/list")["tools"]) == 8
        for tool in ("recall", "get_context"):
            text = host.call(tool)
            assert text.startswith("invalid_input: ")
            assert name.rpartition("_")[2].lower() in text.lower()
            assert "secret" not in text
        error = host.answer(host.send("resources/read", {"uri": "memory://recent"}))["error"]
        assert error["message"].startswith("invalid_input: ")
        host.close_stdin()
        assert host.ended(10) == 0


def test_a_wrong_log_level_does_not_matter() -> None:
    with Host(env={"LOG_LEVEL": "LOUD"}) as host:
        host.initialize()


@posix
def test_a_start_without_stdin_ends_at_once() -> None:
    done = subprocess.run(
        ["sh", "-c", f"exec {' '.join(FAKE)} <&-"],
        env={"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"]},
        capture_output=True,
        timeout=30,
        check=False,
    )
    assert done.stdout == b""
    assert b"Traceback" not in done.stderr


def test_no_line_on_stdin_stops_the_server() -> None:
    chance = random.Random(7)
    junk = [bytes(chance.randrange(256) for _ in range(chance.randrange(200))).replace(b"\n", b" ") for _ in range(50)]
    junk += [
        b"[]",
        b"{}",
        b"null",
        b"[" * 100_000,
        b'{"jsonrpc":"2.0","id":5}',
        b'{"jsonrpc":"2.0","id":null,"method":"tools/list"}',
        b'{"jsonrpc":"2.0","id":"x","method":"tools/call","params":{"name":"recall","arguments":[1]}}',
        b'{"jsonrpc":"2.0","id":"y","method":"tools/call","params":{"arguments":{}}}',
        b'{"jsonrpc":"2.0","id":"z","method":"tools/call","params":{"name":"recall","arguments":{"query":"\\ud800"}}}',
        b'{"jsonrpc":"2.0","id":"v","method":"nonsense/method","params":{"a":' + b"1" * 5_000 + b"}}",
        b'{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":true}}',
        b"x" * 3_000_000,
    ]
    with Host() as host:
        host.initialize()
        for line in junk:
            host.send_raw(line + b"\n")
        assert len(host.ask("tools/list")["tools"]) == 8


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ('{"query": "tea", "limit": 3}', '"memories":[]'),
        ("tea", "unknown argument 'arguments'"),
        ([1], "unknown argument 'arguments'"),
        ("[1]", "unknown argument 'arguments'"),
    ],
)
def test_arguments_sent_as_json_text_are_understood_and_others_answered(given: object, says: str) -> None:
    with Host() as host:
        host.initialize()
        (block,) = host.ask("tools/call", {"name": "recall", "arguments": given})["content"]
        assert says in block["text"]


def test_calls_are_served_at_the_same_time() -> None:
    with Host() as host:
        host.initialize()
        sent = {host.send("tools/call", {"name": "recall", "arguments": {"query": str(n)}}) for n in range(50)}
        answered = {json.loads(host.line())["id"] for _ in sent}
        assert answered == sent


BEFORE_REDIS = "redis arq redisvl numpy onnxruntime litellm tokenizers typer Stemmer mcp_memory.service"

REPORTING = """
import os, sys
leave = os._exit
def leave_and_tell(code):
    print("loaded:", [name for name in sys.argv[1].split() if name in sys.modules], file=sys.stderr, flush=True)
    leave(code)
os._exit = leave_and_tell
import mcp_memory.faces.mcp.stdio as stdio
stdio.WARMING_DELAY_SECONDS = float(sys.argv[2])
stdio.run_stdio()
"""
"""The real process, which tells when it leaves which of some modules it has loaded."""


def test_nothing_that_redis_needs_is_loaded_before_the_first_answers() -> None:
    with Host([sys.executable, "-c", REPORTING, BEFORE_REDIS, "60"]) as host:
        host.initialize()
        for method in ("tools/list", "prompts/list", "resources/list"):
            host.ask(method)
        host.close_stdin()
        assert host.ended(10) == 0
        assert "loaded: []" in host.rest()
