"""LoCoMo through the product: how much of the evidence recall finds, beside plain BM25 and plain dense search.

python -m benchmarks.retrieval PATH            through the real server, over stdio
python -m benchmarks.retrieval PATH --direct   the service in this process: faster, for tuning
"""

import argparse
from collections import defaultdict
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any, Protocol, TypeAlias

from mcp import Client

from benchmarks import direct, homes, mcp_client
from benchmarks.baselines import Bm25, Dense
from benchmarks.locomo import ANSWERABLE, CATEGORIES, QA, Conversation, load
from benchmarks.report import Report, Table, command, finish
from benchmarks.scoring import Result, judged, means
from benchmarks.waiting import until_done
from mcp_memory.app import Store, open_store
from mcp_memory.models.embed import Embedder, open_embedder
from mcp_memory.models.names import LOCAL_MODEL
from mcp_memory.records import Message, Query, Scope, parse_message_memory_id

LIMIT = 20
LEARNING_LIMIT_S = 1_800.0
AT_A_TIME = 100

Scores: TypeAlias = dict[str, dict[int, list[dict[str, float]]]]
"""System -> category -> the scores of its questions."""


class Product(Protocol):
    """The product, reached one way or another."""

    async def learn(self, conversations: Sequence[Conversation]) -> None:
        """Append every turn, and wait until all is embedded and extracted."""
        ...

    async def ask(self, conversation: Conversation, question: str) -> list[Result]: ...


class OverStdio:
    """Through a real MCP client on a real server process."""

    def __init__(self, client: Client, store: Store) -> None:
        self._client = client
        self._store = store

    async def learn(self, conversations: Sequence[Conversation]) -> None:
        for conversation in conversations:
            for session_id, turns in conversation.sessions():
                messages = [
                    {
                        "id": turn.id,
                        "role": conversation.role(turn),
                        "name": turn.speaker,
                        "content": turn.text,
                        "created_at": turn.said_at.isoformat(),
                    }
                    for turn in turns
                ]
                for start in range(0, len(messages), AT_A_TIME):
                    await mcp_client.call(
                        self._client,
                        "append_to_session",
                        session_id=session_id,
                        messages=messages[start : start + AT_A_TIME],
                        user_id=conversation.id,
                    )
        await until_done(self._store.database, limit_s=LEARNING_LIMIT_S)

    async def ask(self, conversation: Conversation, question: str) -> list[Result]:
        page = await mcp_client.call(
            self._client, "recall", query=question, user_id=conversation.id, min_score=0, limit=LIMIT
        )
        if page.get("note"):
            raise mcp_client.ToolFailed(f"recall: {page['note']}")
        return [_result(hit.get("message_ids", ()), hit["text"]) for hit in page["memories"]]


class InProcess:
    """The same calls without the face, the worker and the waiting."""

    def __init__(self, product: direct.Direct) -> None:
        self._product = product

    async def learn(self, conversations: Sequence[Conversation]) -> None:
        for conversation in conversations:
            scope = Scope(user_id=conversation.id)
            for session_id, turns in conversation.sessions():
                messages = [
                    Message(
                        id=turn.id,
                        role=conversation.role(turn),
                        name=turn.speaker,
                        content=turn.text,
                        created_at=turn.said_at,
                    )
                    for turn in turns
                ]
                await self._product.append(scope, session_id, messages)
                await self._product.extraction.session(scope, session_id)
        await self._product.embed_all()

    async def ask(self, conversation: Conversation, question: str) -> list[Result]:
        query = Query(scope=Scope(user_id=conversation.id), text=question, min_score=0.0, limit=LIMIT)
        page = await self._product.search.recall(query)
        return [_result(hit.covers or hit.memory.message_ids, hit.text) for hit in page.hits]


def _result(message_ids: Sequence[str], text: str) -> Result:
    """A result covers its messages; one of another session comes under its full id."""
    parsed = [(parse_message_memory_id(message_id), message_id) for message_id in message_ids]
    return Result(frozenset(names[1] if names else plain for names, plain in parsed), text)


