"""A process that appends, merges, rewrites and makes checkpoints, and says what is done: to be killed on the way.

Run as `python killed_log.py FOLDER`.
"""

# ruff: noqa: T201 - what is done is said on stdout

import sys
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from etappe.log import Log, as_rows
from etappe.log.compaction import Limits

LIMITS = Limits(many=3, quiet=3, grace_seconds=0, commits=3)
ROUNDS = 9


def rows(*names: str) -> pl.DataFrame:
    """Events with these ids, on the day that the last digit of the first says."""
    day = int(names[0][-1]) % 2
    columns = {
        "event_id": list(names),
        "event": ["view_item"] * len(names),
        "time": [datetime(2026, 1, 1 + day, 12, tzinfo=UTC)] * len(names),
    }
    return as_rows("event", columns)


def erased(_table: str, found: pl.DataFrame) -> pl.DataFrame | None:
    """Leaves rows whose id does not begin with x."""
    kept = found.filter(~pl.col("event_id").str.starts_with("x"))
    return None if kept.height == found.height else kept


def main() -> None:
    """Goes through it all."""
    log = Log(Path(sys.argv[1]))
    log.prepare()
    for number in range(ROUNDS):
        print("adding", number, flush=True)
        with log.transaction("test") as into:
            into.add("event", rows(f"e{number}", f"x{number}"))
            into.add("event", rows(f"f{number + 1}"))
            into.streams = {"s": f"{number}-0"}
        print("added", number, flush=True)
        log.compact(LIMITS)
        if number == ROUNDS // 2:
            print("rewriting", number, flush=True)
            log.rewrite(erased)
            print("rewritten", number, flush=True)


if __name__ == "__main__":
    main()
