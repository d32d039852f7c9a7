"""A simulated shop in a data folder, and real server processes that serve it."""

import contextlib
import io
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import httpx
import polars as pl
import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from tests.workers import ports

from etappe.cli import main
from etappe.log import Log
from etappe.store.server.embedded import EmbeddedServer

PATIENCE = 120
"""Seconds after which something that should have come is given up."""
POLL = 0.02
_ports = ports()

Body = dict[str, Any]


@dataclass(frozen=True)
class Ran:
    """A command that ended."""

    code: int
    out: str
    err: str


def etappe(data: Path, *arguments: str, env: dict[str, str] | None = None, cwd: Path | None = None) -> Ran:
    """Runs a command of Etappe to its end."""
    done = subprocess.run(
        [sys.executable, "-m", "etappe", *arguments],
        env=_environment(data) | (env or {}),
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    return Ran(done.returncode, done.stdout, done.stderr)


def inside(data: Path, *arguments: str, env: dict[str, str] | None = None) -> Ran:
    """As `etappe`, in this process and so in a fraction of the time. An error that is not told in words is raised."""
    out, err = io.StringIO(), io.StringIO()
    argv, before = sys.argv, dict(os.environ)
    try:
        sys.argv = ["etappe", *arguments]
        os.environ.clear()
        os.environ.update(_environment(data) | (env or {}))
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), pytest.raises(SystemExit) as ended:
            main()
    finally:
        sys.argv = argv
        os.environ.clear()
        os.environ.update(before)
    return Ran(int(ended.value.code or 0), out.getvalue(), err.getvalue())


def must(data: Path, *arguments: str) -> str:
    """Runs a command that has to succeed; what it printed."""
    ran = etappe(data, *arguments)
    assert ran.code == 0, ran.err
    return ran.out


def new_key(data: Path, kind: str) -> str:
    """A fresh key of a kind."""
    return must(data, "keys", "create", "--kind", kind).strip()


def redis_of(data: Path) -> redis.Redis:
    """A connection to the embedded server of a data folder."""
    return redis.Redis(unix_socket_path=str(EmbeddedServer(data).socket))


def logged(data: Path, table: str) -> pl.DataFrame:
    """All rows of a table of the log."""
    return Log(data / "log").scan(table).collect()


def free_port() -> int:
    """A port nobody listens on just now, and no other process of these tests will."""
    for port in _ports:
        with socket.socket() as trial, contextlib.suppress(OSError):
            trial.bind(("127.0.0.1", port))
            return port
    raise AssertionError


class Waiting:
    """Polls until patience ends."""

    def __init__(self) -> None:
        self._until = time.monotonic() + PATIENCE

    def __call__(self, still: bool) -> bool:
        """Whether to look again, after a short sleep."""
        if not still:
            return False
        assert time.monotonic() < self._until, "waited in vain"
        time.sleep(POLL)
        return True


