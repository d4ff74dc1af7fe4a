import json
import signal
import subprocess
import sys
import threading
from datetime import timedelta
from pathlib import Path

import psutil
import pytest

from mcp_memory.embedded import Home, Stopped, ensure_worker, stop, stop_worker, worker_running
from mcp_memory.embedded.process import Background, Child, wait_until
from mcp_memory.errors import Unavailable

from .support import IDLE, PATIENCE, joiners, kill, processes_of, start

SHORT = timedelta(seconds=0.3)


def worker_of(home: Home) -> psutil.Process:
    assert wait_until(lambda: home.worker_lock.read_text() != "", timeout=PATIENCE)
    (worker,) = processes_of(home)
    assert worker.pid == int(home.worker_lock.read_text())
    return worker


def test_of_eight_processes_at_once_one_starts_the_worker(home: Home) -> None:
    with joiners("worker", home, 8) as join:
        assert sorted(join()) == [False] * 7 + [True]
        worker_of(home)


def test_the_worker_survives_the_killing_of_whoever_started_it(home: Home) -> None:
    with joiners("worker", home, 1) as join:
        assert join() == [True]
    assert worker_running(home)
    assert not ensure_worker(home, argv=IDLE)


def test_a_killed_worker_is_replaced_by_whoever_comes_next_and_leaves_no_zombie(home: Home) -> None:
    assert ensure_worker(home, argv=IDLE)
    worker = worker_of(home)
    worker.send_signal(signal.SIGKILL)
    assert wait_until(lambda: not psutil.pid_exists(worker.pid), timeout=PATIENCE)
    assert not worker_running(home)
    assert ensure_worker(home, argv=IDLE)
    assert worker_of(home) != worker


def test_looking_at_the_lock_never_keeps_anybody_from_starting(home: Home) -> None:
    done = threading.Event()

    def look() -> None:
        while not done.is_set():
            worker_running(home)

    lookers = [threading.Thread(target=look) for _ in range(3)]
    for looker in lookers:
        looker.start()
    try:
        for _ in range(15):
            assert ensure_worker(home, argv=["/bin/sleep", "600"])
            assert stop_worker(home, timeout=PATIENCE)
    finally:
        done.set()
        for looker in lookers:
            looker.join()


def test_the_worker_is_python_with_our_settings_and_nothing_in_its_folder_can_pose_as_a_module(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = tmp_path / "src" / "worker"
    module.mkdir(parents=True)
    (module / "__init__.py").touch()
    (module / "__main__.py").write_text(
        "import json, os, sys, time, pathlib\n"
        "told = pathlib.Path('told.json')\n"
        "told.with_suffix('.new').write_text(json.dumps([sys.argv[1:], os.getcwd(), dict(os.environ)]))\n"
        "told.with_suffix('.new').rename(told)\n"
        "time.sleep(600)\n"
    )
    for name in ("worker.py", "json.py"):
        (home.root / name).write_text("raise SystemExit('an impostor')")
    monkeypatch.setenv("PYTHONPATH", str(module.parent))
    monkeypatch.setenv("PYTHONSTARTUP", "/tmp/mine.py")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-needed")
    assert ensure_worker(home)
    assert wait_until((home.root / "told.json").exists, timeout=PATIENCE), home.worker_log.read_text()
    arguments, folder, environment = json.loads((home.root / "told.json").read_text())
    assert arguments == ["--home", str(home.root)]
    assert folder == str(home.root)
    assert environment["MCP_MEMORY_HOME"] == str(home.root)
    assert environment["OPENAI_API_KEY"] == "sk-needed"
    assert "PYTHONSTARTUP" not in environment


def test_what_the_worker_prints_is_in_its_log(home: Home) -> None:
    ensure_worker(home, argv=[sys.executable, "-c", "import sys; print('out'); print('err', file=sys.stderr)"])
    assert wait_until(lambda: not worker_running(home), timeout=PATIENCE)
    assert {"out", "err"} < {*home.worker_log.read_text().splitlines()}
    assert home.worker_log.stat().st_mode & 0o777 == 0o600


def test_what_a_process_has_said_is_told_apart_from_what_others_say_in_the_same_log(home: Home) -> None:
    background = Background(home.worker_lock, home.worker_log)

    def say(word: str) -> Child:
        child = background.start(lambda: ["/bin/echo", word], cwd=home.root, env={})
        assert child is not None
        assert wait_until(lambda: child.exit_code() == 0 and not background.running(), timeout=PATIENCE)
        return child

    _, mine, _ = (say(word) for word in ("before", "mine", "after"))
    assert mine.words() == ["mine"]


def test_stop_ends_worker_and_redis_and_no_process_remains(home: Home) -> None:
    start(home)
    ensure_worker(home, argv=IDLE)
    assert len(processes_of(home)) == 2
    assert stop(home) == Stopped(worker=True, redis=True)
    assert wait_until(lambda: processes_of(home) == [], timeout=PATIENCE)
    assert stop(home) == Stopped(worker=False, redis=False)


def test_a_worker_that_ignores_the_request_to_end_is_killed(home: Home) -> None:
    deaf = "import signal, time; signal.signal(15, signal.SIG_IGN); open('deaf', 'w').close(); time.sleep(600)"
    ensure_worker(home, argv=[sys.executable, "-c", deaf])
    assert wait_until((home.root / "deaf").exists, timeout=PATIENCE)
    assert stop_worker(home, timeout=SHORT)
    assert not worker_running(home)


def test_children_that_outlive_a_killed_process_are_ended_with_it(home: Home) -> None:
    # As the child that Redis forks to rewrite its file: it has the lock, too, and the process with the id is gone.
    ensure_worker(home, argv=["/bin/sh", "-c", "sleep 600 & exec sleep 601"])
    assert wait_until(lambda: len(processes_of(home)) == 2, timeout=PATIENCE)
    kill(psutil.Process(int(home.worker_lock.read_text())))
    assert worker_running(home)
    assert stop_worker(home, timeout=PATIENCE)
    assert wait_until(lambda: processes_of(home) == [], timeout=PATIENCE)


def test_the_id_of_an_earlier_process_is_never_believed(home: Home) -> None:
    with subprocess.Popen(["/bin/sleep", "600"], start_new_session=True) as bystander:
        home.worker_lock.write_text(f"{bystander.pid}\n")
        assert not worker_running(home)
        assert not stop_worker(home, timeout=SHORT)
        with Background(home.worker_lock, home.worker_log).claimed():  # as a starter before it comes to the start
            assert worker_running(home)
            with pytest.raises(Unavailable, match="about to start"):
                stop_worker(home, timeout=SHORT)
        assert bystander.poll() is None
        bystander.kill()


def test_a_program_that_is_not_there_is_told_in_the_log(home: Home) -> None:
    ensure_worker(home, argv=["/nowhere/python"])
    assert wait_until(lambda: not worker_running(home), timeout=PATIENCE)
    assert "/nowhere/python" in home.worker_log.read_text()
