"""A clock that can be stepped while a process runs: the file that FAULTS_CLOCK names says by how many seconds.

Python imports this at the start of every process with this folder on its PYTHONPATH.
"""

import datetime as dt
import mmap
import os
import struct
import sys
import time
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType

_ARRIVALS = "etappe.api.service"
"""The module that says when events arrived; it asks `datetime`, whose class cannot be changed."""


class _Shifted:
    """Stands in for `datetime` where the time of arrival is asked."""

    @staticmethod
    def now(zone: dt.tzinfo | None = None) -> dt.datetime:
        """The stepped time."""
        return dt.datetime.fromtimestamp(time.time(), zone)


class _Shifting(Loader):
    """Loads a module, then takes its clock away."""

    def __init__(self, loader: Loader) -> None:
        self._loader = loader

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """As the loader behind it."""
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        """As the loader behind it, with another clock."""
        self._loader.exec_module(module)
        module.datetime = _Shifted  # type: ignore[attr-defined]


class _Finder(MetaPathFinder):
    """Finds the one module whose clock is to be taken away."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The module with another loader; None for all others."""
        spec = PathFinder.find_spec(fullname, path, target) if fullname == _ARRIVALS else None
        if spec is not None and spec.loader is not None:
            spec.loader = _Shifting(spec.loader)
        return spec


def _install(path: Path) -> None:
    with path.open("rb") as file:
        shift = mmap.mmap(file.fileno(), 8, access=mmap.ACCESS_READ)
    seconds, nanoseconds = time.time, time.time_ns

    def offset() -> float:
        return float(struct.unpack("<d", shift[:8])[0])

    time.time = lambda: seconds() + offset()
    time.time_ns = lambda: nanoseconds() + int(offset() * 1e9)
    sys.meta_path.insert(0, _Finder())


if "FAULTS_CLOCK" in os.environ:
    _install(Path(os.environ["FAULTS_CLOCK"]))
