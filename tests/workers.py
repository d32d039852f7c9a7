"""Tests in several processes: what each of them gets of the machine, and what they share."""

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from itertools import cycle
from pathlib import Path
from typing import Final

import pytest

ONE_THREAD: Final = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "POLARS_MAX_THREADS")
"""Pools that start as many threads as there are cores; with a process for each core they would fight for them."""
LONG: Final = "TESTS_LONG"
"""Set to 1 by `make test-long`."""
_FIRST_PORT: Final = 20_000
_PORTS: Final = 1_000
_SHARES: Final = 12


def examples(long: int, short: int) -> int:
    """How many examples a test marked `seeded` tries: `long` in `make test-long`, else `short`."""
    return long if os.environ.get(LONG) == "1" else short


def environment(cache: Path) -> dict[str, str]:
    """What a process of tests, and all that it starts, finds in its environment.

    Compiled kernels are kept in its own folder `cache`: numba's index of a file is read, changed and written without a
    lock, so that of two processes that compile at once one may be given the kernel of the other.
    """
    return dict.fromkeys(ONE_THREAD, "1") | {"NUMBA_CACHE_DIR": str(cache)}


def with_kernels(caches: Sequence[Path]) -> None:
    """Fills those `caches` that are not there yet with the kernels that serving needs, compiled once for all.

    Each process of tests would compile them for itself, and so long no server that it started would be ready.
    """
    new = [cache for cache in caches if not cache.exists()]
    if not new:
        return
    kernels = Path(__file__).with_name("kernels.py")
    subprocess.run([sys.executable, kernels], env=os.environ | environment(new[0]), check=True)
    for cache in new[1:]:
        shutil.copytree(new[0], cache)


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], None]) -> Path:
    """A folder that is filled once a run, by the process that asks first; the others wait, and leave it as it is."""
    mine = factory.getbasetemp()
    run = mine.parent if mine.name.startswith("popen-") else mine
    folder, made = run / name, run / f"{name}.made"
    with (run / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            make(folder)
            made.touch()
    return folder


def ports() -> Iterator[int]:
    """Ports for servers of this process: another thousand for each of twelve, from a start of its own.

    They lie below those that the kernel gives to outgoing connections, one of which could take a port between the look
    whether it is free and the start of the server.
    """
    share = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % _SHARES
    first = _FIRST_PORT + share * _PORTS
    mine = range(first, first + _PORTS)
    start = os.getpid() % _PORTS
    return cycle([*mine[start:], *mine[:start]])
