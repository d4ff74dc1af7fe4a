"""`demo`: a conversation, an end, and another process that remembers it. All of it real."""

import asyncio
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TextIO, cast

import typer

import mcp_memory
from mcp_memory import embedded
from mcp_memory.embedded import Home
from mcp_memory.errors import InvalidInput, MemoryServerError, Unavailable
from mcp_memory.faces.cli.command import FAILED, OK, Answer, Command
from mcp_memory.faces.cli.console import Console, shown

if TYPE_CHECKING:
    from mcp import Client

Json = dict[str, Any]

SESSION = "dinner on saturday"

TURNS: tuple[tuple[str, str], ...] = (
    ("user", "Hi! I'm Ada. I moved from Turin to Lisbon last month, to work at the observatory."),
    ("assistant", "Welcome to Lisbon, Ada! What can I do for you?"),
    ("user", "Help me plan a dinner for Saturday. I'm allergic to peanuts, so nothing with them, please."),
    ("assistant", "Noted. How about grilled sardines and a tomato salad?"),
    ("user", "Lovely. I prefer short answers, by the way."),
)
LAST_TURN = "Oh, and my sister Grace arrives on 14 December and stays for a week."
FACT = "Ada's sister Grace arrives on 14 December and stays for a week"
"""What the assistant makes of the last turn, by a call of `remember`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Something asked in the second process; `expected` stands in what must come back, None where nothing may."""

    text: str
    expected: str | None


QUESTIONS = (
    Question(text="Which food allergies do I have?", expected="peanuts"),
    Question(text="When does my sister come to visit?", expected="14 December"),
    Question(text="Which city did I move to?", expected="Lisbon"),
    Question(text="Should you write long or brief replies?", expected="short answers"),
    Question(text="What is the name of my dog?", expected=None),
)

READY_WITHIN = timedelta(seconds=15)
"""For the model to load on a busy machine; half a second elsewhere."""
LEARNT_WITHIN = timedelta(seconds=10)
"""Likewise: extraction follows a turn by the time of the debounce."""

# The shell writes the id that the server will have, which is how a person can tell the two processes apart.
LAUNCH = 'echo $$ >"$0" && exec "$@"'

# A killed demo leaves nothing running for long. Learning does not wait for a conversation to go on.
SETTINGS = {"MCP_MEMORY_IDLE_SECONDS": "20", "EXTRACTION_DEBOUNCE_SECONDS": "0.2"}


