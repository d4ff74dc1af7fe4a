"""Ids that sort by the time they were made (ULID: 48 bits of milliseconds, 80 bits of chance)."""

import secrets
import threading
import time
from collections.abc import Callable

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32: no I, L, O, U. Source: the ULID specification."""

_RANDOM_BITS = 80


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


class Ulids:
    """A source of ULIDs, each greater than the one before, whatever the clock does."""

    def __init__(
        self, *, clock_ms: Callable[[], int] = _now_ms, random_bits: Callable[[int], int] = secrets.randbits
    ) -> None:
        self._clock_ms = clock_ms
        self._random_bits = random_bits
        self._last = 0
        self._lock = threading.Lock()

    def next(self) -> str:
        """26 characters; greater than every one this object gave before.

        >>> Ulids(clock_ms=lambda: 0, random_bits=lambda bits: 0).next()
        '00000000000000000000000001'
        """
        fresh = self._clock_ms() << _RANDOM_BITS | self._random_bits(_RANDOM_BITS)
        with self._lock:
            # Within a millisecond, or when the clock was set back, counting on keeps the order.
            self._last = max(fresh, self._last + 1)
            number = self._last
        return "".join(ALPHABET[number >> shift & 31] for shift in range(125, -1, -5))


new_id = Ulids().next
"""A ULID, ascending within this process."""
