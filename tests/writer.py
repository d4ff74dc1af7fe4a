"""A process that writes, as every host does.

    python writer.py <home> <namespace> <user> remember|same-id|append <number>

It says "ready", waits for a line, writes, and tells the outcomes as one JSON line.
"""

import asyncio
import json
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from mcp_memory.app import open_service
from mcp_memory.records import Message, NewMemory, Rejected, Scope
from mcp_memory.service import MemoryService
from mcp_memory.settings import Settings

COUNT = 200


async def main() -> None:
    home, namespace, user, what, number = sys.argv[1:6]
    settings = Settings(home=Path(home), query_vector_timeout=timedelta(milliseconds=20))
    scope = Scope(namespace=namespace, user_id=user)
    async with open_service(settings) as service:
        print("ready", flush=True)
        await asyncio.to_thread(sys.stdin.readline)
        report = await {"remember": remember, "same-id": same_id, "append": append}[what](service, scope, number)
        print(json.dumps(report), flush=True)


async def remember(service: MemoryService, scope: Scope, number: str) -> dict[str, Any]:
    """The same texts as every other process, each at its own place in the batches."""
    places = [(place * 7 + int(number) * 25) % COUNT for place in range(COUNT)]
    outcomes: list[str] = []
    for start in range(0, COUNT, 20):
        items = [NewMemory(text=f"Fact number {place}") for place in places[start : start + 20]]
        outcomes += [type(outcome).__name__.lower() for outcome in await service.remember(scope, items)]
    return {"outcomes": outcomes}


async def same_id(service: MemoryService, scope: Scope, number: str) -> dict[str, Any]:
    """Another wording under one id that all processes use."""
    outcomes: list[str] = []
    accepted: list[str] = []
    for place in range(25):
        text = f"Wording {place} of process {number}"
        (outcome,) = await service.remember(scope, [NewMemory(text=text, id="shared")])
        outcomes.append(type(outcome).__name__.lower())
        if not isinstance(outcome, Rejected):
            accepted.append(text)
    return {"outcomes": outcomes, "accepted": accepted}


async def append(service: MemoryService, scope: Scope, number: str) -> dict[str, Any]:
    """Turns to one session; every second one has an id that all processes use."""
    for place in range(COUNT // 2):
        name = f"shared-{place}" if place % 2 else f"own-{number}-{place}"
        message = Message(id=name, role="user", content=f"turn {name}", created_at=datetime.now(UTC))
        await service.append_to_session(scope, "shared", [message], data={f"key-{number}": place})
    return {}


asyncio.run(main())
