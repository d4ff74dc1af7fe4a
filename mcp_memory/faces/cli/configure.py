"""`configure`: the models of a store, and the entry of this server in a host's configuration."""

import asyncio
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer

from mcp_memory import configuration
from mcp_memory.app import Store, open_store
from mcp_memory.configuration import StoreConfiguration
from mcp_memory.embedded import Home, ensure_worker, stop_worker
from mcp_memory.errors import Conflict, InvalidInput
from mcp_memory.faces.cli import hosts
from mcp_memory.faces.cli.command import Answer, Command, read_settings
from mcp_memory.faces.cli.console import Console, complain
from mcp_memory.models.names import LOCAL_MODEL
from mcp_memory.settings import ModelSettings, Settings
from mcp_memory.storage import index, keys

WORKER_ENDS = timedelta(seconds=60)
"""Longer than a job may take."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Configure(Command):
    """Show and set the models of the store, or print the entry for an MCP host.

    Models belong to the store: every host that uses this data folder uses them. Keys (OPENAI_API_KEY and the like) are
    taken from the environment of this command into a file that only you can read, and are never printed.
    """

    embedding_model: Annotated[
        str | None, typer.Option(metavar="MODEL", help="Any embedding model of litellm, or local.")
    ] = None
    embedding_api_base: Annotated[
        str | None, typer.Option(metavar="URL", help='Where it answers, if not at its provider; "" clears.')
    ] = None
    generation_model: Annotated[
        str | None, typer.Option(metavar="MODEL", help="Any chat model of litellm, or none: rules extract.")
    ] = None
    generation_api_base: Annotated[str | None, typer.Option(metavar="URL", help='Likewise; "" clears.')] = None
    show: Annotated[bool, typer.Option("--show", help="Only show what is set.")] = False
    forget_keys: Annotated[bool, typer.Option("--forget-keys", help="Remove all kept keys.")] = False
    host: Annotated[str | None, typer.Option(metavar="HOST", help=f"Print the entry for {', '.join(hosts.HOSTS)}.")] = (
        None
    )
    write: Annotated[
        bool, typer.Option("--write", help=f"With --host ({' or '.join(hosts.WRITABLE)}): put it into its file.")
    ] = False
    name: Annotated[str, typer.Option(metavar="NAME", help="With --host: what the host calls this server.")] = "memory"

    async def run(self, console: Console) -> Answer:
        changes = self._changes()
        asked = {"--host": self.host is not None, "a model": bool(changes), "--forget-keys": self.forget_keys}
        together = [what for what, is_asked in (asked | {"--show": self.show}).items() if is_asked]
        if len(together) > 1 and together != ["a model", "--forget-keys"]:
            raise InvalidInput(f"{together[0]} and {together[1]} were given together; do one after the other")
        if self.host is not None:
            return self._for_host(console, self.host)
        if self.write:
            raise InvalidInput("--write puts an entry into a host's file; name the host with --host")
        settings = read_settings()
        if settings.redis_url is not None:
            return _of_environment(console, settings, changes or self.forget_keys)
        home = await asyncio.to_thread(Home.at, settings.home)
        before = configuration.read(home) or StoreConfiguration()
        after = self._configured(before, changes)
        restarted = await _apply(settings, home, before, after) if after != before else False
        return _shown(console, after, where=str(settings.home), changed=after != before, restarted=restarted)

    def _changes(self) -> dict[str, str | None]:
        """The models that were named, by the name of their setting."""
        given = {
            "embedding_model": LOCAL_MODEL if self.embedding_model == "local" else self.embedding_model,
            "embedding_api_base": self.embedding_api_base,
            "generation_model": "" if self.generation_model == "none" else self.generation_model,
            "generation_api_base": self.generation_api_base,
        }
        changes = {name: value.strip() or None for name, value in given.items() if value is not None}
        if "embedding_model" in changes and changes["embedding_model"] is None:
            raise InvalidInput("embedding_model is empty; allowed: a model of litellm, or local; name one")
        return changes

    def _configured(self, before: StoreConfiguration, changes: Mapping[str, str | None]) -> StoreConfiguration:
        kept = replace(before, environment={}) if self.forget_keys else before
        models = replace(kept.models, **changes)
        # Local models need no keys, so that none are taken.
        environ: Mapping[str, str] = os.environ if changes and _remote(models) and not self.forget_keys else {}
        return configuration.changed(kept, changes, environ)

    def _for_host(self, console: Console, host: str) -> Answer:
        if host not in hosts.HOSTS:
            raise InvalidInput(f"host={host[:40]!r}; allowed: {', '.join(hosts.HOSTS)}; name one of them")
        start = hosts.launch(os.environ)
        if self.write:
            return self._into_file(console, host, start)
        text, place = hosts.block(host, self.name, start), hosts.place(host, os.environ)
        if not self.as_json:
            complain(f"For {host}, {place}:")  # not among what is pasted
        console.say(text)
        return Answer(value={"host": host, "where": place, "block": text, "entry": start.entry})

    def _into_file(self, console: Console, host: str, start: hosts.Launch) -> Answer:
        if host not in hosts.WRITABLE:
            raise InvalidInput(
                f"--write with host={host!r}; allowed: {' and '.join(hosts.WRITABLE)}; without --write it prints the "
                "entry to paste"
            )
        if hosts.PASSWORD_LEFT_OUT in start.env.values():
            raise InvalidInput(
                "REDIS_URL holds a password, which is not written into a host's file from here; "
                "run this without --write and paste the block with your REDIS_URL"
            )
        written = hosts.write(hosts.config_file(host, os.environ), self.name, start.entry, now=datetime.now(UTC))
        if written.changed:
            console.say(f"{console.styled('✓', 'good')} {written.file} has {self.name!r} now. Restart {host}.")
        else:
            console.say(f"{written.file} has it already.")
        if written.backup is not None:
            console.say(console.styled(f"  As it was: {written.backup}", "dim"))
        value = asdict(written) | {"host": host, "entry": start.entry}
        return Answer(value=value)


def _of_environment(console: Console, settings: Settings, wanted: object) -> Answer:
    """With a Redis of the person's there is no folder that everybody shares."""
    if wanted:
        raise Conflict(
            "REDIS_URL is set, and the models of such a store are those of its workers' environment; "
            "set EMBEDDING_MODEL and GENERATION_MODEL there, or unset REDIS_URL to configure the embedded store"
        )
    stored = StoreConfiguration(models=settings.models)
    return _shown(console, stored, where="the environment", changed=False, restarted=False)


