"""The processes of a shop that is hurt: `etappe serve`, worker and Redis, kept up as a supervisor would."""

import contextlib
import os
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Literal, Self

import httpx
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from benchmarks.faults.processes import Process, descendants, ended, free_port, is_ours, send, words
from benchmarks.faults.traffic import new_http
from etappe.settings import Place
from etappe.store.server.connection import SyncRedis, blocking_client

PATIENCE: Final = 60.0
_SETTINGS: Final = "[store]\ntail_limit = 5\n[traffic]\nevents_per_minute = 100000\n"
Part = Literal["redis", "serve", "worker"]


class Shop:
    """A shop of its own in a new folder. `external` has a redis-server and a worker beside `etappe serve`."""

    def __init__(self, *, external: bool, stepped: bool = False, small_log: bool = False, workers: int = 2) -> None:
        self.home = Path(tempfile.mkdtemp(prefix="etappe-faults-"))
        self.data = self.home / "data"
        self.external = external
        self.place = Place(self.data, redis_url=f"unix://{self.home}/redis.sock" if external else None, auth=False)
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.http = new_http(self.url)
        self.processes: dict[Part, Process] = {}
        self.struck_at = 0.0
        self.fault: dict[Part, str] = {}
        """The kill point that the next process of a part gets."""
        self.clock = self.home / "clock" if stepped else None
        self._small_log = small_log
        self._workers = workers
        self._heirs: set[int] = set()
        self._lock = threading.RLock()
        self._left_alone: set[Part] = set()
        self._stop = threading.Event()
        self._keeper = threading.Thread(target=self._keep, daemon=True)

    @property
    def parts(self) -> list[Part]:
        """What the supervisor keeps up."""
        return ["redis", "worker", "serve"] if self.external else ["serve"]

    def __enter__(self) -> Self:
        self.data.mkdir()
        (self.data / "etappe.toml").write_text(_SETTINGS)
        if self.clock:
            self.step(0.0)
        if self._small_log:
            (self.data / "log").mkdir()
            subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", self.data / "log"], check=True)
        self._keeper.start()
        self.wait_until_ready()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._keeper.join()
        store = self.valkey()
        for part in ("serve", "worker", "redis"):
            if part in self.processes:
                self._heirs |= ended(self.processes[part])
        for pid in {store, *self._heirs} - {None}:
            if pid is not None and is_ours(pid, self.home):
                send(pid, signal.SIGKILL)
        if self._small_log:
            subprocess.run(["umount", "-l", self.data / "log"], check=False)
        shutil.rmtree(self.home, ignore_errors=True)

    def client(self) -> SyncRedis:
        """A connection that asks once."""
        if self.external:
            return redis.Redis(
                unix_socket_path=f"{self.home}/redis.sock", socket_timeout=5, retry=Retry(NoBackoff(), 0)
            )
        return blocking_client(self.place)

    def step(self, seconds: float) -> None:
        """Sets the clock of all processes off by `seconds`."""
        assert self.clock is not None
        with self.clock.open("r+b" if self.clock.exists() else "wb") as file:
            file.write(struct.pack("<d", seconds))

    def kill(self, pid: int) -> None:
        """SIGKILL for a process below this shop."""
        send(pid, signal.SIGKILL)

    def family(self, part: Part) -> list[int]:
        """A part's processes, itself first."""
        process = self.processes.get(part)
        return [process.pid, *descendants(process.pid)] if process and process.poll() is None else []

    def serving(self) -> list[int]:
        """The serving processes."""
        return [pid for pid in self.family("serve")[1:] if "serve" in words(pid)]

    def worker(self) -> int | None:
        """The event worker, if it lives."""
        if self.external:
            return next(iter(self.family("worker")), None)
        return next((pid for pid in self.family("serve")[1:] if words(pid)[-1:] == ["worker"]), None)

    def valkey(self) -> int | None:
        """The process of Redis or of the embedded server."""
        if self.external:
            return next(iter(self.family("redis")), None)
        with contextlib.suppress(OSError, ValueError):
            pid = int((self.data / "valkey" / "valkey.pid").read_text())
            return pid if is_ours(pid, self.home) else None
        return None

    def restart(self, part: Part, fault: str | None = None) -> None:
        """SIGKILL for a part and all below it; the supervisor starts it again, with a kill point if one is given."""
        with self._lock:
            if fault:
                self.fault[part] = fault
            pids = self.family(part)
            for pid in pids:
                self.kill(pid)
            deadline = time.monotonic() + 5
            while any(words(pid) for pid in pids) and time.monotonic() < deadline:
                time.sleep(0.005)

    def command(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Runs a command on this shop to its end."""
        return subprocess.run(
            [sys.executable, "-m", "etappe", *arguments],
            env=self._environment("worker"),
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )

    @contextlib.contextmanager
    def unattended(self) -> Iterator[None]:
        """Inside the block nothing that dies is started again."""
        with self._lock:
            yield

    @contextlib.contextmanager
    def without(self, part: Part) -> Iterator[None]:
        """Kills a part, and leaves it dead inside the block."""
        with self._lock:
            self._left_alone.add(part)
        self.restart(part)
        try:
            yield
        finally:
            with self._lock:
                self._left_alone.discard(part)

    def wait_until_ready(self) -> None:
        """Returns when the API says that it is ready, and a worker lives."""
        deadline = time.monotonic() + PATIENCE
        while not (self.worker() and self._ready()):
            if time.monotonic() > deadline:
                raise TimeoutError(f"not ready within {PATIENCE:.0f} s: {self.said()}")
            time.sleep(0.05)

    def said(self) -> str:
        """The last that its processes wrote."""
        return " / ".join(
            f"{path.name}: {path.read_text(errors='replace')[-1500:]}" for path in sorted(self.home.glob("*.err"))
        )

    def _ready(self) -> bool:
        try:
            return self.http.get("/readyz").status_code == 200
        except httpx.TransportError:
            return False

    def _keep(self) -> None:
        while not self._stop.wait(0.03):
            with self._lock:
                for part in self.parts:
                    process = self.processes.get(part)
                    ended_by_now = process is None or process.poll() is not None
                    if ended_by_now and part not in self._left_alone:
                        self._start(part)
                self._heirs |= set(self.family("serve"))

    def _start(self, part: Part) -> None:
        if part == "serve" and any(is_ours(pid, self.home) and "serve" in words(pid) for pid in self._heirs):
            return  # what a killed one left behind still listens
        if part != "redis" and self.external and not Path(f"{self.home}/redis.sock").exists():
            return
        with (self.home / f"{part}.err").open("ab") as err:
            command, folder = self._command(part), self.home
            self.processes[part] = subprocess.Popen(
                command, env=self._environment(part), cwd=folder, stdout=err, stderr=err, start_new_session=True
            )

    def _command(self, part: Part) -> list[str]:
        if part == "redis":
            options = ["--port", "0", "--unixsocket", f"{self.home}/redis.sock", "--dir", str(self.home), "--save", ""]
            return ["redis-server", *options, "--appendonly", "yes", "--appendfsync", "always"]
        serve = ["serve", "--port", str(self.port), "--workers", str(self._workers)]
        return [sys.executable, "-m", "etappe", *(serve if part == "serve" else ["worker"])]

    def _environment(self, part: Part) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("ETAPPE_", "PROMETHEUS_"))}
        named = kept | {"ETAPPE_DATA": str(self.data), "ETAPPE_AUTH": "off", "PYTHONWARNINGS": "default"}
        if self.place.redis_url:
            named["ETAPPE_REDIS"] = self.place.redis_url
        if self.clock:
            paths = [str(Path(__file__).parent / "clock"), os.environ.get("PYTHONPATH", "")]
            named |= {"FAULTS_CLOCK": str(self.clock), "PYTHONPATH": ":".join(filter(None, paths))}
        fault = self.fault.pop(part, None)
        return named | ({"ETAPPE_FAULT": fault} if fault else {})
