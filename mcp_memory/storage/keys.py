"""Every key, channel and lifetime, in one table.

    mem:cfg                        HASH    what the store was made with: schema, embedding model, dimension
    mem:r:{S}:<id>                 HASH    a memory                              ┐
    mem:r:{S}:message:<s>/<m>      HASH    a message, searchable                 │ indexed (`memories`)
    mem:r:{S}:<id>#<n>             HASH    part n of a long text                 │
    mem:r:{S}:<id>@<v>             HASH    version v, superseded                 │
    mem:s:{S}:<session>            HASH    a session's state                     ┘
    mem:l:{S}:<session>            LIST    its messages, one JSON each, append only
    mem:i:{S}:<session>            HASH    message id -> place in the list ("h" before it: hidden)
    mem:d:{S}:<session>            HASH    its data: top-level key -> JSON
    mem:f:{S}                      HASH    fingerprint of a text -> id of the memory that says it
    mem:t:{S}                      HASH    fingerprint of a text -> tombstone (JSON)
    mem:u:{S}                      HASH    the same of words that were said anew since
    mem:n:{S}                      STRING  counter that keeps equal times in order
    mem:p:{S}:<token>              STRING  a forget preview (JSON), 10 min
    mem:changes:{S}                        channel: what changed
    mem:e:<model>:<hash>           STRING  a query's vector (float16), 30 d
    mem:q:…                                the wire between faces and workers (see vectors.py, queue.py)

`S` is the encoded scope (`Scope.tag`), in a hash tag: all keys of a scope share a slot, so that one script or
transaction may touch them on a cluster. Names of callers are percent-encoded; `#`, `@`, `/` and `{}` in keys
are therefore ours.
"""

import hashlib
from dataclasses import dataclass
from datetime import timedelta

from mcp_memory.records import Scope, parse_message_memory_id, quoted

CONFIG = "mem:cfg"
RECORD_PREFIX = "mem:r:"
SESSION_PREFIX = "mem:s:"
INDEX = "memories"
"""The alias through which the index is read; the index itself carries the schema's version."""

PREVIEW_LIFETIME = timedelta(minutes=10)  # a person reads the list and answers
QUERY_VECTOR_LIFETIME = timedelta(days=30)  # people ask the same things again for weeks, not for ever

VECTOR_QUERIES = "mem:q:queries"
"""LIST of requests for a query's vector; a worker pops it before it looks at anything else."""
VECTOR_WAKE = "mem:q:wake"
"""LIST of at most one element: there is something to embed."""
WORKERS = "mem:q:workers"
"""HASH worker id -> JSON of its last sign of life."""


def reply_key(request_id: str) -> str:
    """Where the vector of one request is put."""
    return f"mem:q:reply:{request_id}"


def lease_key(record: str) -> str:
    """Held by the worker that is embedding this record."""
    return f"mem:q:lease:{record}"


def query_vector_key(model: str, text: str) -> str:
    digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
    return f"mem:e:{quoted(model)}:{digest}"


def changes_channel(scope: Scope) -> str:
    return f"mem:changes:{{{scope.tag}}}"


@dataclass(frozen=True, slots=True)
class ScopeKeys:
    """The keys of one scope."""

    scope: Scope

    def record(self, memory_id: str) -> str:
        return self.record_prefix + record_name(memory_id)

    @property
    def record_prefix(self) -> str:
        return f"{RECORD_PREFIX}{{{self.scope.tag}}}:"

    def session(self, session_id: str) -> "SessionKeys":
        return SessionKeys(self.scope, session_id)

    @property
    def fingerprints(self) -> str:
        return f"mem:f:{{{self.scope.tag}}}"

    @property
    def tombstones(self) -> str:
        return f"mem:t:{{{self.scope.tag}}}"

    @property
    def lifted(self) -> str:
        return f"mem:u:{{{self.scope.tag}}}"

    @property
    def counter(self) -> str:
        return f"mem:n:{{{self.scope.tag}}}"

    def preview(self, token: str) -> str:
        return f"mem:p:{{{self.scope.tag}}}:{quoted(token)}"

    @property
    def channel(self) -> str:
        return changes_channel(self.scope)


@dataclass(frozen=True, slots=True)
class SessionKeys:
    """The keys of one session; `all` expire together."""

    scope: Scope
    session_id: str

    def _key(self, letter: str) -> str:
        return f"mem:{letter}:{{{self.scope.tag}}}:{quoted(self.session_id)}"

    @property
    def state(self) -> str:
        return self._key("s")

    @property
    def log(self) -> str:
        return self._key("l")

    @property
    def ids(self) -> str:
        return self._key("i")

    @property
    def data(self) -> str:
        return self._key("d")

    @property
    def all(self) -> tuple[str, str, str, str]:
        return self.state, self.log, self.ids, self.data


def record_name(memory_id: str) -> str:
    """The last part of a record's key. A message's id is made of encoded parts already and stands as it is."""
    return memory_id if parse_message_memory_id(memory_id) else quoted(memory_id)
