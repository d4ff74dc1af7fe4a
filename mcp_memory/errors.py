"""Every error a caller can act on.

    MemoryServerError           code          http  retryable
    ├── InvalidInput            invalid_input  400  no
    ├── NotFound                not_found      404  no
    ├── Conflict                conflict       409  yes
    ├── Forbidden               forbidden      403  no
    ├── Forgotten               forgotten      409  no
    ├── TooLarge                too_large      413  no
    ├── Unavailable             unavailable    503  yes
    └── Internal                internal       500  no

The message of each is one line that names what was given, what is allowed and what to do next;
it never holds a connection string, a secret or a stack trace, because every face shows it.
"""

from typing import ClassVar

__all__ = [
    "Conflict",
    "Forbidden",
    "Forgotten",
    "Internal",
    "InvalidInput",
    "MemoryServerError",
    "NotFound",
    "TooLarge",
    "Unavailable",
]


class MemoryServerError(Exception):
    """The root: what a face may show to its caller, under one stable `code`."""

    code: ClassVar[str] = "internal"
    http_status: ClassVar[int] = 500
    retryable: ClassVar[bool] = False


class InvalidInput(MemoryServerError):
    """An argument is missing, unknown, of the wrong type or out of range."""

    code = "invalid_input"
    http_status = 400


class NotFound(MemoryServerError):
    """No such memory or message in this scope."""

    code = "not_found"
    http_status = 404


class Conflict(MemoryServerError):
    """Somebody else changed the same thing first; read it again and repeat."""

    code = "conflict"
    http_status = 409
    retryable = True


class Forbidden(MemoryServerError):
    """The caller, or the person asked, does not allow it."""

    code = "forbidden"
    http_status = 403


class Forgotten(MemoryServerError):
    """It was forgotten on request and is not taken back from old words."""

    code = "forgotten"
    http_status = 409


class TooLarge(MemoryServerError):
    """A text, an object or a batch is over its limit."""

    code = "too_large"
    http_status = 413


class Unavailable(MemoryServerError):
    """Redis, or a part that this call cannot do without, does not answer."""

    code = "unavailable"
    http_status = 503
    retryable = True


class Internal(MemoryServerError):
    """A defect of ours; the log has the details."""
