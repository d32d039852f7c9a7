"""Processes that kill themselves at a named point."""

import random
import time
from collections.abc import Callable
from typing import Final

from benchmarks.faults.shop import Part, Shop
from etappe import faults

_MOST: Final = {"ingest": 8, "decisions": 2, "graph": 2}
"""Up to which passing a point may kill; what the worker passes is passed but once in most runs."""
DEATH_SECONDS: Final = 6.0
"""Longest wait for a process to come to its kill point."""


def part_of(point: str) -> Part:
    """The process that passes a kill point."""
    return "serve" if point.split(".", maxsplit=1)[0] in ("ingest", "decisions", "graph") else "worker"


NOT_PASSED: Final = ("log.replace", "log.delete", "log.checkpoint", "archive.before_reject", "archive.reject")
"""Points that this traffic does not lead to: compaction, checkpoints, rewriting, damaged entries."""
POINTS: Final = tuple(point for point in faults.POINTS if not point.startswith(NOT_PASSED))


def arm(shop: Shop, point: str, chance: random.Random) -> None:
    """Starts the process anew that is to kill itself at a point."""
    part = part_of(point)
    shop.restart(part, f"{point}:{chance.randint(1, _MOST.get(point.partition('.')[0], 1))}")
    if part == "serve":
        shop.wait_until_ready()


def at_point(point: str) -> Callable[[Shop, random.Random], None]:
    """Waits until an armed process has killed itself; it is started again without the point."""
    part = part_of(point)

    def strike(shop: Shop, _: random.Random) -> None:
        try:
            _await_death(shop, part)
        except NotPassedError:
            shop.restart(part)
            raise
        if part == "serve":
            shop.restart(part)

    return strike


def _await_death(shop: Shop, part: Part) -> None:
    """Until one of the part's processes has killed itself."""
    deadline = time.monotonic() + DEATH_SECONDS
    known: set[int] = set()
    while time.monotonic() < deadline:
        now = set(shop.serving()) if part == "serve" else {pid for pid in [shop.worker()] if pid}
        if known - now:
            shop.struck_at = time.monotonic()
            return
        known |= now
        time.sleep(0.01)
    raise NotPassedError


class NotPassedError(Exception):
    """The process did not come to its kill point."""
