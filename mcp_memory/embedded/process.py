"""A process in the background that runs at most once, and outlives whoever started it.

The starter takes `flock` on a file and hands the locked descriptor down. The kernel keeps the lock until the last
holder of that descriptor is gone, so the lock lives exactly as long as the process: through the death of the starter,
and not one moment longer after `kill -9` of the process itself. No pid has to be believed to know whether it runs.
"""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from pathlib import Path
from typing import BinaryIO

from mcp_memory.errors import Unavailable

try:
    import fcntl
except ImportError:  # Windows: nothing starts there, but everything can be imported and asked
    fcntl = None

__all__ = ["Background", "Child", "supported", "wait_until"]

MAX_LOG_BYTES = 5_000_000
KILLED_WITHIN = timedelta(seconds=10)  # the kernel frees the memory of a large process first
POLL_S = 0.01

# The shell writes its own process id, which stays the same through `exec`. If the starter wrote it, killing the
# starter at the wrong moment would leave a running process that nobody can name.
LAUNCH = 'echo $$ >"$0" && exec "$@"'
ENTRY = "---- "  # begins the line in the log that says who was started, and when


@dataclass(frozen=True, slots=True)
class Background:
    """A process that runs at most once for its `lock` file and writes to its `log`."""

    lock: Path
    log: Path

    def running(self) -> bool:
        """Whether the process lives, or is just being started."""
        if not supported():
            return False
        try:
            descriptor = os.open(self.lock, os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            return False
        try:
            return not _flock(descriptor, exclusive=False)
        finally:
            os.close(descriptor)

    @contextmanager
    def claimed(self) -> Generator[int | None]:
        """The locked descriptor, so that nobody else starts the process meanwhile; None if somebody holds it.

        Raises:
            Unavailable: there are no such locks on this platform.
        """
        if not supported():
            raise Unavailable("background processes need Linux or macOS; set REDIS_URL and run `mcp-memory worker`")
        descriptor = os.open(self.lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            if _take(descriptor):
                os.ftruncate(descriptor, 0)  # whoever reads an id while the lock is held must not read the last one's
                yield descriptor
            else:
                yield None
        finally:
            os.close(descriptor)  # never LOCK_UN: that would unlock it for the process, too

    def start(self, prepare: Callable[[], Sequence[str]], *, cwd: Path, env: Mapping[str, str]) -> "Child | None":
        """Start the process unless it runs, which gives None.

        Args:
            prepare: called with the lock held, only if the process is to be started; gives the command line.
            cwd: the folder that the process works in.
            env: its whole environment.
        """
        with self.claimed() as descriptor:
            if descriptor is None:
                return None
            command = prepare()
            with self._open_log() as log:
                log.write(f"{ENTRY}{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ} starting {command[0]}\n".encode())
                log.flush()
                said_from = log.tell()
                process = subprocess.Popen(
                    ["/bin/sh", "-c", LAUNCH, str(self.lock), *command],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    cwd=cwd,
                    env=env,
                    umask=0o077,
                    pass_fds=(descriptor,),
                    start_new_session=True,  # no signal meant for the host or its terminal reaches it
                )
        # Somebody has to wait for a child, or it stays a zombie until we end; which may be never.
        threading.Thread(target=process.wait, name=f"wait for {process.pid}", daemon=True).start()
        return Child(process, self.log, said_from)

    def end(self, *, timeout: timedelta) -> bool:
        """Ask the process to end, and kill it when `timeout` has passed; whether there was one.

        Raises:
            Unavailable: somebody holds the lock without a process, or not even killing helped.
        """
        wait_until(lambda: self._pid() is not None or not self.running(), timeout=timeout)
        pid = self._pid()
        if not self.running():
            return False
        if pid is None:
            raise Unavailable(f"{self.lock} is held by somebody who is about to start a process; try again")

        def gone() -> bool:
            return not self.running() or self._pid() != pid

        for number, patience in ((signal.SIGTERM, timeout), (signal.SIGKILL, KILLED_WITHIN)):
            if not gone():
                _signal(pid, number)
            if wait_until(gone, timeout=patience):
                return True
        raise Unavailable(f"process {pid} does not end, not even killed; look for its disk or debugger")

    def _open_log(self) -> BinaryIO:
        with suppress(FileNotFoundError):
            if self.log.stat().st_size > MAX_LOG_BYTES:
                self.log.replace(self.log.with_name(self.log.name + ".1"))
        return open(os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab")

    def _pid(self) -> int | None:
        """The process id in the lock file: true only while the lock is held."""
        try:
            return int(self.lock.read_bytes())
        except (FileNotFoundError, ValueError):
            return None


@dataclass(frozen=True, slots=True)
class Child:
    """A process that we have started ourselves, so that we may learn how it ended."""

    process: subprocess.Popen[bytes]
    log: Path
    said_from: int  # offset in the log, in bytes

    def exit_code(self) -> int | None:
        """None while it runs; negative if a signal ended it."""
        return self.process.poll()

    def words(self) -> list[str]:
        """The lines that it has written so far; none of whoever was started after it."""
        with self.log.open("rb") as file:
            file.seek(self.said_from)
            lines = file.read().decode(errors="replace").splitlines()
        return list(takewhile(lambda line: not line.startswith(ENTRY), lines))


def supported() -> bool:
    """Whether this platform has what a background process needs."""
    return fcntl is not None


def wait_until(done: Callable[[], bool], *, timeout: timedelta) -> bool:
    """Whether `done` came true within `timeout`; asked at least once."""
    deadline = time.monotonic() + timeout.total_seconds()
    while not done():
        if time.monotonic() >= deadline:
            return False
        time.sleep(POLL_S)
    return True


def _take(descriptor: int) -> bool:
    for _ in range(100):
        if _flock(descriptor, exclusive=True):
            return True
        if not _flock(descriptor, exclusive=False):
            return False
        # Only somebody who looked (`running`) was in the way, for microseconds: that is nobody.
        time.sleep(0.001)
    return False


def _flock(descriptor: int, *, exclusive: bool) -> bool:
    assert fcntl is not None
    try:
        fcntl.flock(descriptor, (fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _signal(pid: int, number: signal.Signals) -> None:
    # The process leads a session, so its id is its group's too, and the kernel gives a group's id to nobody else
    # while a member lives. Whoever holds the lock is a member. So this cannot hit a stranger, and it reaches
    # the children that Redis forks to write files.
    with suppress(ProcessLookupError, PermissionError):  # macOS says PermissionError of a group of zombies
        os.killpg(pid, number)
