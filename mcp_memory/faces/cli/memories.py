"""`remember`, `recall`, `forget`, `stats`: the tools of the same names, for people and scripts."""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

import typer

from mcp_memory.app import open_service
from mcp_memory.errors import Forbidden, InvalidInput, NotFound
from mcp_memory.faces import arguments, fields, render
from mcp_memory.faces.arguments import Rules
from mcp_memory.faces.cli.command import EXIT_CODES, FAILED, OK, Answer, ScopedCommand, read_settings
from mcp_memory.faces.cli.console import Console, Style, complain, progress, shown
from mcp_memory.faces.fields import Fields, Json
from mcp_memory.records import Hit, Memory, Outcome, Page, Preview, Rejected
from mcp_memory.settings import Settings

T = TypeVar("T")

STDIN = "-"

Texts = list[str]
Topics = Annotated[Texts | None, typer.Option("--topic", metavar="TOPIC", help="A topic; repeat for more.")]
Entities = Annotated[
    Texts | None, typer.Option("--entity", metavar="NAME", help="A person, place or thing; repeat for more.")
]
DATED = "ISO 8601 date or time, local if without zone"


@dataclass(frozen=True, slots=True, kw_only=True)
class Remember(ScopedCommand):
    """Store lasting facts, one for each TEXT.

    Exits with 0 when each is stored or known already. What was forgotten before is rejected, unless --said-again.
    """

    texts: Annotated[
        Texts, typer.Argument(metavar="TEXT...", help="A sentence that stands alone; - reads one a line from stdin.")
    ]
    memory_type: Annotated[
        str, typer.Option("--type", metavar="TYPE", help="semantic (a fact) or episodic (an event).")
    ] = "semantic"
    topics: Topics = None
    entities: Entities = None
    event_date: Annotated[str | None, typer.Option(metavar="DATE", help=f"When it happens: {DATED}.")] = None
    pinned: Annotated[bool, typer.Option("--pin", help="Always given to the assistant: standing wishes only.")] = False
    id: Annotated[str | None, typer.Option(metavar="ID", help="Your own id for it.")] = None
    metadata: Annotated[str | None, typer.Option(metavar="JSON", help="An object that is kept with it.")] = None
    session_id: Annotated[str | None, typer.Option("--session", metavar="ID", help="Session it comes from.")] = None
    said_again: Annotated[bool, typer.Option("--said-again", help="Take back in what was forgotten before.")] = False

    async def run(self, console: Console) -> Answer:
        settings = read_settings()
        scope = self.scope(settings)
        items = [self._item(text) for text in self._all_texts()]
        if self.id is not None and len(items) > 1:
            raise InvalidInput(f"id={self.id[:40]!r} for {len(items)} texts; an id names one memory; give one text")
        outcomes: list[Outcome] = []
        rules = _rules(settings)
        batches = [self._checked(batch, rules) for batch in _batches(items, settings.limits.items)]
        async with open_service(settings) as service:
            with progress("remembering", len(items) if len(batches) > 1 else 0) as done:
                for batch in batches:
                    outcomes += await service.remember(scope, batch, said_again=self.said_again)
                    done(len(batch))
        for text, outcome in zip((item["text"] for item in items), outcomes, strict=True):
            _say_outcome(console, text, outcome)
        return Answer(value=render.outcomes(outcomes), code=_code(outcomes))

    def _all_texts(self) -> list[str]:
        if self.texts != [STDIN]:
            return self.texts
        lines = [line.strip() for line in sys.stdin if line.strip()]
        if not lines:
            raise InvalidInput("stdin is empty; give one text a line")
        return lines

    def _item(self, text: str) -> Json:
        given = {
            "text": text,
            "memory_type": self.memory_type,
            "topics": self.topics,
            "entities": self.entities,
            "event_date": self.event_date,
            "pinned": self.pinned,
            "metadata": self.metadata,
            "id": self.id,
        }
        return {name: value for name, value in given.items() if value is not None}

    def _checked(self, batch: Sequence[Json], rules: Rules) -> Sequence[Any]:
        given = {"memories": list(batch), "session_id": self.session_id}
        return arguments.read_memories(Fields(given, known=given), rules)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recall(ScopedCommand):
    """Search what is remembered: facts and past conversations, best first.

    Without a QUERY it lists the newest. Finding nothing is an answer, too: the exit code is 0.
    """

    query: Annotated[str, typer.Argument(metavar="QUERY", help="A question or key words.")] = ""
    limit: Annotated[int, typer.Option(metavar="N", help="Most results, 1-50.")] = 8
    memory_type: Annotated[
        Texts | None,
        typer.Option("--type", metavar="TYPE", help="Only semantic, episodic or message; repeat for more."),
    ] = None
    topics: Topics = None
    entities: Entities = None
    session_id: Annotated[str | None, typer.Option("--session", metavar="ID", help="Only from this session.")] = None
    after: Annotated[str | None, typer.Option(metavar="DATE", help=f"From then on: {DATED}.")] = None
    before: Annotated[str | None, typer.Option(metavar="DATE", help="Earlier than then.")] = None
    as_of: Annotated[str | None, typer.Option(metavar="DATE", help="As it was believed at that time.")] = None
    mode: Annotated[
        str, typer.Option(metavar="MODE", help="auto, semantic (by meaning), keyword (by words) or hybrid.")
    ] = "auto"
    min_score: Annotated[
        float | None, typer.Option(metavar="SCORE", help="0-1; 0 keeps all.  [default: automatic]")
    ] = None
    max_tokens: Annotated[int | None, typer.Option(metavar="N", help="Most tokens of text.")] = None
    neighbours: Annotated[int, typer.Option(metavar="N", help="Turns shown around a message, 0-10.")] = 0
    cursor: Annotated[
        str | None, typer.Option(metavar="CURSOR", help="Goes on where the last page ended; all else unchanged.")
    ] = None
    explain: Annotated[bool, typer.Option("--explain", help="Show how the scores came about.")] = False

    async def run(self, console: Console) -> Answer:
        settings = read_settings()
        names = (
            *("query", "limit", "memory_type", "topics", "entities", "session_id", "after", "before", "as_of"),
            *("mode", "min_score", "max_tokens", "neighbours", "cursor", "explain"),
        )
        given = {name: getattr(self, name) for name in names}
        query = arguments.read_query(Fields(given, known=names), _rules(settings), self.scope(settings))
        async with open_service(settings) as service:
            page = await service.recall(query)
        _say_page(console, page)
        return Answer(value=render.page(page))


