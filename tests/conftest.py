"""One real store for the whole suite; each test has a scope of its own in it.

The store of `service` has no worker: what it finds, it finds by words, and nothing changes behind a test's back.
`lively_service` has a real worker with the real model. A test that kills something takes `own_home`.
"""

from collections.abc import AsyncGenerator, Callable, Generator

import pytest

from mcp_memory.app import Store, open_service, open_store
from mcp_memory.embedded import Home
from mcp_memory.records import Scope
from mcp_memory.service import MemoryService
from mcp_memory.settings import Settings
from tests.keys_table import not_in_the_table
from tests.support import keys_in, new_scope, settings_of, temporary_home, without_worker


@pytest.fixture(scope="session")
def store_home() -> Generator[Home]:
    """The home of the store that most tests share; no worker runs in it. Every key left there is in the table."""
    with temporary_home() as home, without_worker(home):
        yield home
        assert not_in_the_table(keys_in(home)) == []


@pytest.fixture(scope="session")
def lively_home() -> Generator[Home]:
    """The home of a store with a real worker."""
    with temporary_home() as home:
        yield home


@pytest.fixture
def own_home() -> Generator[Home]:
    """A home of this test's own, without a worker, in which it may kill what it likes."""
    with temporary_home() as home, without_worker(home):
        yield home


@pytest.fixture
def second_home() -> Generator[Home]:
    """Another one."""
    with temporary_home() as home, without_worker(home):
        yield home


@pytest.fixture
def settings_for() -> Callable[..., Settings]:
    """Makes settings of a store in a home, with changes."""
    return settings_of


@pytest.fixture
def settings(store_home: Home) -> Settings:
    return settings_of(store_home)


@pytest.fixture
async def service(settings: Settings) -> AsyncGenerator[MemoryService]:
    async with open_service(settings) as opened:
        yield opened


@pytest.fixture
async def store(settings: Settings) -> AsyncGenerator[Store]:
    async with open_store(settings, name="test") as opened:
        yield opened


@pytest.fixture
async def lively_service(lively_home: Home) -> AsyncGenerator[MemoryService]:
    """A service whose store has a worker; a search waits for it as long as a person would."""
    settings = Settings(home=lively_home.root)
    async with open_service(settings) as opened:
        yield opened


@pytest.fixture
def scope() -> Scope:
    """Nobody else's."""
    return new_scope()


@pytest.fixture
def other_scope() -> Scope:
    return new_scope()
