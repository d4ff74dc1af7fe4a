"""What `doctor` looks at. Each check says what is, and where that is wrong, how to mend it."""

import asyncio
import importlib.metadata
import os
import platform
import secrets
import shutil
import stat
import sys
import time
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal, cast

from mcp_memory import __version__, configuration, embedded
from mcp_memory.app import START_LIMIT, Store, open_store, version_of
from mcp_memory.embedded import Home
from mcp_memory.errors import MemoryServerError, Unavailable
from mcp_memory.models.names import LOCAL_MODEL
from mcp_memory.settings import Settings
from mcp_memory.storage import filters, index, keys
from mcp_memory.storage.client import Database, address, url_pool
from mcp_memory.storage.vectors import NoVector, QueryVectors, WorkerSign, alive

State = Literal["ok", "warning", "problem"]

SMALL_DISK_BYTES = 500_000_000
"""Redis needs room to write its whole log anew beside the old one."""
FULL_DISK_BYTES = 50_000_000
WORKER_STARTS = timedelta(seconds=20)
"""A worker is ready in half a second; a busy machine takes its time, a remote model is asked once."""
LONG_BACKLOG = 1_000
"""Texts; the local model takes some ten seconds for them."""
PROBE_WAIT = timedelta(seconds=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """What was found."""

    name: str
    state: State
    detail: str
    mend: str | None = None
    unavailable: bool = False
    """Nothing works without it."""


def good(name: str, detail: str) -> Check:
    return Check(name=name, state="ok", detail=detail)


def warning(name: str, detail: str, mend: str) -> Check:
    return Check(name=name, state="warning", detail=detail, mend=mend)


def failed(name: str, error: MemoryServerError, *, unavailable: bool = False) -> Check:
    """Our errors say what is, then what to do, parted by a semicolon."""
    detail, _, mend = str(error).partition("; ")
    if "mcp-memory doctor` tells more" in mend:
        mend = "start it, and check the address in REDIS_URL"
    return Check(name=name, state="problem", detail=detail, mend=mend or None, unavailable=unavailable)


def of_installation() -> Iterator[Check]:
    """What can be said without settings or a store."""
    system = f"{platform.system()} {platform.machine()}"
    yield good("mcp-memory", f"{__version__} on Python {platform.python_version()}, {system}, {sys.prefix}")
    sdk = importlib.metadata.version("mcp")
    if sdk.split(".")[0] == "2":
        yield good("MCP SDK", sdk)
    else:
        yield Check(name="MCP SDK", state="problem", detail=f"{sdk} is installed", mend='pip install "mcp>=2.3,<3"')


def of_folder(settings: Settings) -> Iterator[Check]:
    """The data folder of an embedded store, and what Redis needs to run in it.

    Raises:
        Unavailable: there is no use in looking further.
    """
    binaries = embedded.find_binaries()
    yield good("embedded Redis", ", ".join(f"{name} {version}" for name, version in binaries.versions().items()))
    home = Home.at(settings.home)
    yield good("data folder", f"{home.root}, {_megabytes(_size_bytes(home.root))}")
    yield _space(home)
    yield _secrets(home)


def _space(home: Home) -> Check:
    free = shutil.disk_usage(home.root).free
    if free >= SMALL_DISK_BYTES:
        return good("disk", f"{_megabytes(free)} free")
    mend = f"free some, or set MCP_MEMORY_HOME to another disk than that of {home.root}"
    if free >= FULL_DISK_BYTES:
        return warning("disk", f"only {_megabytes(free)} free", mend)
    return Check(name="disk", state="problem", detail=f"{_megabytes(free)} free: nothing can be stored", mend=mend)


def _secrets(home: Home) -> Check:
    """The files that hold passwords and keys are their owner's alone."""
    files = [file for file in (home.secret_file, home.redis_conf, home.models) if file.exists()]
    open_ones = [str(file) for file in files if stat.S_IMODE(file.stat().st_mode) & 0o077]
    if open_ones and os.name == "posix":
        return warning("secrets", f"others can read {', '.join(open_ones)}", f"chmod 600 {' '.join(open_ones)}")
    return good("secrets", "readable by you only" if files else "none yet")


def of_configuration(settings: Settings) -> Iterator[Check]:
    """Which models the store uses, and what this environment asks for in vain."""
    if settings.redis_url is not None:
        models, stored = settings.models, None
    else:
        stored = configuration.read(Home.at(settings.home)) or configuration.StoreConfiguration(models=settings.models)
        models = stored.models
    remote = [name for name in (models.embedding_model, models.generation_model) if name not in (None, LOCAL_MODEL)]
    yield good("models", f"{models.embedding_model}; {models.generation_model or 'rules'} for extraction")
    yield good("privacy", f"text is sent to {', '.join(remote)}" if remote else "no text leaves this machine")
    for difference in stored.differences(settings.models) if stored is not None else ():
        yield warning("configuration", difference, "remove the variable, or change the store with `configure`")


async def of_redis(settings: Settings) -> AsyncIterator[Check]:
    """Whether Redis answers.

    Raises:
        Unavailable: it does not.
    """
    began = time.perf_counter()
    if settings.redis_url is None:
        home = Home.at(settings.home)
        ran = await asyncio.to_thread(embedded.running, home)
        await asyncio.to_thread(lambda: embedded.ensure(home, timeout=START_LIMIT))
        word = "runs" if ran else f"started in {time.perf_counter() - began:.2f} s"
        yield good("Redis", f"{word}, on {home.socket}")
        return
    for name, url in (("Redis", settings.redis_url), ("queue", settings.queue_redis_url)):
        if url is None:
            continue
        database = Database(url_pool(url.value, name="face"), where=address(url.value), settles=False)
        try:
            await database.command("PING")
        finally:
            await database.close()
        yield good(name, f"{database.where} answers in {(time.perf_counter() - began) * 1000:.0f} ms")


async def of_store(store: Store) -> AsyncIterator[Check]:
    """The store behind Redis: its server, index, worker and model."""
    async for check in _server(store):
        yield check
    yield await _index(store)
    sign = await _worker_sign(store)
    yield _worker(store, sign)
    if sign is not None:
        yield await _by_meaning(store)
    yield await _backlog(store)


async def _server(store: Store) -> AsyncIterator[Check]:
    info: dict[str, Any] = await store.database.command("INFO")
    modules: list[Any] = await store.database.command("MODULE", "LIST")
    search = index.search_version(modules)
    version = f"{search // 10_000}.{search // 100 % 100}.{search % 100}"
    yield good("Redis version", f"{info.get('redis_version')}, search {version}")
    if store.home is None:
        for problem in await index.check_server(store.database):
            detail, _, mend = problem.partition("; ")
            yield warning("Redis settings", detail, f"in its configuration, {mend}")
    if info.get("aof_enabled") and info.get("aof_last_write_status", "ok") != "ok":
        mend = "look for a full disk or missing rights; memories are refused until it can write"
        yield Check(name="persistence", state="problem", detail="Redis cannot write its log", mend=mend)
    elif info.get("aof_enabled"):
        yield good("persistence", "every write is in the append-only file")
    policy = await _on_timeout(store.database)
    if policy == "fail":
        yield good("slow searches", "are errors")
    else:
        yield warning(
            "slow searches",
            f"give part of the answer without saying so (ON_TIMEOUT is {policy})",
            "in its configuration, `search-on-timeout fail` (Redis 8), or `ON_TIMEOUT FAIL` for the module",
        )


async def _on_timeout(database: Database) -> str:
    """What the search module does with a search that takes too long."""
    for command in (("CONFIG", "GET", "search-on-timeout"), ("FT.CONFIG", "GET", "ON_TIMEOUT")):
        try:
            reply = await database.command(*command)
        except MemoryServerError:  # the other one's Redis
            continue
        found = _last_word(reply)
        if found:
            return found
    return "unknown"


def _last_word(reply: object) -> str:
    """The value in a reply to some CONFIG GET, whose shape depends on the client's version and the command."""
    match reply:
        case dict():
            return _last_word(list(cast("dict[object, object]", reply).values()))
        case list() | tuple():
            items = cast("Sequence[object]", reply)
            return _last_word(items[-1]) if items else ""
        case bytes():
            return reply.decode().lower()
        case _:
            return str(reply).lower()


async def _index(store: Store) -> Check:
    info = await index.index_info(store.database)
    failures, records = int(info.get("hash_indexing_failures", 0)), int(info.get("num_docs", 0))
    if failures:
        mend = "`mcp-memory export all.jsonl --all-scopes`, and import it into a new MCP_MEMORY_HOME"
        return Check(name="index", state="problem", detail=f"{failures:,} records are not in it", mend=mend)
    done = float(info.get("percent_indexed", 1))
    if done < 1:
        return warning("index", f"{done:.0%} of the records are in it", "wait: it is being made anew")
    return good("index", f"{records:,} records")


async def _worker_sign(store: Store) -> WorkerSign | None:
    """The newest worker that is ready, or says why not; None if none comes."""
    await store.start_worker()
    await store.replace_older_worker()
    deadline = time.monotonic() + WORKER_STARTS.total_seconds()
    while True:
        signs = await alive(store.database)
        ready = next((sign for sign in signs if sign.model is not None or sign.problem is not None), None)
        if ready is not None or time.monotonic() > deadline or (store.home is None and not signs):
            return ready
        await asyncio.sleep(0.1)


def _worker(store: Store, sign: WorkerSign | None) -> Check:
    log = f"its log is {store.home.worker_log}" if store.home is not None else "look at its log"
    if sign is None and store.home is None:
        mend = "start one beside this Redis: `mcp-memory worker`"
        return Check(name="worker", state="problem", detail="none is running; search is by words only", mend=mend)
    if sign is None:
        return Check(name="worker", state="problem", detail="it does not get ready; search is by words only", mend=log)
    if sign.problem is not None:
        mend = f"`mcp-memory configure` sets another model or key; {log}"
        return Check(name="worker", state="problem", detail=sign.problem, mend=mend)
    if version_of(sign) != version_of(None):
        return warning("worker", f"version {sign.version}, and this is {__version__}", "restart the older one")
    if sign.model != store.configuration.models.embedding_model:
        detail = f"it uses {sign.model}, and the store {store.configuration.models.embedding_model}"
        return Check(name="worker", state="problem", detail=detail, mend="`mcp-memory stop`")
    return good("worker", f"process {sign.pid}, {sign.model}")


async def _by_meaning(store: Store) -> Check:
    """Ask for the vector of a text that nobody asked for before."""
    text = f"doctor {secrets.token_hex(8)}"
    model = store.configuration.models.embedding_model
    vectors = QueryVectors(store.database, model=model, timeout=PROBE_WAIT, call_worker=store.start_worker)
    began = time.perf_counter()
    vector = await vectors.vector(text)
    if isinstance(vector, NoVector):
        mend = "search goes on by words; see the worker above"
        return Check(name="search by meaning", state="problem", detail=vector.reason, mend=mend)
    milliseconds = (time.perf_counter() - began) * 1000
    await store.database.command("DEL", keys.query_vector_key(model, text))
    return good("search by meaning", f"a question is embedded in {milliseconds:.0f} ms, {len(vector) // 2} dimensions")


async def _backlog(store: Store) -> Check:
    replies = await store.database.search([filters.to_do("embed", 1), filters.to_do("extract", 1)])
    texts, sessions = (int(reply[0]) for reply in replies)
    waiting = f"{texts:,} texts to embed, {sessions:,} sessions to learn from"
    if texts > LONG_BACKLOG:
        return warning("backlog", waiting, "wait, or run more workers; they are found by words meanwhile")
    return good("backlog", waiting if texts or sessions else "nothing waits")


async def all_of(settings: Settings) -> AsyncIterator[Check]:
    """Every check that makes sense, in the order in which they build on each other."""
    try:
        if settings.redis_url is None:
            for check in of_folder(settings):
                yield check
        for check in of_configuration(settings):
            yield check
        async for check in of_redis(settings):
            yield check
    except MemoryServerError as error:
        yield failed("Redis", error, unavailable=True)
        return
    try:
        async with open_store(settings, name="face") as store:
            async for check in of_store(store):
                yield check
    except MemoryServerError as error:
        yield failed("store", error, unavailable=isinstance(error, Unavailable))


def _size_bytes(folder: Path) -> int:
    def sizes(files: Iterable[Path]) -> Iterator[int]:
        for file in files:
            try:
                yield file.lstat().st_size
            except OSError:  # Redis replaces files
                continue

    return sum(sizes(folder.rglob("*")))


def _megabytes(size_bytes: int) -> str:
    return f"{size_bytes / 1e6:,.1f} MB" if size_bytes < 1e9 else f"{size_bytes / 1e9:,.1f} GB"