@dataclass(slots=True, kw_only=True)
class Story:
    """What happens, told as it does, and kept for `--json`."""

    console: Console
    began: float = field(default_factory=time.perf_counter)
    steps: list[Json] = field(default_factory=list[Json])
    failures: list[str] = field(default_factory=list[str])

    def chapter(self, title: str) -> None:
        self.console.say()
        self.console.say(self.console.styled(title, "bold"))

    def step(self, what: str, began: float, **details: Any) -> None:
        """Keep a step; times are in milliseconds."""
        milliseconds = round((time.perf_counter() - began) * 1000, 1)
        self.steps.append({"step": what, "ms": milliseconds, **details})

    def line(self, text: str) -> None:
        self.console.paragraph(text, indent="  ", hanging="      ")

    def says(self, who: str, words: str) -> None:
        self.line(f"{self.console.styled(who, 'bold')}: {words}")

    def aside(self, text: str) -> None:
        self.console.paragraph(text, indent="  ", hanging="    ", style="dim")

    def check(self, name: str, *, passed: bool) -> None:
        if not passed:
            self.failures.append(name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Demo(Command):
    """See it work: a conversation, then a new process that remembers it. Takes some seconds, needs no key.

    A real MCP client talks to the real server over stdio, in a folder of its own, which is removed afterwards.
    """

    home: Annotated[str | None, typer.Option(metavar="FOLDER", help="Keep the data in this new or empty folder.")] = (
        None
    )

    async def run(self, console: Console) -> Answer:
        story = Story(console=console)
        with _folder(self.home) as folder, _log(folder) as log:
            try:
                await _tell(story, folder, log)
            except Exception as error:
                cause = _cause(error)
                if isinstance(cause, MemoryServerError | BrokenPipeError):
                    raise cause from None
                raise Unavailable(_why(cause, folder)) from error
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise asyncio.CancelledError  # Ctrl-C came while something waited that keeps cancellations to itself
        seconds = round(time.perf_counter() - story.began, 2)
        _conclude(story, seconds, kept=self.home)
        value = {"ok": not story.failures, "seconds": seconds, "failed": story.failures, "steps": story.steps}
        return Answer(value=value, code=FAILED if story.failures else OK)


async def _tell(story: Story, folder: Path, log: TextIO) -> None:
    story.console.say("A person talks to an assistant that has mcp-memory as an MCP server.")
    async with _server(story, folder, log, "A conversation") as (client, first):
        await _conversation(story, client)
    _check_ended(story, first)
    async with _server(story, folder, log, "Later, another conversation") as (client, second):
        story.check("the second conversation has a process of its own", passed=first != second)
        await _until_ready(story, client)
        for question in QUESTIONS:
            await ask(story, client, question)
        await _show_learnt(story, client)


async def _conversation(story: Story, client: "Client") -> None:
    for role, content in TURNS:
        story.says("Ada" if role == "user" else "Assistant", content)
    began = time.perf_counter()
    messages = [{"role": role, "content": content} for role, content in TURNS]
    appended = await _call(client, "append_to_session", {"session_id": SESSION, "messages": messages})
    kept = len(appended["message_ids"])
    story.step("append_to_session", began, session_id=SESSION, messages=messages, result=appended)
    story.check("every turn is stored", passed=kept == len(TURNS))
    story.aside(f"→ append_to_session: {kept} turns stored in {story.steps[-1]['ms']:.0f} ms")
    story.says("Ada", LAST_TURN)
    began = time.perf_counter()
    remembered = await _call(client, "remember", {"memories": [{"text": FACT, "entities": ["Ada", "Grace"]}]})
    outcome = remembered["results"][0]["outcome"]
    story.step("remember", began, text=FACT, result=remembered)
    story.check("the fact is stored", passed=outcome == "stored")
    story.aside(f'→ remember: "{FACT}" is {outcome} in {story.steps[-1]["ms"]:.0f} ms')


async def _until_ready(story: Story, client: "Client") -> None:
    """Wait until all of it is found by meaning: the worker was started with the first process, and may still begin."""
    began = time.perf_counter()
    while not (ready := await _is_ready(client)):
        if time.perf_counter() - began > READY_WITHIN.total_seconds():
            break
        await asyncio.sleep(0.05)
    story.step("search by meaning is ready", began)
    story.check("search by meaning is ready", passed=ready)


async def _is_ready(client: "Client") -> bool:
    from mcp.types import TextResourceContents  # noqa: PLC0415

    (content,) = (await client.read_resource("memory://stats")).contents
    stats: Json = json.loads(content.text) if isinstance(content, TextResourceContents) else {}
    return any(worker["ready"] for worker in stats["workers"]) and not stats["without_vector"]


async def ask(story: Story, client: "Client", question: Question) -> None:
    """Ask it, and check what comes back."""
    story.says("Ada", question.text)
    began = time.perf_counter()
    answer = await _call(client, "recall", {"query": question.text, "limit": 3})
    memories: list[Json] = answer["memories"]
    story.step("recall", began, query=question.text, expected=question.expected, result=answer)
    milliseconds = story.steps[-1]["ms"]
    best = memories[0]["text"] if memories else None
    passed = best is None if question.expected is None else question.expected in (best or "")
    if best is None:
        story.aside(f"→ recall: {answer['note']} ({milliseconds:.0f} ms)")
    else:
        score = f"score {memories[0]['score']:.2f}, {memories[0]['why']}"
        story.aside(f'→ recall: "{shown(best)}" ({score}; {milliseconds:.0f} ms)')
    story.line(_verdict(story.console, question, passed=passed))
    story.check(question.text, passed=passed)


def _verdict(console: Console, question: Question, *, passed: bool) -> str:
    mark = console.styled("✓", "good") if passed else console.styled("✗", "bad")
    if question.expected is None:
        return f"{mark} {'it was never said, and nothing is made up' if passed else 'that was never said'}"
    return f"{mark} {'remembered' if passed else 'not remembered'}: {question.expected}"


async def _show_learnt(story: Story, client: "Client") -> None:
    """What the worker made of the conversation by itself."""
    began = time.perf_counter()
    while (await _call(client, "get_session", {"session_id": SESSION, "limit": 1}))["pending_extraction"]:
        if time.perf_counter() - began > LEARNT_WITHIN.total_seconds():
            break
        await asyncio.sleep(0.1)
    learnt = await _call(client, "recall", {"memory_type": ["semantic", "episodic"], "limit": 10})
    story.step("what the worker has learnt", began, result=learnt)
    own = [memory["text"] for memory in learnt["memories"] if memory["text"] != FACT]
    story.check("the background worker has learnt from the conversation", passed=bool(own))
    story.aside("Meanwhile the background worker has learnt from the conversation by itself:")
    for text in own:
        story.line(f"● {shown(text)}")


@asynccontextmanager
async def _server(story: Story, folder: Path, log: TextIO, title: str) -> AsyncGenerator[tuple["Client", int]]:
    """A new server process in the folder, a client connected to it, and the process's id."""
    # The SDK takes a third of a second to import: no other command pays for it.
    from mcp import Client, StdioServerParameters  # noqa: PLC0415
    from mcp.client.stdio import stdio_client  # noqa: PLC0415

    began = time.perf_counter()
    id_file = folder / "demo.pid"
    start = ["/bin/sh", "-c", LAUNCH, str(id_file), sys.executable, "-m", "mcp_memory"]
    sources = str(Path(str(mcp_memory.__file__)).parents[1])
    env = SETTINGS | {"MCP_MEMORY_HOME": str(folder / "home"), "PYTHONPATH": sources}
    parameters = StdioServerParameters(command=start[0], args=start[1:], env=env)
    story.chapter(title)
    async with Client(stdio_client(parameters, errlog=log)) as client:
        tools = len((await client.list_tools()).tools)
        pid = int(id_file.read_text())
        story.step("start a server", began, pid=pid, tools=tools, command="mcp-memory")
        story.aside(f"→ server process {pid} started over stdio, {tools} tools, in {story.steps[-1]['ms']:.0f} ms")
        yield client, pid
        began = time.perf_counter()
    story.step("end the server", began, pid=pid)
    story.aside(f"→ server process {pid} ended")


def _check_ended(story: Story, pid: int) -> None:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return
    story.check("the first process has ended", passed=False)


async def _call(client: "Client", tool: str, arguments: Json) -> Json:
    """What a tool answers.

    Raises:
        Unavailable: with the tool's own words, where it answers an error.
    """
    result = await client.call_tool(tool, arguments)
    text = "".join(getattr(block, "text", "") for block in result.content)
    if result.is_error:
        raise Unavailable(text.removeprefix("unavailable: "))
    return result.structured_content or json.loads(text)


@contextmanager
def _folder(given: str | None) -> Generator[Path]:
    """Where the demo lives; whatever still runs in it ends with it.

    Raises:
        InvalidInput: the folder is in use for something else.
    """
    folder = Path(tempfile.mkdtemp(prefix="mcp-memory-demo-")) if given is None else _empty(Path(given).expanduser())
    try:
        yield folder
    finally:
        if (folder / "home").is_dir():
            embedded.stop(Home.at(folder / "home"))
        if given is None:
            shutil.rmtree(folder, ignore_errors=True)


def _empty(folder: Path) -> Path:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise InvalidInput(f"--home {str(folder)!r} is not empty; the demo needs a folder of its own; name another")
    except OSError as error:
        raise InvalidInput(f"--home {str(folder)!r}: {error.strerror}; name another folder") from error
    return folder.resolve()


@contextmanager
def _log(folder: Path) -> Generator[TextIO]:
    """Where the server's stderr goes."""
    with (folder / "server.log").open("w") as log:
        yield log


def _cause(error: Exception) -> Exception:
    """The first error itself: what is raised beside the client's tasks comes in groups."""
    while isinstance(error, ExceptionGroup):
        error = cast("ExceptionGroup[Exception]", error).exceptions[0]
    return error


def _why(error: Exception, folder: Path) -> str:
    """A failure of the connection, with the last thing that the server said."""
    said = (folder / "server.log").read_text(errors="replace").strip().splitlines()[-1:] or ["nothing"]
    return f"the demo's server failed ({type(error).__name__}: {error}); it said: {said[0]}; see `mcp-memory doctor`"


def _conclude(story: Story, seconds: float, *, kept: str | None) -> None:
    console = story.console
    story.chapter("Result")
    asked = sum(question.expected is not None for question in QUESTIONS)
    if story.failures:
        for failure in story.failures:
            console.say(f"  {console.styled('✗', 'bad')} {failure}")
    else:
        facts = f"{asked} of {asked} facts"
        console.say(f"  {console.styled('✓', 'good')} {facts} came back in another process, and none was made up.")
    console.say(f"  It took {seconds:.1f} s. {f'The data is in {kept}/home.' if kept else 'Its data is removed.'}")
    if not story.failures:
        console.say("  Next: `mcp-memory configure --host claude-desktop` shows how to give it to your assistant.")
