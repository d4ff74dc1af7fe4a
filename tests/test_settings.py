"""The environment as settings: nothing is required, the predecessor's names work, every bad value names itself."""

import os
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from mcp_memory.errors import InvalidInput
from mcp_memory.models.names import LOCAL_MODEL
from mcp_memory.records import Scope
from mcp_memory.settings import Limits, Secret, Settings
from tests.support import SOURCES


def read(**environ: str) -> Settings:
    return Settings.from_env(environ)


def test_an_empty_environment_gives_a_private_local_store() -> None:
    settings = read()
    assert settings.redis_url is None
    assert settings.queue_redis_url is None
    assert settings.scope == Scope(namespace="default", user_id="default")
    assert settings.limits == Limits()
    assert (settings.models.embedding_model, settings.models.generation_model) == (LOCAL_MODEL, None)
    assert settings.models_given is False
    assert settings.home.is_absolute()
    assert settings.idle_timeout == timedelta(minutes=10)


def test_settings_can_be_read_where_there_is_no_home_and_no_zone() -> None:
    code = "from mcp_memory.settings import Settings; print(Settings.from_env().home)"
    done = subprocess.run(
        [sys.executable, "-c", code], env={"PYTHONPATH": str(SOURCES)}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert Path(done.stdout.strip()).is_absolute()


def test_every_setting_is_read_from_its_variable(tmp_path: Path) -> None:
    settings = read(
        MCP_MEMORY_HOME=str(tmp_path),
        REDIS_URL="rediss://:s3cret@example.org:7000/1",
        QUEUE_REDIS_URL="unix:///run/redis.sock",
        MCP_MEMORY_NAMESPACE="team|a",
        MCP_MEMORY_USER_ID="auth0|42",
        MCP_MEMORY_TIMEZONE="Europe/Berlin",
        EMBEDDING_MODEL="openai/text-embedding-3-small",
        EMBEDDING_API_BASE="http://localhost:1",
        GENERATION_MODEL="ollama/llama",
        GENERATION_API_BASE="http://localhost:2",
        MCP_MEMORY_IDLE_SECONDS="2.5",
        MCP_MEMORY_QUERY_VECTOR_SECONDS="0.5",
        MCP_MEMORY_RECONCILE_SECONDS="0",
        EXTRACTION_DEBOUNCE_SECONDS="0",
        MCP_MEMORY_MODEL_PATH="~/model",
        LOG_LEVEL="debug",
    )
    assert settings.home == tmp_path
    assert settings.redis_url == Secret("rediss://:s3cret@example.org:7000/1")
    assert settings.queue_redis_url == Secret("unix:///run/redis.sock")
    assert settings.scope == Scope(namespace="team|a", user_id="auth0|42")
    assert settings.timezone == ZoneInfo("Europe/Berlin")
    assert settings.models.embedding_model == "openai/text-embedding-3-small"
    assert settings.models.embedding_api_base == "http://localhost:1"
    assert settings.models.generation_model == "ollama/llama"
    assert settings.models.generation_api_base == "http://localhost:2"
    assert settings.models_given
    assert settings.idle_timeout == timedelta(seconds=2.5)
    assert settings.query_vector_timeout == timedelta(seconds=0.5)
    assert (settings.reconcile_wait, settings.extraction_debounce) == (timedelta(0), timedelta(0))
    assert settings.model_path == Path.home() / "model"
    assert settings.log_level == "DEBUG"


def test_the_predecessors_names_are_understood_and_ours_come_first() -> None:
    old = {"DEFAULT_MCP_USER_ID": "old", "DEFAULT_MCP_NAMESPACE": "older"}
    assert read(**old).scope == Scope(namespace="older", user_id="old")
    assert read(**old, MCP_MEMORY_USER_ID="new").scope == Scope(namespace="older", user_id="new")


def test_an_empty_variable_is_no_variable() -> None:
    """A host's configuration often has the name with nothing in it."""
    names = ["REDIS_URL", "MCP_MEMORY_HOME", "MCP_MEMORY_USER_ID", "EMBEDDING_MODEL", "MCP_MEMORY_IDLE_SECONDS", "TZ"]
    assert read(**dict.fromkeys(names, "")) == read(**dict.fromkeys(names, "  ")) == read()


BAD = {
    "REDIS_URL": ["localhost:6379", "http://x", "redis", "REDIS://x"],
    "QUEUE_REDIS_URL": ["amqp://x"],
    "MCP_MEMORY_HOME": ["relative/folder", ".", "C:nothing"],
    "MCP_MEMORY_USER_ID": ["a" * 129, "a\x1fb"],
    "MCP_MEMORY_TIMEZONE": ["Mars/Olympus", "../../etc/passwd", "/etc/passwd", "UTC+x", "a\x00b"],
    "MCP_MEMORY_IDLE_SECONDS": ["0", "-1", "soon", "nan", "inf", "1e99", "1,5"],
    "MCP_MEMORY_QUERY_VECTOR_SECONDS": ["0", "x"],
    "EXTRACTION_DEBOUNCE_SECONDS": ["-0.1"],
    "MCP_MEMORY_MAX_ITEMS": ["0", "-5", "many", "1.5"],
    "MCP_MEMORY_MAX_MEMORY_CHARACTERS": ["0"],
    "LOG_LEVEL": ["loud"],
}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in BAD.items() for value in values])
def test_a_bad_value_is_refused_with_the_name_of_its_variable(name: str, value: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        read(**{name: value})
    error = str(caught.value)
    assert name in error or name.removeprefix("MCP_MEMORY_").lower() in error
    assert len(error) < 500


def test_a_bad_url_is_refused_without_its_password() -> None:
    with pytest.raises(InvalidInput) as caught:
        read(REDIS_URL="http://ada:s3cret@example.org")
    assert "s3cret" not in str(caught.value)


def test_every_limit_has_a_variable() -> None:
    given = {f"MCP_MEMORY_MAX_{name.upper()}": "7" for name in Limits.__dataclass_fields__}
    assert read(**given).limits == Limits(**dict.fromkeys(Limits.__dataclass_fields__, 7))


def test_a_secret_is_never_shown() -> None:
    settings = read(REDIS_URL="redis://ada:s3cret@example.org")
    assert settings.redis_url is not None
    shown = f"{settings} {settings!r} {settings.redis_url} {settings.redis_url!r} {[settings.redis_url]}"
    assert "s3cret" not in shown
    assert settings.redis_url.value.endswith("example.org")


def test_the_zone_of_the_machine_is_a_zone() -> None:
    assert datetime.now(read().timezone).utcoffset() is not None


def test_the_zone_is_ours_else_that_of_the_process_else_that_of_the_machine() -> None:
    assert read(TZ="Asia/Tokyo").timezone == ZoneInfo("Asia/Tokyo")
    assert read(TZ="Asia/Tokyo", MCP_MEMORY_TIMEZONE="Europe/Rome").timezone == ZoneInfo("Europe/Rome")


@pytest.mark.parametrize("zone", [":/etc/localtime", "EST5EDT,M3.2.0,M11.1.0", ":America/New_York", "nonsense"])
def test_a_zone_that_only_the_c_library_understands_stops_nobody(zone: str) -> None:
    """TZ is not ours: people set it to what POSIX allows."""
    assert read(TZ=zone).timezone is not None


def test_reading_settings_leaves_the_environment_alone() -> None:
    before = dict(os.environ)
    Settings.from_env()
    assert dict(os.environ) == before