class Server:
    """One `etappe serve`, with what it wrote and the processes below it."""

    def __init__(self, data: Path, *, workers: int = 1, env: dict[str, str] | None = None) -> None:
        self.data = data
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._err_path = data.with_name(f"{data.name}-{self.port}.err")
        command = [sys.executable, "-m", "etappe", "serve", "--port", str(self.port), "--workers", str(workers)]
        with self._err_path.open("wb") as err:
            self.process = subprocess.Popen(
                command, env=_environment(data) | (env or {}), stdout=err, stderr=err, start_new_session=True
            )
        self._family: set[int] = set()

    def __enter__(self) -> Self:
        """Waits until it is ready."""
        try:
            self.wait_until_ready()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """Stops it, and whatever it left behind."""
        self._family |= self.family()
        if self.process.poll() is None:
            self.process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(PATIENCE)
        for pid in {self.process.pid, *self._family}:
            _kill_if_ours(pid, self.data)
        self.process.wait()

    @property
    def said(self) -> str:
        """What it wrote so far, to stdout and stderr."""
        return self._err_path.read_text()

    def wait_until_ready(self) -> None:
        """Returns when it says that it is ready."""
        waiting = Waiting()
        while waiting(self._unready()):
            assert self.process.poll() is None, self.said

    def stop(self) -> int:
        """Asks it to stop, and returns its exit code."""
        self._family |= self.family()
        self.process.terminate()
        return self.process.wait(PATIENCE)

    def kill(self) -> None:
        """Kills it and all serving processes and workers below it, as a power cut would."""
        for pid in [self.process.pid, *sorted(self.family())]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()

    def family(self) -> set[int]:
        """The processes below it: serving processes, the worker, the embedded server."""
        return set(_descendants(self.process.pid))

    def serving(self) -> list[int]:
        """The serving processes."""
        return sorted(pid for pid in self.family() if "serve" in command_line(pid))

    def worker(self) -> int:
        """The worker."""
        return next(pid for pid in self.family() if command_line(pid)[-1:] == ["worker"])

    def client(self, key: str | None, **options: Any) -> httpx.Client:
        """A client with a key."""
        headers = {"authorization": f"Bearer {key}"} if key else {}
        return httpx.Client(base_url=self.url, headers=headers, timeout=PATIENCE, trust_env=False, **options)

    def _unready(self) -> bool:
        try:
            return httpx.get(f"{self.url}/readyz", timeout=PATIENCE, trust_env=False).status_code != 200
        except httpx.TransportError:
            return True


def command_line(pid: int) -> list[str]:
    """The arguments of a process; none where it is gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().split("\0")[:-1]
    except (FileNotFoundError, ProcessLookupError):
        return []


def valkey_of(data: Path) -> int:
    """The process id of the embedded server."""
    info: Any = redis_of(data).info("server")
    return int(info["process_id"])


def stop_store(data: Path) -> None:
    """Stops the embedded server of a data folder where a test's killing left it behind."""
    socket_path = EmbeddedServer(data).socket
    if socket_path.exists():
        client = redis.Redis(unix_socket_path=str(socket_path), retry=Retry(NoBackoff(), 0))
        with contextlib.suppress(redis.ConnectionError):
            client.shutdown(nosave=True)
        client.close()


def decided(client: httpx.Client, user: str | None = None, *, limit: int = 10, **more: Any) -> Body:
    """One placement's decision, which has to be made."""
    body: Body = {"placements": [{"name": "p", "limit": limit}], **more}
    if user is not None:
        body["customer"] = {"user_id": user}
    answer = client.post("/v1/decide", json=body)
    assert answer.status_code == 200, answer.text
    found: Body = answer.json()
    return found


def items_of(answer: Body, placement: str = "p") -> list[Body]:
    """The items of a placement."""
    found: list[Body] = answer["placements"][placement]["items"]
    return found


def ids_of(answer: Body, placement: str = "p") -> list[str]:
    """The ids of the items of a placement."""
    return [item["id"] for item in items_of(answer, placement)]


def accept(client: httpx.Client, *events: Body) -> None:
    """Sends events which all have to be accepted."""
    answer = client.post("/v1/events", json={"events": list(events)})
    assert answer.status_code == 202, answer.text
    assert answer.json() == {"accepted": len(events), "duplicate": 0, "rejected": []}


def put(client: httpx.Client, *items: Body) -> None:
    """Puts items, which has to succeed."""
    answer = client.put("/v1/items", json={"items": list(items)})
    assert answer.status_code == 200, answer.text


def _environment(data: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ETAPPE_", "PROMETHEUS_"))}
    return kept | {"ETAPPE_DATA": str(data), "PYTHONWARNINGS": "default"}


def _descendants(pid: int) -> Iterator[int]:
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                yield int(child)
                yield from _descendants(int(child))


def _kill_if_ours(pid: int, data: Path) -> None:
    """Kills what a failed test left behind; a process id that someone else has by now is left alone."""
    try:
        environment = Path(f"/proc/{pid}/environ").read_text()
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return
    if f"ETAPPE_DATA={data}\0" in environment and "valkey-server" not in command_line(pid)[0:1]:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