@asynccontextmanager
async def _over_stdio(home: Path) -> AsyncGenerator[Product]:
    async with (
        mcp_client.connected(home) as client,
        open_store(homes.settings(home), name="face:benchmark") as store,
    ):
        yield OverStdio(client, store)


@asynccontextmanager
async def _in_process(home: Path) -> AsyncGenerator[Product]:
    async with direct.open_direct(homes.settings(home)) as product:
        yield InProcess(product)


async def run(options: argparse.Namespace) -> Report:
    """Ask every question of the product and of the two plain searches."""
    report = Report(name="retrieval", title="Retrieval on LoCoMo")
    conversations = load(options.path)
    if options.quick:
        conversations = conversations[:1]
    open_product: Callable[[Path], AbstractAsyncContextManager[Product]] = (
        _in_process if options.direct else _over_stdio
    )
    scores: Scores = defaultdict(lambda: defaultdict(list))
    embedder = await open_embedder(LOCAL_MODEL)
    with homes.temporary_home() as home:
        async with open_product(home) as product:
            await product.learn(conversations)
            for conversation in conversations:
                await _questions(product, conversation, embedder, scores)
    await embedder.close()
    _told(report, scores, conversations, how="the service in process" if options.direct else "the server, over stdio")
    return report


async def _questions(product: Product, conversation: Conversation, embedder: Embedder, scores: Scores) -> None:
    texts = [f"{turn.speaker}: {turn.text}" for turn in conversation.turns]
    bm25, dense = Bm25(texts), await Dense.of(texts, embedder)
    vectors = await embedder.embed([qa.question for qa in conversation.questions])
    for qa, vector in zip(conversation.questions, vectors, strict=True):
        rankings = {
            "recall": await product.ask(conversation, qa.question),
            "BM25": _turns(conversation, bm25.ranking(qa.question, limit=LIMIT)),
            "dense": _turns(conversation, dense.ranking(vector, limit=LIMIT)),
        }
        _judge(scores, qa, rankings)


def _turns(conversation: Conversation, places: Sequence[int]) -> list[Result]:
    return [Result(frozenset([conversation.turns[i].id]), conversation.turns[i].text) for i in places]


def _judge(scores: Scores, qa: QA, rankings: Mapping[str, list[Result]]) -> None:
    for system, results in rankings.items():
        scores[system][qa.category].append(judged(results, qa.evidence))


def _told(report: Report, scores: Scores, conversations: Sequence[Conversation], *, how: str) -> None:
    overall = {system: means(_of(per, ANSWERABLE)) for system, per in scores.items()}
    by_category = {
        system: {name: means(per[number]) for number, name in CATEGORIES.items() if per[number]}
        for system, per in scores.items()
    }
    asked = {name: len(scores["recall"][number]) for number, name in CATEGORIES.items() if scores["recall"][number]}
    report.data = {"how": how, "questions": asked, "overall": overall, "by_category": by_category}
    turns = sum(len(conversation.turns) for conversation in conversations)
    answerable = len(_of(scores["recall"], ANSWERABLE))
    measures = list(overall["recall"])
    report.tables = [
        Table(
            title=f"{answerable} questions of categories 1-4, {len(conversations)} conversations, {turns} turns; {how}",
            columns=["", *measures],
            rows=[[system, *(values[name] for name in measures)] for system, values in overall.items()],
        ),
        Table(
            title="recall@10 by category",
            columns=["", *(f"{name} ({count})" for name, count in asked.items())],
            rows=[[system, *(per[name]["recall@10"] for name in asked)] for system, per in by_category.items()],
        ),
    ]
    report.goal("recall@10, categories 1-4", least=0.78, got=overall["recall"]["recall@10"], unit="")


def _of(per: Mapping[int, list[dict[str, float]]], categories: Sequence[int]) -> list[dict[str, float]]:
    return [score for category in categories for score in per[category]]


def arguments() -> Any:
    """The command line."""
    parser = command(__doc__)
    parser.add_argument("path", type=Path, help="a LoCoMo file; it is only read")
    parser.add_argument("--direct", action="store_true", help="the service in this process, no server")
    return parser


if __name__ == "__main__":
    finish(run, arguments().parse_args())
