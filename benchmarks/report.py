"""Results: JSON for programs, tables for people, one page of all."""

import argparse
import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeAlias

from benchmarks.quiet import Moment, machine, noisiest, quiet_moment

RESULTS = Path(__file__).with_name("results")

Cell: TypeAlias = str | int | float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """What was aimed at, and what came out."""

    what: str
    goal: str
    measured: str
    met: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Rows under a heading."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]

    def markdown(self) -> str:
        head = [f"**{self.title}**", "", _line(self.columns), _line(["---"] * len(self.columns))]
        return "\n".join([*head, *(_line([_shown(cell) for cell in row]) for row in self.rows)])


@dataclass(slots=True, kw_only=True)
class Report:
    """What one benchmark found."""

    name: str
    title: str
    tables: list[Table] = field(default_factory=list[Table])
    goals: list[Goal] = field(default_factory=list[Goal])
    data: dict[str, Any] = field(default_factory=dict[str, Any])
    moments: list[Moment] = field(default_factory=list[Moment])
    notes: list[str] = field(default_factory=list[str])

    def quiet(self, limit_s: float) -> Moment:
        """Wait for a quiet moment and remember how quiet it was."""
        moment = quiet_moment(limit_s)
        self.moments.append(moment)
        print(f"[{self.name}] {moment}", file=sys.stderr, flush=True)
        return moment

    def goal(self, what: str, *, most: float | None = None, least: float | None = None, got: float, unit: str) -> None:
        """Note a goal that is a bound of a number."""
        bound = f"≤ {most:g}{unit}" if most is not None else f"≥ {least:g}{unit}"
        met = (most is None or got <= most) and (least is None or got >= least)
        self.goals.append(Goal(what=what, goal=bound, measured=f"{_shown(got)}{unit}", met=met))

    def markdown(self) -> str:
        parts = [f"## {self.title}", f"`python -m benchmarks.{self.name}`"]
        if self.goals:
            rows = [[goal.what, goal.goal, goal.measured, "yes" if goal.met else "**no**"] for goal in self.goals]
            parts.append(Table(title="Goals", columns=["what", "goal", "measured", "met"], rows=rows).markdown())
        parts += [table.markdown() for table in self.tables]
        parts += self.notes
        if self.moments:
            parts.append(f"Machine at the noisiest of {len(self.moments)} looks: {noisiest(self.moments)}.")
        return "\n\n".join(parts)

    def save(self) -> Path:
        """Write the result where the page finds it."""
        RESULTS.mkdir(exist_ok=True)
        path = RESULTS / f"{self.name}.json"
        result = {
            "name": self.name,
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
            "machine": machine(),
            "moments": [moment.to_json() for moment in self.moments],
            "goals": [asdict(goal) for goal in self.goals],
            "data": self.data,
            "markdown": self.markdown(),
        }
        path.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n")
        return path


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least this share of all are not above (nearest rank)."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, round(share * len(ordered) + 0.499999) - 1))]


def p50(values: Sequence[float]) -> float:
    return percentile(values, 0.5)


def p99(values: Sequence[float]) -> float:
    return percentile(values, 0.99)


def command(doc: str | None) -> argparse.ArgumentParser:
    """The options that every benchmark has."""
    parser = argparse.ArgumentParser(description=(doc or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="fewer rounds and smaller stores: does it run?")
    parser.add_argument("--wait", type=float, default=60.0, help="seconds to wait for a quiet moment (default 60)")
    return parser


Run: TypeAlias = Callable[[argparse.Namespace], Awaitable[Report]]


def finish(run: Run, options: argparse.Namespace) -> Report:
    """Run, save, print."""
    report = asyncio.run(_awaited(run, options))
    if options.quick:
        report.notes.append("A quick run: it shows that the benchmark runs, and nothing else.")
    path = report.save()
    print(f"{report.markdown()}\n\n{path}")
    return report


async def _awaited(run: Run, options: argparse.Namespace) -> Report:
    return await run(options)


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _shown(cell: Cell) -> str:
    """A number with three digits that mean something."""
    if cell is None:
        return "–"
    if not isinstance(cell, float):
        return f"{cell:,}" if isinstance(cell, int) else cell
    digits = 0 if abs(cell) >= 100 else 1 if abs(cell) >= 10 else 2 if abs(cell) >= 1 else 3
    return f"{cell:,.{digits}f}"
