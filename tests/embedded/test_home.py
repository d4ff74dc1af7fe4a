import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from mcp_memory.embedded import Home
from mcp_memory.embedded.home import make_private_folder
from mcp_memory.errors import Unavailable


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_new_home_is_for_its_owner_alone(tmp_path: Path) -> None:
    assert mode(Home.at(tmp_path / "a" / "b").root) == 0o700


def test_an_empty_folder_becomes_private_when_it_becomes_a_home(tmp_path: Path) -> None:
    folder = tmp_path / "empty"
    folder.mkdir(mode=0o755)
    assert mode(Home.at(folder).root) == 0o700


def test_a_folder_that_others_may_write_to_is_refused_and_left_alone_if_it_holds_other_things(tmp_path: Path) -> None:
    folder = tmp_path / "shared"
    folder.mkdir()
    folder.chmod(0o777)
    (folder / "letter.txt").touch()
    with pytest.raises(Unavailable, match=r"others may write to it.*MCP_MEMORY_HOME"):
        Home.at(folder)
    assert mode(folder) == 0o777


def test_a_file_in_the_place_of_the_home_is_an_error_that_names_the_setting(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Unavailable, match="MCP_MEMORY_HOME"):
        Home.at(tmp_path / "file")


def test_a_link_and_its_target_are_one_home(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "target")
    assert Home.at(tmp_path / "link") == Home.at(tmp_path / "target")


def test_the_socket_is_in_a_home_whose_path_is_short(short_folder: Path) -> None:
    assert Home.at(short_folder).socket == short_folder.resolve() / "redis.sock"


def test_homes_with_long_paths_have_short_sockets_of_their_own(short_folder: Path) -> None:
    # The last is short in characters and long in bytes, which are what counts.
    sockets = [Home.at(short_folder / name).socket for name in ("x" * 120, "y" * 120, "é" * 60)]
    assert len({*sockets}) == 3
    assert all(len(os.fsencode(socket)) <= 100 and socket.parent.parent == Path("/tmp") for socket in sockets)


def test_a_socket_folder_that_others_can_enter_is_not_trusted(tmp_path: Path) -> None:
    folder = tmp_path / "sockets"
    make_private_folder(folder)
    make_private_folder(folder)
    folder.chmod(0o755)
    with pytest.raises(Unavailable, match="only you"):
        make_private_folder(folder)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_a_socket_folder_of_somebody_else_is_not_trusted(tmp_path: Path) -> None:
    folder = tmp_path / "sockets"
    make_private_folder(folder)
    os.chown(folder, 12345, 12345)
    with pytest.raises(Unavailable, match="only you"):
        make_private_folder(folder)


def test_a_link_is_not_trusted_as_a_socket_folder(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir(mode=0o700)
    (tmp_path / "link").symlink_to(tmp_path / "mine")
    with pytest.raises(Unavailable, match="only you"):
        make_private_folder(tmp_path / "link")


def test_all_who_ask_for_the_secret_at_once_get_the_same_one(tmp_path: Path) -> None:
    for number in range(20):
        home = Home.at(tmp_path / str(number))
        with ThreadPoolExecutor(8) as pool:
            secrets = {*pool.map(Home.secret, [home] * 8)}
        assert secrets == {home.secret_file.read_text()}
        assert [file.name for file in home.root.iterdir()] == ["secret"]
        assert mode(home.secret_file) == 0o600


def test_two_homes_have_two_secrets(tmp_path: Path) -> None:
    assert Home.at(tmp_path / "a").secret() != Home.at(tmp_path / "b").secret()


def test_a_damaged_secret_is_an_error_and_never_an_open_server(tmp_path: Path) -> None:
    home = Home.at(tmp_path / "home")
    home.secret_file.touch()
    with pytest.raises(Unavailable, match="damaged"):
        home.secret()
