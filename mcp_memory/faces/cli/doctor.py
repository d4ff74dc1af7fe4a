"""`doctor`: is everything in order, and if not, how to mend it."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass
from typing import Annotated, Any

import typer

from mcp_memory import embedded
from mcp_memory.embedded import Home
from mcp_memory.errors import Conflict, InvalidInput, MemoryServerError
from mcp_memory.faces.cli import checks
from mcp_memory.faces.cli.checks import Check
from mcp_memory.faces.cli.command import FAILED, OK, UNAVAILABLE, Answer, Command, read_settings
from mcp_memory.faces.cli.console import Console, Style, shown
from mcp_memory.settings import Settings

MARKS: dict[checks.State, tuple[str, Style]] = {
    "ok": ("✓", "good"),
    "warning": ("!", "warning"),
    "problem": ("✗", "bad"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Doctor(Command):
    """Check everything, and say how to mend what is wrong.

    Exits with 0 when nothing is wrong, 1 when something is, 3 when the store cannot be used.
    """

    repair: Annotated[
        bool, typer.Option("--repair", help="Make damaged data loadable; what comes after the damage is cut off.")
    ] = False

    async def run(self, console: Console) -> Answer:
        found: list[Check] = []
        repaired = await self._repaired(console) if self.repair else None
        async for check in _checked():
            found.append(check)
            _say(console, check)
        problems = [check for check in found if check.state == "problem"]
        code = UNAVAILABLE if any(check.unavailable for check in problems) else FAILED if problems else OK
        console.say()
        console.say(_summary(found))
        value: dict[str, Any] = {"ok": not problems, "checks": [_json(check) for check in found]}
        return Answer(value=value if repaired is None else value | {"repaired": repaired}, code=code)

    async def _repaired(self, console: Console) -> dict[str, Any]:
        """Repair the data of the embedded Redis.

        Raises:
            Conflict: there is nothing to repair, or it is not ours. Unavailable: it cannot be repaired.
        """
        settings = read_settings()
        if settings.redis_url is not None:
            raise InvalidInput("--repair mends the embedded store, and REDIS_URL names another; unset it first")
        home = await asyncio.to_thread(Home.at, settings.home)
        if await asyncio.to_thread(embedded.running, home) is not None:
            raise Conflict("Redis runs on this data, so that it is not damaged; run doctor without --repair")
        done = await asyncio.to_thread(embedded.repair, home)
        console.say(f"Repaired: {done.dropped_bytes:,} bytes cut off; the data as it was is in {done.backup}")
        return {"backup": str(done.backup), "dropped_bytes": done.dropped_bytes}


async def _checked() -> AsyncIterator[Check]:
    for check in checks.of_installation():
        yield check
    settings = _settings()
    if isinstance(settings, Check):
        yield settings
        return
    async for check in checks.all_of(settings):
        yield check


def _settings() -> Settings | Check:
    try:
        return read_settings()
    except MemoryServerError as error:
        return checks.failed("settings", error, unavailable=True)


def _say(console: Console, check: Check) -> None:
    mark, style = MARKS[check.state]
    console.say(f"{console.styled(mark, style)} {check.name:<18} {shown(check.detail)}")
    if check.mend is not None:
        console.paragraph(shown(check.mend, 500), indent="  → ", hanging="    ")


def _summary(found: list[Check]) -> str:
    problems = sum(check.state == "problem" for check in found)
    warnings = sum(check.state == "warning" for check in found)
    if not problems and not warnings:
        return "All is well."
    counts = [_counted(problems, "problem"), _counted(warnings, "warning")]
    return f"{' and '.join(count for count in counts if count)}; how to mend each stands below it."


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}" if count else ""


def _json(check: Check) -> dict[str, Any]:
    return {name: value for name, value in asdict(check).items() if name != "unavailable"}
