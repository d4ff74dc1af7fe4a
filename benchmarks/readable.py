"""How soon what was acknowledged is found: by words with the very next call, by meaning at rising rates."""

import argparse
import asyncio
import time
from dataclasses import dataclass, field

from mcp import Client

from benchmarks import homes, mcp_client
from benchmarks.report import Report, Table, command, finish, p50, p99
from benchmarks.texts import Texts
from benchmarks.waiting import until_done
from mcp_memory.app import Store, open_store

WORDS, QUICK_WORDS = 500, 50
RATES, QUICK_RATES = (30, 60, 120, 240, 480), (30,)
SECONDS, QUICK_SECONDS = 20, 4
PROBES_PER_S = 4
"""Messages looked for; looking for all of them would measure the looking."""
POLL_S = 0.02
GOAL_S = 1.0
GIVING_UP_S = 30.0


@dataclass(slots=True, kw_only=True)
class Rate:
    """One rate, held for a while."""

    wanted: int
    achieved: float = 0.0
    """Acknowledged messages a second."""
    delays: list[float] = field(default_factory=list[float])
    """Seconds from the acknowledgement until found by meaning, of the probes."""
    catching_up_s: float = 0.0
    """After the last acknowledgement until nothing was left to embed."""

    @property
    def behind(self) -> bool:
        return p99(self.delays) > GOAL_S or self.catching_up_s > 2 * GOAL_S or self.achieved < 0.9 * self.wanted


async def run(options: argparse.Namespace) -> Report:
    """Words first, then meaning at rising rates until it falls behind."""
    report = Report(name="readable", title="From acknowledged to found")
    texts = Texts(seed=23)
    rates: list[Rate] = []
    with homes.temporary_home() as home:
        async with (
            mcp_client.connected(home) as writer,
            mcp_client.connected(home) as reader,
            open_store(homes.settings(home), name="face:benchmark") as store,
        ):
            words = QUICK_WORDS if options.quick else WORDS
            misses = await _by_words(writer, reader, texts, words)
            await until_done(store.database, limit_s=GIVING_UP_S * 10)
            for wanted in QUICK_RATES if options.quick else RATES:
                report.quiet(options.wait)
                rate = await _by_meaning(
                    (writer, reader), store, texts, wanted, QUICK_SECONDS if options.quick else SECONDS
                )
                rates.append(rate)
                if rate.behind:
                    break
    behind = next((rate.wanted for rate in rates if rate.behind), None)
    report.data = {
        "words": {"tried": 2 * words, "misses": misses},
        "meaning": [
            {"wanted": rate.wanted, "achieved": rate.achieved, "catching_up_s": rate.catching_up_s, "s": rate.delays}
            for rate in rates
        ],
        "falls_behind_at": behind,
    }
    columns = ["messages/s", "acknowledged/s", "probes", "p50 s", "p99 s", "catching up s", "falls behind"]
    rows = [
        [
            *(rate.wanted, rate.achieved, len(rate.delays), p50(rate.delays), p99(rate.delays), rate.catching_up_s),
            "yes" if rate.behind else "no",
        ]
        for rate in rates
    ]
    report.tables = [Table(title="By meaning, from the acknowledgement", columns=columns, rows=rows)]
    report.goal(f"by words with the next call of another process, misses in {2 * words}", most=0, got=misses, unit="")
    report.goal("by meaning at 30 messages/s, p99", most=GOAL_S, got=p99(rates[0].delays), unit=" s")
    fate = f"It falls behind at {behind}/s." if behind else f"It kept up with every rate up to {rates[-1].wanted}/s."
    report.notes.append(fate)
    return report


async def _by_words(writer: Client, reader: Client, texts: Texts, count: int) -> int:
    """How many of so many messages and memories the very next search by words did not find."""
    misses = 0
    for number, text in enumerate(texts.memories(count)):
        message, memory = f"mark{number}m", f"mark{number}r"
        await mcp_client.call(
            writer,
            "append_to_session",
            session_id="words",
            messages=[{"role": "user", "content": f"{text} {message}", "id": message}],
            strategy="off",
        )
        misses += not await _found(reader, message, message, mode="keyword")
        answer = await mcp_client.call(writer, "remember", memories=[{"text": f"{text} {memory}"}])
        misses += not await _found(reader, memory, answer["results"][0]["id"], mode="keyword")
    return misses


async def _found(client: Client, query: str, wanted: str, *, mode: str) -> bool:
    page = await mcp_client.call(client, "recall", query=query, mode=mode, min_score=0)
    return any(wanted == hit["id"] or wanted in hit.get("message_ids", ()) for hit in page["memories"])


async def _by_meaning(clients: tuple[Client, Client], store: Store, texts: Texts, wanted: int, seconds: int) -> Rate:
    """Append at a steady rate; look for some of the messages until each is found."""
    writer, reader = clients
    rate = Rate(wanted=wanted)
    supply = list(texts.memories(wanted * seconds))
    every = max(1, wanted // PROBES_PER_S)
    probed = {number for number in range(len(supply)) if number % every == 0}
    for number in probed:  # so that a probe costs the model nothing while we measure
        await _found_by_meaning(reader, supply[number], "")
    acknowledged: list[float] = []

    async def one(number: int) -> None:
        message = f"r{wanted}-{number}"
        await mcp_client.call(
            writer,
            "append_to_session",
            session_id=f"meaning {number % 10}",
            messages=[{"role": "user", "content": supply[number], "id": message}],
            strategy="off",
        )
        acknowledged.append(at := time.perf_counter())
        if number in probed:
            rate.delays.append(await _delay(reader, supply[number], message, at))

    started = time.perf_counter()
    tasks: list[asyncio.Task[None]] = []
    for number in range(len(supply)):
        await asyncio.sleep(max(0.0, started + number / wanted - time.perf_counter()))
        tasks.append(asyncio.create_task(one(number)))
    await asyncio.gather(*tasks)
    rate.achieved = len(supply) / (max(acknowledged) - started)
    await until_done(store.database, limit_s=GIVING_UP_S * 10)
    rate.catching_up_s = time.perf_counter() - max(acknowledged)
    return rate


async def _delay(client: Client, text: str, message: str, acknowledged: float) -> float:
    """Seconds from the acknowledgement until a search by meaning finds the message; a lost one counts as the limit."""
    while time.perf_counter() - acknowledged < GIVING_UP_S:
        if await _found_by_meaning(client, text, message):
            return time.perf_counter() - acknowledged
        await asyncio.sleep(POLL_S)
    return GIVING_UP_S


async def _found_by_meaning(client: Client, text: str, message: str) -> bool:
    for _ in range(60):
        try:
            return await _found(client, text, message, mode="semantic")
        except mcp_client.ToolFailed as error:
            if "unavailable" not in str(error):
                raise
            await asyncio.sleep(0.5)
    raise TimeoutError("no embedding model after half a minute")


if __name__ == "__main__":
    finish(run, command(__doc__).parse_args())
