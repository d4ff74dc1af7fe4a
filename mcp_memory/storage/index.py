"""The one search index over memories, live messages and sessions: its schema, its making, its identity."""

from dataclasses import dataclass
from typing import Any

from mcp_memory.errors import InvalidInput, MemoryServerError, Unavailable
from mcp_memory.storage import keys
from mcp_memory.storage.client import Command, Database

SCHEMA_VERSION = 1
INDEX_NAME = f"memories:v{SCHEMA_VERSION}"

SEPARATOR = "\x1f"
"""Between the values of a tag field; no value holds it, all are printable."""

_TAG = ("SEPARATOR", SEPARATOR, "CASESENSITIVE")

# What RediSearch would do to words by itself (stop words, stems, offsets for highlighting) is off:
# `mcp_memory.text` decides what a word is, the same for what is stored and what is asked.
SCHEMA: tuple[tuple[str, ...], ...] = (
    ("lane", "TAG", *_TAG),  # live:S, whole:S, all:S, session:S: one term selects and isolates
    ("kind", "TAG", *_TAG),  # semantic, episodic, message
    ("session", "TAG", *_TAG),
    ("topics", "TAG", *_TAG),
    ("entities", "TAG", *_TAG),
    ("todo", "TAG", *_TAG),  # embed, extract: the truth of what is still to be done
    ("pinned", "TAG", *_TAG),
    ("standing", "TAG", *_TAG),  # preferences and the like, which hold whatever is talked about
    ("lex", "TEXT", "NOSTEM"),  # own words, with date and author
    ("ctx", "TEXT", "NOSTEM"),  # the words of the turn before
    ("at", "NUMERIC"),  # event date, else creation; ms
    ("rec", "NUMERIC"),  # recorded; ms
    ("until", "NUMERIC"),  # believed until; ms, +inf while it is
    ("seq", "NUMERIC"),  # place in the sequence of writes of the scope: what was there when a page was read
    ("order", "NUMERIC", "SORTABLE"),  # creation in us, made nearly unique within the scope: the order of pages
)
VECTOR = "embedding"


def vector_field(dim: int) -> tuple[str, ...]:
    """The arguments that declare the vector field: exact search over float16, cosine (decision 3)."""
    return (VECTOR, "VECTOR", "FLAT", "6", "TYPE", "FLOAT16", "DIM", str(dim), "DISTANCE_METRIC", "COSINE")


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """What the store's vectors were made with. `dim` is unknown until a remote model was asked."""

    embedding_model: str
    dim: int | None


def create_command(dim: int | None) -> Command:
    """`FT.CREATE` for a new store."""
    fields = [argument for declared in SCHEMA for argument in declared]
    vector = vector_field(dim) if dim is not None else ()
    prefixes = (keys.RECORD_PREFIX, keys.SESSION_PREFIX)
    return (
        *("FT.CREATE", INDEX_NAME, "ON", "HASH", "PREFIX", len(prefixes), *prefixes),
        *("NOOFFSETS", "NOHL", "STOPWORDS", 0, "SCHEMA", *fields, *vector),
    )


async def ensure(database: Database, identity: Identity) -> Identity:
    """Make what is missing of index and identity; the identity that the store has.

    Safe to call from any number of processes at once: the first wins, the others find it made.

    Raises:
        Unavailable: this Redis has no search, or one that would answer from one shard only.
        InvalidInput: the store's vectors were made by another model.
    """
    found = await read_identity(database)
    if found is None:
        dim = ("dim", identity.dim) if identity.dim is not None else ()
        await database.command("HSETNX", keys.CONFIG, "embedding_model", identity.embedding_model)
        if dim:
            await database.command("HSETNX", keys.CONFIG, *dim)
        await database.command("HSETNX", keys.CONFIG, "schema", SCHEMA_VERSION)
        found = await read_identity(database) or identity
    if found.embedding_model != identity.embedding_model:
        raise InvalidInput(
            f"embedding model {identity.embedding_model!r}; this store's vectors were made with "
            f"{found.embedding_model!r}; use that one, or export, start a new store with the other model, and import"
        )
    await _create(database, found.dim)
    return found


