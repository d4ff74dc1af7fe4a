import os
import re
import signal
import socket
import stat
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import psutil
import pytest
import redis

from mcp_memory.embedded import Endpoint, Home, ensure, running, stop, stop_redis
from mcp_memory.embedded.process import wait_until
from mcp_memory.errors import Unavailable

from .support import (
    PATIENCE,
    client_of,
    command,
    joiners,
    kill,
    processes_of,
    run_id,
    server_of,
    start,
    wait_for_the_log,
)

# Each is a folder name that a path in a shell or in a configuration file would break on.
STRANGE_NAMES = [
    "with space",
    'it\'s "quoted" \\ # %d {}',
    "zwölf 日本",
    "two\nlines",
    "l" * 150,
    f"long '\" {'l' * 120}",
]


def test_sixteen_processes_at_once_share_one_redis(home: Home) -> None:
    with joiners("redis", home, 16) as join:
        assert len({*join()}) == 1
        assert server_of(home)


def test_threads_of_one_process_share_one_redis(home: Home) -> None:
    with ThreadPoolExecutor(8) as pool:
        assert len({*map(run_id, pool.map(start, [home] * 8))}) == 1
    assert server_of(home)


def test_redis_survives_the_killing_of_whoever_started_it_and_is_adopted(home: Home) -> None:
    with joiners("redis", home, 1) as join:
        first = join()
    # Leaving the block has killed the starter with SIGKILL.
    server = server_of(home)
    endpoint = running(home)
    assert endpoint is not None
    assert f"run_id:{run_id(endpoint)}" == first[0]
    assert endpoint == start(home)
    assert server == server_of(home)


def test_redis_answers_searches(home: Home) -> None:
    endpoint = start(home)
    command(endpoint, "FT.CREATE", "idx", "SCHEMA", "text", "TEXT")
    command(endpoint, "HSET", "memory", "text", "likes green tea")
    assert command(endpoint, "FT.SEARCH", "idx", "tea", "NOCONTENT") == [1, b"memory"]


def test_redis_has_the_settings_that_memories_need(home: Home) -> None:
    endpoint = start(home)
    expected = {
        "port": "0",
        "save": "",
        "appendonly": "yes",
        "appendfsync": "everysec",
        "maxmemory-policy": "noeviction",
        "enable-module-command": "no",
    }
    for name, value in expected.items():
        assert command(endpoint, "CONFIG", "GET", name) == [name.encode(), value.encode()]
    for name, value in {"TIMEOUT": b"5000", "ON_TIMEOUT": b"fail", "MAXDOCTABLESIZE": b"10000000"}.items():
        assert command(endpoint, "FT.CONFIG", "GET", name) == [[name.encode(), value]]


def test_killing_redis_loses_nothing_acknowledged_and_eight_processes_start_one_new_server(home: Home) -> None:
    endpoint = start(home)
    first = run_id(endpoint)
    for number in range(200):
        command(endpoint, "SET", f"key{number}", number)
    with closing(client_of(endpoint)) as client:
        wait_for_the_log(client)
    kill(server_of(home))
    assert home.socket.exists()  # a stale socket, as a killed server leaves it
    assert running(home) is None
    with joiners("redis", home, 8) as join:
        (second,) = {*join()}
    assert second != f"run_id:{first}"
    assert server_of(home)
    assert command(endpoint, "DBSIZE") == 200


@pytest.mark.parametrize("pause_s", [0.05, 0.12, 0.31])
def test_killing_redis_under_a_writer_loses_nothing_acknowledged(home: Home, pause_s: float) -> None:
    endpoint = start(home)
    acknowledged = 0

    def write() -> None:
        nonlocal acknowledged
        client: Any = redis.Redis(unix_socket_path=str(endpoint.socket), password=endpoint.password)
        with closing(client), suppress(redis.ConnectionError):
            while True:
                written = client.incr("counter")
                wait_for_the_log(client)
                acknowledged = written

    writer = threading.Thread(target=write)
    writer.start()
    assert wait_until(lambda: acknowledged > 0, timeout=PATIENCE)
    writer.join(pause_s)
    kill(server_of(home))
    writer.join()
    assert int(command(start(home), "GET", "counter")) >= acknowledged


@pytest.mark.parametrize("name", STRANGE_NAMES)
def test_a_home_may_have_any_name(make_home: Callable[[Path], Home], tmp_path: Path, name: str) -> None:
    home = make_home(tmp_path / name)
    command(start(home), "SET", "key", "value")
    kill(server_of(home))
    assert command(start(home), "GET", "key") == b"value"
    assert (home.root / "redis").is_dir()


@pytest.mark.parametrize("name", STRANGE_NAMES[:4])
def test_a_socket_may_be_in_a_folder_of_any_name(
    make_home: Callable[[Path], Home], short_folder: Path, name: str
) -> None:
    home = make_home(short_folder / name)
    assert home.socket.parent == home.root
    assert command(start(home), "PING")
    stop(home)


def test_a_stale_socket_is_replaced(home: Home) -> None:
    home.open_socket_folder()
    with socket.socket(socket.AF_UNIX) as forgotten:
        forgotten.bind(str(home.socket))
    assert command(start(home), "PING")