def _remote(models: ModelSettings) -> list[str]:
    """The models to whose provider text is sent."""
    return [name for name in (models.embedding_model, models.generation_model) if name not in (None, LOCAL_MODEL)]


async def _apply(settings: Settings, home: Home, before: StoreConfiguration, after: StoreConfiguration) -> bool:
    """Make the change; whether a worker was restarted for it."""
    other = after.models.embedding_model != before.models.embedding_model
    ran = await asyncio.to_thread(stop_worker, home, timeout=WORKER_ENDS)
    try:
        # A folder that never had a Redis has nothing that could be of another model.
        if other and home.append_only_files.is_dir():
            async with open_store(settings, name="face") as store:
                await _forget_model(store, after.models.embedding_model)
        configuration.write(home, after)
    finally:
        if ran:
            await asyncio.to_thread(ensure_worker, home)
    return ran


async def _forget_model(store: Store, model: str) -> None:
    """Have an empty store take the next model that comes.

    Raises:
        Conflict: it is not empty.
    """
    if await _has_records(store):
        raise Conflict(
            f"embedding_model={model!r}: this store's vectors were made with {store.identity.embedding_model!r}; to "
            "change it, `mcp-memory export all.jsonl --all-scopes`, set MCP_MEMORY_HOME to a new folder, configure the "
            "model there, and `mcp-memory import all.jsonl`: the vectors are made anew"
        )
    await store.database.command("FT.DROPINDEX", index.INDEX_NAME)
    await store.database.command("HDEL", keys.CONFIG, "embedding_model", "dim")


async def _has_records(store: Store) -> bool:
    cursor: Any = 0
    while True:  # the index may still be filling after a start; the keys are there
        cursor, found = await store.database.command("SCAN", cursor, "MATCH", f"{keys.RECORD_PREFIX}*", "COUNT", 1_000)
        if found or not int(cursor):
            return bool(found)


def _shown(console: Console, stored: StoreConfiguration, *, where: str, changed: bool, restarted: bool) -> Answer:
    models, remote = stored.models, _remote(stored.models)
    rows = {
        "store": where,
        "embedding": _model(models.embedding_model, models.embedding_api_base),
        "extraction": _model(models.generation_model or "rules, without a language model", models.generation_api_base),
        "keys": f"{', '.join(stored.environment)} (kept, never shown)" if stored.environment else "none are kept",
        "text is sent to": ", ".join(remote) or "nobody: it stays on this machine",
    }
    for name, text in rows.items():
        console.say(f"{console.styled(f'{name:<16}', 'dim')}{text}")
    if changed:
        console.say(f"{console.styled('✓', 'good')} changed; assistants that run now follow when they are restarted.")
        if remote:
            console.say("  `mcp-memory doctor` tries it.")
    value = {
        "store": where,
        **asdict(models),
        "keys": list(stored.environment),
        "text_is_sent_to": remote,
        "changed": changed,
        "worker_restarted": restarted,
    }
    return Answer(value=value)


def _model(name: str, api_base: str | None) -> str:
    return name if api_base is None else f"{name} at {api_base}"
