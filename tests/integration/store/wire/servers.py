"""Servers of redis with options of a test's own, on a port of this machine and on a socket beside it."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

FreePort = Callable[[], int]
_SECONDS: Final = 20.0


@contextmanager
def started(folder: Path, port: int, *options: str) -> Iterator[Path]:
    """A redis-server on loopback at `port`, and the path of its socket; skips (fails in CI) where there is none."""
    binary = shutil.which("redis-server")
    if binary is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("no redis-server on PATH")
    folder.mkdir()
    path = folder / "s"
    command = [binary, "--bind", "127.0.0.1", "--port", str(port), "--unixsocket", str(path), "--dir", str(folder)]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([*command, "--save", "", *options], stdin=subprocess.DEVNULL, stdout=log)
    try:
        deadline = time.monotonic() + _SECONDS
        while not _listens(path):
            if process.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"redis-server did not start: {(folder / 'log').read_text()[-500:]}")
            time.sleep(0.005)
        yield path
    finally:
        process.kill()
        process.wait()
        shutil.rmtree(folder)


def _listens(path: Path) -> bool:
    """Whether it has loaded its files; that it wants a password is an answer, too."""
    with socket.socket(socket.AF_UNIX) as trial:
        try:
            trial.connect(str(path))
            trial.sendall(b"PING\r\n")
            return trial.recv(100).startswith((b"+PONG", b"-NOAUTH"))
        except OSError:
            return False
