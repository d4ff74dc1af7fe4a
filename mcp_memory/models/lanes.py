"""A few threads that run one slow function, urgent work first."""

import itertools
import threading
from collections.abc import Callable
from concurrent.futures import Future
from queue import Empty, PriorityQueue
from typing import NamedTuple

from mcp_memory.errors import MemoryServerError, Unavailable

_FIRST, _URGENT, _PLAIN = 0, 1, 2


class _Work(NamedTuple):
    rank: int
    number: int  # of two with the same rank, the one that came first
    text: str
    done: Future[bytes] | None  # None ends the thread that takes it


class Lanes:
    """Runs `work(text)` on `count` threads.

    What is urgent waits for the first lane to end the text it is at, and for nothing else that is not urgent.
    """

    def __init__(self, work: Callable[[str], bytes], count: int) -> None:
        self._work = work
        self._queue = PriorityQueue[_Work]()
        self._numbers = itertools.count()
        self._closed = False
        # As daemons they do not keep a process alive whose owner forgot to close them.
        names = [f"embed-{number}" for number in range(count)]
        self._threads = [threading.Thread(target=self._run, name=name, daemon=True) for name in names]
        for thread in self._threads:
            thread.start()

    def submit(self, text: str, *, urgent: bool) -> Future[bytes]:
        """The result to be; cancelling it before its turn takes it out of the queue.

        It raises `Unavailable` if the work fails for a reason that is not the caller's, or if the lanes are closed.
        """
        done = Future[bytes]()
        if self._closed:
            done.set_exception(_closed())
        else:
            self._put(_URGENT if urgent else _PLAIN, text, done)
        return done

    def close(self) -> None:
        """From now on nothing is begun: each lane ends after the text it is at. Does not wait; `join` does."""
        self._closed = True
        for _ in self._threads:
            self._put(_FIRST, "", None)

    def join(self) -> None:
        """After `close`, wait for the lanes to end; whoever still waits for one gets `Unavailable`."""
        for thread in self._threads:
            thread.join()
        while True:
            try:
                left = self._queue.get_nowait().done
            except Empty:
                return
            if left is not None and left.set_running_or_notify_cancel():
                left.set_exception(_closed())

    def _put(self, rank: int, text: str, done: Future[bytes] | None) -> None:
        self._queue.put(_Work(rank, next(self._numbers), text, done))

    def _run(self) -> None:
        while (next_one := self._queue.get()).done is not None:
            if next_one.done.set_running_or_notify_cancel():
                self._do(next_one.text, next_one.done)

    def _do(self, text: str, done: Future[bytes]) -> None:
        try:
            done.set_result(self._work(text))
        except MemoryServerError as error:
            done.set_exception(error)
        except Exception as error:  # noqa: BLE001 - handed to whoever waits; a lane outlives any text
            failed = Unavailable(f"the embedding model failed at a text ({type(error).__name__})")
            failed.__cause__ = error
            done.set_exception(failed)


def _closed() -> Unavailable:
    return Unavailable("the embedding model was closed; open it again")
