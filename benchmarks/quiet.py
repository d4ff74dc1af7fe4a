"""A quiet moment on a machine that others use too: wait for one, up to a limit, and say how quiet it was."""

import os
import platform
import time
from dataclasses import asdict, dataclass
from functools import cache
from statistics import median
from typing import Any

import psutil

BUSY = 0.10
"""Share of the processors that others may use while we measure."""
SLOWER = 0.25
"""How much longer than at its best a fixed piece of work may take."""
LOOK_SECONDS = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """How the machine was just before a measurement."""

    waited_s: float
    busy: float
    """Share of all processors in use by anybody, 0..1."""
    slower: float
    """How much longer a fixed piece of work took than at its best in this process, 0 = as fast as ever."""
    load: float
    """Load average of the last minute."""

    @property
    def quiet(self) -> bool:
        return self.busy <= BUSY and self.slower <= SLOWER

    def to_json(self) -> dict[str, Any]:
        return {**{name: round(value, 3) for name, value in asdict(self).items()}, "quiet": self.quiet}

    def __str__(self) -> str:
        how = "quiet" if self.quiet else "NOT quiet"
        return (
            f"{how}: {self.busy:.0%} busy, fixed work {self.slower:+.0%}, load {self.load:.1f}, "
            f"waited {self.waited_s:.0f} s"
        )


def quiet_moment(limit_s: float = 60.0) -> Moment:
    """Wait until the machine is quiet, at most so long; how it is then."""
    started = time.monotonic()
    while True:
        moment = _look(started)
        if moment.quiet or moment.waited_s >= limit_s:
            return moment
        time.sleep(LOOK_SECONDS)


def noisiest(moments: list[Moment]) -> Moment:
    """The worst of several, with the whole waiting time: what a result was measured in."""
    return Moment(
        waited_s=sum(moment.waited_s for moment in moments),
        busy=max(moment.busy for moment in moments),
        slower=max(moment.slower for moment in moments),
        load=max(moment.load for moment in moments),
    )


def machine() -> dict[str, Any]:
    """What was measured on."""
    return {
        "processors": os.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 2**30, 1),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
    }


def _look(started: float) -> Moment:
    busy = psutil.cpu_percent(interval=LOOK_SECONDS) / 100
    slower = median(_work() for _ in range(9)) / _best() - 1
    return Moment(waited_s=time.monotonic() - started, busy=busy, slower=max(0.0, slower), load=os.getloadavg()[0])


@cache
def _best() -> float:
    return min(_work() for _ in range(60))


def _work() -> float:
    """Seconds of processor-bound work of a fixed size, about 5 ms."""
    started = time.perf_counter()
    total = 0
    for number in range(60_000):
        total += number * number % 7
    return time.perf_counter() - started
