"""The private Redis of a home: found, started, or waited for, whichever it takes."""

import os
import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from mcp_memory.embedded.binaries import ANOTHER_REDIS, Binaries, find_binaries, no_binaries
from mcp_memory.embedded.endpoint import Endpoint, stop_redis
from mcp_memory.embedded.home import Home, write_private
from mcp_memory.embedded.process import Background, Child, supported, wait_until
from mcp_memory.embedded.upkeep import check_format, record_format, tidy
from mcp_memory.errors import Unavailable

__all__ = ["ensure", "running", "stop_server"]

FIRST_PAUSE_S = 0.002  # an empty Redis is ready after some 25 ms
LAST_PAUSE_S = 0.1
ENDED_BY_OTHERS = (0, -15, -9)  # asked to end, SIGTERM, SIGKILL (no name on Windows): no reason not to start again
MAX_STARTS = 5  # the system kills what needs more memory than there is: once more would not help either
# What Redis says when its files are damaged further in than at their end.
DAMAGE = ("Bad file format", "Internal error in RDB", "Short read", "Unable to obtain the AOF file", "AOF manifest")


def ensure(
    home: Home,
    *,
    timeout: timedelta,
    report: Callable[[str], None] | None = None,
    find: Callable[[], Binaries] = find_binaries,
) -> Endpoint:
    """The Redis of this home, ready for commands: the one that runs, or a new one.

    Blocks; call it in a thread. Any number of processes and threads may ask at once, and all get the same Redis.

    Args:
        home: the data folder.
        timeout: the most to wait in all. An empty Redis starts in 0.03 s; 100,000 memories take a few seconds to load.
        report: told why it is waiting, each time that changes ("it is loading its data (45 %)").
        find: gives the binaries; asked only if Redis has to be started.

    Raises:
        Unavailable: there is no Redis for this platform, it does not start, or was not ready in time.
    """
    if not supported():
        raise no_binaries()
    server = _Server(home, find)
    deadline = time.monotonic() + timeout.total_seconds()
    pause_s = FIRST_PAUSE_S
    said = None
    try:
        while True:
            endpoint = _endpoint(home, home.secret())
            trouble = endpoint.trouble()
            if trouble is None:
                server.settle()
                return endpoint
            server.start_if_nobody_has()
            if time.monotonic() >= deadline:
                raise Unavailable(
                    f"the embedded Redis was not ready in time: {trouble}; try again, "
                    f"and if that stays so look into {home.redis_log} and run `mcp-memory stop`"
                )
            if report is not None and trouble != said:
                report(trouble)
                said = trouble
            time.sleep(pause_s)
            pause_s = min(pause_s * 1.5, LAST_PAUSE_S)
    except OSError as error:
        raise Unavailable(f"the embedded Redis cannot start in {home.root}: {error.strerror or error}") from error


def running(home: Home) -> Endpoint | None:
    """The Redis of this home if it runs and answers at this moment; nothing is started."""
    secret = home.known_secret()
    if secret is None:
        return None
    endpoint = _endpoint(home, secret)
    return endpoint if endpoint.trouble() is None else None


def stop_server(home: Home, *, timeout: timedelta) -> bool:
    """End the Redis of this home, its data written; whether there was one.

    It is asked first, and after `timeout` told by signals.

    Raises:
        Unavailable: it does not end.
    """
    background = _background(home)
    if not background.running():
        return False
    secret = home.known_secret()
    if secret is not None:
        with suppress(Unavailable):
            stop_redis(_endpoint(home, secret), timeout=timeout)
            wait_until(lambda: not background.running(), timeout=timeout)
    background.end(timeout=timeout)
    return True


