"""Talking to Redis before there is a client: is it ready, and please end.

A raw socket, because the check is on the start path of every process, and importing a client takes longer than
everything else there together.
"""

import socket
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from mcp_memory.errors import Unavailable

__all__ = ["Endpoint", "stop_redis"]

PATIENCE_S = 1.0  # a healthy Redis answers in well under a millisecond, and in 60 behind the slowest search


@dataclass(frozen=True, slots=True)
class Endpoint:
    """How to reach a private Redis: the path of its unix socket, and its password (which no `repr` shows)."""

    socket: Path
    password: str = field(repr=False)

    def trouble(self) -> str | None:
        """Why Redis cannot be used at this moment, as the end of a sentence; None if it can."""
        try:
            with _conversation(self, patience_s=PATIENCE_S) as say:
                return _trouble(say("AUTH", self.password), say)
        except TimeoutError:
            return "it does not answer"
        except OSError as error:
            return f"nobody listens on its socket ({error.strerror or 'no answer'})"


def stop_redis(endpoint: Endpoint, *, timeout: timedelta = timedelta(seconds=30)) -> None:
    """End Redis, its data on the disk; returns when it has closed the connection.

    Raises:
        Unavailable: it refuses, or has not ended within `timeout`.
    """
    try:
        with _conversation(endpoint, patience_s=timeout.total_seconds()) as say:
            answer = say("AUTH", endpoint.password)
            if answer.startswith(b"+OK"):
                answer = say("SHUTDOWN")
    except (ConnectionResetError, BrokenPipeError):  # it was ending already
        return
    except OSError as error:
        raise Unavailable(f"cannot stop Redis: {error.strerror or 'it does not answer'}") from error
    if answer:
        raise Unavailable(f"Redis refuses to stop: {answer.decode(errors='replace').strip()}")


def _trouble(authenticated: bytes, say: Callable[..., bytes]) -> str | None:
    if authenticated.startswith(b"-"):
        return "it refuses the password of this data folder"
    answer = say("PING")
    if answer.startswith(b"+PONG"):
        return None
    if answer.startswith(b"-LOADING"):
        facts = dict(line.split(b":", 1) for line in say("INFO", "persistence").splitlines() if b":" in line)
        return f"it is loading its data ({float(facts.get(b'loading_loaded_perc', 0)):.0f} %)"
    return f"it answers {answer.decode(errors='replace').strip()[:100]!r}" if answer else "it is ending"


@contextmanager
def _conversation(endpoint: Endpoint, *, patience_s: float) -> Generator[Callable[..., bytes]]:
    """A function that sends one command and gives the first line of its reply, or the text of a bulk reply."""
    if not hasattr(socket, "AF_UNIX"):  # Windows
        raise OSError("no unix sockets on this platform")
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(patience_s)
        connection.connect(str(endpoint.socket))
        with connection.makefile("rb") as replies:

            def say(*words: str) -> bytes:
                parts = b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in map(str.encode, words))
                connection.sendall(b"*%d\r\n%s" % (len(words), parts))
                line = replies.readline()
                return replies.read(int(line[1:]) + 2) if line.startswith(b"$") else line

            yield say
