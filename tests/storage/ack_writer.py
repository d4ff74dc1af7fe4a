"""A process that writes without an end and tells every write that was acknowledged.

    python ack_writer.py <home> <namespace> <user>

It says "ready", waits for a line, and writes until it is killed. What is unavailable is tried again.
"""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from mcp_memory.app import open_service
from mcp_memory.errors import Unavailable
from mcp_memory.ids import new_id
from mcp_memory.records import Message, NewMemory, Scope, Stored
from mcp_memory.settings import Settings


async def main() -> None:
    home, namespace, user = sys.argv[1:4]
    settings = Settings(home=Path(home), query_vector_timeout=timedelta(milliseconds=20))
    scope = Scope(namespace=namespace, user_id=user)
    async with open_service(settings) as service:
        print("ready", flush=True)
        await asyncio.to_thread(sys.stdin.readline)

        async def remember(number: int) -> str:
            text = f"memory {new_id()} " + "with some words to it " * (number % 40)
            (outcome,) = await service.remember(scope, [NewMemory(text=text)])
            assert isinstance(outcome, Stored), outcome
            return f"memory {outcome.id}"

        async def append(number: int) -> str:
            message = Message(id=new_id(), role="user", content=f"turn {number}", created_at=datetime.now(UTC))
            await service.append_to_session(scope, "s", [message], data={"last": number})
            return f"message {message.id}"

        await asyncio.gather(*(keep(act) for act in (remember, append, remember, append)))


async def keep(act: Callable[[int], Awaitable[str]]) -> None:
    number = 0
    while True:
        number += 1
        try:
            done = await act(number)
        except Unavailable:
            continue
        print(json.dumps(done), flush=True)


asyncio.run(main())
