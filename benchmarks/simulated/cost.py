"""What it costs to simulate a shop and to write it, in a process of its own.

python -m benchmarks.simulated.cost CUSTOMERS ITEMS DAYS SEED
"""

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import msgspec

from benchmarks.simulated import tables
from benchmarks.simulated.sample import END
from etappe.simulation import Size, simulate, write


class Cost(msgspec.Struct, frozen=True):
    """Seconds, peak memory so far (bytes), and bytes written."""

    events: int
    simulated: float
    written: float
    memory_simulated: int
    memory_written: int
    disk: int


def main() -> None:
    """Simulates, writes, and prints what it took as JSON."""
    customers, items, days, seed = map(int, sys.argv[1:])
    began = time.perf_counter()
    shop = simulate(Size(customers=customers, items=items, days=days, seed=seed, end=END))
    simulated, memory = time.perf_counter(), _peak()
    with tempfile.TemporaryDirectory(prefix="etappe-benchmark-") as folder:
        write(shop, Path(folder))
        written = time.perf_counter()
        disk = sum(path.stat().st_size for path in Path(folder).rglob("*") if path.is_file())
    cost = Cost(len(shop.story.told), simulated - began, written - simulated, memory, _peak(), disk)
    print(json.dumps(msgspec.to_builtins(cost)))


def measure(customers: int, items: int, days: int, seed: int) -> Cost:
    """What a process needs. To be asked before this one is large: a child's peak begins with its parent's memory."""
    arguments = map(str, (customers, items, days, seed))
    command = [sys.executable, "-m", "benchmarks.simulated.cost", *arguments]
    told = subprocess.run(command, check=True, stdout=subprocess.PIPE)
    return msgspec.json.decode(told.stdout, type=Cost)


def show(cost: Cost) -> None:
    """Prints it."""
    rows = (
        ["simulate", cost.simulated, f"{cost.events / cost.simulated:,.0f}", cost.memory_simulated / 1e6, None],
        ["write", cost.written, f"{cost.events / cost.written:,.0f}", cost.memory_written / 1e6, cost.disk / 1e6],
    )
    tables.show(f"Cost of {cost.events:,} events", ["", "seconds", "events/s", "peak MB", "MB written"], rows)


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


if __name__ == "__main__":
    main()
