"""CPU time of the processes of one `etappe serve`, as Linux counts it: steadier than rates on a shared machine."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec
import redis

_TICKS: Final = os.sysconf("SC_CLK_TCK")
_PROC: Final = Path("/proc")


class Cpu(msgspec.Struct, frozen=True):
    """Seconds of CPU so far: of serving processes, of Redis, of the event worker."""

    serving: float = 0.0
    redis: float = 0.0
    worker: float = 0.0

    def since(self, before: "Cpu") -> "Cpu":
        """What was used between two readings."""
        return Cpu(self.serving - before.serving, self.redis - before.redis, self.worker - before.worker)


def read(socket: Path) -> Cpu:
    """The CPU of the servers that this process has started, and of the Redis behind `socket`."""
    serving = worker = 0.0
    for process in _descendants(os.getpid()):
        command, seconds = _command(process), _seconds(process)
        if "etappe" in command and "worker" in command:
            worker += seconds
        else:
            serving += seconds
    return Cpu(serving, redis_seconds(socket), worker)


def redis_seconds(socket: Path) -> float:
    """The CPU that the server behind `socket` has used."""
    with redis.Redis(unix_socket_path=str(socket)) as client:
        info: dict[str, Any] = client.info("cpu")
    return float(info["used_cpu_user"]) + float(info["used_cpu_sys"])


def _descendants(process: int) -> Iterator[int]:
    children: dict[int, list[int]] = {}
    for folder in _PROC.glob("[0-9]*"):
        fields = _stat(int(folder.name))
        if fields:
            children.setdefault(int(fields[1]), []).append(int(folder.name))
    waiting = list(children.get(process, []))
    while waiting:
        one = waiting.pop()
        yield one
        waiting += children.get(one, [])


def _seconds(process: int) -> float:
    fields = _stat(process)
    return (int(fields[11]) + int(fields[12])) / _TICKS if fields else 0.0


def _stat(process: int) -> list[str]:
    """The fields behind the name, from the state on; none where the process has ended."""
    try:
        return (_PROC / str(process) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def _command(process: int) -> list[str]:
    try:
        return (_PROC / str(process) / "cmdline").read_text().split("\0")
    except OSError:
        return []
