"""A store of any size in minutes: rows as the product writes them, with made-up vectors beside them.

The vectors lie in a narrow cone around a few hundred centres, as those of sentences do; embedding 100,000 real
texts would take the better part of an hour and change nothing about how long a search takes.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

import numpy as np

from mcp_memory.models.names import LOCAL_DIM
from mcp_memory.records import Memory, Scope
from mcp_memory.storage.client import Command, Database
from mcp_memory.storage.filters import milliseconds
from mcp_memory.storage.keys import ScopeKeys
from mcp_memory.storage.rows import memory_row

BATCH = 500
CENTRES = 300


async def fill(database: Database, scopes: Sequence[Scope], texts: Iterable[str], *, seed: int) -> int:
    """Write the texts as memories, dealt to the scopes in turn; how many were written."""
    random = np.random.default_rng(seed)
    centres = random.standard_normal((CENTRES, LOCAL_DIM))
    supply = iter(enumerate(texts))
    began = datetime(2026, 1, 1, tzinfo=UTC)
    written = 0
    while batch := list(islice(supply, BATCH)):
        vectors = _vectors(random, centres, len(batch))
        commands: list[Command] = []
        for (place, text), vector in zip(batch, vectors, strict=True):
            commands.append(_write(scopes[place % len(scopes)], place, text, vector, began + timedelta(seconds=place)))
        await database.commands(commands)
        written += len(batch)
    return written


def _vectors(random: Any, centres: Any, count: int) -> list[bytes]:
    mixed = centres[random.integers(0, len(centres), count)] + random.standard_normal((count, LOCAL_DIM))
    normal = mixed / np.linalg.norm(mixed, axis=1, keepdims=True)
    return [row.tobytes() for row in normal.astype("<f2")]


def _write(scope: Scope, place: int, text: str, vector: bytes, at: datetime) -> Command:
    """The record as `remember` and the worker leave it."""
    memory = Memory(
        id=f"bench-{place:07}",
        text=text,
        memory_type="semantic",
        created_at=at,
        updated_at=at,
        topics=(f"topic {place % 40}",),
    )
    row = memory_row(scope, memory, now=at, tz=UTC)
    fields = row.groups[0] | {"fp": row.fingerprint, "wp": row.wording, "ver": 1, "embedding": vector}
    fields |= {"order": milliseconds(at) * 1000 + place % 1000, "seq": place + 1}
    del fields["todo"]
    flat = [part for pair in fields.items() for part in pair]
    return ("HSET", ScopeKeys(scope).record(memory.id), *flat)
