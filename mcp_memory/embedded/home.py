"""One data folder ("home"): where everything of one embedded store lies, and who may look at it."""

import hashlib
import os
import secrets
import stat
from dataclasses import dataclass
from pathlib import Path

from mcp_memory.errors import Unavailable

__all__ = ["Home"]

# sockaddr_un holds 103 bytes on macOS and 107 on Linux, the end mark aside; a longer path cannot be bound.
MAX_SOCKET_PATH_BYTES = 100
SECRET_CHARACTERS = 64


@dataclass(frozen=True, slots=True)
class Home:
    """A data folder and the path of every part of it. `Home.at` makes one; the parts appear when they are needed."""

    root: Path

    @classmethod
    def at(cls, folder: Path) -> "Home":
        """The home in `folder`, created with mode 0700 if it is not there.

        Symbolic links are resolved, so that two names of one folder are one home.

        Raises:
            Unavailable: the folder cannot be used, belongs to somebody else, or others may write to it.
        """
        try:
            home = cls(folder.expanduser().resolve())
            home.root.mkdir(mode=0o700, parents=True, exist_ok=True)
            home._keep_private()
        except (OSError, RuntimeError) as error:  # RuntimeError: `~somebody` who does not exist
            raise _unusable(folder, getattr(error, "strerror", None) or str(error)) from error
        return home

    @property
    def redis_lock(self) -> Path:
        """Locked exactly as long as this home's Redis lives; holds its process id."""
        return self.root / "redis.lock"

    @property
    def redis_conf(self) -> Path:
        """Written anew at each start of Redis; holds the password."""
        return self.root / "redis.conf"

    @property
    def redis_log(self) -> Path:
        """What Redis says; the file before it is kept as `redis.log.1`."""
        return self.root / "redis.log"

    @property
    def redis_data(self) -> Path:
        """Redis's own folder; its append-only files are in `appendonlydir` below it."""
        return self.root / "redis"

    @property
    def append_only_files(self) -> Path:
        """The folder of the append-only files and their manifest: all the data there is."""
        return self.redis_data / "appendonlydir"

    @property
    def worker_lock(self) -> Path:
        """Locked exactly as long as this home's worker lives; holds its process id."""
        return self.root / "worker.lock"

    @property
    def worker_log(self) -> Path:
        """What the worker says; the file before it is kept as `worker.log.1`."""
        return self.root / "worker.log"

    @property
    def secret_file(self) -> Path:
        """The password of this home's Redis."""
        return self.root / "secret"

    @property
    def format(self) -> Path:
        """Which versions wrote the data, as a JSON object."""
        return self.root / "format"

    @property
    def models(self) -> Path:
        """The model settings of this store."""
        return self.root / "models.json"

    @property
    def modules(self) -> Path:
        """Runnable copies of binaries that were installed without their x bit; mostly absent."""
        return self.root / "modules"

    @property
    def backups(self) -> Path:
        """Copies of the data from before an upgrade or a repair."""
        return self.root / "backups"

    @property
    def socket(self) -> Path:
        """Where Redis listens: in the home, or under /tmp when the home's path is too long for a socket."""
        inside = self.root / "redis.sock"
        if len(os.fsencode(inside)) <= MAX_SOCKET_PATH_BYTES:
            return inside
        name = hashlib.blake2b(os.fsencode(self.root), digest_size=10).hexdigest()
        # Not $TMPDIR: on macOS it is long itself, and hosts start us with different ones.
        return Path(f"/tmp/mcp-memory-{_me()}") / f"{name}.sock"

    def open_socket_folder(self) -> None:
        """Make sure that nobody else can have put a socket where ours belongs; needed before binding or connecting.

        Raises:
            Unavailable: a stranger holds the folder under /tmp.
        """
        if self.socket.parent != self.root:
            make_private_folder(self.socket.parent)

    def known_secret(self) -> str | None:
        """The password, 64 hexadecimal characters; None if there never was one.

        Raises:
            Unavailable: the file does not hold what was written to it.
        """
        try:
            secret = self.secret_file.read_text("ascii", errors="replace")
        except FileNotFoundError:
            return None
        if len(secret) != SECRET_CHARACTERS or not secret.isalnum():
            raise Unavailable(f"{self.secret_file} is damaged; run `mcp-memory stop`, then delete that file")
        return secret

    def secret(self) -> str:
        """The password, made on first need; whoever asks at the same time gets the same one.

        Raises:
            Unavailable: the file does not hold what was written to it.
        """
        known = self.known_secret()
        if known is not None:
            return known
        secret = secrets.token_hex(SECRET_CHARACTERS // 2)
        draft = self.root / f"secret.{os.getpid()}.{secrets.token_hex(4)}"
        write_private(draft, secret.encode())
        try:
            # link(2) fails if the name is taken and never shows half a file, so the first of many wins whole.
            os.link(draft, self.secret_file)
        except FileExistsError:
            return self.known_secret() or self.secret()
        finally:
            draft.unlink()
        return secret

    def _keep_private(self) -> None:
        if _me() is None:  # a user's folders are the user's
            return
        found = self.root.stat()
        if _me() not in (0, found.st_uid):
            raise _unusable(self.root, "it belongs to somebody else")
        if not found.st_mode & 0o077:
            return
        if self.secret_file.exists() or not any(self.root.iterdir()):
            self.root.chmod(0o700)
        elif found.st_mode & 0o022:  # it holds other things, too, so it is not for us to close it
            raise _unusable(self.root, "others may write to it, and it holds other files")


def _unusable(folder: Path, reason: str) -> Unavailable:
    return Unavailable(f"data folder {folder}: {reason}; set MCP_MEMORY_HOME to a folder of your own")


def _me() -> int | None:
    return os.geteuid() if hasattr(os, "geteuid") else None  # None: Windows


def make_private_folder(folder: Path) -> None:
    """Create a folder that only we can enter, in a place where anybody may create folders.

    Raises:
        Unavailable: somebody was there first.
    """
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()  # not stat: a link leads wherever its owner wants, later too
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != _me() or found.st_mode & 0o077:
        raise Unavailable(
            f"{folder} is not a folder that only you can enter, so no socket in it can be trusted; "
            "remove it, or set MCP_MEMORY_HOME to a shorter path"
        )


def write_private(path: Path, content: bytes) -> None:
    """Put `content` into a file with mode 0600 that is on the disk when this returns."""
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
