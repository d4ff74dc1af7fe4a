"""The local model, loaded once."""

import pytest

from mcp_memory.models.minilm import MiniLM


@pytest.fixture(scope="session")
def model() -> MiniLM:
    return MiniLM()
