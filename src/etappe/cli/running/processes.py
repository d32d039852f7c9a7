"""Serving processes: started, started again where one dies, and ended in a bounded time."""

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from types import FrameType
from typing import Final

from etappe.cli import show
from etappe.errors import EtappeError
from etappe.store.server.embedded import started

STOP_SECONDS: Final = 10
"""A serving process that has not ended so long after it was asked to is killed."""
SAFE_PATH: Final = ("-P",)
"""By this Python takes no module from the folder that a command is run in: a data folder may hold an `http.py`."""
_LOOK_SECONDS: Final = 0.2
_LOOP_SECONDS: Final = 5.5
"""A process that was started again and dies within this time would go on dying."""


class Processes:
    """Some serving processes of one address."""

    def __init__(self, host: str, port: int, count: int, environment: Mapping[str, str]) -> None:
        self._command = _command(host, port)
        self._environment = dict(environment)
        self._again: dict[int, float] = {}
        self._stopping = threading.Event()
        self._running = [self._started() for _ in range(count)]

    def keep(self) -> None:
        """Keeps them up until this process is asked to end (SIGTERM, SIGINT).

        Raises:
            EtappeError: one of them dies again and again.
        """
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._asked)
        while not self._stopping.wait(_LOOK_SECONDS):
            for index, process in enumerate(self._running):
                if process.poll() is not None:
                    self._start_again(index, process)

    def stop(self) -> None:
        """Ends them: what they work on is answered first, for as long as the grace lasts."""
        for process in self._running:
            process.terminate()
        until = time.monotonic() + STOP_SECONDS
        for process in self._running:
            try:
                process.wait(max(until - time.monotonic(), 0.0))
            except subprocess.TimeoutExpired:
                show.complain(f"serving process {process.pid} does not end; killing it")
                process.kill()
                process.wait()

    def _asked(self, _signal: int, _frame: FrameType | None) -> None:
        self._stopping.set()

    def _start_again(self, index: int, process: "subprocess.Popen[bytes]") -> None:
        now = time.monotonic()
        if now - self._again.get(index, -_LOOP_SECONDS) < _LOOP_SECONDS:
            raise EtappeError("a serving process dies again and again; its last lines above say why")
        show.complain(f"serving process {process.pid} has ended ({process.returncode}); starting another")
        self._running[index] = self._started()
        self._again[index] = now

    def _started(self) -> "subprocess.Popen[bytes]":
        return started(self._command, env=self._environment, start_new_session=True)


def _command(host: str, port: int) -> list[str]:
    return [sys.executable, *SAFE_PATH, "-m", "etappe.wiring.serving", "serve", host, str(port)]