@dataclass(frozen=True, slots=True, kw_only=True)
class Forget(ScopedCommand):
    """Forget memories for good: they are not found any more, and not learnt again from old messages.

    IDS are forgotten at once. --query and --session show first what would go and ask; where nobody can be asked, they
    print a token, and --confirm TOKEN forgets exactly what was shown.
    """

    ids: Annotated[Texts | None, typer.Argument(metavar="IDS...", help="Ids from recall.")] = None
    query: Annotated[str | None, typer.Option(metavar="QUERY", help="Forget what recall finds for it.")] = None
    session_id: Annotated[
        str | None, typer.Option("--session", metavar="ID", help="Forget a session and what was learnt from it.")
    ] = None
    confirm: Annotated[str | None, typer.Option(metavar="TOKEN", help="Forget what was shown with this token.")] = None
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Forget what matches without asking.")] = False

    async def run(self, console: Console) -> Answer:
        settings = read_settings()
        scope = self.scope(settings)
        given = {"ids": self.ids, "query": self.query, "session_id": self.session_id, "confirm": self.confirm}
        wanted = arguments.read_forget(Fields(given, known=given), _rules(settings))
        async with open_service(settings) as service:
            if wanted.ids:
                return _forgotten(console, await service.forget(scope, wanted.ids))
            if wanted.confirm is not None:
                return _forgotten(console, await service.confirm_forget(scope, wanted.confirm))
            preview = await service.preview_forget(scope, text=wanted.query, session_id=wanted.session_id)
            _say_preview(console, preview)
            if not self._is_confirmed(console, preview):
                return self._only_shown(console, preview)
            return _forgotten(console, await service.confirm_forget(scope, preview.confirm))

    def _is_confirmed(self, console: Console, preview: Preview) -> bool:
        """Whether to go on.

        Raises:
            NotFound: it was to be done, and there is nothing to do. Forbidden: the person said no.
        """
        going = render.what_goes(preview)
        if not going:
            if self.yes:
                raise NotFound("nothing matches, nothing was forgotten; see what there is with `mcp-memory recall`")
            return False
        if self.yes:
            return True
        if not console.asks:
            return False
        if not console.confirms(f"Forget {going}?"):
            raise Forbidden("you did not agree; nothing was forgotten")
        return True

    def _only_shown(self, console: Console, preview: Preview) -> Answer:
        value = render.preview(preview)
        if value["confirm"]:
            console.say(f"Nothing is forgotten yet. To forget this: mcp-memory forget --confirm={value['confirm']}")
        return Answer(value=value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stats(ScopedCommand):
    """Show how much is remembered, and how the store, its worker and its models are."""

    async def run(self, console: Console) -> Answer:
        settings = read_settings()
        async with open_service(settings) as service:
            value = await service.stats(self.scope(settings))
        _say_stats(console, value)
        return Answer(value=value)


def _rules(settings: Settings) -> Rules:
    return Rules(limits=settings.limits, timezone=settings.timezone)


def _batches(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]


def _code(outcomes: Sequence[Outcome]) -> int:
    """0 if nothing was rejected, else the code of the first reason."""
    rejected = next((outcome for outcome in outcomes if isinstance(outcome, Rejected)), None)
    return OK if rejected is None else EXIT_CODES.get(rejected.code, FAILED)


MARKS: dict[str, tuple[str, Style]] = {
    "stored": ("✓", "good"),
    "superseded": ("✓", "good"),
    "duplicate": ("·", "dim"),
    "rejected": ("✗", "bad"),
}


def _say_outcome(console: Console, text: str, outcome: Outcome) -> None:
    value = render.outcome(outcome)
    if isinstance(outcome, Rejected):
        complain(fields.one_line(value["reason"]))
    mark, style = MARKS[value["outcome"]]
    word = "known already" if value["outcome"] == "duplicate" else value["outcome"]
    console.say(f"{console.styled(mark, style)} {word}: {shown(text)}")
    if value["id"]:
        console.say(console.styled(f"  id {value['id']}", "dim"))


def _say_page(console: Console, page: Page) -> None:
    for hit in page.hits:
        _say_hit(console, hit)
    if page.note:
        console.say(console.styled(f"({page.note})", "dim"))
    elif not page.hits:
        console.say("Nothing is remembered here yet.")
    if page.next_cursor:
        console.say(console.styled(f"{page.total:,} in all; more with --cursor {page.next_cursor}", "dim"))


def _say_hit(console: Console, hit: Hit) -> None:
    memory = hit.memory
    for turn in hit.neighbours:
        console.say(console.styled(f"    {turn.author}: {shown(turn.content)}", "dim"))
    author = f"{memory.author or memory.role}: " if memory.memory_type == "message" else ""
    console.paragraph(f"{author}{shown(hit.text)}", indent="● ", hanging="  ")
    score = "" if hit.score is None else f"{hit.score:.2f} {hit.why} · "
    console.say(console.styled(f"  {score}{_about(console, memory)}", "dim"))
    if hit.trace is not None:
        console.say(console.styled(f"  {dict(hit.trace)}", "dim"))


def _about(console: Console, memory: Memory) -> str:
    when = "said" if memory.memory_type == "message" else "stored"
    parts = [
        f"on {console.time(memory.event_date)}" if memory.event_date else "",
        f"{when} {console.time(memory.created_at)}",
        "pinned" if memory.pinned else "",
        shown(", ".join((*memory.topics, *memory.entities))),
        f"id {memory.id}",
    ]
    return " · ".join(part for part in parts if part)


def _say_preview(console: Console, preview: Preview) -> None:
    going = render.what_goes(preview)
    if not going:
        console.say("Nothing matches.")
        return
    console.say(f"This would forget {going}:")
    for memory in preview.hits:
        console.paragraph(shown(memory.text), indent="● ", hanging="  ")
        console.say(console.styled(f"  {_about(console, memory)}", "dim"))
    if preview.total > len(preview.hits):
        left = preview.total - len(preview.hits)
        console.say(console.styled(f"{left:,} more match; run it again afterwards for those", "dim"))


def _forgotten(console: Console, ids: Sequence[str]) -> Answer:
    console.say(f"{console.styled('✓', 'good')} forgotten: {len(ids)}")
    for gone in ids:
        console.say(console.styled(f"  {gone}", "dim"))
    return Answer(value=render.forgotten(ids))


def _say_stats(console: Console, value: Json) -> None:
    scope = value["scope"]
    models = [value["embedding_model"], value["generation_model"] or "rules, without a language model"]
    sent = value["text_is_sent_to"]
    waiting = f"{value['without_vector']:,} to embed, {value['sessions_to_extract']:,} sessions to learn from"
    rows = {
        "memories": f"{value['memories']:,} ({value['pinned']:,} pinned)",
        "sessions": f"{value['sessions']:,} with {value['messages']:,} messages",
        "waiting": waiting,
        "scope": f"user {shown(scope['user_id'])}, namespace {shown(scope['namespace'])}",
        "store": value["store"],
        "worker": _workers(value["workers"]),
        "embedding": models[0],
        "extraction": models[1],
        "text is sent to": ", ".join(sent) or "nobody: it stays on this machine",
        "version": value["version"],
    }
    for name, text in rows.items():
        console.say(f"{console.styled(f'{name:<16}', 'dim')}{text}")
    for difference in value["not_applied"]:
        console.say(f"{console.styled('!', 'warning')} {difference}")
    if value["index_failures"]:
        console.say(f"{console.styled('!', 'warning')} {value['index_failures']:,} records could not be indexed")


def _workers(workers: Sequence[Json]) -> str:
    if not workers:
        return "none is running"
    return "; ".join(
        f"{'ready' if one['ready'] else one['problem'] or 'loading its model'}, process {one['pid']}" for one in workers
    )