def test_two_homes_have_separate_servers_data_and_passwords(tmp_path: Path, make_home: Callable[[Path], Home]) -> None:
    one, two = start(make_home(tmp_path / "one")), start(make_home(tmp_path / "two"))
    assert one.socket != two.socket
    assert one.password != two.password
    assert run_id(one) != run_id(two)
    command(one, "SET", "key", "value")
    assert command(two, "GET", "key") is None


@pytest.mark.parametrize("password", ["", "wrong"])
def test_nobody_gets_in_without_the_password(home: Home, password: str) -> None:
    stranger = Endpoint(start(home).socket, password)
    with pytest.raises(redis.AuthenticationError):
        command(stranger, "PING")
    assert stranger.trouble() == "it refuses the password of this data folder"
    with pytest.raises(Unavailable, match="refuses"):
        stop_redis(stranger)
    assert running(home)


def test_nothing_in_the_home_can_be_read_by_others(home: Home) -> None:
    command(start(home), "SET", "key", "value")
    modes = {
        path.relative_to(home.root): path.lstat().st_mode
        for path in [*home.root.rglob("*"), home.socket]
        if path.is_relative_to(home.root)
    }
    assert len(modes) >= 9
    for name, found in modes.items():
        allowed = 0o700 if stat.S_ISDIR(found) or stat.S_ISSOCK(found) else 0o600
        assert stat.S_IMODE(found) == allowed, name
    assert stat.S_IMODE(home.socket.stat().st_mode) == 0o700


def test_the_password_is_in_no_text_about_the_endpoint(home: Home) -> None:
    endpoint = start(home)
    assert endpoint.password not in repr(endpoint)
    assert endpoint.password not in " ".join(server_of(home).cmdline())


def test_redis_gets_a_small_environment_of_its_own(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    monkeypatch.setenv("LANG", "xx_YY.UTF-8")  # Redis does not start under a locale that is not installed
    monkeypatch.setenv("LC_ALL", "xx_YY.UTF-8")
    start(home)
    assert server_of(home).environ().keys() <= {"PATH", "HOME", "TMPDIR", "TZ", "LD_LIBRARY_PATH", "PWD", "_"}


def test_a_process_that_comes_while_redis_is_ending_gets_a_new_one(home: Home) -> None:
    endpoint = start(home)
    seen = {run_id(endpoint)}
    for _ in range(10):
        stop_redis(endpoint)
        endpoint = start(home)
        seen.add(run_id(endpoint))
    assert len(seen) == 11


def test_whoever_comes_while_redis_loads_waits_and_is_told_why(home: Home) -> None:
    endpoint = start(home)
    command(endpoint, "EVAL", "for i = 1, 400000 do redis.call('SET', i, i) end", 0)
    kill(server_of(home))
    reports: list[str] = []
    impatient = timedelta()
    with pytest.raises(Unavailable, match="not ready in time"):
        ensure(home, timeout=impatient)
    assert command(ensure(home, timeout=PATIENCE, report=reports.append), "DBSIZE") == 400_000
    assert any(re.search(r"loading its data \(\d+ %\)", text) for text in reports), reports
    assert len([line for line in home.redis_log.read_text().splitlines() if line.startswith("---- ")]) == 2


def test_a_redis_that_hangs_is_an_error_in_time_that_names_the_log_and_the_way_out(home: Home) -> None:
    start(home)
    server = server_of(home)
    server.suspend()
    with pytest.raises(Unavailable, match=r"does not answer.*redis\.log.*mcp-memory stop"):
        ensure(home, timeout=timedelta(seconds=0.2))
    server.resume()
    assert start(home)
    assert server == server_of(home)


def test_a_redis_whose_socket_was_deleted_is_ended_by_stop_and_then_replaced(home: Home) -> None:
    command(start(home), "SET", "key", "value")
    home.socket.unlink()
    with pytest.raises(Unavailable, match="mcp-memory stop"):
        ensure(home, timeout=timedelta(seconds=0.2))
    assert stop(home, timeout=timedelta(seconds=5)).redis
    assert command(start(home), "GET", "key") == b"value"


def test_redis_hears_no_signal_meant_for_the_host(home: Home) -> None:
    start(home)
    server = server_of(home)
    assert os.getsid(server.pid) == server.pid != os.getsid(0)


def test_a_killed_redis_leaves_no_zombie_with_whoever_started_it(home: Home) -> None:
    start(home)
    server = server_of(home)
    server.send_signal(signal.SIGKILL)
    assert wait_until(lambda: not psutil.pid_exists(server.pid), timeout=PATIENCE)


def test_stop_keeps_the_data_and_leaves_no_process(home: Home) -> None:
    command(start(home), "SET", "key", "value")
    assert stop(home).redis
    assert processes_of(home) == []
    assert running(home) is None
    assert command(start(home), "GET", "key") == b"value"


def test_a_hanging_redis_is_killed_by_stop(home: Home) -> None:
    start(home)
    server_of(home).suspend()
    assert stop(home, timeout=timedelta(seconds=0.2)).redis
    assert wait_until(lambda: processes_of(home) == [], timeout=PATIENCE)


def test_a_large_log_is_put_aside_at_the_next_start(home: Home) -> None:
    home.redis_log.write_bytes(b"x" * 5_000_001)
    start(home)
    assert home.redis_log.stat().st_size < 100_000
    assert home.redis_log.with_name("redis.log.1").stat().st_size == 5_000_001