@dataclass(slots=True)
class _Server:
    """One attempt to get Redis going, which knows what became of the Redis that it started itself, if any."""

    home: Home
    find: Callable[[], Binaries]
    child: Child | None = None
    starts: int = 0
    versions: dict[str, str] = field(default_factory=dict[str, str])  # of the binaries that were started

    def start_if_nobody_has(self) -> None:
        if self.child is None:
            self.child = _background(self.home).start(self._prepare, cwd=self.home.root, env=_environment())
            return
        code = self.child.exit_code()
        if code is None:
            return
        if code not in ENDED_BY_OTHERS or self.starts >= MAX_STARTS:
            raise Unavailable(_why_it_died(self.home, self.child.words()))
        self.child = None

    def settle(self) -> None:
        if self.child is not None:
            record_format(self.home, self.versions)

    def _prepare(self) -> list[str]:
        binaries = self.find()
        binaries = Binaries(_runnable(binaries.server, self.home), _runnable(binaries.module, self.home))
        versions = binaries.versions()
        self.home.redis_data.mkdir(mode=0o700, exist_ok=True)
        check_format(self.home, versions)
        tidy(self.home)
        write_private(self.home.redis_conf, _configuration(self.home, binaries.module))
        self.versions = versions
        self.starts += 1
        return [str(binaries.server), str(self.home.redis_conf)]


def _background(home: Home) -> Background:
    return Background(home.redis_lock, home.redis_log)


def _endpoint(home: Home, secret: str) -> Endpoint:
    home.open_socket_folder()
    return Endpoint(home.socket, secret)


def _environment() -> dict[str, str]:
    # Not the keys of the host's user, and no LANG: Redis refuses to start under a locale that is not installed.
    names = ("PATH", "HOME", "TMPDIR", "TZ", "LD_LIBRARY_PATH")
    return {name: os.environ[name] for name in names if name in os.environ}


def _configuration(home: Home, module: Path) -> bytes:
    lines = [
        [b"port", b"0"],
        [b"unixsocket", os.fsencode(home.socket)],
        [b"unixsocketperm", b"700"],
        [b"requirepass", home.secret().encode()],
        [b"dir", os.fsencode(home.redis_data)],
        # While an fsync runs, Redis acknowledges writes that it still holds back in its memory: at 0.3 s an fsync,
        # 6 kills of 20 lost up to 9,508 of them. Whoever writes therefore waits until the log's buffer is out
        # (`Database.settled`). `no` would not hold back, but leave a power cut half a minute; `always` leaves 330
        # writes/s of 20,000.
        [b"appendonly", b"yes"],
        [b"appendfsync", b"everysec"],
        [b"aof-use-rdb-preamble", b"yes"],
        [b"aof-load-truncated", b"yes"],
        [b"save", b""],
        # A memory must not vanish because another one came.
        [b"maxmemory-policy", b"noeviction"],
        [b"enable-module-command", b"no"],
        [b"set-proc-title", b"no"],
        # By default a slow search gives an empty list that looks like success: an error instead.
        [b"loadmodule", os.fsencode(module), *b"TIMEOUT 5000 ON_TIMEOUT fail MAXDOCTABLESIZE 10000000".split()],
    ]
    return b"".join(b" ".join(map(_quoted, line)) + b"\n" for line in lines)


def _quoted(word: bytes) -> bytes:
    """A word of a Redis configuration, in which it stands for exactly itself."""
    return b'"%s"' % b"".join(b"%c" % byte if _is_plain(byte) else b"\\x%02x" % byte for byte in word)


def _is_plain(byte: int) -> bool:
    return 0x20 <= byte < 0x7F and byte not in b'"\\'


def _runnable(binary: Path, home: Home) -> Path:
    """The binary itself, or a copy in the home with the x bit, which some installers lose and Redis insists on."""
    if os.access(binary, os.X_OK):
        return binary
    home.modules.mkdir(mode=0o700, exist_ok=True)
    copy = home.modules / binary.name
    draft = home.modules / f"{binary.name}.new"
    shutil.copyfile(binary, draft)
    draft.chmod(0o700)
    return draft.replace(copy)


def _why_it_died(home: Home, words: list[str]) -> str:
    warnings = [line.split(" # ", 1)[1].strip() for line in words if " # " in line and "# WARNING" not in line]
    said = " / ".join((list(filter(None, warnings)) or words or ["nothing"])[-2:])[:300]
    said = said.split(": make a backup")[0].replace(home.secret(), "***")  # its advice is for another situation
    if any(sign in said for sign in DAMAGE):
        return (
            f"the data in {home.append_only_files} is damaged (Redis says in {home.redis_log}: {said}); "
            "`mcp-memory doctor --repair` keeps a copy and cuts off what comes after the damage"
        )
    return f"the embedded Redis does not start: {said}; its log is {home.redis_log}; or else {ANOTHER_REDIS}"
