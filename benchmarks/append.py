"""Whether appending to a long session costs more than to a short one."""

import argparse
import time
from typing import Any

from mcp import Client

from benchmarks import homes, mcp_client
from benchmarks.report import Report, Table, command, finish, p50, p99
from benchmarks.texts import Texts
from benchmarks.waiting import until_done
from mcp_memory.app import open_store

SHORT, LONG = 10, 5_000
ROUNDS, QUICK_ROUNDS = 200, 20
AT_A_TIME = 100
LEARNING_LIMIT_S = 600.0


async def run(options: argparse.Namespace) -> Report:
    """One message to a session of ten, one to a session of five thousand, in turns."""
    report = Report(name="append", title="Appending to a session")
    rounds, long = (QUICK_ROUNDS, 500) if options.quick else (ROUNDS, LONG)
    texts = Texts(seed=3)
    times: dict[int, list[float]] = {SHORT: [], long: []}
    with homes.temporary_home() as home:
        async with (
            mcp_client.connected(home) as client,
            open_store(homes.settings(home), name="face:benchmark") as store,
        ):
            for number in range(rounds):
                await _append(client, f"short {number}", list(texts.memories(SHORT)))
            for _ in range(0, long, AT_A_TIME):
                await _append(client, "long", list(texts.memories(AT_A_TIME)))
            await until_done(store.database, limit_s=LEARNING_LIMIT_S)
            report.quiet(options.wait)
            for number, text in enumerate(texts.memories(rounds)):
                times[SHORT].append(await _append(client, f"short {number}", [text]))
                times[long].append(await _append(client, "long", [text]))
    ratio = p50(times[long]) / p50(times[SHORT])
    report.data = {"ratio": ratio, "ms": {str(size): values for size, values in times.items()}}
    rows = [[size, p50(values), p99(values)] for size, values in times.items()]
    report.tables = [Table(title="Milliseconds over stdio, one message", columns=["messages", "p50", "p99"], rows=rows)]
    report.goal(f"p50 at {long:,} messages against {SHORT}", most=1.2, got=ratio, unit="×")
    return report


async def _append(client: Client, session_id: str, texts: list[str]) -> float:
    """Milliseconds until the acknowledgement."""
    messages: list[dict[str, Any]] = [{"role": "user", "content": text} for text in texts]
    started = time.perf_counter()
    await mcp_client.call(client, "append_to_session", session_id=session_id, messages=messages)
    return 1000 * (time.perf_counter() - started)


if __name__ == "__main__":
    finish(run, command(__doc__).parse_args())
