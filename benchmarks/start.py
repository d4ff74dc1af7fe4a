"""How soon a stdio server answers `initialize`, and how much memory its processes use.

The floor is a server of one tool on the bare SDK, started in turns with ours.
"""

import argparse
import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

from mcp import Client

from benchmarks import homes, mcp_client, memory_use
from benchmarks.filling import fill
from benchmarks.memory_use import Use
from benchmarks.report import Report, Table, command, finish, p50
from benchmarks.texts import Texts
from benchmarks.wire import until_initialized
from mcp_memory.app import open_store
from mcp_memory.records import Scope

PAIRS, QUICK_PAIRS = 21, 3
SEARCHES, QUICK_SEARCHES = 1_000, 50
STORED = 2_000
TOGETHER = 16
SETTLING_S = 3.0


async def run(options: argparse.Namespace) -> Report:
    """Starts in pairs, then the memory of one process and of sixteen."""
    report = Report(name="start", title="Start and memory of a stdio process")
    _starts(report, options)
    with homes.temporary_home() as home:
        await _memory(report, options, home)
    return report


def _starts(report: Report, options: argparse.Namespace) -> None:
    ours: list[float] = []
    floor: list[float] = []
    with homes.temporary_home() as home:
        env = homes.environment(home)
        for server in (mcp_client.SERVER, mcp_client.ECHO_SERVER):
            until_initialized(server, env)  # compiles what is not compiled yet
        report.quiet(options.wait)
        for _ in range(QUICK_PAIRS if options.quick else PAIRS):
            floor.append(until_initialized(mcp_client.ECHO_SERVER, env))
            ours.append(until_initialized(mcp_client.SERVER, env))
    ratio = p50([one / other for one, other in zip(ours, floor, strict=True)])
    report.data["start"] = {"ours_ms": ours, "floor_ms": floor, "ratio": ratio}
    columns = ["", "median ms", "fastest", "slowest"]
    rows = [[name, p50(times), min(times), max(times)] for name, times in (("ours", ours), ("bare SDK", floor))]
    report.tables.append(
        Table(title=f"From spawn to the reply to initialize, {len(ours)} pairs", columns=columns, rows=rows)
    )
    report.goal("start against the bare SDK, median of the pairs' ratios", most=1.25, got=ratio, unit="×")


async def _memory(report: Report, options: argparse.Namespace, home: Path) -> None:
    texts = Texts(seed=5)
    async with open_store(homes.settings(home), name="face:benchmark") as store:
        await fill(store.database, [Scope()], texts.memories(STORED), seed=5)
    rows: list[list[str | float | None]] = []
    async with AsyncExitStack() as stack:
        client = await _opened(stack, home)
        await asyncio.sleep(SETTLING_S)
        idle = Use.of(memory_use.servers())
        searches = QUICK_SEARCHES if options.quick else SEARCHES
        for question in texts.questions(searches):
            await _by_meaning(client, question)
        searched = Use.of(memory_use.servers())
        for _ in range(TOGETHER - 1):
            await _opened(stack, home)
        await asyncio.sleep(SETTLING_S)
        background = memory_use.background(home)
        sixteen, both = Use.of(memory_use.servers()), Use.of(background)
    rows = [
        ["one, idle after Redis is open", idle.rss, idle.pss],
        [f"the same after {searches:,} searches by meaning", searched.rss, searched.pss],
        [f"{TOGETHER} of them", sixteen.rss, sixteen.pss],
        [f"Redis and worker ({len(background)} processes)", both.rss, both.pss],
    ]
    whole = Use(sixteen.rss + both.rss, None if sixteen.pss is None or both.pss is None else sixteen.pss + both.pss)
    rows.append(["all together", whole.rss, whole.pss])
    report.data["memory_mb"] = {str(name): {"rss": rss, "pss": pss} for name, rss, pss in rows}
    report.tables.append(Table(title=f"Memory, MB ({STORED} memories)", columns=["", "RSS", "PSS"], rows=rows))
    report.goal("one process idle, RSS", most=110, got=idle.rss, unit=" MB")
    report.goal(f"after {searches:,} searches by meaning, RSS", most=130, got=searched.rss, unit=" MB")
    report.goal("sixteen, worker and Redis, sum of PSS", most=2_400, got=whole.pss or whole.rss, unit=" MB")
    report.goal("sixteen, worker and Redis, sum of RSS", most=2_400, got=whole.rss, unit=" MB")


async def _opened(stack: AsyncExitStack, home: Path) -> Client:
    """One more server, used as a host uses it: its tools listed, one question asked."""
    client = await stack.enter_async_context(mcp_client.connected(home))
    await client.list_tools()
    await mcp_client.call(client, "recall", query="who are you")
    return client


async def _by_meaning(client: Client, question: str) -> None:
    """Ask; while the model loads, ask again."""
    for _ in range(60):
        try:
            await mcp_client.call(client, "recall", query=question, mode="semantic")
        except mcp_client.ToolFailed as error:
            if "unavailable" not in str(error):
                raise
            await asyncio.sleep(0.5)
        else:
            return
    raise TimeoutError("no embedding model after half a minute")


if __name__ == "__main__":
    finish(run, command(__doc__).parse_args())
