"""How fast `remember` in batches of 100 becomes findable by meaning, against the embedder alone on the same texts."""

import argparse
import time
from collections.abc import Sequence

from mcp import Client

from benchmarks import homes, mcp_client
from benchmarks.report import Report, Table, command, finish
from benchmarks.texts import Texts
from benchmarks.waiting import until_done
from mcp_memory.app import open_store
from mcp_memory.models.embed import Embedder, open_embedder
from mcp_memory.models.names import LOCAL_MODEL

COUNT, QUICK_COUNT = 10_000, 500
BATCH = 100
SAMPLES = 10
"""Of the floor: stretches of the texts embedded before and after, while the worker has nothing to do."""
LIMIT_S = 1_800.0


async def run(options: argparse.Namespace) -> Report:
    """The embedder on a part of the texts, the product on all, the embedder on another part."""
    report = Report(name="remember", title="Remembering in batches")
    count: int = options.count or (QUICK_COUNT if options.quick else COUNT)
    texts = list(dict.fromkeys(Texts(seed=17).memories(count)))
    embedder = await open_embedder(LOCAL_MODEL)
    with homes.temporary_home() as home:
        async with (
            mcp_client.connected(home) as client,
            open_store(homes.settings(home), name="face:benchmark") as store,
        ):
            await _remember(client, ["warm up"])
            await until_done(store.database, limit_s=LIMIT_S)
            report.quiet(options.wait)
            part = max(BATCH, len(texts) // SAMPLES)
            before = await _floor(embedder, texts[:part])
            started = time.perf_counter()
            for start in range(0, len(texts), BATCH):
                await _remember(client, texts[start : start + BATCH])
            acknowledged = time.perf_counter() - started
            await until_done(store.database, limit_s=LIMIT_S)
            findable = time.perf_counter() - started
            after = await _floor(embedder, texts[-part:])
    await embedder.close()
    floor = (before + after) / 2
    rate = len(texts) / findable
    report.data = {
        "memories": len(texts),
        "acknowledged_s": acknowledged,
        "findable_s": findable,
        "per_second": rate,
        "embedder_per_second": [before, after],
        "ratio": rate / floor,
    }
    rows = [
        ["acknowledged", len(texts) / acknowledged],
        ["findable by meaning", rate],
        ["the embedder alone, before and after", floor],
    ]
    report.tables = [Table(title=f"{len(texts):,} memories, per second", columns=["", "per second"], rows=rows)]
    report.goal("findable by meaning against the embedder alone", least=0.8, got=rate / floor, unit="×")
    return report


async def _remember(client: Client, texts: Sequence[str]) -> None:
    await mcp_client.call(client, "remember", memories=[{"text": text} for text in texts])


async def _floor(embedder: Embedder, texts: Sequence[str]) -> float:
    """Texts a second of the embedder alone."""
    started = time.perf_counter()
    await embedder.embed(texts)
    return len(texts) / (time.perf_counter() - started)


if __name__ == "__main__":
    parser = command(__doc__)
    parser.add_argument("--count", type=int, help=f"memories (default {COUNT})")
    finish(run, parser.parse_args())