async def read_identity(database: Database) -> Identity | None:
    """What the store says it was made with; None for a new store."""
    model, dim = await database.command("HMGET", keys.CONFIG, "embedding_model", "dim")
    if model is None:
        return None
    return Identity(embedding_model=model.decode(), dim=int(dim) if dim is not None else None)


async def add_vectors(database: Database, dim: int) -> None:
    """Give the index its vector field, once the dimension is known."""
    await database.command("HSETNX", keys.CONFIG, "dim", dim)
    if VECTOR in await index_fields(database):
        return
    await _tolerating(database, ("FT.ALTER", INDEX_NAME, "SCHEMA", "ADD", *vector_field(dim)), "duplicate field")


async def index_fields(database: Database) -> set[str]:
    """The names of the fields that the index has."""
    info = await index_info(database)
    return {str(attribute[1].decode()) for attribute in info.get("attributes", [])}


async def index_info(database: Database) -> dict[str, Any]:
    """`FT.INFO` as a dict of its first level."""
    reply: list[Any] = await database.command("FT.INFO", INDEX_NAME)
    return {bytes(reply[i]).decode(): reply[i + 1] for i in range(0, len(reply) - 1, 2)}


async def _create(database: Database, dim: int | None) -> None:
    try:
        await _tolerating(database, create_command(dim), "already exists")
    except MemoryServerError as error:
        if "unknown command" in str(error):
            raise Unavailable(
                f"Redis at {database.where} has no search; use Redis 8 (or Redis Stack), "
                "for example: docker run -d -p 127.0.0.1:6379:6379 redis:8"
            ) from error
        raise
    await _tolerating(database, ("FT.ALIASADD", keys.INDEX, INDEX_NAME), "already exists")


async def _tolerating(database: Database, command: Command, harmless: str) -> None:
    """Run a command that another process may have run already."""
    try:
        await database.command(*command)
    except MemoryServerError as error:
        if harmless not in f"{error} {error.__cause__}".lower():
            raise


async def check_server(database: Database) -> list[str]:
    """What is wrong with a Redis of the user's that still works; empty when all is well.

    Raises:
        Unavailable: a cluster whose search sees the keys of one shard only.
    """
    info: dict[str, Any] = await database.command("INFO")
    modules: list[Any] = await database.command("MODULE", "LIST")
    version = search_version(modules)
    if int(info.get("cluster_enabled", 0)) and version < 80000:
        raise Unavailable(
            f"Redis at {database.where} is a cluster whose search answers from one shard only; "
            "use Redis 8 for the cluster, or a single Redis"
        )
    problems: list[str] = []
    if not int(info.get("aof_enabled", 0)) and not await _saves(database):
        problems.append("no persistence: a restart of Redis loses everything; set `appendonly yes`")
    elif not int(info.get("aof_enabled", 0)):
        problems.append("no append-only file: a killed Redis loses the last minutes; set `appendonly yes`")
    if info.get("maxmemory_policy", "noeviction") != "noeviction":
        problems.append(f"maxmemory-policy is {info['maxmemory_policy']}: memories can be evicted; set `noeviction`")
    return problems


async def _saves(database: Database) -> bool:
    """Whether Redis writes snapshots; a managed one that hides its configuration is believed to."""
    try:
        name_and_value: list[bytes] = await database.command("CONFIG", "GET", "save")
    except MemoryServerError:
        return True
    return len(name_and_value) < 2 or bool(name_and_value[1])


def search_version(modules: list[Any]) -> int:
    """The version of the search module as a number (2.10.5 is 21005); 0 where there is none."""
    for module in modules:
        fields = {str(name): value for name, value in _pairs(module)}
        if fields.get("name") in ("search", "searchlight"):
            return int(fields.get("ver", 0))
    return 0


def _pairs(module: Any) -> list[tuple[Any, Any]]:
    """A module's entry in either of the shapes that the client gives it."""
    flat: list[Any] = [part for pair in module.items() for part in pair] if isinstance(module, dict) else list(module)  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType]
    text = [part.decode() if isinstance(part, bytes) else part for part in flat]
    return list(zip(text[::2], text[1::2], strict=True))
