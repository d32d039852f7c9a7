"""Decisions under more load than one process bears: how many are made, refused or degraded, and how soon.

python -m benchmarks.overload            about three minutes, and a plot
python -m benchmarks.overload --smoke    shows that it runs; its figures mean little

Arrivals come by chance at a set rate, whatever was answered (`open_loop`). What a process can do is measured first, by
a client that always has some requests waiting.
"""

import sys
import tempfile
from argparse import ArgumentParser
from pathlib import Path
from typing import Final

import msgspec
from rich.console import Console
from rich.table import Table

from benchmarks import client, shop
from benchmarks.decide import begin_sessions, say, server, told_machine
from benchmarks.overload import open_loop, plot
from benchmarks.overload.open_loop import Seen
from benchmarks.shop import Size

FULL: Final = Size(customers=5_000, items=2_000, days=120, requests=6_000, seconds=8.0, rounds=3)
SMOKE: Final = Size(customers=200, items=200, days=60, requests=400, seconds=1.5, rounds=1)
SEED: Final = 20
SHARES: Final = (0.1, 0.3, 0.5, 0.7, 0.9, 1.0, 1.25, 1.5, 2.0, 2.5, 3.0)
"""Offered, as shares of what a process can do."""
SMOKE_SHARES: Final = (0.1, 0.9, 3.0)
WARM_SECONDS: Final = 1.0
"""At each rate before it is measured: a burst may wait, what lasts may not."""


class Step(msgspec.Struct, frozen=True):
    """What was seen at one rate, as a share of what a process can do."""

    share: float
    seen: Seen

    @property
    def offered(self) -> float:
        """Requests a second."""
        return self.seen.offered / self.seen.seconds

    @property
    def accepted(self) -> float:
        """Decisions a second."""
        return len(self.seen.accepted) / self.seen.seconds

    def percentile(self, share: float) -> float:
        """The time (ms) within which `share` of the accepted were answered."""
        ordered = sorted(self.seen.accepted) or [float("nan")]
        return ordered[min(int(share * len(ordered)), len(ordered) - 1)] * 1000


def main() -> None:
    """Measures, prints and draws."""
    parser = ArgumentParser(
        prog="python -m benchmarks.overload", description=__doc__.splitlines()[0] if __doc__ else ""
    )
    parser.add_argument("--smoke", action="store_true", help="the smallest size, in well under a minute")
    parser.add_argument("--seed", type=int, default=SEED, help=f"of the shop and the arrivals (default {SEED})")
    parser.add_argument("--plot", type=Path, help="draw into this file (.svg or .png)")
    options = parser.parse_args()
    size, shares = (SMOKE, SMOKE_SHARES) if options.smoke else (FULL, SHARES)
    with tempfile.TemporaryDirectory(prefix="etappe-benchmark-") as folder:
        capacity, steps = measure(Path(folder), size, shares, options.seed)
    show(capacity, steps, size, options.seed)
    if options.plot:
        plot.draw(capacity, steps, options.plot)


def measure(folder: Path, size: Size, shares: tuple[float, ...], seed: int) -> tuple[float, list[Step]]:
    """What a process can do (decisions a second), and what it does at shares of it."""
    say(f"making a shop of {size.items:,} items and {size.customers:,} customers ...")
    data = folder / "data"
    made = shop.make(data, size, seed)
    asked = shop.requests(made, size.requests, seed)
    with server(["-m", "etappe", "serve", f"--data={data}"], {"ETAPPE_AUTH": "off"}, "--port=") as port:
        begin_sessions(port, made, seed)
        rounds = [client.run(port, asked, size.seconds / 2) for _ in range(size.rounds + 1)][1:]
        capacity = sorted(one.rate for one in rounds)[len(rounds) // 2]
        steps = list[Step]()
        for share in shares:
            say(f"{share:g} of {capacity:,.0f} decisions a second ...")
            open_loop.run(port, asked, share * capacity, WARM_SECONDS, seed)
            steps.append(Step(share, open_loop.run(port, asked, share * capacity, size.seconds, seed + 1)))
    return capacity, steps


def show(capacity: float, steps: list[Step], size: Size, seed: int) -> None:
    """Prints what was measured, where and how."""
    console = Console(width=120, highlight=False)
    console.print(f"command   python -m benchmarks.overload {' '.join(sys.argv[1:])}".rstrip())
    told_machine(console)
    console.print(f"shop      {size.items:,} items, {size.customers:,} customers, {size.days} days, seed {seed}")
    console.print(f"capacity  {capacity:,.0f} decisions a second of one process, {client.CONNECTIONS} connections")
    console.print(f"arrivals  by chance, {size.seconds:g} s at each rate, from another process")
    console.print(table(steps))
    first, beyond = steps[0], [step for step in steps if step.share >= 1]
    if beyond:
        slowest, least = max(step.percentile(0.99) for step in beyond), min(step.accepted for step in beyond)
        console.print(
            f"Beyond what it can do: p99 of the accepted at most {slowest / first.percentile(0.99):.1f} times that at"
            f" {first.share:.0%}, at least {least / capacity:.0%} of capacity done,"
            f" {sum(step.seen.degraded for step in steps)} degraded."
        )


def table(steps: list[Step]) -> Table:
    """One line a rate. `client late` is how far the sending process itself was behind at worst."""
    shown = Table(box=None, pad_edge=False, header_style="bold")
    names = ("of capacity", "offered/s", "accepted/s", "refused", "degraded", "failed", "unsent", "p50 ms", "p99 ms")
    for name in (*names, "client late ms"):
        shown.add_column(name, justify="right")
    for step in steps:
        seen = step.seen
        shown.add_row(
            f"{step.share:g}",
            f"{step.offered:,.0f}",
            f"{step.accepted:,.0f}",
            f"{len(seen.refused) / max(1, seen.offered):.1%}",
            *(f"{count:,}" for count in (seen.degraded, seen.failed, seen.unsent)),
            f"{step.percentile(0.5):.1f}",
            f"{step.percentile(0.99):.1f}",
            f"{seen.late * 1000:.0f}",
        )
    return shown


if __name__ == "__main__":
    main()
